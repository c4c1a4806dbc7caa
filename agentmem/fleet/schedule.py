"""Which worker begins with which run next. Workers stay with a group, whose prefix their engine or provider has warm.

A group that is cold begins with one run; the others follow when its first reply has begun.
"""

from collections import deque
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field


@dataclass
class Schedule:
    """The runs that are still to begin, by group, and what each worker has. ``together`` is the most of one worker."""

    together: int
    waiting: dict[str, deque[str]] = field(default_factory=dict)
    running: dict[str, dict[str, str]] = field(default_factory=dict)  # worker -> key -> group
    at: dict[str, str] = field(default_factory=dict)  # worker -> the group that it works on
    moved: set[str] = field(default_factory=set)  # runs that wait, and whose worker was lost

    def add(self, runs: Iterable[tuple[str, str]]) -> None:
        """Add runs as pairs of key and group, in order."""
        for key, group in runs:
            self.waiting.setdefault(group, deque()).append(key)

    def resume(self, key: str, group: str) -> None:
        """Add a run whose worker was lost: it goes on before others begin, and so does its group."""
        self.waiting.setdefault(group, deque()).appendleft(key)
        self.moved.add(key)

    def ended(self, worker: str, key: str) -> str:
        """A run has left its worker; returns its group."""
        return self.running[worker].pop(key)

    def lost(self, worker: str) -> dict[str, str]:
        """A worker is gone: its runs, as keys with their groups, are to begin elsewhere."""
        self.at.pop(worker, None)
        return self.running.pop(worker, {})

    def next(self, workers: Collection[str], warm: Collection[str]) -> Iterator[tuple[str, str]]:
        """Pairs of worker and key to begin now. The workers that have least to do begin first."""
        while True:
            free = [one for one in workers if len(self.running.get(one, ())) < self.together]
            pairs = (self._begun(one, warm) for one in sorted(free, key=lambda one: len(self.running.get(one, ()))))
            pair = next((pair for pair in pairs if pair), None)
            if pair is None:
                return
            yield pair

    @property
    def left(self) -> int:
        """The runs that wait or are at work."""
        return sum(map(len, self.waiting.values())) + sum(map(len, self.running.values()))

    def _begun(self, worker: str, warm: Collection[str]) -> tuple[str, str] | None:
        """Give a worker its next run: of its own group, else of the group with the most runs for each worker on it."""
        busy = {group for runs in self.running.values() for group in runs.values()}
        groups = [group for group, keys in self.waiting.items() if keys and (group in warm or group not in busy)]
        if not groups:
            return None
        group = self._chosen(worker, groups)
        self.at[worker] = group
        key = self.waiting[group].popleft()
        self.moved.discard(key)
        self.running.setdefault(worker, {})[key] = group
        return worker, key

    def _chosen(self, worker: str, groups: list[str]) -> str:
        first = [group for group in groups if self.waiting[group][0] in self.moved]
        shares = {group: len(self.waiting[group]) / (1 + self._on(group)) for group in first or groups}
        mine = self.at.get(worker, "")
        return mine if mine in shares else max(shares, key=lambda one: shares[one])

    def _on(self, group: str) -> int:
        return sum(one == group for one in self.at.values())

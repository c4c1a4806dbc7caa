"""The sessions of some files and folders as they are now: what the served page asks for.

    with SessionShelf([Path("~/.claude/projects").expanduser()], user_cache / "sessions.db") as shelf:
        shelf.refresh()
        shelf.listing()["sessions"]["name"]

A file that did not change is not read again, and of one that grew only what is new. All methods may be called from any
thread, `refresh` and `look_again` from one at a time.
"""

import sqlite3
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path
from threading import Lock
from typing import Any

from agentmem.closing import Closing
from agentmem.replay.session import SkippedLine
from agentmem.report.data import Gathered, gathered
from agentmem.report.loading import ALL, RUNS, Observed, chosen
from agentmem.report.logs.index import IndexedLog, LogIndex, Stamp, stamp, there
from agentmem.report.logs.reading import WorkItem
from agentmem.ui.families import Family, family_of
from agentmem.ui.growth import ReadOn
from agentmem.ui.listing import Data, listing

KEPT = 4
"""Sessions that are kept as they were read last."""
TOLD = 8
"""Versions of sessions that are kept to tell what changed since."""
FEW = 4
"""Files that changed up to which each is read on from its old end; more are read anew, by several processes."""
Answers = Callable[[Path], dict[str, Any] | None]


@dataclass(frozen=True, slots=True)
class _File:
    stamp: Stamp
    log: IndexedLog


@dataclass(frozen=True, slots=True)
class Changed:
    """What a look at the files found: sessions that grew, by id, and how many files are not read yet."""

    sessions: frozenset[str]
    unread: int


class SessionShelf(Closing):
    """``paths`` are files and folders; those that do not exist yet may come. ``index`` is the file that remembers what
    was read, None to forget it at the end; ``jobs`` as in `LogIndex`. ``answers`` gives the statistics of the answer
    cache beside a database of runs.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        index: Path | None = None,
        *,
        jobs: int = 1,
        home: Path | None = None,
        answers: Answers = lambda folder: None,
    ) -> None:
        self._paths, self._answers = tuple(paths), answers
        self._home = home or Path.home()
        self._index = _opened(index, jobs)
        self._files: dict[str, _File] = {}
        self._closed: tuple[SkippedLine, ...] = ()
        self._families: dict[str, tuple[Family, tuple[str, ...]]] = {}
        self._unread = 0
        self._kept: OrderedDict[str, tuple[tuple[Stamp, ...], Gathered]] = OrderedDict()
        self._listing: Data | None = None
        self._lock, self._reading = Lock(), Lock()
        self._numbers, self._told = count(1), deque[Data](maxlen=TOLD)
        self._growing = ReadOn()

    def close(self) -> None:
        """Close the index. May be called twice."""
        self._index.close()

    def refresh(self, told: Callable[[Changed], None] = lambda changed: None) -> Changed:
        """Look at all files, and read those that changed; ``told`` is called now and then while many are read."""
        stamps, closed = there(path for path in self._paths if path.exists())
        changed = self._lose([name for name in self._files if name not in stamps], tuple(closed))
        old = {name: at for name, at in stamps.items() if name not in self._files or self._files[name].stamp != at}
        if old:
            changed |= self._read(old, told)
        return Changed(frozenset(changed), 0)

    def look_again(self, names: Iterable[str]) -> Changed:
        """Read those of these files that changed."""
        stamps = ((name, stamp(Path(name))) for name in names)
        old = {name: at for name, at in stamps if at and (name not in self._files or self._files[name].stamp != at)}
        return Changed(frozenset(self._read(old, lambda changed: None)) if old else frozenset(), self._unread)

    def recent(self, since: float) -> list[str]:
        """Files that were named, those written after ``since``, and those of sessions that were looked at last."""
        with self._lock:
            open_ = [name for one in self._kept for name in self._families.get(one, (None, ()))[1]]
            fresh = [name for name, file in self._files.items() if file.stamp[1] > since * 1e9]
        given = [str(path.resolve()) for path in self._paths if path.is_file()]
        return list(dict.fromkeys([*given, *open_, *fresh]))

    def listing(self) -> Data:
        """The list of sessions."""
        with self._lock:
            if self._listing is None:
                logs = {name: self._files[name].log for name in sorted(self._files)}
                skipped = [*self._closed, *(each for log in logs.values() for each in log.skipped)]
                self._listing = listing(self._index.counted(logs), skipped, self._home, self._unread)
            return self._listing

    def families(self) -> list[tuple[Family, tuple[str, ...]]]:
        """Every session with its files, the one that was written last first."""
        with self._lock:
            return sorted(self._families.values(), key=lambda one: -max(self._written(name) for name in one[1]))

    def family(self, id: str) -> Family:
        """The session of that id. Raises KeyError if there is none."""
        with self._lock:
            return self._families[id][0]

    def rows(self, id: str) -> Data | None:
        """The session's numbers alone, from the index; None where they must be read anyway. Raises KeyError."""
        family, names = self._of(id)
        if family.format == RUNS:
            return None
        observed = list(_members(family, chosen(chain.from_iterable(map(self._index.rows, names)), ALL)))
        return {**gathered(observed, family.name).data, "id": id, "partial": True}

    def known(self, id: str) -> Gathered | None:
        """The whole session, if it is at hand as it is now. Raises KeyError."""
        _, names = self._of(id)
        stamps = _stamps(names)
        with self._lock:
            kept = self._kept.get(id)
            return kept[1] if kept and kept[0] == stamps else None

    def whole(self, id: str) -> Gathered:
        """The whole session, read if need be. Raises KeyError if there is none of that id."""
        family, names = self._of(id)
        with self._reading:  # two that ask for one session read it once
            found = self.known(id)
            if found is not None:
                return found
            stamps = _stamps(names)
            there_ = (Path(name) for name in names if Path(name).exists())
            found_ = chain.from_iterable(self._growing.conversations(path, family.format) for path in there_)
            observed = list(_members(family, chosen(found_, ALL)))
            folder = Path(family.path).parent.parent
            answers = self._answers(folder) if family.format == RUNS else None
            made = gathered(observed, family.name, answers)
            made.data.update(id=id, version=str(next(self._numbers)))
            with self._lock:
                self._told.append(made.data)
                self._kept[id] = (stamps, made)
                self._kept.move_to_end(id)
                while len(self._kept) > KEPT:
                    self._kept.popitem(last=False)
            return made

    def version(self, id: str, name: str) -> Data | None:
        """The data of a session at an earlier version, if that is still known."""
        with self._lock:
            return next((one for one in self._told if (one["id"], one["version"]) == (id, name)), None)

    def _of(self, id: str) -> tuple[Family, tuple[str, ...]]:
        with self._lock:
            return self._families[id]

    def _written(self, name: str) -> int:
        return self._files[name].stamp[1] if name in self._files else 0

    def _lose(self, gone: Iterable[str], closed: tuple[SkippedLine, ...]) -> set[str]:
        """Forget files that are gone; the sessions that they were of."""
        with self._lock:
            lost = [self._files.pop(name) for name in gone]
            if lost or closed != self._closed:
                self._closed = closed
                self._arrange()
            return {id for file in lost for id in _ids(file.log)}

    def _read(self, old: dict[str, Stamp], told: Callable[[Changed], None]) -> set[str]:
        """Read these files; the sessions that they are of."""
        changed: set[str] = set()
        step = max(1, len(old) // 20)
        for at, (name, log) in enumerate(self._loaded(old), start=1):
            with self._lock:
                self._files[name] = _File(old[name], log)
                if at % step == 0 or at == len(old):
                    self._unread = len(old) - at
                    self._arrange()
            changed |= _ids(log)
            if at % step == 0 and at < len(old):
                told(Changed(frozenset(), len(old) - at))
        return changed

    def _loaded(self, old: dict[str, Stamp]) -> Iterator[tuple[str, IndexedLog]]:
        """Each file as it is now."""
        if len(old) > FEW or not all(name in self._files for name in old):
            yield from self._index.refresh(old)
            return
        for name, at in old.items():
            item = WorkItem(name, *at)
            sessions = self._files[name].log.sessions
            format = sessions[0].format if sessions else ""
            yield name, self._index.keep(item, self._growing.listed(item, format))

    def _arrange(self) -> None:
        """Sort files by session anew. The lock is held."""
        self._listing = None
        found: dict[str, tuple[Family, list[str]]] = {}
        for name in sorted(self._files):
            for one in self._files[name].log.sessions:
                family = family_of(one.path, one.name, one.format)
                _, names = found.setdefault(family.id, (family, []))
                if name not in names:
                    names.append(name)
        self._families = {id: (family, tuple(names)) for id, (family, names) in found.items()}


def _opened(path: Path | None, jobs: int) -> LogIndex:
    """The index at ``path``; one that is forgotten where that cannot be written."""
    try:
        return LogIndex(path, jobs)
    except (OSError, sqlite3.Error):
        return LogIndex(None, jobs)


def _ids(log: IndexedLog) -> set[str]:
    return {family_of(one.path, one.name, one.format).id for one in log.sessions}


def _stamps(names: Iterable[str]) -> tuple[Stamp, ...]:
    return tuple(stamp(Path(name)) or (0, 0) for name in names)


def _members(family: Family, found: Iterable[Observed | SkippedLine]) -> Iterator[Observed]:
    """The conversations of one session, its main one first."""
    own = [
        one for one in found if isinstance(one, Observed) and family_of(one.path, one.name, one.format).id == family.id
    ]
    yield from sorted(own, key=lambda one: (one.path != family.path or "/agent-" in one.name, one.turns[0].row.at))

"""The sessions of some files and folders as they are now: what the served page asks for.

    shelf = SessionShelf([Path("~/.claude/projects").expanduser()], user_cache / "logs.db")
    shelf.refresh()
    shelf.listing()["sessions"]["name"]

A file that did not change is not read again. All methods may be called from any thread, `refresh` from one at a time.
"""

import sqlite3
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from agentmem.replay.recordings import files
from agentmem.replay.session import SkippedLine
from agentmem.report.catalogue import LogCatalogue
from agentmem.report.data import Gathered, gathered
from agentmem.report.loading import RUNS, Observed, load_paths
from agentmem.ui.families import Family, family_of
from agentmem.ui.listing import Data, ListedConversation, conversation, listing

KEPT = 4
"""Sessions that are kept as they were read last."""
Stamp = tuple[int, int]
Answers = Callable[[Path], dict[str, Any] | None]


@dataclass(frozen=True, slots=True)
class _File:
    stamp: Stamp
    conversations: tuple[ListedConversation, ...]
    skipped: tuple[SkippedLine, ...] = ()


@dataclass(frozen=True, slots=True)
class Changed:
    """What a look at the files found: sessions that grew, by id, and how many files are not read yet."""

    sessions: frozenset[str]
    unread: int


class SessionShelf:
    """``paths`` are files and folders; those that do not exist yet may come. ``catalogue`` is the file that remembers
    rows, None to remember nothing. ``answers`` gives the statistics of the answer cache beside a database of runs.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        catalogue: Path | None = None,
        *,
        home: Path | None = None,
        answers: Answers = lambda folder: None,
    ) -> None:
        self._paths, self._catalogue, self._answers = tuple(paths), catalogue, answers
        self._home = home or Path.home()
        self._files: dict[str, _File] = {}
        self._closed: tuple[SkippedLine, ...] = ()
        self._families: dict[str, tuple[Family, tuple[str, ...]]] = {}
        self._unread = 0
        self._kept: OrderedDict[str, tuple[tuple[Stamp, ...], Gathered]] = OrderedDict()
        self._listing: Data | None = None
        self._lock, self._reading = Lock(), Lock()

    def refresh(self, told: Callable[[Changed], None] = lambda changed: None) -> Changed:
        """Look at all files, and read those that changed; ``told`` is called now and then while many are read."""
        there, closed = self._there()
        stamps = {name: stamp(Path(name)) for name in there}
        old = [name for name in stamps if self._is_old(name)]
        gone = [name for name in self._files if name not in stamps or stamps[name] is None]
        changed = self._lose(gone, closed)
        if old:
            changed |= self._read(old, told)
        return Changed(frozenset(changed), 0)

    def look_again(self, names: Iterable[str]) -> Changed:
        """Read those of these files that changed."""
        old = [name for name in names if self._is_old(name)]
        return Changed(frozenset(self._read(old, lambda changed: None)) if old else frozenset(), self._unread)

    def recent(self, since: float) -> list[str]:
        """Files that were named, those written after ``since``, and those of sessions that were looked at last."""
        with self._lock:
            open_ = [name for one in self._kept for name in self._families.get(one, (None, ()))[1]]
            fresh = [name for name, file in self._files.items() if file.stamp[1] > since * 1e9]
        given = [str(path) for path in self._paths if path.is_file()]
        return list(dict.fromkeys([*given, *open_, *fresh]))

    def listing(self) -> Data:
        """The list of sessions."""
        with self._lock:
            if self._listing is None:
                skipped = [*self._closed, *(each for file in self._files.values() for each in file.skipped)]
                found = [self._files[name].conversations for name in sorted(self._files)]
                self._listing = listing(found, skipped, self._home, self._unread)
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
        """The session's numbers alone, from the catalogue; None where they must be read anyway. Raises KeyError."""
        family, names = self._of(id)
        if self._catalogue is None or family.format == RUNS:
            return None
        try:
            with LogCatalogue(self._catalogue) as catalogue:
                observed = list(_members(family, catalogue.load(map(Path, names))))
        except (OSError, sqlite3.Error):
            return None
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
            observed = list(_members(family, load_paths([Path(name) for name in names if Path(name).exists()])))
            folder = Path(family.path).parent.parent
            answers = self._answers(folder) if family.format == RUNS else None
            made = gathered(observed, family.name, answers)
            made.data["id"] = id
            with self._lock:
                self._kept[id] = (stamps, made)
                self._kept.move_to_end(id)
                while len(self._kept) > KEPT:
                    self._kept.popitem(last=False)
            return made

    def _of(self, id: str) -> tuple[Family, tuple[str, ...]]:
        with self._lock:
            return self._families[id]

    def _is_old(self, name: str) -> bool:
        """Whether a file is there, and not as it was read."""
        at = stamp(Path(name))
        return at is not None and (name not in self._files or self._files[name].stamp != at)

    def _written(self, name: str) -> int:
        return self._files[name].stamp[1] if name in self._files else 0

    def _there(self) -> tuple[list[str], tuple[SkippedLine, ...]]:
        """The files that there are, and folders that cannot be read."""
        found, closed = list[str](), list[SkippedLine]()
        for one in files(path for path in self._paths if path.exists()):
            if isinstance(one, SkippedLine):
                closed.append(one)
            else:
                found.append(str(one))
        return found, tuple(closed)

    def _lose(self, gone: Iterable[str], closed: tuple[SkippedLine, ...]) -> set[str]:
        """Forget files that are gone; the sessions that they were of."""
        with self._lock:
            lost = [self._files.pop(name) for name in gone]
            if lost or closed != self._closed:
                self._closed = closed
                self._arrange()
            return {one.family.id for file in lost for one in file.conversations}

    def _read(self, names: Sequence[str], told: Callable[[Changed], None]) -> set[str]:
        """Read these files; the sessions that they are of."""
        changed: set[str] = set()
        step = max(1, len(names) // 20)
        for at, (name, file) in enumerate(self._loaded(names), start=1):
            with self._lock:
                self._files[name] = file
                if at % step == 0 or at == len(names):
                    self._unread = len(names) - at
                    self._arrange()
            changed |= {one.family.id for one in file.conversations}
            if at % step == 0 and at < len(names):
                told(Changed(frozenset(), len(names) - at))
        return changed

    def _arrange(self) -> None:
        """Sort files by session anew. The lock is held."""
        self._listing = None
        found: dict[str, tuple[Family, list[str]]] = {}
        for name in sorted(self._files):
            for one in self._files[name].conversations:
                _, names = found.setdefault(one.family.id, (one.family, []))
                if name not in names:
                    names.append(name)
        self._families = {id: (family, tuple(names)) for id, (family, names) in found.items()}

    def _loaded(self, names: Iterable[str]) -> Iterator[tuple[str, _File]]:
        """Each file as it is now. One that others write into beside (a database's log) is read past the catalogue."""
        catalogue = self._opened()
        try:
            for name in names:
                path = Path(name)
                at = stamp(path) or (0, 0)
                past = catalogue is None or _beside(path).exists()
                observed, skipped = list[ListedConversation](), list[SkippedLine]()
                for one in load_paths([path]) if past or catalogue is None else catalogue.load([path]):
                    if isinstance(one, SkippedLine):
                        skipped.append(one)
                    else:
                        observed.append(conversation(one))
                yield name, _File(at, tuple(observed), tuple(skipped))
        finally:
            if catalogue is not None:
                catalogue.close()

    def _opened(self) -> LogCatalogue | None:
        try:
            return None if self._catalogue is None else LogCatalogue(self._catalogue)
        except (OSError, sqlite3.Error):
            return None


def stamp(path: Path) -> Stamp | None:
    """Size and time of a file, with those of what a database writes beside it; None if it is gone."""
    try:
        at = path.stat()
        beside = _beside(path)
        more = beside.stat() if path.suffix in _DATABASES and beside.exists() else None
    except OSError:
        return None
    if more is None:
        return at.st_size, at.st_mtime_ns
    return at.st_size + more.st_size, max(at.st_mtime_ns, more.st_mtime_ns)


_DATABASES = (".db", ".sqlite", ".sqlite3")


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


def _stamps(names: Iterable[str]) -> tuple[Stamp, ...]:
    return tuple(stamp(Path(name)) or (0, 0) for name in names)


def _members(family: Family, found: Iterable[Observed | SkippedLine]) -> Iterator[Observed]:
    """The conversations of one session, its main one first."""
    own = [
        one for one in found if isinstance(one, Observed) and family_of(one.path, one.name, one.format).id == family.id
    ]
    yield from sorted(own, key=lambda one: (one.path != family.path or "/agent-" in one.name, one.turns[0].row.at))

"""Loads any source in one shape: a run of ours, a wire log, other tools' logs, or a folder of them.

    for one in load_paths([Path("~/.claude/projects").expanduser()], Choice(session="3f2a")):
        print(one.name, len(one.turns))

`agentmem report`, `why`, `context` and the page take what this gives, and nothing else.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from agentmem.context.window import View, extend
from agentmem.errors import ConfigError
from agentmem.integrations.observing import read_run, read_wirelog
from agentmem.kvcache.why.diagnosis import Finding, diagnose
from agentmem.kvcache.why.groups import grouped
from agentmem.kvcache.why.observed import ObservedRequest
from agentmem.meter.ledger import Break, Row
from agentmem.replay.recordings import sessions, sources
from agentmem.replay.session import RecordedSession, SkippedLine
from agentmem.replay.source import RecordingSource, Spool
from agentmem.report.lineages import breaks
from agentmem.report.recorded import NOTHING, ContextFrames, recorded
from agentmem.report.turns import ReportTurn, told_in, turns
from agentmem.transcript.journal import Journal, open_journal

RUNS, WIRE_LOG = "runs", "wire-log"
"""The formats that are read in a way of their own: they hold whole requests."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which sessions of a source are taken.

    ``since`` is in seconds since the epoch: files that were last written before are passed over, and so are earlier
    requests. ``project`` is a part of the path of a session's file, ``session`` the beginning of its name, or of the
    file's.
    """

    since: float = 0.0
    project: str = ""
    session: str = ""

    def takes_file(self, path: Path) -> bool:
        """Whether a file may hold what is looked for."""
        if self.project and self.project not in str(path.parent):
            return False
        return not self.since or path.stat().st_mtime >= self.since

    def takes_session(self, name: str) -> bool:
        """Whether a session of this name is looked for."""
        return not self.session or any(part.startswith(self.session) for part in (name, *name.split("/")))


ALL = Choice()


@dataclass(frozen=True, slots=True)
class Observed:
    """One conversation of any source.

    ``name`` is what people call it, ``format`` a name of `agentmem.replay.recordings.FORMATS`, ``path`` its file (""
    for a run of ours). ``findings`` are its losses, with the numbers of ``turns``. ``window`` is the context after
    the last reply, ``pages`` the pinned pages at their places in its head. ``compactions`` are the tokens at which it
    was compacted so far, ``text`` whether more than numbers is known; ``estimated``: what was processed again is told
    from usage alone.
    """

    name: str
    format: str
    path: str
    turns: tuple[ReportTurn, ...]
    findings: tuple[Finding, ...] = ()
    window: ContextFrames = NOTHING
    pages: tuple[tuple[int, str], ...] = ()
    compactions: tuple[int, ...] = ()
    text: bool = True
    estimated: bool = False

    @property
    def rows(self) -> Iterator[Row]:
        """The rows of the ledger."""
        return (turn.row for turn in self.turns)


@dataclass(frozen=True, slots=True)
class Diagnosed:
    """What `agentmem why` tells of a source: how many requests were looked at, and each loss with its session."""

    requests: int
    basis: str | None
    losses: tuple[tuple[str, Finding], ...]
    skipped: tuple[SkippedLine, ...] = ()

    def value(self, run: str) -> dict[str, Any]:
        """The object that `agentmem why --json` prints."""
        return {
            "schema": 1,
            "basis": self.basis,
            "run": run,
            "requests": self.requests,
            "findings": [asdict(one) for _, one in self.losses],
            "sessions": [session for session, _ in self.losses],
            "groups": [one.value() for one in grouped(self.losses)],
            "skipped": [asdict(one) for one in self.skipped],
        }


def load_run(journal: Journal, thread: str) -> Observed:
    """One of our own runs. Raises TranscriptError for entries that do not fit."""
    own = tuple(turns(journal.entries(thread), thread))
    view, cut_at = View(), []
    for entry in journal.entries(thread):
        if entry.kind == "compaction":
            cut_at.append(view.tokens)
        view = extend(view, entry)
    messages = tuple(one for turn in view.turns for one in turn.frames)
    head = tuple(one for one in view.prefix if one.segment in ("tool", "system"))
    tools = sum(one.segment == "tool" for one in head)
    first = tools + len(view.settings.system) if view.prefix else 0
    pages = tuple((first + at, page.page) for at, page in enumerate(view.settings.pinned)) if view.prefix else ()
    found = tuple(diagnose(read_run(journal, thread)))
    window = ContextFrames(head, messages, told_in(view))
    return Observed(thread, RUNS, "", own, found, window, pages, tuple(cut_at))


def load_paths(paths: Iterable[Path], choice: Choice = ALL) -> Iterator[Observed | SkippedLine]:
    """Every conversation in ``paths``, files or folders, in the order of the files, and what could not be read.

    A reply that stands in several logs, because a resumed session begins with a copy, counts where it is first met.
    Raises ConfigError if there is no such file.
    """
    return chosen(_every(paths, choice), choice)


def _every(paths: Iterable[Path], choice: Choice) -> Iterator[Observed | SkippedLine]:
    with TemporaryDirectory(prefix="agentmem-") as folder:
        for source in sources(paths, Spool(Path(folder)), choice.takes_file):
            if isinstance(source, SkippedLine):
                yield source
            else:
                yield from _guarded(source, choice)


def chosen(found: Iterable[Observed | SkippedLine], choice: Choice) -> Iterator[Observed | SkippedLine]:
    """Of whole conversations the turns that ``choice`` takes, and that none before had."""
    seen: set[str] = set()
    for one in found:
        if isinstance(one, SkippedLine):
            yield one
        elif choice.takes_session(one.name):
            kept = tuple(turn for turn in one.turns if turn.row.at >= choice.since and turn.row.message_id not in seen)
            seen.update(turn.row.message_id for turn in one.turns if turn.row.message_id)
            numbers = {turn.number for turn in kept}
            if kept:
                findings = tuple(each for each in one.findings if each.request in numbers)
                yield replace(one, turns=kept, findings=findings)


def _guarded(source: RecordingSource, choice: Choice) -> Iterator[Observed | SkippedLine]:
    """What a source holds: whatever a stranger's file is like, the others are read."""
    try:
        yield from _load(source, choice)
    except Exception as error:
        yield SkippedLine(source.path, source.line, f"it cannot be read: {type(error).__name__}: {error}")


def _load(source: RecordingSource, choice: Choice) -> Iterator[Observed | SkippedLine]:
    if source.format == RUNS:
        if choice.takes_session(source.name):
            yield _run_of(source)
        return
    whole: WholeRequests | None = None
    for session in sessions(source):
        if isinstance(session, SkippedLine):
            yield session
        elif choice.takes_session(session.name):
            if source.format == WIRE_LOG:
                whole = whole or compared_by_line(read_wirelog(Path(source.path))[0])
                yield observe_wire(session, whole)
            else:
                yield observe(session, source.format)


def observe(session: RecordedSession, format: str, *, losses: bool = True) -> Observed:
    """A recorded session, which was read from a log of that format; ``losses``: with what each request lost."""
    read = recorded(session, losses=losses)
    sizes = (turn.row.usage.input_tokens or turn.row.context_tokens for turn in read.turns)
    cuts = zip(session.exchanges[1:], sizes, strict=False)
    compactions = tuple(size for one, size in cuts if one.cut and one.cut.kind == "compaction")
    return Observed(
        session.name,
        format,
        session.source,
        read.turns,
        read.findings,
        read.window,
        compactions=compactions,
        text=session.text,
    )


def _run_of(source: RecordingSource) -> Observed:
    with open_journal(source.file) as journal:
        return replace(load_run(journal, source.name), path=source.path)


@dataclass(frozen=True, slots=True)
class WholeRequests:
    """What comparing all requests of a wire log tells of each, by its line."""

    findings: Mapping[int, Sequence[Finding]]
    breaks: Mapping[int, Break]


def compared_by_line(requests: Sequence[ObservedRequest]) -> WholeRequests:
    """What the requests of a wire log tell, compared with each other."""
    found: dict[int, list[Finding]] = {}
    for one in diagnose(requests):
        found.setdefault(one.request, []).append(one)
    return WholeRequests(found, breaks(requests))


def observe_wire(session: RecordedSession, whole: WholeRequests) -> Observed:
    """A conversation of a wire log, with the numbers of its lines, and what comparing all its requests tells."""
    made = observe(session, WIRE_LOG, losses=False)
    lines = [one.line for one in session.exchanges]
    numbered = tuple(_numbered(turn, line, whole) for turn, line in zip(made.turns, lines, strict=True))
    own = tuple(finding for line in lines for finding in whole.findings.get(line, ()))
    return replace(made, turns=numbered, findings=own)


def _numbered(turn: ReportTurn, line: int, whole: WholeRequests) -> ReportTurn:
    return replace(turn, number=line, row=replace(turn.row, break_=whole.breaks.get(line, turn.row.break_)))


def diagnose_run(journal: Journal, thread: str) -> Diagnosed:
    """The losses of one of our own runs."""
    return _compared(read_run(journal, thread), thread)


def diagnose_path(path: Path, choice: Choice = ALL) -> Diagnosed:
    """The losses in a file or folder. Raises ConfigError if it holds nothing that can be read."""
    if path.is_file() and (found := _whole_requests(path)):
        requests, skipped = found
        return replace(_compared([one for one in requests if one.at >= choice.since], path.name), skipped=skipped)
    observed, skipped = split(load_paths([path], choice))
    if not observed:
        raise ConfigError(nothing_in(path, skipped))
    bases = {turn.row.usage.basis for one in observed for turn in one.turns}
    losses = tuple((one.name, finding) for one in observed for finding in one.findings)
    return Diagnosed(sum(len(one.turns) for one in observed), bases.pop() if len(bases) == 1 else None, losses, skipped)


def _compared(requests: Sequence[ObservedRequest], name: str) -> Diagnosed:
    bases = {one.usage.basis for one in requests if one.usage}
    losses = tuple((name, finding) for finding in diagnose(requests))
    return Diagnosed(len(requests), bases.pop() if len(bases) == 1 else None, losses)


def _whole_requests(path: Path) -> tuple[Sequence[ObservedRequest], tuple[SkippedLine, ...]] | None:
    """The requests of a wire log, and the lines that are none; None for a file of another format."""
    with TemporaryDirectory(prefix="agentmem-") as folder:
        kinds = {one.format for one in sources([path], Spool(Path(folder))) if isinstance(one, RecordingSource)}
    if kinds != {WIRE_LOG}:
        return None
    requests, skipped = read_wirelog(path)
    return requests, tuple(SkippedLine(str(path), one.line, one.reason) for one in skipped)


def split(loaded: Iterable[Observed | SkippedLine]) -> tuple[list[Observed], tuple[SkippedLine, ...]]:
    """Conversations, the earliest first, and what could not be read."""
    observed: list[Observed] = []
    skipped: list[SkippedLine] = []
    for one in loaded:
        if isinstance(one, Observed):
            observed.append(one)
        else:
            skipped.append(one)
    return sorted(observed, key=lambda one: one.turns[0].row.at if one.turns else 0.0), tuple(skipped)


def nothing_in(path: Path, skipped: Sequence[SkippedLine]) -> str:
    """Why a file or folder gave no conversation, and what to do."""
    if not skipped:
        return f"{path} holds no conversation that fits: widen --since, --project or --session, or give another folder"
    first = skipped[0]
    where = f"line {first.line}: " if first.line else ""
    more = f" (and {len(skipped) - 1:,} more like it)" if len(skipped) > 1 else ""
    return f"{path} holds no conversation that can be read: {where}{first.reason}{more}"


def is_path(source: str) -> bool:
    """Whether a source named on the command line is a file or folder."""
    try:
        return Path(source).expanduser().exists()
    except OSError:
        return False

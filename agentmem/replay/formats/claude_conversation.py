"""One conversation of a Claude Code log while it is read: the context as it grew, and each request with its reply."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from agentmem.kvcache.claude import claude_name
from agentmem.kvcache.frames import Make, frame
from agentmem.kvcache.reported import merged, read_extras, read_usage
from agentmem.kvcache.rules import UNMARKABLE
from agentmem.replay.formats.contents import PACE, moment_of, sent, worded
from agentmem.replay.session import CutKind, Exchange, RecordedCut
from agentmem.types import Frame, Role, Ttl, Usage

MOST = 128_000
"""Tokens that no reply thinks more than."""


def with_hidden(exchanges: Sequence[Exchange]) -> tuple[Exchange, ...]:
    """The same requests, with thinking that has no text as large as it was."""
    if not any(map(_is_hidden, (one for exchange in exchanges for one in exchange.reply))):
        return tuple(exchanges)
    grown: dict[int, Frame] = {}
    made = [_grown(one, after, grown) for one, after in zip(exchanges, (*exchanges[1:], None), strict=True)]
    return tuple(_recut(one, grown) for one in made)


def _grown(exchange: Exchange, after: Exchange | None, grown: dict[int, Frame]) -> Exchange:
    """One request with the tokens of what it thought, shared out evenly; ``grown`` holds each frame by its id."""
    places = [at for at, one in enumerate(exchange.reply) if _is_hidden(one)]
    tokens = _unexplained(exchange, after) if places else 0
    if not tokens:
        return exchange
    reply = list(exchange.reply)
    for at, share in zip(places, _shares(tokens, len(places)), strict=True):
        grown[id(reply[at])] = reply[at] = replace(reply[at], tokens=reply[at].tokens + share)
    return replace(exchange, reply=tuple(reply))


def _unexplained(exchange: Exchange, after: Exchange | None) -> int:
    """Tokens by which the next input grew beyond what is recorded."""
    if after is None or after.cut or exchange.usage is None or after.usage is None:
        return 0
    said = sum(one.tokens for one in exchange.reply)
    growth = after.usage.input_tokens - exchange.usage.input_tokens
    most = MOST if exchange.partial else _room(exchange.usage, said)
    return max(0, min(growth - said - sum(one.tokens for one in after.arrived), most))


def _room(usage: Usage, said: int) -> int:
    return max(0, usage.output_tokens - said)


def _recut(exchange: Exchange, grown: dict[int, Frame]) -> Exchange:
    """The same frames where a cut repeats them."""
    if exchange.cut is None:
        return exchange
    frames = tuple(grown.get(id(one), one) for one in exchange.cut.frames)
    return replace(exchange, cut=RecordedCut(exchange.cut.kind, frames, exchange.cut.declared, exchange.cut.hidden))


def _shares(tokens: int, places: int) -> Iterator[int]:
    whole, rest = divmod(tokens, places)
    yield from (whole + (at < rest) for at in range(places))


def _is_hidden(one: Frame) -> bool:
    kind, value = one.value.get("type"), one.value
    return kind == "redacted_thinking" or (kind == "thinking" and not value.get("thinking"))


def _counted(report: Any) -> dict[str, Any]:
    """The usage of a line, if its counts can be read. Raises ValueError or TypeError: the line is then passed over."""
    if report is None:
        return {}
    if not isinstance(report, dict):
        raise TypeError(f"a usage is an object, not {type(report).__name__}")
    read_usage(report)
    read_extras(report)
    return dict(report)


Version = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Habit:
    """Something that versions from ``since`` to before ``until`` did; the moments are those of most users' updates."""

    since: Version
    until: Version
    from_moment: datetime
    to_moment: datetime

    def holds(self, version: str, at: float) -> bool:
        """Whether a client of ``version`` ("" if the log does not say) did so at ``at``, seconds since the epoch."""
        if version:
            return self.since <= tuple(int(part) for part in version.split(".") if part.isdigit()) < self.until
        return self.from_moment.timestamp() <= at < self.to_moment.timestamp()


REWRITES = Habit(
    since=(2, 1, 13),
    until=(2, 1, 38),
    from_moment=datetime(2026, 1, 25, tzinfo=UTC),
    to_moment=datetime(2026, 2, 10, 12, tzinfo=UTC),
)
"""The first message was written anew at the prompt after an accepted plan (11 of 11 logs of 2.1.29 to 2.1.37, none of
6 logs of 2.1.12 and 2.1.38 to 2.1.42), and when a skill was called on models that think adaptively (5 of 5)."""


RESTORED_TOKENS = 11_000
"""What Claude Code adds after a compaction beside the summary (files read last, to-dos, skills) and does not log: about
the median over 38 compactions of recorded sessions, in which it was 500 to 27,000."""
ADAPTIVE_SINCE = (4, 6)
"""Claude versions that decide by themselves whether to think; older ones do at every prompt, if it is switched on."""
LATE = 8
"""Replies of a conversation that a late line may still belong to."""

_PLAN = "Implement the following plan:"
_SKILL = "Base directory for this skill:"
_CLEARED = "[Old tool result content cleared]"
_RESUMED = "No response requested."
_STRONGEST: tuple[CutKind, ...] = ("compaction", "clear", "rewind", "clearing", "resume")


class Malformed(ValueError):
    """A record that does not have the shape it should have."""


@dataclass(slots=True)
class ExchangeDraft:
    """An exchange whose reply is still coming in."""

    at: float
    answered: float
    model: str
    report: dict[str, Any]
    identity: str
    arrived: tuple[Frame, ...]
    cut: RecordedCut | None
    reply: list[Frame] = field(default_factory=list)
    ended: bool = False

    @property
    def usage(self) -> Usage | None:
        """What was reported so far; None where nothing was."""
        return read_usage(self.report) if self.report else None


@dataclass(slots=True)
class Conversation:
    """Takes records one by one. ``ttl`` is the lifetime that the first request asked for.

    ``live`` is the context of the request that is open; ``replied`` and ``later`` are the records after it, which
    join it with the next request; ``arrived`` is all that is new since then, compacted away or not. ``make`` makes a
    frame of a block: who needs no text and no tokens may give a cheaper one.
    """

    make: Make = frame
    ttl: Ttl = "5m"
    drafts: list[ExchangeDraft] = field(default_factory=list)
    live: list[Frame] = field(default_factory=list)
    replied: list[tuple[str, list[Frame]]] = field(default_factory=list)
    later: list[tuple[str, list[Frame]]] = field(default_factory=list)
    arrived: list[Frame] = field(default_factory=list)
    places: dict[str, int] = field(default_factory=dict)
    cuts: set[CutKind] = field(default_factory=set)
    cleared: set[str] = field(default_factory=set)
    from_plan: bool = False
    version: str = ""
    last_input: float = 0.0
    clock: float = 0.0
    taken: set[tuple[str, tuple[bytes, ...]]] = field(default_factory=set)

    def add(self, record: dict[str, Any]) -> None:
        """Take the next record. Raises Malformed; the record is then left out."""
        handle = _HANDLERS.get(str(record.get("type")))
        if handle is None:
            return
        try:
            handle(self, record)
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
            raise Malformed(f"a record of type {record.get('type')} lacks what it should have: {error!r}") from error

    def exchanges(self) -> tuple[Exchange, ...]:
        """All requests, with the thinking setting that their replies show."""
        return with_hidden(tuple(_with_thinking(self.drafts, self.version)))

    def user(self, record: dict[str, Any]) -> None:
        """A prompt, a tool's result, or the summary that a compaction wrote."""
        frames, moment = self._frames(_message(record).get("content"), "user"), self._moment(record)
        if self._again(record, frames):
            return
        self.version = str(record.get("version") or self.version)
        parent, results = record.get("parentUuid"), any(one.value.get("type") == "tool_result" for one in frames)
        if not results and not record.get("isMeta"):
            if "parentUuid" in record:  # streams do not say what follows what
                self._turn_back(parent)
            self._plan(frames)
        self.last_input = moment
        self.later.append((str(record.get("uuid")), frames))
        if not record.get("isCompactSummary"):
            self.arrived.extend(frames)

    def assistant(self, record: dict[str, Any]) -> None:
        """A line of a reply: the first one with its message id stands for the request."""
        message = _message(record)
        frames, moment = self._frames(message.get("content"), "assistant"), self._moment(record)
        if message.get("model") == "<synthetic>":
            if any(one.value.get("text") == _RESUMED for one in frames):
                self.cuts.add("resume")
            return
        identity = str(message.get("id") or record.get("requestId") or record.get("uuid") or "")
        report = _counted(message.get("usage"))
        draft = next((one for one in self.drafts[-LATE:] if one.identity == identity), None) if identity else None
        if draft is None:
            self._check_request(message, frames, report)
            draft = self._request(message, identity, moment)
        frames = [] if self._again(record, frames) else frames
        draft.reply.extend(frames)
        if draft.report != report:  # a reply's lines mostly say the same
            draft.report = merged(draft.report, report) if draft.report else dict(report)
        draft.ended = draft.ended or bool(message.get("stop_reason"))
        if draft is self.drafts[0]:
            self.ttl = "1h" if draft.usage is not None and draft.usage.cache_write_1h_tokens else "5m"
        if draft is self.drafts[-1]:
            self.replied.append((str(record.get("uuid")), frames))

    def system(self, record: dict[str, Any]) -> None:
        """A compact boundary drops the context; a micro-compact boundary empties old results."""
        subtype = record.get("subtype")
        if subtype == "compact_boundary":
            self._drop("compaction")
        elif subtype == "microcompact_boundary":
            self.cleared.update((record.get("microcompactMetadata") or {}).get("compactedToolIds") or ())
            self.cuts.add("clearing")

    def _frames(self, content: Any, role: Role) -> list[Frame]:
        """The blocks of a message; empty texts are not sent."""
        return [self.make("message", block, role) for block in sent(content)]

    def _check_request(self, message: dict[str, Any], frames: Sequence[Frame], report: dict[str, Any]) -> None:
        """Raises ValueError for a reply that is none: nothing said or used, or of no model where others name theirs."""
        if not frames and not report:
            raise ValueError("a reply that says nothing and used nothing")
        model = message.get("model")
        if not isinstance(model, str | None) or (not model and any(one.model for one in self.drafts)):
            raise ValueError("a reply of no model")

    def _request(self, message: dict[str, Any], identity: str, moment: float) -> ExchangeDraft:
        for uuid, frames in (*self.replied, *self.later):
            self.live.extend(frames)
            self.places[uuid] = len(self.live)
        at = self.last_input or moment
        draft = ExchangeDraft(
            min(at, moment), moment, str(message.get("model") or ""), {}, identity, tuple(self.arrived), self._cut()
        )
        self.drafts.append(draft)
        self.replied, self.later, self.arrived = [], [], []
        return draft

    def _moment(self, record: dict[str, Any]) -> float:
        """When a record was written; where it does not say, PACE after the one before."""
        found = moment_of(record.get("timestamp"))
        self.clock = self.clock + PACE if found is None else found
        return self.clock

    def _again(self, record: dict[str, Any], frames: Sequence[Frame]) -> bool:
        """Whether the same record came before: a log may have been written twice."""
        uuid = str(record.get("uuid") or "")
        key = (uuid, tuple(one.data for one in frames))
        again = bool(uuid) and key in self.taken
        self.taken.add(key)
        return again

    def _cut(self) -> RecordedCut | None:
        if not self.cuts or not self.drafts:
            return None
        kind = next(kind for kind in _STRONGEST if kind in self.cuts)
        if "clearing" in self.cuts:
            self.live = [_emptied(one, self.cleared, self.make) for one in self.live]
        self.cuts = set()
        hidden = RESTORED_TOKENS if kind == "compaction" else 0
        return RecordedCut(kind, tuple(self.live), declared=kind != "resume", hidden=hidden)

    def _drop(self, kind: CutKind) -> None:
        self.live, self.replied, self.later, self.places = [], [], [], {}
        self.cuts.add(kind)

    def _plan(self, frames: Sequence[Frame]) -> None:
        """Where a context began with an accepted plan, some versions wrote it anew at the next prompt."""
        if self.from_plan and self.replied and REWRITES.holds(self.version, self.last_input):
            self.cuts.add("resume")
        begins = not self.drafts or "clear" in self.cuts
        planned = any(str(one.value.get("text", "")).startswith(_PLAN) for one in frames)
        self.from_plan = planned if begins else self.from_plan and not self.replied

    def _turn_back(self, parent: str | None) -> None:
        """A prompt that begins anew, or follows a record before the last request, leaves the rest behind."""
        if parent is None and self.drafts and "compaction" not in self.cuts:
            self._drop("clear")
        elif parent in self.places:
            place = self.places[parent]
            del self.live[place:]
            self.replied, self.later = [], []
            self.places = {uuid: at for uuid, at in self.places.items() if at <= place}
            self.cuts.add("rewind")


_HANDLERS: dict[str, Callable[[Conversation, dict[str, Any]], None]] = {
    "user": Conversation.user,
    "assistant": Conversation.assistant,
    "system": Conversation.system,
}


def _message(record: dict[str, Any]) -> dict[str, Any]:
    """What a record says; some tools write no more than the words."""
    message = record["message"] if "message" in record else record["content"]
    made = message if isinstance(message, dict) else {"content": message}
    worded(made.get("content"))
    return made


def _emptied(one: Frame, cleared: set[str], make: Make) -> Frame:
    if one.value.get("tool_use_id") not in cleared:
        return one
    return make("message", {**one.value, "content": _CLEARED}, one.role)


def _with_thinking(drafts: Sequence[ExchangeDraft], version: str) -> Iterator[Exchange]:
    """Whether thinking was on is not logged, but replies to prompts show it, on models that always think then.

    On the others a skill that the user calls runs with settings of its own, until the next prompt.
    """
    mode = "on"
    for draft in drafts:
        texts = [str(one.value["text"]) for one in draft.arrived if one.value.get("type") == "text"]
        if texts:
            mode = _mode(draft, texts, version)
        yield Exchange(
            at=draft.at,
            answered=max(draft.at, draft.answered),
            model=draft.model,
            arrived=draft.arrived,
            reply=tuple(draft.reply),
            usage=draft.usage,
            partial=not draft.ended,
            cut=draft.cut,
            settings={"thinking": mode} if mode else {},
            identity=draft.identity,
            extras=read_extras(draft.report),
        )


def _mode(draft: ExchangeDraft, texts: Sequence[str], version: str) -> str:
    _, claude = claude_name(draft.model) or ("", ADAPTIVE_SINCE)
    if claude >= ADAPTIVE_SINCE:
        called = any(text.startswith(_SKILL) for text in texts)
        return "skill" if called and REWRITES.holds(version, draft.at) else "on"
    return "on" if any(one.value.get("type") in UNMARKABLE for one in draft.reply) else ""

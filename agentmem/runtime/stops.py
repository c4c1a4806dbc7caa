"""Decides what the loop does with a reply, by its stop reason, in one table; and keeps the limits of a run.

Stop reasons are in Anthropic's words ("Handling stop reasons" in its documentation); models/ maps every provider's
words to them. The kind of a reply follows from its stop reason and its content, so the transcript is enough to find it.
"""

from collections.abc import Callable, Mapping
from dataclasses import astuple, dataclass, field
from typing import Any, Literal

from agentmem.checking import NOTHING, NUMBER, WHOLE, Wanted, check_fields
from agentmem.errors import ConfigError
from agentmem.meter.ledger import Row
from agentmem.types import Basis, Json, Message, Opaque, Text, ToolCall, Usage

Kind = Literal["whole", "empty", "cut", "silent", "cut_calls", "unreadable", "paused", "between", "full", "refused"]
"""whole: the reply is complete; its calls run. empty: no call, and no text except white space. cut: the text ended at
max_tokens. silent: max_tokens came before any text. cut_calls: the reply ended at max_tokens and holds calls.
unreadable: a call's arguments are not a JSON object. paused: pause_turn during a provider's own tools. between:
pause_turn elsewhere. full: the model's window is full. refused: the model declined."""

Move = Literal["go_on", "resume", "ask", "compact", "end"]
"""go_on: answer the calls, or done. resume: send the turn back as it is. ask: send a note and ask again. compact: make
room, then ask. end: the run ends."""


@dataclass(frozen=True, slots=True)
class StopRule:
    """The rule for one kind of reply: ``move``, at most ``times`` in a row; then the run ends with ``reason``.

    ``note`` is sent to the model, and ``refusal`` is the result of calls that are not run. ``{limit}`` in them is the
    reply's limit in tokens, ``{name}`` the tool's name.
    """

    move: Move
    times: int = 0
    reason: str = ""
    note: str = ""
    refusal: str = ""


RULES: Mapping[Kind, StopRule] = {
    "whole": StopRule("go_on"),
    "empty": StopRule(
        "ask",
        2,
        "the model's replies were empty",
        "[Note] Your last reply was empty. Say what you found or what you need, or call a tool.",
    ),
    "cut": StopRule(
        "ask",
        3,
        "max_tokens: the model's replies were cut off at {limit:,} tokens",
        "[Note] Your last reply was cut off at its limit of {limit:,} tokens. Go on exactly where it stopped, and "
        "repeat nothing.",
    ),
    "silent": StopRule(
        "ask",
        2,
        "max_tokens: the model's replies reached {limit:,} tokens before they said anything",
        "[Note] Your last reply reached its limit of {limit:,} tokens before it said anything. Answer now, in few "
        "words.",
    ),
    "cut_calls": StopRule(
        "go_on",
        2,
        "max_tokens: the model's calls were cut off at {limit:,} tokens",
        refusal="This call of `{name}` was not run: your reply was cut off at its limit of {limit:,} tokens, so its "
        "arguments may be incomplete. Ask for less at once: write a long text in several calls, a part in each.",
    ),
    "unreadable": StopRule("go_on", 2, "the arguments of the model's calls could not be read"),
    "paused": StopRule("resume", 10, "pause_turn: the provider paused the turn again and again"),
    "between": StopRule("ask", 3, "pause_turn: the provider paused the turn again and again", "[Note] Go on."),
    "full": StopRule(
        "compact",
        1,
        "model_context_window_exceeded: the model's window is full, and nothing more could leave it",
        "[Note] Your last reply was cut off because the context was full; older parts of it have left since. Go on "
        "exactly where the reply stopped, and repeat nothing.",
        "This call of `{name}` was not run: your reply was cut off because the context was full, so its arguments may "
        "be incomplete. Make it again.",
    ),
    "refused": StopRule(
        "end",
        reason="refusal: the model declined to answer",
        refusal="This call of `{name}` was not run: the reply that made it was broken off as a refusal.",
    ),
}
"""The rule for each kind of reply."""

CONTINUED: frozenset[Kind] = frozenset({"cut", "paused", "between", "full"})
"""Kinds of replies that the next reply continues: together they are one answer."""

_BY_REASON: Mapping[str, tuple[Kind, Kind]] = {
    "refusal": ("refused", "refused"),
    "model_context_window_exceeded": ("full", "full"),
    "max_tokens": ("cut", "cut_calls"),
}
"""Stop reasons that decide alone: the kind of a reply without calls, and with calls."""


def kind_of(stop_reason: str, message: Message) -> Kind:
    """The kind of a reply."""
    calls = message.calls
    if stop_reason in _BY_REASON:
        kind = _BY_REASON[stop_reason][bool(calls)]
        return "silent" if kind == "cut" and not _says_something(message) else kind
    if any(call.is_unreadable for call in calls):
        return "unreadable"
    if stop_reason == "pause_turn" and not calls:
        return "paused" if any(isinstance(block, Opaque) for block in message.blocks) else "between"
    return "whole" if calls or _says_something(message) else "empty"


def follow_up(kind: Kind, times: int, limit: int) -> str:
    """The note to the model after the ``times``-th reply of this kind in a row; "" for none."""
    rule = RULES[kind]
    return rule.note.format(limit=limit) if times <= rule.times else ""


def refusal(kind: Kind, call: ToolCall, limit: int) -> str:
    """The reason why a call in a reply of this kind is not run; "" if it is run."""
    return RULES[kind].refusal.format(name=call.name, limit=limit)


def ending(kind: Kind, times: int, limit: int) -> str | None:
    """The reason why the run ends after the ``times``-th reply of this kind in a row; None if it continues."""
    rule = RULES[kind]
    if not rule.reason or times <= rule.times:
        return None
    return rule.reason.format(limit=limit) + (f" ({times} in a row)" if times > 1 else "")


def _says_something(message: Message) -> bool:
    said = (bool(one.text.strip()) if isinstance(one, Text) else not isinstance(one, Opaque) for one in message.blocks)
    return any(said)


@dataclass(frozen=True, slots=True)
class RunSpent:
    """The usage of the last run so far: answered requests, tokens by basis, dollars.

    ``usd`` is the sum of the known prices, None if none is known; ``priced`` counts the requests in it, ``unpriced``
    the others, by model.
    """

    turns: int = 0
    usage: Mapping[Basis, Usage] = field(default_factory=dict)
    usd: float | None = None
    priced: int = 0
    unpriced: Mapping[str, int] = field(default_factory=dict)

    def plus(self, row: Row) -> "RunSpent":
        """The usage with one more request. A request for a summary has a price, but is not a turn of the run."""
        used = self.usage.get(row.usage.basis)
        usage = {**self.usage, row.usage.basis: row.usage if used is None else used + row.usage}
        turns = self.turns + (row.purpose != "summary")
        if row.cost_usd is None:
            unpriced = {**self.unpriced, row.model: self.unpriced.get(row.model, 0) + 1}
            return RunSpent(turns, usage, self.usd, self.priced, unpriced)
        return RunSpent(turns, usage, (self.usd or 0.0) + row.cost_usd, self.priced + 1, self.unpriced)

    def beside(self, other: "RunSpent") -> "RunSpent":
        """The usage with that of delegates. Their turns are none of this run."""
        usage = dict(self.usage)
        for basis, used in other.usage.items():
            usage[basis] = usage[basis] + used if basis in usage else used
        usd = None if self.usd is None and other.usd is None else (self.usd or 0.0) + (other.usd or 0.0)
        unpriced = {**self.unpriced}
        for model, requests in other.unpriced.items():
            unpriced[model] = unpriced.get(model, 0) + requests
        return RunSpent(self.turns, usage, usd, self.priced + other.priced, unpriced)

    def value(self) -> dict[str, Any]:
        """The usage as JSON, for an entry."""
        usage = [list(astuple(used)) for used in self.usage.values()]
        money = {"usd": self.usd, "priced": self.priced, "unpriced": dict(self.unpriced)}
        return {"turns": self.turns, "usage": usage, **money}

    @classmethod
    def read(cls, value: Json) -> "RunSpent":
        """The usage that `value` made."""
        usage: dict[Basis, Usage] = {used[0]: Usage(*used) for used in value["usage"]}
        return cls(value["turns"], usage, value["usd"], value.get("priced", 0), value.get("unpriced", {}))


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that one run may use: model turns, dollars, seconds of wall time. None: no limit.

        Agent("anthropic:claude-sonnet-5-5", "notes", limits=Limits(max_turns=40, max_usd=0.50, max_seconds=300))

    A run that reaches one ends with the status "stopped", and can be continued. With ``max_usd``, a request without a
    known price ends the run, since its cost is unknown; ``price_as`` lends its model a price. Raises ConfigError.
    """

    max_turns: int | None = 100
    max_usd: float | None = None
    max_seconds: float | None = None

    def __post_init__(self) -> None:
        check_fields("Limits", self, _WANTED)
        for name in ("max_turns", "max_usd", "max_seconds"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise ConfigError(f"{name} must be above 0, and {value} is not; None means no limit")


_WANTED: Mapping[str, Wanted] = {
    "max_turns": WHOLE | NOTHING,
    "max_usd": NUMBER | NOTHING,
    "max_seconds": NUMBER | NOTHING,
}


def _turns(limits: Limits, spent: RunSpent, seconds: float) -> str | None:
    over = limits.max_turns is not None and spent.turns >= limits.max_turns
    return f"max_turns: {spent.turns} turns were made and the limit is {limits.max_turns}" if over else None


def _usd(limits: Limits, spent: RunSpent, seconds: float) -> str | None:
    if limits.max_usd is None or not spent.turns:
        return None
    if spent.unpriced or spent.usd is None:
        models = ", ".join(spent.unpriced) or "this model"
        return f"max_usd: the price of {models} is unknown, so the limit in dollars cannot be kept; price_as lends one"
    over = spent.usd >= limits.max_usd
    return f"max_usd: ${spent.usd:.4f} were spent and the limit is ${limits.max_usd:.4f}" if over else None


def _seconds(limits: Limits, spent: RunSpent, seconds: float) -> str | None:
    over = limits.max_seconds is not None and seconds >= limits.max_seconds
    return f"max_seconds: {seconds:.1f} s have passed and the limit is {limits.max_seconds} s" if over else None


_RULES: tuple[Callable[[Limits, RunSpent, float], str | None], ...] = (_turns, _usd, _seconds)
"""The rules for limits; the first that holds gives the reason."""


def reached(limits: Limits, spent: RunSpent, seconds: float) -> str | None:
    """The limit that a run has reached, as a sentence, or None. ``seconds`` is its time so far."""
    return next((reason for rule in _RULES if (reason := rule(limits, spent, seconds))), None)

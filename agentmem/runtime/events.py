"""Defines the events of a run, and its result.

for event in agent.stream("Summarise notes.md"):
    match event:
        case ToolCalled(call):
            print("calls", call.name)
        case Done(result):
            print(result.status, result.text)
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from agentmem.compaction.summarizing import Author
from agentmem.kvcache.frames import canonical
from agentmem.meter.ledger import Row, missing_prices
from agentmem.types import Json, TextDelta, ToolCall, ToolResult, Usage, Waiting

Status = Literal["done", "stopped", "waiting"]
"""done: the model has answered. stopped: a limit, or a reply without an answer, ended the run. waiting: calls wait for
a person's approval."""

Submitted = Literal["", "started", "joined", "resumed", "finished"]
"""What became of a call with a key. started: it began the task. joined: another call, of this or another process, had
begun it and worked; this one waited for its result. resumed: the one that had begun it is gone or failed, and this one
went on with it. finished: its result was there. Empty: the call had no key."""


@dataclass(frozen=True, slots=True)
class ToolCalled:
    """An event: the model called a tool.

    case ToolCalled(call): print(call.name, call.arguments)
    """

    call: ToolCall


@dataclass(frozen=True, slots=True)
class ToolReturned:
    """An event: a tool gave its result, after ``seconds``. ``spent`` is the usage of its delegates, if it had any.

    case ToolReturned(name, result, seconds): print(name, result.is_error, seconds)
    """

    name: str
    result: ToolResult
    seconds: float
    spent: Json | None = None


@dataclass(frozen=True, slots=True)
class Metered:
    """An event: a request was answered and written to the ledger.

    case Metered(row): print(row.usage.input_tokens, row.cost_usd)
    """

    row: Row


@dataclass(frozen=True, slots=True)
class Compacted:
    """An event: the thread was compacted. Entries up to ``last`` left the view.

        case Compacted(): print(event.reason, event.before, "tokens to", event.after)

    The view had ``before`` tokens and now has ``after``. ``reason`` is limit, growth, idle or asked. ``by`` is the
    author of the summary: "model", after this many ``attempts``, or "mechanical", without a model. ``row`` is the
    ledger's row of the accepted summary.
    """

    thread: str
    reason: str
    last: int
    before: int
    after: int
    by: Author
    attempts: int
    row: Row | None = None


@dataclass(frozen=True, slots=True)
class Switched:
    """An event: the thread goes on with another model, ``before`` to ``after``, each as "provider:name".

        case Switched(): print(event.before, "to", event.after, event.says, event.usd)

    ``why`` is overload, outage, unknown, refusal or back; ``says`` explains it and ``detail`` is the provider's text.
    ``tokens`` of context go to a cache that does not have them, which costs at most ``usd`` more than a read (None: the
    price is not known). What it did cost stands in the ledger's next row.
    """

    thread: str
    before: str
    after: str
    why: str
    says: str
    detail: str
    tokens: int
    usd: float | None


@dataclass(frozen=True, slots=True)
class Retrying:
    """An event: a request failed and is sent again, after this ``remedy``.

        case Retrying(reason, remedy): print("again:", reason, remedy)

    ``remedy`` is again (as it was), compacted (with less), withheld (without the block that was refused) or switched
    (to another model). ``attempt`` counts the failed requests in a row. Retries of the model's own client show as
    Waiting.
    """

    reason: str
    remedy: str
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class Stopped:
    """An event: a limit, or a reply without an answer, ended the run. ``reason`` says which.

    case Stopped(reason): print("stopped:", reason)
    """

    reason: str


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a run.

        result = agent.run("Summarise notes.md")
        print(result.status, result.text, result.turns, result.cost)

    ``status`` is "done", "stopped" or "waiting". ``text`` is the model's last answer, and ``stop_reason`` the reason of
    its end in Anthropic's words (end_turn, max_tokens, refusal ...; "" without a reply). ``reason`` says what stopped
    the run, or what it waits for; ``pending`` are the calls to approve. ``turns`` (model requests) and ``usage`` (one
    sum for each basis) count this run only. ``cost_usd`` is the sum of the known prices, None if none is known:
    ``unpriced`` counts the requests without a price, by model, ``priced`` the others. ``value`` is the answer in the
    type that `run` was to return. Usage and dollars of delegates count in. ``submitted`` says what became of a call
    with a key: "started", "joined", "resumed" or "finished".
    """

    thread: str
    status: Status
    text: str
    reason: str = ""
    pending: tuple[ToolCall, ...] = ()
    turns: int = 0
    usage: tuple[Usage, ...] = ()
    cost_usd: float | None = None
    stop_reason: str = ""
    priced: int = 0
    unpriced: Mapping[str, int] = field(default_factory=dict)
    value: Any = None
    submitted: Submitted = ""

    @property
    def cost(self) -> str:
        """The cost as text: "$0.0310; 1 of 3 requests unpriced: my-local-model"."""
        known = "unknown" if self.cost_usd is None else f"${self.cost_usd:.4f}"
        missing = missing_prices(self.unpriced, self.priced + sum(self.unpriced.values()))
        return "; ".join(filter(None, (known, missing)))


@dataclass(frozen=True, slots=True)
class Done:
    """The last event of every run, with its result.

    case Done(result): print(result.text)
    """

    result: Result


Event = TextDelta | Waiting | Retrying | Switched | ToolCalled | ToolReturned | Metered | Compacted | Stopped | Done


@dataclass(frozen=True, slots=True)
class Approval:
    """A person's answer to a run that waits: yes or no to all its calls, or to each by its call id.

        agent.run(Approval(False, "Not before Monday."), thread="stock")
        agent.run(Approval({call.id: call.name == "order" for call in result.pending}), thread="stock")
        agent.run(Approval(edits={call.id: {"part": "B30", "pieces": 6}}), thread="stock")
        agent.run(Approval(answers={call.id: "We have a dozen in the cellar."}), thread="stock")

    The model is told ``reason`` with a no. With ``allow`` by id, a call that is not named is not allowed. ``edits`` are
    other arguments with which a call runs, all of them, by its id; the model is told. ``answers`` are given in a tool's
    place, which does not run. `run` raises ConfigError for an edit that does not fit the tool, or an id that does not
    wait.
    """

    allow: bool | Mapping[str, bool] = True
    reason: str = ""
    edits: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    answers: Mapping[str, str] = field(default_factory=dict)

    def allows(self, call: ToolCall) -> bool:
        if call.id in self.edits:
            return True
        return self.allow if isinstance(self.allow, bool) else self.allow.get(call.id, False)

    def edited(self, call: ToolCall) -> ToolCall:
        """The call with the person's arguments, if they gave any."""
        given = self.edits.get(call.id)
        return call if given is None else replace(call, arguments=canonical(dict(given)).decode())

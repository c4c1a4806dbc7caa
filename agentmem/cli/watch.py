"""Shows a run to a person: the answer on stdout, the agent's steps and then the cost on stderr."""

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from agentmem.cli.output import confirm, notices, print_document
from agentmem.errors import AgentmemError

if TYPE_CHECKING:
    from agentmem.meter.ledger import Row
    from agentmem.runtime.events import Approval, Event, Result, Retrying, Switched
    from agentmem.types import ToolCall

_WIDTH = 100
"""The most characters shown of a tool's arguments or result."""
_REMEDIES = {"again": "as it was", "compacted": "with less", "withheld": "without a block", "switched": "elsewhere"}
"""Words for what was done before a request is sent again."""


class RunWatch:
    """Follows the events of one run. ``quiet`` prints nothing: the caller prints the summary as JSON."""

    def __init__(self, thread: str, *, quiet: bool) -> None:
        self._thread, self._quiet = thread, quiet
        self._rows: list[Row] = []
        self._result: Result | None = None
        self._halted = False
        self._notices = notices()
        self._streams = not quiet and sys.stdout.isatty()
        self._status = self._notices.status("Waiting for the model ...")
        self._notice(f"thread {thread}")
        if not quiet:
            self._status.start()

    def see(self, event: "Event") -> None:
        """Show one event."""
        from agentmem.runtime.events import Compacted, Done, Metered, Retrying, Switched, ToolCalled, ToolReturned
        from agentmem.types import TextDelta, Waiting

        if self._halted:
            raise KeyboardInterrupt
        self._status.stop()
        match event:
            case TextDelta(text):
                self._written(text)
            case Waiting(seconds, reason):
                self._notice(f"waiting {seconds:.1f} s: {reason}")
            case Retrying() | Switched():
                self._notice(_again(event))
            case ToolCalled(call):
                self._notice(f"→ {call.name} {_short(call.arguments)}")
            case ToolReturned(name, result, seconds):
                text = "; ".join(getattr(block, "text", "a picture") for block in result.content)
                self._notice(f"{'✗' if result.is_error else '←'} {name} {seconds:.1f} s: {_short(text)}")
                self._wait()
            case Metered(row):
                self._rows.append(row)
            case Compacted(row=row):
                self._rows += [row] if row else []
                by = "" if event.by == "model" else ", without a model's summary"
                self._notice(f"compacted ({event.reason}){by}: {event.before:,} tokens to {event.after:,}")
            case Done(result):
                self._result = result

    @property
    def result(self) -> "Result":
        """The run's result. Raises AgentmemError if it ended without one."""
        if self._result is None:
            raise AgentmemError(f"thread {self._thread} ended without a result")
        return self._result

    @property
    def can_ask(self) -> bool:
        """True if a person is at the terminal."""
        return not self._quiet and sys.stdin.isatty() and self._notices.is_terminal

    def ask(self, pending: "Iterable[ToolCall]") -> "Approval":
        """Ask for each waiting call if it may run."""
        from agentmem.runtime.events import Approval

        answers = {}
        for call in pending:
            self._notice(f"{call.name} {call.arguments}")
            answers[call.id] = confirm(f"Allow {call.name}?")
        self._wait()
        return Approval(answers)

    def summary(self, result: "Result") -> dict[str, Any]:
        """The run as a JSON object: how it ended, and its USAGE."""
        from agentmem.meter.report import summarise

        pending = [{"id": call.id, "name": call.name, "arguments": call.arguments} for call in result.pending]
        return {
            "thread": result.thread,
            "status": result.status,
            "text": result.text,
            "reason": result.reason,
            "pending": pending,
            "turns": result.turns,
            **summarise(self._rows),
        }

    def rest(self) -> None:
        """Remove the status line from the terminal."""
        self._status.stop()

    def halt(self) -> None:
        """Let the next event end the run."""
        self._halted = True
        self.rest()

    def close(self, result: "Result") -> None:
        """Print the answer if it was not streamed, and the line of numbers."""
        if self._streams:
            self._written("\n")
        elif result.text:
            print_document(result.text)
        if result.status == "stopped":
            self._notice(f"Stopped by {result.reason}. `agentmem run --thread {self._thread}` goes on.")
        if result.status == "waiting":
            self._notice(f"{result.reason}: `agentmem run --thread {self._thread} --allow` (or --refuse) answers.")
        self._notice(_numbers(self.summary(result)))

    def _wait(self) -> None:
        if not self._quiet:
            self._status.start()

    def _written(self, text: str) -> None:
        if self._streams:
            print_document(text, nl=False)

    def _notice(self, text: str) -> None:
        if not self._quiet:
            self._notices.print(text, style="dim", highlight=False, soft_wrap=True)


def _numbers(summary: dict[str, Any]) -> str:
    from agentmem.meter.tables import cost_of, count, share

    requests = "1 request" if summary["requests"] == 1 else f"{summary['requests']} requests"
    input_, output = count(summary["input_tokens"]), count(summary["output_tokens"])
    return (
        f"{requests}, {input_} tokens in ({share(summary['hit_rate'])} from the cache), "
        f"{output} out, cost {cost_of(summary)}; {summary['basis'] or 'mixed'}. "
        f"`agentmem report {summary['thread']}` has more."
    )


def _short(text: str) -> str:
    """One line of at most ``_WIDTH`` characters."""
    line = " ".join(text.split())
    return line if len(line) <= _WIDTH else line[: _WIDTH - 1] + "…"


def _again(event: "Retrying | Switched") -> str:
    """The line about a request that is sent again, or to another model."""
    from agentmem.runtime.events import Retrying

    if isinstance(event, Retrying):
        return f"again, {_REMEDIES.get(event.remedy, event.remedy)}: {_short(event.reason)}"
    usd = "" if event.usd is None else f", at most ${event.usd:.4f} for the lost prefix"
    return f"{event.before} to {event.after}: {event.says}{usd}"

"""`agentmem simulate --serve`: run a loopback server that speaks Anthropic's Messages API over a simulated cache."""

import errno
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agentmem.cli.options import AsJson
from agentmem.cli.output import complain, notices, print_json_line, print_line
from agentmem.errors import ConfigError
from agentmem.types import Json, Usage

if TYPE_CHECKING:
    from agentmem.kvcache.simulated.server import MessagesServer, Replies

_GLANCE = 0.2
"""Seconds between checks: a signal that the system gives to another thread does not end a wait without a timeout."""


def simulate(
    serve: Annotated[bool, typer.Option("--serve", help="Start the server; Ctrl-C ends it.")] = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port on 127.0.0.1; 0: a free one.")] = 0,
    script: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Replies, one a request, in YAML or markdown. Default: an echo.")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option("--model", "-m", metavar="NAME", help="The model for rules and prices; else each request's."),
    ] = None,
    json: AsJson = False,
) -> None:
    """Measure any client offline: serve the Messages API on this machine, with usage from a simulated cache.

    Point the client at the printed address. Each request gets a line with its tokens, the tokens read from the cache
    and written to it, and the dollars. With --json each line is a JSON object.
    """
    if not serve:
        raise ConfigError("say what to simulate: `agentmem simulate --serve` starts a server for any client")
    log = _Log(model, print_json_line if json else _show)
    server = _server(port, script, model, log)
    _greet(server.url, json)
    try:
        while True:
            Event().wait(_GLANCE)
    except KeyboardInterrupt:
        pass  # the way to end it
    finally:
        server.close()
    if not json:
        log.close()


def _server(port: int, script: Path | None, model: str | None, log: "_Log") -> "MessagesServer":
    """Starts the server. Raises ConfigError if the port is taken or the script cannot be read."""
    from agentmem.kvcache.rules import rules
    from agentmem.kvcache.simulated.server import MessagesServer
    from agentmem.kvcache.simulated.simulator import Simulator

    simulator = Simulator(rules(model) if model else rules)
    server = MessagesServer(_replies(script), simulator=simulator, port=port, told=log.add)
    try:
        return server.__enter__()
    except OSError as error:
        if error.errno not in (errno.EADDRINUSE, errno.EACCES):
            raise
        raise ConfigError(f"port {port} cannot be used here ({error.strerror}): choose another --port, or 0") from error


def _replies(script: Path | None) -> "Replies":
    from agentmem.kvcache.simulated.events import ServerAnswer
    from agentmem.kvcache.simulated.server import echo
    from agentmem.models.scripted import message, read

    if script is None:
        return echo
    said = (message(turn, place) for place, turn in enumerate(read(script)))
    return [ServerAnswer([block.wire() for block in one.blocks]) for one in said]


@dataclass(slots=True)
class _Log:
    """The requests served so far, a line for each, and their sums. ``model`` lends its prices to all requests."""

    model: str | None
    show: Callable[[Json], None]
    lines: list[Json] = field(default_factory=list)

    def add(self, path: str, status: int, body: Json) -> None:
        """Record and show one response of the server."""
        line = {"schema": 1, "basis": "simulated", "path": path, "status": status, **_content(body, self.model)}
        self.lines.append(line)
        self.show(line)

    def close(self) -> None:
        """Print the sums."""
        served = [line for line in self.lines if "output_tokens" in line]
        whole, read = (sum(line[key] for line in served) for key in ("input_tokens", "cache_read_tokens"))
        hits = f", {read / whole:.1%} of {whole:,} input tokens from the cache" if whole else ""
        notices().print(f"\n{len(served):,} requests{hits}, {_dollars(_sum(served))}. Simulated.", highlight=False)


def _content(body: Json, model: str | None) -> dict[str, Any]:
    """A response as a line of the log: its usage, a count of tokens, or an error."""
    from agentmem.meter.prices import rates

    if body.get("type") == "error":
        return {"error": body["error"]["message"]}
    if "usage" not in body:
        return {"counted_tokens": body["input_tokens"]}
    used = body["usage"]
    written = used["cache_creation"]
    usage = Usage(
        "simulated",
        used["input_tokens"],
        used["cache_read_input_tokens"],
        written["ephemeral_5m_input_tokens"],
        written["ephemeral_1h_input_tokens"],
        used["output_tokens"],
    )
    price = rates("anthropic", model or body["model"], input_tokens=usage.input_tokens)
    return {
        "model": body["model"],
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "uncached_tokens": usage.uncached_tokens,
        "cache_read_tokens": usage.cache_read_tokens,
        "cache_write_5m_tokens": usage.cache_write_5m_tokens,
        "cache_write_1h_tokens": usage.cache_write_1h_tokens,
        "cost_usd": price.cost(usage) if price else None,
    }


def _greet(url: str, json: bool) -> None:
    """Print the server's address, and how to point the official SDK at it."""
    if json:
        return print_json_line({"schema": 1, "url": url})
    print_line(f"The Messages API, simulated, until Ctrl-C: {url}")
    print_line("These two lines point the official SDK at it:")
    print_line(f"  export ANTHROPIC_BASE_URL={url}\n  export ANTHROPIC_API_KEY=simulated")
    return None


def _show(line: Json) -> None:
    if "error" in line:
        complain(f"{line['path']} refused with {line['status']}: {line['error']}")
    elif "counted_tokens" in line:
        print_line(f"counted  input {line['counted_tokens']:>9,}")
    else:
        written = line["cache_write_5m_tokens"] + line["cache_write_1h_tokens"]
        print_line(
            f"{line['model']}  input {line['input_tokens']:>9,}  cached {line['cache_read_tokens']:>9,}  "
            f"written {written:>9,}  output {line['output_tokens']:>6,}  {_dollars(line['cost_usd'])}"
        )


def _sum(lines: list[Json]) -> float | None:
    known = [line["cost_usd"] for line in lines]
    return None if None in known else sum(known)


def _dollars(amount: float | None) -> str:
    return "price unknown" if amount is None else f"${amount:.6f}"

"""Wire logs: one JSON object a line, {"at", "request", "response", "status", "seconds"}, of Anthropic's Messages API.

Requests that share their tools, system and first message are one conversation.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from agentmem.kvcache.frames import body_frames, frame
from agentmem.kvcache.prompts import body_prompt
from agentmem.kvcache.reported import read_extras, read_usage
from agentmem.replay.formats.growth import Growth
from agentmem.replay.lines import Line, lines
from agentmem.replay.session import Exchange, Session, Skipped, lifetime
from agentmem.replay.source import Source, Spool
from agentmem.types import Frame


class WireLog:
    """Reads what agentmem's HTTP hook writes, and logs like it."""

    name = "wire-log"

    def accepts(self, first: Any) -> bool:
        """A line has the request's body, under "request" or "body"."""
        return isinstance(first, dict) and isinstance(first.get("request") or first.get("body"), dict)

    def sources(self, path: Path, spool: Spool) -> Iterator[Source | Skipped]:
        """The whole file: which lines belong together shows only when it is read."""
        yield Source(self.name, str(path), 0, str(path), name=path.name.partition(".")[0])

    def sessions(self, source: Source) -> Iterator[Session | Skipped]:
        """Each conversation, in the order of its first request. Frames that occur again are kept once."""
        conversations: dict[tuple[Frame, ...], list[tuple[tuple[Frame, ...], Growth]]] = {}
        known: dict[Frame, Frame] = {}
        for line in lines(Path(source.file)):
            if isinstance(line, Skipped):
                yield line
                continue
            problem = _problem(line)
            if problem:
                yield Skipped(source.path, line.number, problem)
            elif (line.value.get("status") or 200) < 400:
                _place(line.value, conversations, known)
        found = [one for group in conversations.values() for one in group]
        for number, (head, growth) in enumerate(found, start=1):
            name = source.name if len(found) == 1 else f"{source.name}/{number}"
            exchanges = tuple(growth.exchanges)
            yield Session(name, source.path, exchanges, head=head, ttl=lifetime(exchanges))


def _problem(line: Line) -> str:
    """Why a line is no exchange that can be replayed; "" if it is one."""
    body = line.value.get("request") or line.value.get("body")
    response = line.value.get("response")
    if not str(line.value.get("path") or "/messages").endswith("/messages"):
        return "a request of another API: only Anthropic's Messages API is replayed"
    if line.value.get("complete") is False:
        return "the response broke off"
    try:
        if not isinstance(body, dict) or not isinstance(line.value.get("at"), int | float):
            return 'no request under "request", or no time under "at"'
        body_prompt(body)
        if (line.value.get("status") or 200) < 400:
            if not isinstance(response, dict):
                return "the request has no response"
            read_usage(response.get("usage") or {})
            _reply(response)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        return f"no request of Anthropic's Messages API: {error!r}"
    return ""


def _place(value: dict[str, Any], conversations: dict[Any, Any], known: dict[Frame, Frame]) -> None:
    """Put one exchange where it belongs: the conversation it shares most with, if more than nothing."""
    body = value.get("request") or value["body"]
    prompt = body_prompt(body)
    frames = tuple(known.setdefault(one, one) for one in body_frames(body) if one.segment == "message")
    head = (*prompt.tools, *prompt.system)
    group = conversations.setdefault(frames[:1], [])
    shared = [(growth.common(frames), -at) for at, (_, growth) in enumerate(group)]
    if not group or max(shared)[0] == 0:
        group.append((head, Growth()))
        shared.append((0, 1 - len(group)))
    begun, growth = group[-max(shared)[1]]
    growth.add(frames, _exchange(value, body, prompt.settings, prompt.breakpoints, head if head != begun else None))


def _exchange(value: dict[str, Any], body: Any, settings: Any, marks: Any, head: tuple[Frame, ...] | None) -> Exchange:
    response = value.get("response") or {}
    at = float(value["at"])
    usage = response.get("usage") or {}
    return Exchange(
        at=at,
        answered=at + float(value.get("first_byte_after") or value.get("seconds") or 0.0),
        model=str(body["model"]),
        arrived=(),
        reply=tuple(_reply(response)),
        usage=read_usage(usage) if usage else None,
        settings=settings,
        marks=marks,
        head=head,
        identity=str(response.get("id") or ""),
        extras=read_extras(usage),
    )


def _reply(response: dict[str, Any]) -> list[Frame]:
    return [frame("message", block, "assistant") for block in response.get("content") or ()]

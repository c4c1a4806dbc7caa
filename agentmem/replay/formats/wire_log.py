"""Wire logs: one JSON object a line, {"at", "path", "request", "response", "status", "seconds"}.

Of Anthropic's Messages API, or of OpenAI's chat completions and responses.

Requests of one session that share their first message are one conversation.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from agentmem.kvcache.frames import Frames, Make, frame
from agentmem.kvcache.prompts import body_prompt
from agentmem.kvcache.reported import read_usage, response_extras
from agentmem.kvcache.shared_blocks import LineReader, MissingBlocks
from agentmem.kvcache.simulated.openai_bodies import is_openai, messages_body
from agentmem.replay.formats.contents import PACE, arguments, blocks, moment_of, sent, worded
from agentmem.replay.formats.message_list import Growth
from agentmem.replay.session import Exchange, RecordedSession, SkippedLine, lifetime
from agentmem.replay.source import RecordingSource, Spool, lines
from agentmem.types import Frame, Usage

_BASES = ("measured", "simulated", "estimated")
_ENDPOINTS = ("/messages", "/chat/completions", "/responses")


class WireLog:
    """Reads what agentmem's HTTP hook writes, and logs like it."""

    name = "wire-log"

    def accepts(self, first: Any) -> bool:
        """A line has the request's body, under "request" or "body"."""
        return isinstance(first, dict) and isinstance(first.get("request") or first.get("body"), dict)

    def sources(self, path: Path, spool: Spool) -> Iterator[RecordingSource | SkippedLine]:
        """The whole file: which lines belong together shows only when it is read."""
        yield RecordingSource(self.name, str(path), 0, str(path), name=path.name.partition(".")[0])

    def sessions(self, source: RecordingSource) -> Iterator[RecordedSession | SkippedLine]:
        """Each conversation, in the order of its first request. Frames that occur again are kept once."""
        reading, shared = WireReading(), LineReader()
        for line in lines(Path(source.file)):
            if isinstance(line, SkippedLine):
                yield line
                continue
            try:
                reading.add(shared.whole(line.value), line.number)
            except UNREADABLE as error:
                yield SkippedLine(source.path, line.number, why(error))
        yield from reading.sessions(source)


def why(error: Exception) -> str:
    """Why a line was passed over, by one of the errors of `UNREADABLE`."""
    return str(error) if isinstance(error, _Unfit | MissingBlocks) else f"no request that can be replayed: {error!r}"


class _Unfit(ValueError):
    """Why a line is no exchange that can be replayed."""


@dataclass(frozen=True, slots=True)
class _Begun:
    """A conversation: whom it is with, tools and system of its first request, and how it grew."""

    provider: str
    session: str
    head: tuple[Frame, ...]
    growth: Growth = field(default_factory=Growth)


class LineClock:
    """When the request of each line of a log was sent."""

    def __init__(self) -> None:
        self._last = 0.0

    def moment(self, value: Mapping[str, Any]) -> float:
        """By the line, else by the response, else PACE after the one before. Raises ValueError for no time."""
        named = next((value[key] for key in ("at", "timestamp", "ts") if key in value), None)
        found = moment_of(named)
        if found is None and named is not None:
            raise _Unfit(f'no time under "at": {named!r}')
        response = value.get("response")
        if found is None and isinstance(response, dict):
            found = moment_of(response.get("created_at", response.get("created")))
        self._last = self._last + PACE if found is None else found
        return self._last


UNREADABLE = (_Unfit, MissingBlocks, KeyError, TypeError, ValueError, AttributeError, RecursionError)
"""What `WireReading.add` and `LineReader.whole` raise for a line that is passed over."""


class WireReading:
    """A log while it is read, and while it grows. ``make`` makes the frames of its requests."""

    def __init__(self, make: Make | None = None) -> None:
        self.found: list[_Begun] = []
        self._groups: dict[tuple[str, str, tuple[Frame, ...]], list[_Begun]] = {}
        self._make = Frames() if make is None else make
        self._known: dict[Frame, Frame] = {}
        self._ended: dict[str, Growth] = {}
        self._clock = LineClock()

    def add(self, value: dict[str, Any], line: int) -> None:
        """Take the next line. Raises an error of UNREADABLE; requests that failed are passed over."""
        provider, body = _request(value)
        if (value.get("status") or 200) >= 400:
            body_prompt(body, self._make)
            return
        response = value.get("response")
        if not isinstance(response, dict):
            raise _Unfit("the request has no response")
        prompt = body_prompt(body, self._make)
        reply, usage = _REPLIES[provider](response)
        usage = replace(usage, basis=value["basis"]) if usage and value.get("basis") in _BASES else usage
        head = (*prompt.tools, *prompt.system)
        frames = (*self._before(value), *(self._known.setdefault(one, one) for one in prompt.messages))
        at = self._clock.moment(value)
        begun = self._place(provider, str(value.get("session") or ""), head, frames)
        exchange = Exchange(
            at=at,
            answered=at + float(value.get("first_byte_after") or value.get("seconds") or 0.0),
            model=str(body["model"]),
            arrived=(),
            reply=tuple(reply),
            usage=usage,
            settings=prompt.settings,
            marks=prompt.breakpoints,
            head=head if head != begun.head else None,
            identity=str(response.get("id") or ""),
            extras=response_extras(response),
            line=line,
        )
        begun.growth.add(frames, exchange)
        self._ended[exchange.identity] = begun.growth

    def sessions(self, source: RecordingSource) -> Iterator[RecordedSession]:
        """The conversations so far."""
        for number, one in enumerate(self.found, start=1):
            stem = one.session or source.name
            name = stem if len(self.found) == 1 else f"{stem}/{number}"
            exchanges = tuple(one.growth.exchanges)
            ttl = lifetime(exchanges)
            yield RecordedSession(name, source.path, exchanges, head=one.head, ttl=ttl, provider=one.provider)

    def _before(self, value: dict[str, Any]) -> tuple[Frame, ...]:
        """What a request leaves to its server to remember: the conversation up to the reply that it names."""
        named = (value.get("request") or value["body"]).get("previous_response_id")
        growth = self._ended.get(str(named)) if named else None
        return growth.live if growth and growth.exchanges[-1].identity == named else ()

    def _place(self, provider: str, session: str, head: tuple[Frame, ...], frames: tuple[Frame, ...]) -> _Begun:
        """The conversation that a request shares most with, if more than nothing; else a new one."""
        group = self._groups.setdefault((provider, session, frames[:1]), [])
        shared = [(one.growth.common(frames), -at) for at, one in enumerate(group)]
        if group and max(shared)[0] > 0:
            return group[-max(shared)[1]]
        begun = _Begun(provider, session, head)
        group.append(begun)
        self.found.append(begun)
        return begun


def _request(value: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Whose API was asked, and the body in the form of Anthropic's."""
    body = value.get("request") or value.get("body")
    path = str(value.get("path") or "")
    if path and not path.rstrip("/").endswith(_ENDPOINTS):
        raise _Unfit(f"a request of another API: {path}; those that are replayed end in {', '.join(_ENDPOINTS)}")
    if value.get("complete") is False:
        raise _Unfit("the response broke off")
    if not isinstance(body, dict) or "model" not in body or not ("messages" in body or "input" in body):
        raise _Unfit('no request of a model under "request"')
    if not isinstance(body["model"], str) or not body["model"]:
        raise _Unfit(f"a model's name is text, not {type(body['model']).__name__}: {body['model']!r}")
    provider = "openai" if _asks_openai(body, path, value.get("response")) else "anthropic"
    shaped = messages_body(body) if provider == "openai" else body
    said = [{**message, "content": blocks(worded(message.get("content")))} for message in shaped["messages"]]
    return provider, {**shaped, "messages": said}


def _asks_openai(body: dict[str, Any], path: str, response: Any) -> bool:
    """By the endpoint, else by the shape of the response, else by the body."""
    if not path and isinstance(response, dict):
        if "choices" in response or isinstance(response.get("output"), list):
            return True
        if isinstance(response.get("content"), list):
            return False
    return is_openai(body, path)


def _anthropic_reply(response: dict[str, Any]) -> tuple[list[Frame], Usage | None]:
    usage = response.get("usage")
    if "content" not in response and not usage:
        raise _Unfit("the response holds no reply")
    said = [frame("message", block, "assistant") for block in blocks(worded(response.get("content")))]
    return said, read_usage(usage) if usage else None


def _openai_reply(response: dict[str, Any]) -> tuple[list[Frame], Usage | None]:
    """Of a chat completion the first choice; of a response its items."""
    if "choices" not in response and "output" not in response:
        raise _Unfit("the response holds no reply")
    choices = response.get("choices") or ()
    items = [choices[0]["message"]] if choices else response.get("output") or ()
    usage = response.get("usage")
    said = [frame("message", block, "assistant") for item in items for block in _said(item)]
    return said, read_usage(usage) if usage else None


def _said(item: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The blocks of a message, or of an item of a response."""
    if item.get("type") == "function_call":
        yield _call(item.get("call_id"), item)
    elif "role" not in item and "content" not in item:
        yield dict(item)
    else:
        yield from sent(worded(item.get("content")))
    for call in item.get("tool_calls") or ():
        yield _call(call.get("id"), call["function"])


def _call(identity: Any, function: dict[str, Any]) -> dict[str, Any]:
    made = {"type": "tool_use", "id": str(identity or ""), "name": str(function["name"])}
    return {**made, "input": arguments(function.get("arguments"))}


_REPLIES: Mapping[str, Callable[[dict[str, Any]], tuple[list[Frame], Usage | None]]] = {
    "anthropic": _anthropic_reply,
    "openai": _openai_reply,
}

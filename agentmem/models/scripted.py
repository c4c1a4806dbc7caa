"""Plays a script as a model: for tests, demos and examples, without a key, and the same in every run.

A YAML script is a list of turns. A turn is a text, or a mapping with ``text`` and ``calls``; a call is a tool's name
with its arguments:

    - text: I look at the page first.
      calls:
        - read: {page: Team.md}
    - Ada leads the team.

A markdown script has for each turn a heading of level two that begins with the word "Turn". The text below it is the
reply's text; a fenced block whose first line ends with "call NAME" is a tool call, with its arguments as YAML or JSON.
Text before the first turn is a comment.

    ## Turn 1: look around
    I look at the page first.

    ```yaml call read
    page: Team.md
    ```

    ## Turn 2
    Ada leads the team.
"""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from agentmem.checking import LIST, shown
from agentmem.closing import Closing
from agentmem.errors import ConfigError, ScriptEnded
from agentmem.kvcache.frames import canonical
from agentmem.models.meters import Estimated, ReplyMeter, measured
from agentmem.types import Block, Delta, Frame, Message, ModelProfile, Reply, Request, Text, TextDelta, ToolCall

Part = str | ToolCall | Mapping[str, Any]
"""A text, a tool call, or a mapping of ``text`` and ``calls``."""
Turn = Message | Part | Sequence[Part] | Exception
"""One turn of a script. An exception is raised once, before the turn that follows it."""

_TURN = re.compile(r"^## Turn\b.*$")
_CALL = re.compile(r"^(?P<fence>`{3,}|~{3,})[ \t]*(?:(?P<form>yaml|json)[ \t]+)?call[ \t]+(?P<name>\S+)[ \t]*$")
_FENCE = re.compile(r"^(?P<fence>`{3,}|~{3,})")


class _Loader(yaml.SafeLoader):
    """YAML in which dates stay text, as in the JSON of a tool's arguments."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def message(turn: Turn, place: int) -> Message:
    """A turn as the assistant's message. Calls without an id get ``call_PLACE_N``, the same in every run."""
    if isinstance(turn, Message):
        return turn
    parts = (turn,) if isinstance(turn, str | ToolCall | Mapping) else turn
    if not isinstance(parts, Sequence):
        raise ConfigError(f"a turn of a script is text, a tool call, a mapping or a list of them, not {parts!r}")
    blocks = [block for part in parts for block in _blocks(part)]
    calls = iter(range(1, len(blocks) + 1))
    return Message("assistant", tuple(_named(block, place, calls) for block in blocks))


def _blocks(part: object) -> Iterator[Block]:
    if isinstance(part, str):
        yield from (Text(part),) if part else ()
    elif isinstance(part, ToolCall):
        yield part
    elif isinstance(part, Mapping) and part and part.keys() <= {"text", "calls"}:
        if part.get("text"):
            yield Text(str(part["text"]))
        yield from (_call(call) for call in part.get("calls") or ())
    else:
        raise ConfigError(f"a part of a turn is text, a tool call, or a mapping of 'text' and 'calls', not {part!r}")


def _call(call: object) -> ToolCall:
    if isinstance(call, ToolCall):
        return call
    if isinstance(call, Mapping) and len(call) == 1:
        name, arguments = next(iter(call.items()))
        return ToolCall("", str(name), _arguments(name, arguments))
    raise ConfigError(
        f"a call is a mapping of one tool's name to its arguments, as in `read: {{page: A.md}}`, not {call!r}"
    )


def _arguments(name: object, arguments: object) -> str:
    if not isinstance(arguments, Mapping | None):
        raise ConfigError(f"the arguments of the call {name} are a mapping, not {arguments!r}")
    try:
        return canonical(dict(arguments or {})).decode("utf-8", "surrogatepass")
    except (TypeError, ValueError) as error:
        raise ConfigError(f"the arguments of the call {name} cannot be written as JSON: {error}") from error


def _named(block: Block, place: int, numbers: Iterator[int]) -> Block:
    if isinstance(block, ToolCall) and not block.id:
        return ToolCall(f"call_{place}_{next(numbers)}", block.name, block.arguments)
    return block


def read(path: Path) -> list[Turn]:
    """The turns of a script file: markdown for ``.md``, else YAML. Raises ConfigError, naming the place."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the script {path} cannot be read: {error}") from error
    try:
        turns = list(_FORMATS.get(path.suffix.lower(), parse_yaml)(text))
        for place, turn in enumerate(turns):
            _checked(turn, place)
    except ConfigError as error:
        raise ConfigError(f"the script {path}: {error}") from error
    return turns


def _checked(turn: Turn, place: int) -> None:
    try:
        message(turn, place)
    except ConfigError as error:
        raise ConfigError(f"turn {place + 1}: {error}") from error


def parse_yaml(text: str) -> list[Turn]:
    """The turns of a YAML script."""
    found = _yaml(text)
    if not isinstance(found, list) or not found:
        raise ConfigError("a YAML script is a list of turns, each beginning with '- '")
    return found


def parse_markdown(text: str) -> Iterator[Turn]:
    """The turns of a markdown script."""
    turns = _split(text)
    if not turns:
        raise ConfigError("a markdown script has a heading such as '## Turn 1' for each turn, and this one has none")
    return (_turn(lines, heading) for heading, lines in turns)


def _split(text: str) -> list[tuple[str, list[str]]]:
    """Each turn's heading and its lines. A heading inside a fence is text."""
    turns: list[tuple[str, list[str]]] = []
    fence = ""
    for line in text.splitlines():
        if not fence and _TURN.match(line):
            turns.append((line, []))
            continue
        fence = _fence_after(line, fence)
        if turns:
            turns[-1][1].append(line)
    return turns


def _fence_after(line: str, fence: str) -> str:
    """The fence that is open after ``line``; "" if there is none."""
    found = _FENCE.match(line)
    if not fence:
        return found["fence"] if found else ""
    return "" if _closes(line, fence) else fence


def _closes(line: str, fence: str) -> bool:
    bare = line.strip()
    return len(bare) >= len(fence) and set(bare) == {fence[0]}


def _turn(lines: list[str], heading: str) -> Turn:
    """The texts and calls of one turn, in order."""
    parts: list[Part] = []
    words: list[str] = []
    fence = ""
    rest = iter(lines)
    for line in rest:
        opened = None if fence else _CALL.match(line)
        if opened:
            parts += _text(words)
            words = []
            parts.append(_fenced(opened, rest, heading))
        else:
            fence = _fence_after(line, fence)
            words.append(line)
    parts += _text(words)
    if not parts:
        raise ConfigError(f"'{heading}' has neither text nor a call")
    return parts


def _text(words: list[str]) -> list[Part]:
    text = "\n".join(words).strip()
    return [text] if text else []


def _fenced(opened: re.Match[str], lines: Iterator[str], heading: str) -> ToolCall:
    body: list[str] = []
    for line in lines:
        if _closes(line, opened["fence"]):
            try:
                load = _json if opened["form"] == "json" else _yaml
                return _call({opened["name"]: load("\n".join(body))})
            except ConfigError as error:
                raise ConfigError(f"'{heading}': {error}") from error
        body.append(line)
    raise ConfigError(f"'{heading}': the block of the call {opened['name']} is not closed")


def _json(text: str) -> Any:
    try:
        return json.loads(text) if text.strip() else None
    except ValueError as error:
        raise ConfigError(f"this is no JSON: {error}") from error


def _yaml(text: str) -> Any:
    try:
        return yaml.load(text, _Loader)
    except yaml.YAMLError as error:
        raise ConfigError(f"this is no YAML: {error}") from error


_FORMATS = {".md": parse_markdown, ".markdown": parse_markdown}
"""The parser by the ending of a file's name; any other file is YAML."""


Script = Sequence[Turn] | Callable[[Request], Turn]
"""Turns in order, or a function that makes the next one from the request."""

SCRIPTED = ModelProfile("scripted", "scripted", "scripted")
_PIECE = re.compile(r"\S*\s*")
_WORDS = 4  # words in one TextDelta
_CALL_ID = re.compile(r"call_(\d+)_\d+")


class ScriptedModel(Closing):
    """Answers each request with a turn of ``script``.

        model = ScriptedModel([{"calls": [{"read": {"page": "notes.md"}}]}, "Done."])

    A turn is a text, a mapping with ``text`` and ``calls``, a Message, a list of these, or an exception to raise;
    ``script`` may also be a function that makes the turn from the request. `load` reads a script from a file.

    The turn is the one after the last assistant turn in the request. So a run that was killed, forked or compacted
    continues at the right turn, also in another process. With ``sequential`` it is simply the next turn: for a script
    that continues a thread of another script. ``by_purpose`` answers requests of some purposes ("summary", for example)
    apart from the script. Usage is estimated unless there is a ``meter``. ``requests`` lists every request, in order.
    A request raises ScriptEnded if no turn is left. Raises ConfigError for what is no script.
    """

    def __init__(
        self,
        script: Script,
        *,
        sequential: bool = False,
        meter: ReplyMeter | None = None,
        profile: ModelProfile = SCRIPTED,
        by_purpose: Mapping[str, Turn | Callable[[Request], Turn]] | None = None,
    ) -> None:
        if not callable(script) and not LIST.fits(script):
            raise ConfigError(
                f'a script is a list of turns, such as ["Hello."], or a function that makes them, and {shown(script)} '
                "is neither; ScriptedModel.load(PATH) reads one from a file"
            )
        self.requests: list[Request] = []
        self._script = script if callable(script) else _Turns(script, sequential)
        self._meter = meter or Estimated()
        self._profile = profile
        self._by_purpose = dict(by_purpose or {})

    @classmethod
    def load(
        cls,
        path: str | Path,
        *,
        sequential: bool = False,
        meter: ReplyMeter | None = None,
        profile: ModelProfile = SCRIPTED,
    ) -> "ScriptedModel":
        """The model of a YAML or markdown script. Raises ConfigError if the file is not a script."""
        return cls(read(Path(path)), sequential=sequential, meter=meter, profile=profile)

    @property
    def profile(self) -> ModelProfile:
        return self._profile

    def stream(self, request: Request) -> Iterator[Delta]:
        """Yields the reply's text, a few words at a time, and then the Reply."""
        started = time.perf_counter()
        said = self._say(request)
        usage, sources = measured(self._meter, request, said)
        first = time.perf_counter() - started
        yield from _deltas(said)
        stop = "tool_use" if said.calls else "end_turn"
        seconds = time.perf_counter() - started
        yield Reply(said, usage, stop, first_token_after=first, seconds=seconds, sources=sources)

    async def astream(self, request: Request) -> AsyncIterator[Delta]:
        """`stream` for asyncio. The meter works in a thread."""
        for delta in await asyncio.to_thread(lambda: list(self.stream(request))):
            yield delta

    def close(self) -> None:
        """Close the meter."""
        self._meter.close()

    def _say(self, request: Request) -> Message:
        self.requests.append(request)
        answer, at = self._by_purpose.get(request.purpose, self._script), place(request)
        turn = answer.turn(at) if isinstance(answer, _Turns) else answer(request) if callable(answer) else answer
        if isinstance(turn, Exception):
            raise turn
        return message(turn, at)


class _Turns:
    """A list of turns, each with the exceptions before it that have not been raised yet."""

    def __init__(self, script: Sequence[Turn], sequential: bool) -> None:
        self._turns = [turn for turn in script if not isinstance(turn, Exception)]
        self._errors: dict[int, list[Exception]] = {}
        self._sequential = sequential
        self._next = 0
        index = 0
        for turn in script:
            if isinstance(turn, Exception):
                self._errors.setdefault(index, []).append(turn)
            else:
                index += 1

    def turn(self, place: int) -> Turn:
        """The turn at that place, or the next one."""
        index = self._next if self._sequential else place
        if errors := self._errors.get(index):
            return errors.pop(0)
        if index >= len(self._turns):
            raise ScriptEnded(
                f"the script has {len(self._turns)} turns and turn {index + 1} was asked for; add a turn, or pass "
                "sequential=True if the script goes on with a thread that it did not begin"
            )
        self._next = index + 1
        return self._turns[index]


def place(request: Request) -> int:
    """The number of a script's turns that a request already holds: the index of the next turn.

        def script(request: Request) -> Turn:
            return TURNS[place(request)]

    The ids of a script's calls hold the number, so it is known even if earlier turns have left the context. Turns of
    text after the last such call are counted; without any call, all turns are.
    """
    since = 0
    for turn in reversed(request.turns):
        if turn.role == "assistant":
            number = _number(turn.frames)
            if number is not None:
                return number + 1 + since
            since += 1
    return since


def _number(frames: Sequence[Frame]) -> int | None:
    """The place of an assistant's turn in its script, from the id of its first scripted call; None if it has none."""
    found = (_CALL_ID.fullmatch(str(frame.value.get("id", ""))) for frame in frames)
    return next((int(match[1]) for match in found if match), None)


def _deltas(said: Message) -> Iterator[TextDelta]:
    words = _PIECE.findall(said.text)
    pieces = ("".join(words[start : start + _WORDS]) for start in range(0, len(words), _WORDS))
    yield from (TextDelta(piece) for piece in pieces if piece)

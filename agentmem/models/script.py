"""Scripts of a scripted model: what a turn may be written as, and the two file formats.

A YAML script is a list of turns: a text, or a mapping with ``text`` and ``calls``, each call a tool's name over its
arguments:

    - text: I look at the page first.
      calls:
        - read: {page: Team.md}
    - Ada leads the team.

A markdown script has a heading of level two that begins with the word "Turn" for each turn. What follows is the
reply's text; a fenced block whose first line ends with "call NAME" is a tool call, with its arguments as YAML or JSON.
Whatever stands before the first turn is a comment.

    ## Turn 1: look around
    I look at the page first.

    ```yaml call read
    page: Team.md
    ```

    ## Turn 2
    Ada leads the team.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from agentmem.errors import ConfigError
from agentmem.kvcache.frames import canonical
from agentmem.types import Block, Message, Text, ToolCall

Part = str | ToolCall | Mapping[str, Any]
"""A text, a tool call, or a mapping of ``text`` and ``calls``."""
Turn = Message | Part | Sequence[Part] | Exception
"""One turn of a script. An exception is raised in its place, once, before the turn that follows it."""

_TURN = re.compile(r"^## Turn\b.*$")
_CALL = re.compile(r"^(?P<fence>`{3,}|~{3,})[ \t]*(?:(?P<form>yaml|json)[ \t]+)?call[ \t]+(?P<name>\S+)[ \t]*$")
_FENCE = re.compile(r"^(?P<fence>`{3,}|~{3,})")


class _Loader(yaml.SafeLoader):
    """YAML whose dates stay text, as in the JSON of a tool's arguments."""


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
    return (_parts(lines, heading) for heading, lines in turns)


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
    """The fence that is open after ``line``, "" when there is none."""
    found = _FENCE.match(line)
    if not fence:
        return found["fence"] if found else ""
    return "" if _closes(line, fence) else fence


def _closes(line: str, fence: str) -> bool:
    bare = line.strip()
    return len(bare) >= len(fence) and set(bare) == {fence[0]}


def _parts(lines: list[str], heading: str) -> Turn:
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
"""By the ending of a file's name; anything else is YAML."""

"""Reads cards: the descriptions of tools for the people and models that use them. One markdown file for each tool.

    ---
    name: read
    effect: read
    timeout: 30
    cap: 7000
    ---

    One plain paragraph on what the tool does.

    ## When to use it

    Prose.

    ## Parameters

    - `page` (text; needed): The page to read, for example `notes/todo.md`.
    - `part` (whole number; 1 if left out): Which part of a long page.

The model reads the paragraph, the prose and the descriptions; the front matter is for the runtime.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

import yaml

from agentmem import assets
from agentmem.errors import MenuError
from agentmem.menu.arguments import TYPES, schema_of
from agentmem.types import Effect, Json

NEEDED = object()
"""The default of a parameter without one."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a card. ``default`` is NEEDED, or None for "may be left out", or the value."""

    name: str
    schema: Json
    default: object
    text: str


@dataclass(frozen=True, slots=True)
class Card:
    """A card. ``timeout`` is in seconds, ``cap`` in tokens of output; ``origin`` names it in errors.

    ``when_cut`` tells the model how to get the rest if the output was longer than the cap.
    """

    origin: str
    name: str
    description: str
    parameters: tuple[Parameter, ...]
    effect: Effect = "outside"
    timeout: float = 60.0
    cap: int = 6000
    when_cut: str = ""


_FRONT = re.compile(r"\A---\n(?P<front>.*?)\n---\n(?P<body>.*)\Z", re.DOTALL)
_ITEM = re.compile(r"- `(?P<name>[^`]+)` \((?P<type>[^;]+); (?P<need>[^)]*)\): (?P<text>.*)", re.DOTALL)
_KEYS: Mapping[str, tuple[type, ...]] = {
    "name": (str,),
    "effect": (str,),
    "timeout": (int, float),
    "cap": (int,),
    "when cut": (str,),
}


def load(name: str) -> Card:
    """A built-in tool's card, by the tool's name."""
    return parse(assets.read(f"tools/{name}.md"), f"tools/{name}.md")


def parse(text: str, origin: str) -> Card:
    """The card in ``text``. Raises MenuError that begins with ``origin`` and says what to write."""
    found = _FRONT.match(text.replace("\r\n", "\n"))
    if not found:
        raise MenuError(f"{origin}: a card begins with front matter between two lines of ---")
    front = _front(found["front"], origin)
    sections = _sections(found["body"])
    description = "\n\n".join(filter(None, (sections.get("", ""), sections.get("When to use it", ""))))
    if not description:
        raise MenuError(f"{origin}: say in a paragraph below the front matter what the tool does")
    return Card(
        origin=origin,
        name=front["name"],
        description=description,
        parameters=tuple(_parameter(item, origin) for item in _items(sections.get("Parameters", ""))),
        **{key.replace(" ", "_"): value for key, value in front.items() if key != "name"},
    )


def _front(text: str, origin: str) -> dict[str, Any]:
    try:
        front = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise MenuError(f"{origin}: the front matter is not valid YAML: {error}") from error
    if not isinstance(front, Mapping) or "name" not in front:
        raise MenuError(f"{origin}: the front matter must give the tool's name, as in `name: read`")
    for key, value in front.items():
        if key not in _KEYS:
            raise MenuError(f"{origin}: the front matter has {key!r}; it may have {', '.join(_KEYS)}")
        if not isinstance(value, _KEYS[key]) or isinstance(value, bool):
            raise MenuError(f"{origin}: {value!r} cannot be the {key} of a tool")
    if "effect" in front and front["effect"] not in get_args(Effect):
        raise MenuError(f"{origin}: the effect is {front['effect']!r}; it must be read, write or outside")
    return dict(front)


def _sections(body: str) -> dict[str, str]:
    """The text below each heading of the second level; text before the first heading is under ""."""
    parts = re.split(r"^## +(.+?) *$", f"\n{body}", flags=re.MULTILINE)
    return {"": parts[0].strip(), **dict(zip(parts[1::2], map(str.strip, parts[2::2]), strict=True))}


def _items(text: str) -> list[str]:
    """The items of a list, each as one line."""
    return [" ".join(item.split()) for item in re.split(r"^(?=- )", text, flags=re.MULTILINE) if item.startswith("- ")]


def _parameter(item: str, origin: str) -> Parameter:
    found = _ITEM.fullmatch(item)
    if not found:
        raise MenuError(f"{origin}: write a parameter as - `name` (text; needed): What it is. This is not: {item}")
    schema = schema_of(found["type"])
    if schema is None:
        raise MenuError(f"{origin}: `{found['name']}` is of the type {found['type']!r}; the types are: {TYPES}")
    default = _default(found["need"], schema)
    if default is _UNCLEAR:
        raise MenuError(
            f"{origin}: `{found['name']}` is {found['need']!r}; say `needed`, `may be left out`, or what stands "
            "in for it, as in `1 if left out`, `no if left out`, `empty if left out` or `` `a` if left out ``"
        )
    return Parameter(found["name"], schema, default, found["text"])


_UNCLEAR = object()


def _default(words: str, schema: Json) -> object:
    if words == "needed":
        return NEEDED
    if words == "may be left out":
        return None
    value = words.removesuffix(" if left out")
    if value == words:
        return _UNCLEAR
    return _literal(value, schema)


def _literal(value: str, schema: Json) -> object:
    """The value of a default in a card's words: yes, no, empty, a number, or text in backticks."""
    kind = schema.get("type")
    if kind == "boolean":
        return {"yes": True, "no": False}.get(value, _UNCLEAR)
    if value == "empty":
        return {"array": (), "string": "", "object": {}}.get(str(kind), _UNCLEAR)
    if kind == "string" and value.startswith("`") and value.endswith("`"):
        return value[1:-1]
    try:
        return {"integer": int, "number": float}[str(kind)](value)
    except (KeyError, ValueError):
        return _UNCLEAR

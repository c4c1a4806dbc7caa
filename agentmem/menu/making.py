"""Makes tools from functions with type hints and a docstring, with or without a card, and from LangChain tools.

If there is a card, the model reads the card; types, needs and defaults must agree in card and function.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, overload

from agentmem.checking import shown
from agentmem.errors import MenuError
from agentmem.menu import cards, foreign
from agentmem.menu.arguments import checked, resolved, words_of
from agentmem.menu.cards import NEEDED, Card, Parameter
from agentmem.menu.foreign import LangChainTool
from agentmem.menu.signature import Signature, ordered, signature
from agentmem.menu.tool import Tool
from agentmem.types import Effect, Json

Source = Callable[..., object] | LangChainTool


@overload
def tool(
    function: Source,
    *,
    card: Path | str | None = None,
    effect: Effect | None = None,
    timeout: float | None = None,
    cap: int | None = None,
    name: str | None = None,
    reads: Sequence[str] = (),
) -> Tool: ...
@overload
def tool(
    *,
    card: Path | str | None = None,
    effect: Effect | None = None,
    timeout: float | None = None,
    cap: int | None = None,
    name: str | None = None,
    reads: Sequence[str] = (),
) -> Callable[[Source], Tool]: ...
def tool(
    function: Source | None = None,
    *,
    card: Path | str | None = None,
    effect: Effect | None = None,
    timeout: float | None = None,
    cap: int | None = None,
    name: str | None = None,
    reads: Sequence[str] = (),
) -> Tool | Callable[[Source], Tool]:
    """Makes a tool from a function with type hints and a docstring, or from a LangChain tool. Also a decorator.

        @tool(effect="read", timeout=10)
        def stock(part: str) -> str:
            "Says how many of a part are in the drawer."

    ``card`` is the path or the text of a card that the function must agree with. ``effect`` is "read", "write" or
    "outside", ``timeout`` is in seconds and ``cap`` in tokens of output. Defaults come from the card, else they are:
    effect "outside" (never repeated by itself after a kill), 60 seconds, 6,000 tokens, the function's own name.
    ``reads`` names what results are made from, "user", "clock" or "live": see Tool. Raises MenuError.
    """
    given = {"effect": effect, "timeout": timeout, "cap": cap, "reads": reads if reads != () else None}

    def make(source: Source) -> Tool:
        if foreign.is_langchain(source):
            made = foreign.from_langchain(source, _named(name))
        else:
            made = from_function(_function(source), name=_named(name), card=None if card is None else _card(card))
        changes: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
        changed = replace(made, **changes)
        return replace(changed, reads=tuple(changed.reads))

    return make if function is None else make(function)


def _named(name: object) -> str | None:
    if name is not None and not isinstance(name, str):
        raise MenuError(f"the name of a tool must be a text, and {shown(name)} is not")
    return name


def _function(source: object) -> Callable[..., object]:
    if not callable(source):
        raise MenuError(f"{source!r} is no tool; give a function, a Tool, a LangChain tool or a built-in's name")
    return source


def _card(source: Path | str) -> Card:
    """A card from its path or its text; a text begins with front matter."""
    if isinstance(source, str) and source.lstrip().startswith("---\n"):
        return cards.parse(source.lstrip(), "the card")
    try:
        return cards.parse(Path(source).read_text(encoding="utf-8"), str(source))
    except (OSError, UnicodeDecodeError, TypeError, ValueError) as error:
        raise MenuError(f"{source}: the card cannot be read: {error}") from error


def from_function(function: Callable[..., object], *, name: str | None = None, card: Card | None = None) -> Tool:
    """A tool made from a function. Raises MenuError if function and card disagree, or a model could not use it."""
    name = name or (card.name if card else _name_of(function))
    read = signature(function, name)
    schema = read.schema if card is None else _agreed(card, read, name)
    check = partial(checked, adapter=read.adapter, schema=schema, tool=name)
    described = read.description if card is None else card.description
    made = Tool(name, described, "outside", schema, function, context=read.context, check=check)
    if card is None:
        return made
    return replace(made, effect=card.effect, timeout=card.timeout, cap=card.cap, when_cut=card.when_cut)


def _name_of(function: Callable[..., object]) -> str:
    while isinstance(function, partial):
        function = function.func
    return str(getattr(function, "__name__", type(function).__name__))


def _agreed(card: Card, read: Signature, name: str) -> dict[str, Any]:
    """The function's schema in the card's order and with its descriptions. Raises MenuError for a disagreement."""
    if wrong := list(_disagreements(card, read, name)):
        raise MenuError(f"{card.origin} and the function {name}() disagree: {'; '.join(wrong)}")
    properties = {one.name: _described(read.schema["properties"][one.name], one) for one in card.parameters}
    needed = [one.name for one in card.parameters if one.default is NEEDED]
    schema = {**read.schema, "properties": properties, "required": needed}
    return ordered({key: value for key, value in schema.items() if key != "required" or needed})


def _described(schema: Json, parameter: Parameter) -> dict[str, Any]:
    return ordered({**schema, "description": parameter.text})


def _disagreements(card: Card, read: Signature, name: str) -> Iterator[str]:
    properties, needed = read.schema["properties"], read.schema.get("required", ())
    named = [one.name for one in card.parameters]
    yield from (f"the card has `{one}` twice" for one in dict.fromkeys(named) if named.count(one) > 1)
    yield from (f"the card does not list `{one}`" for one in properties if one not in named)
    for one in card.parameters:
        if one.name not in properties:
            yield f"the function has no parameter `{one.name}`"
        else:
            yield from _differences(one, properties[one.name], one.name in needed, read.schema.get("$defs", {}))


def _differences(stated: Parameter, schema: Json, needed: bool, definitions: Json) -> Iterator[str]:
    if not _same_type(stated.schema, schema, definitions):
        said, is_ = words_of(stated.schema), words_of(schema, definitions)
        yield f"the type of `{stated.name}` is {said} in the card, and {is_} in the function"
    if stated.default is NEEDED and not needed:
        yield f"`{stated.name}` is needed in the card, and the function can do without it"
    elif needed and stated.default is not NEEDED:
        yield f"`{stated.name}` may be left out in the card, and the function needs it"
    elif not needed and _plain(stated.default) != schema.get("default"):
        said, is_ = _default(stated.default), _default(schema.get("default"))
        yield f"`{stated.name}` is {said} when left out in the card, and {is_} in the function"


def _plain(default: object) -> object:
    return list(default) if isinstance(default, tuple) else default


def _default(value: object) -> str:
    return "nothing" if value is None else repr(_plain(value))


def _same_type(stated: Json, schema: Json, definitions: Json) -> bool:
    """True if a card's type is the function's. A card's "object" fits an object of any shape."""
    schema = resolved(schema, definitions)
    if stated.get("type") != schema.get("type"):
        return False
    if stated.get("type") == "array":
        return _same_type(stated["items"], schema.get("items", {}), definitions)
    keys = ("enum", "minimum", "maximum")
    return all(stated.get(key) == schema.get(key) for key in keys)

"""Turns the text that a model wrote into the arguments of a function, or into sentences that say what to fix.

The sentences name types in a person's words ("list of texts"); cards use the same words.
"""

import json
import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from pydantic import TypeAdapter, ValidationError

from agentmem.errors import BadArguments
from agentmem.types import UNREADABLE, Json

_PLAIN: Mapping[str, Json] = {
    "text": {"type": "string"},
    "whole number": {"type": "integer"},
    "number": {"type": "number"},
    "yes or no": {"type": "boolean"},
    "object": {"type": "object"},
    "anything": {},
}
_PLURAL = {"texts": "text", "whole numbers": "whole number", "numbers": "number", "objects": "object"}
_RANGE = re.compile(
    r"(?P<type>whole number|number)"
    r"(?: from (?P<low>-?[\d.]+) to (?P<high>-?[\d.]+)| of at least (?P<least>-?[\d.]+)| of at most (?P<most>-?[\d.]+))"
)
_CHOICE = re.compile(r"one of ((?:`[^`]+`(?:, | or )?)+)")

TYPES = ", ".join([*_PLAIN, "whole number from 1 to 9", "one of `a`, `b`", "list of texts"])
"""The types that a card may name, as errors list them."""


def schema_of(words: str) -> dict[str, Any] | None:
    """The JSON Schema of a type in words; None for unknown words."""
    words = " ".join(words.split())
    if words in _PLAIN:
        return dict(_PLAIN[words])
    if words.startswith("list of "):
        item = words.removeprefix("list of ")
        items = schema_of(_PLURAL.get(item, item))
        return None if items is None else {"type": "array", "items": items}
    if choice := _CHOICE.fullmatch(words):
        return {"type": "string", "enum": re.findall(r"`([^`]+)`", choice[1])}
    found = _RANGE.fullmatch(words)
    return _ranged(found) if found else None


def _ranged(found: re.Match[str]) -> dict[str, Any]:
    number = int if found["type"] == "whole number" else float
    low, high = found["low"] or found["least"], found["high"] or found["most"]
    return {
        **_PLAIN[found["type"]],
        **({"minimum": number(low)} if low else {}),
        **({"maximum": number(high)} if high else {}),
    }


def words_of(schema: Json, definitions: Json | None = None) -> str:
    """A JSON Schema in words, without an article: "whole number from 1 to 9"."""
    definitions = definitions or schema.get("$defs", {})
    schema = resolved(schema, definitions)
    if choices := schema.get("enum") or ([schema["const"]] if "const" in schema else None):
        return "one of " + ", ".join(f"`{choice}`" for choice in choices)
    if several := schema.get("anyOf"):
        return " or ".join(dict.fromkeys(words_of(one, definitions) for one in several))
    kind = schema.get("type", "")
    if isinstance(kind, list):
        return " or ".join(words_of({**schema, "type": one}, definitions) for one in kind)
    if kind == "array":
        item = words_of(schema.get("items", {}), definitions)
        plural = {one: many for many, one in _PLURAL.items()}
        return f"list of {plural.get(item, item)}"
    return _KINDS.get(kind, "anything") + _bounds(schema)


_KINDS = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "yes or no",
    "object": "object",
    "null": "nothing",
}


def _bounds(schema: Json) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        return f" from {low} to {high}"
    if low is not None:
        return f" of at least {low}"
    return "" if high is None else f" of at most {high}"


def with_article(words: str) -> str:
    """ "a whole number", "an object", but "one of `a`, `b`", "text" and "true or false" (which is how JSON says it)."""
    if words == "yes or no":
        return "true or false"
    if words.startswith(("text", "one of", "anything", "nothing")):
        return words
    return f"{'an' if words[0] in 'aeio' else 'a'} {words}"


def resolved(schema: Json, definitions: Json) -> Json:
    """The schema that a ``$ref`` points to, or the schema itself."""
    reference = schema.get("$ref", "")
    return definitions.get(reference.removeprefix("#/$defs/"), {}) if reference else schema


_SHOWN = 80  # characters of a wrong value that a sentence quotes
_SENTENCES = 5  # the most mistakes in one answer
_NOUN = ("The ", "A ", "An ", "What ", "Which ", "Whether ", "How ", "Where ")


def parse(text: str) -> dict[str, Any]:
    """The JSON object in ``text``; empty text means no arguments. Raises BadArguments."""
    try:
        value = json.loads(text.strip() or "{}", parse_constant=_refuse)
    except json.JSONDecodeError as error:
        near = error.doc[max(0, error.pos - 20) : error.pos + 20]
        raise BadArguments(
            f"The arguments are not valid JSON: {error.msg} at line {error.lineno}, column {error.colno}, "
            f"near {shown(near)}. Send one JSON object."
        ) from error
    except RecursionError as error:
        raise BadArguments("The arguments are nested too deeply. Send one flat JSON object.") from error
    if not isinstance(value, dict):
        kind = words_of({"type": _kind(value)})
        raise BadArguments(f"The arguments must be one JSON object of names and values, you gave {with_article(kind)}.")
    return _readable(value)


def _readable(value: dict[str, Any]) -> dict[str, Any]:
    """The arguments. Raises BadArguments if they came broken: they are then kept under one key."""
    if list(value) != [UNREADABLE]:
        return value
    parse(str(value[UNREADABLE]))
    raise BadArguments("The arguments could not be read. Send one JSON object, and less at once if it is long.")


def _refuse(constant: str) -> None:
    raise BadArguments(f"The arguments are not valid JSON: {constant} is no JSON value. Use a number, or null.")


def unpacked(arguments: Mapping[str, Any], schema: Json) -> dict[str, Any]:
    """The arguments, with lists and objects parsed that came as JSON in a string (a frequent mistake)."""
    definitions = schema.get("$defs", {})
    types = {name: resolved(one, definitions).get("type") for name, one in schema["properties"].items()}
    return {
        name: _unpacked(value) if isinstance(value, str) and types.get(name) in ("array", "object") else value
        for name, value in arguments.items()
    }


def _unpacked(value: str) -> Any:
    try:
        return json.loads(value) if value.lstrip()[:1] in ("[", "{") else value
    except (ValueError, RecursionError):
        return value


def checked(arguments: Json, *, adapter: TypeAdapter[Any], schema: Json, tool: str) -> dict[str, Any]:
    """The arguments as Python values. Raises BadArguments."""
    try:
        values: dict[str, Any] = adapter.validate_python(unpacked(arguments, schema))
    except ValidationError as error:
        raise BadArguments(" ".join(_sentences(error, schema, tool))) from error
    return values


def checked_plainly(arguments: Json, schema: Json, tool: str) -> dict[str, Any]:
    """The arguments, checked by the names and simple types of a hand-written schema. Raises BadArguments."""
    values, properties = unpacked(arguments, schema), schema["properties"]
    wrong = [_missing(name, schema) for name in schema.get("required", ()) if name not in values]
    if schema.get("additionalProperties", True) is False:
        wrong += [_unknown(name, schema, tool) for name in values if name not in properties]
    wrong += [
        _mistyped(name, value, properties[name], schema.get("$defs", {}))
        for name, value in values.items()
        if name in properties and not _fits(value, properties[name])
    ]
    if wrong:
        raise BadArguments(" ".join(wrong[:_SENTENCES]))
    return values


def refuse_unknown(arguments: Json, schema: Json, tool: str) -> None:
    """Raises BadArguments for a name that the schema does not have."""
    if wrong := [_unknown(name, schema, tool) for name in arguments if name not in schema["properties"]]:
        raise BadArguments(" ".join(wrong[:_SENTENCES]))


def _fits(value: object, schema: Json) -> bool:
    if "enum" in schema:
        return value in schema["enum"]
    kinds = schema.get("type")
    kinds = [kinds] if isinstance(kinds, str) else kinds
    return kinds is None or _kind(value) in kinds or (_kind(value) == "integer" and "number" in kinds)


def _kind(value: object) -> str:
    if value is None or isinstance(value, bool):
        return "null" if value is None else "boolean"
    kinds = {str: "string", int: "integer", float: "number", list: "array", dict: "object"}
    return next((name for kind, name in kinds.items() if isinstance(value, kind)), "object")


def _sentences(error: ValidationError, schema: Json, tool: str) -> Iterable[str]:
    """One sentence for each mistake; the mistakes of a union's members become one."""
    found = (_sentence(one, schema, tool) for one in error.errors(include_url=False))
    return list(dict.fromkeys(found))[:_SENTENCES]


def _sentence(error: Mapping[str, Any], schema: Json, tool: str) -> str:
    kind, message, value = error["type"], error["msg"], error["input"]
    path, inner = _walk(error["loc"], schema)
    if kind == "extra_forbidden" and len(error["loc"]) == 1:
        return _unknown(path, schema, tool)
    if kind == "missing":
        return _missing(path, schema) if len(error["loc"]) == 1 else f"`{path}` is missing."
    if kind in ("value_error", "assertion_error"):
        return f"`{path}`: {message.partition(', ')[2]}, you gave {shown(value)}."
    if kind.endswith(("_type", "_parsing", "_from_float", "_error", "_bytes", "_size")) or kind == "enum":
        return _mistyped(path, value, inner, schema.get("$defs", {}))
    plain = message.replace("Input should be", "must be").replace("Input should have", "must have")
    plain = plain.replace("String should", "must").replace("List should", "must")
    return f"`{path}` {plain}, you gave {shown(value)}."


def _walk(location: tuple[int | str, ...], schema: Json) -> tuple[str, Json]:
    """The place of a mistake, as a path such as `steps[0].state`, and the schema there if it can be followed."""
    definitions, path, here = schema.get("$defs", {}), "", schema
    for part in location:
        here = resolved(here, definitions)
        below = here.get("items") if isinstance(part, int) else here.get("properties", {}).get(part)
        if below is None and path:
            break
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else str(part)
        here = below or {}
    return path, resolved(here, definitions)


def _missing(name: str, schema: Json) -> str:
    text = schema["properties"].get(name, {}).get("description", "")
    if not text:
        return f"`{name}` is missing."
    if text.startswith(_NOUN):
        text = f"It is {text[0].lower()}{text[1:]}"
    return f"`{name}` is missing. {text.rstrip('.')}."


def _unknown(name: str, schema: Json, tool: str) -> str:
    names = list(schema["properties"])
    near = get_close_matches(name, names, 1)
    guess = f" Did you mean `{near[0]}`?" if near else ""
    takes = ", ".join(f"`{one}`" for one in names) or "nothing"
    return f"`{name}` is not a parameter of {tool}.{guess} It takes {takes}."


def _mistyped(path: str, value: object, schema: Json, definitions: Json) -> str:
    return f"`{path}` must be {with_article(words_of(schema, definitions))}, you gave {shown(value)}."


def shown(value: object) -> str:
    """A value, shortened for a sentence."""
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"

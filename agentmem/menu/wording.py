"""Types in the words a person would use ("list of texts"), and the same types as JSON Schema.

Cards are written in these words; the sentences that tell a model what is wrong with an argument use them too.
"""

import re
from collections.abc import Mapping
from typing import Any

from agentmem.types import Json

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
"""What a card may say, for errors."""


def schema_of(words: str) -> dict[str, Any] | None:
    """The JSON Schema of a type in words; None for words that are not known."""
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
    """The schema that a ``$ref`` stands for, or the schema itself."""
    reference = schema.get("$ref", "")
    return definitions.get(reference.removeprefix("#/$defs/"), {}) if reference else schema

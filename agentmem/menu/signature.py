"""Reads a Python function as a tool: its parameters as JSON Schema, from type hints and docstring.

Arguments are read leniently if that is harmless: "3" for a whole number, 3 for text, "true" for yes.
"""

import inspect
import typing
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, NotRequired

import docstring_parser
from pydantic import ConfigDict, TypeAdapter
from pydantic.errors import PydanticUserError
from pydantic_core import PydanticSerializationError, to_jsonable_python
from typing_extensions import TypedDict

from agentmem.errors import MenuError
from agentmem.menu.tool import ToolContext
from agentmem.types import Json

_LENIENT = ConfigDict(extra="forbid", coerce_numbers_to_str=True)
_ORDER = ("$ref", "type", "description", "enum", "const", "format", "items", "properties", "required", "anyOf")


@dataclass(frozen=True, slots=True)
class Signature:
    """A function's signature for a tool.

    ``schema`` is the object schema of its arguments, ``description`` its docstring without the parameters, ``context``
    the name of the parameter for the ToolContext, and ``adapter`` reads and checks arguments.
    """

    schema: dict[str, Any]
    description: str
    context: str | None
    adapter: TypeAdapter[Any]


def signature(function: Callable[..., object], name: str) -> Signature:
    """The signature of a function. Raises MenuError for parameters that a model could not fill in."""
    hints = _hints(function, name)
    parameters = [_checked(one, hints, name) for one in inspect.signature(function).parameters.values()]
    context = next((one.name for one in parameters if hints[one.name] is ToolContext), None)
    shown = [one for one in parameters if one.name != context]
    summary, described = _docstring(function)
    adapter, schema = _adapter(name, {one.name: _field(one, hints[one.name]) for one in shown})
    for one in shown:
        schema["properties"][one.name] = _property(schema["properties"][one.name], one, described.get(one.name, ""))
    return Signature(ordered(schema), summary, context, adapter)


def _hints(function: Callable[..., object], name: str) -> dict[str, Any]:
    try:
        return typing.get_type_hints(_written(function), include_extras=True)
    except (NameError, TypeError) as error:
        raise MenuError(f"the type hints of {name}() cannot be resolved: {error}") from error


def _written(function: Callable[..., object]) -> Callable[..., object]:
    """The function that somebody wrote: inside a partial, or the ``__call__`` of an object."""
    while isinstance(function, partial):
        function = function.func
    return function if inspect.isroutine(function) else type(function).__call__


def _checked(parameter: inspect.Parameter, hints: Mapping[str, Any], name: str) -> inspect.Parameter:
    if parameter.kind in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD):
        raise MenuError(f"{name}() takes *{parameter.name}; a tool's parameters must be named one by one")
    if parameter.kind is inspect.Parameter.POSITIONAL_ONLY:
        raise MenuError(f"the parameter {parameter.name} of {name}() cannot be given by name; move it behind the /")
    if parameter.name in ("self", "cls") and parameter.name not in hints:
        raise MenuError(
            f"{name}() is a method and has no object to work on yet: leave the decorator away, and give the agent the "
            f"method of an object, such as tools=[shelf.{name}], or tool(shelf.{name}, effect=...)"
        )
    if parameter.name not in hints:
        raise MenuError(f"the parameter {parameter.name} of {name}() has no type hint, such as {parameter.name}: str")
    return parameter


def _field(parameter: inspect.Parameter, hint: Any) -> Any:
    return hint if parameter.default is parameter.empty else NotRequired[hint]


def _adapter(name: str, fields: dict[str, Any]) -> tuple[TypeAdapter[Any], dict[str, Any]]:
    """The adapter that reads arguments of these types, and their schema."""
    typed_dict: Any = TypedDict  # the fields are known only now, which a type checker cannot follow
    arguments = typed_dict(name, fields)
    arguments.__pydantic_config__ = _LENIENT
    try:
        adapter: TypeAdapter[Any] = TypeAdapter(arguments)
        return adapter, tidy(adapter.json_schema())
    except PydanticUserError as error:
        raise MenuError(f"a parameter of {name}() has a type that has no JSON form: {error.message}") from error


def _property(schema: Json, parameter: inspect.Parameter, text: str) -> dict[str, Any]:
    """One parameter's schema with its description, its default, and without the null that ``= None`` brings."""
    value = dict(schema)
    if text and "description" not in value:
        value["description"] = text
    if parameter.default is None:
        value = without_null(value)
    elif parameter.default is not parameter.empty:
        with suppress(PydanticSerializationError):
            value["default"] = to_jsonable_python(parameter.default)
    return ordered(value)


def _docstring(function: Callable[..., object]) -> tuple[str, dict[str, str]]:
    """The prose of a docstring in any usual style, and its description of each parameter, on one line."""
    parsed = docstring_parser.parse(inspect.getdoc(_written(function)) or "")
    prose = "\n\n".join(filter(None, (parsed.short_description, parsed.long_description)))
    return prose, {one.arg_name: " ".join((one.description or "").split()) for one in parsed.params}


def without_null(schema: Json) -> dict[str, Any]:
    """``anyOf`` [X, null] as X."""
    several = [one for one in schema.get("anyOf", ()) if one != {"type": "null"}]
    if not several:
        return dict(schema)
    rest = {key: value for key, value in schema.items() if key not in ("anyOf", "default")}
    return {**rest, **(several[0] if len(several) == 1 else {"anyOf": several})}


def tidy(schema: Any, *, names: bool = False) -> Any:
    """A schema without the titles that pydantic adds, its keys in a fixed order; a dict of ``names`` keeps its own."""
    if isinstance(schema, list):
        return [tidy(one) for one in schema]
    if not isinstance(schema, Mapping):
        return schema
    if names:
        return {name: tidy(one) for name, one in schema.items()}
    return ordered(
        {
            key: value if key in ("default", "enum", "const", "examples") else tidy(value, names=key in _NAMED)
            for key, value in schema.items()
            if key != "title"
        }
    )


_NAMED = ("properties", "$defs", "definitions", "patternProperties")


def ordered(schema: Json) -> dict[str, Any]:
    """The schema with its keys in a fixed order that people can read."""
    known = {key: schema[key] for key in _ORDER if key in schema}
    return {**known, **{key: schema[key] for key in sorted(schema) if key not in known}}

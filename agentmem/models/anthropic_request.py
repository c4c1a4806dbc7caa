"""Makes the arguments of the Anthropic SDK from a Request: references to frames' values, and cache_control at marks.

Only the few values with a mark are copied, and nothing is rendered, so that this costs little at any length.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from operator import attrgetter
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from agentmem.context.view import Growing
from agentmem.types import Frame, Json, Mark, Options, Request, Ttl

Marks = Mapping[int, Ttl | None]
"""The marked places in a list of frames, each with its lifetime; None leaves that to the server."""


_MESSAGE = attrgetter("message")


def arguments(
    request: Request, diagnostics: bool = True, cache_control: bool = True, ttl: bool = True
) -> dict[str, Any]:
    """Keyword arguments for ``messages.create``.

    ``diagnostics`` asks why a prefix missed the cache, ``cache_control`` sends the marks, ``ttl`` their lifetimes.
    """
    marks = marks_by_place(request.marks if cache_control else (), ttl)
    turns = request.turns
    messages = turns.each(_MESSAGE) if isinstance(turns, Growing) else list(map(_MESSAGE, turns))
    for segment, index in marks:
        if segment == "message":
            turn = request.turns[index]
            messages[index] = {"role": turn.role, "content": marked_values(turn.frames, marks[segment, index])}
    given: dict[str, Any] = {
        "model": request.model,
        "max_tokens": request.options.max_tokens,
        "messages": messages,
        "system": marked_values(request.system, marks.get(("system", 0), {})),
        "tools": marked_values(request.tools, marks.get(("tool", 0), {})),
        **_options(request.options),
    }
    if diagnostics:
        given["diagnostics"] = {"previous_message_id": request.previous_id}
    return {name: value for name, value in given.items() if value != []}


def marks_by_place(marks: Sequence[Mark], ttl: bool = True) -> Mapping[tuple[str, int], dict[int, Ttl | None]]:
    """Marks by list of frames: a message's marks by its index, those of tools and system in one list each.

    Without ``ttl`` they have no lifetime.
    """
    places: defaultdict[tuple[str, int], dict[int, Ttl | None]] = defaultdict(dict)
    for mark in marks:
        lives = mark.ttl if ttl else None
        if mark.segment == "message":
            places["message", mark.index][mark.block] = lives
        else:
            places[mark.segment, 0][mark.index] = lives
    return places


def marked_values(frames: Sequence[Frame], marks: Marks) -> list[Any]:
    values: list[Any] = [frame.value for frame in frames]
    for place, ttl in marks.items():
        mark = {"type": "ephemeral", "ttl": ttl} if ttl else {"type": "ephemeral"}
        values[place] = {**values[place], "cache_control": mark}
    return values


def _options(options: Options) -> dict[str, Any]:
    given: dict[str, Any] = {
        # The SDK no longer has a field for it: newer models take no temperature, but older ones and other servers do.
        "extra_body": None if options.temperature is None else {"temperature": options.temperature},
        "thinking": options.thinking and json.loads(options.thinking),
        "output_config": options.effort and {"effort": options.effort},
        "tool_choice": options.tool_choice and json.loads(options.tool_choice),
    }
    return {name: value for name, value in given.items() if value is not None}


def write_ttl(marks: Sequence[Mark]) -> Ttl:
    """The TTL for written tokens if a provider reports only their sum."""
    return "1h" if marks and all(mark.ttl == "1h" for mark in marks) else "5m"


SAMPLING = frozenset({"temperature", "top_p", "top_k"})
"""Fields that the SDK's types have dropped, but that older models and other servers still take."""


def check_body(body: Json) -> None:
    """Raises ValueError if ``body`` is no Messages API request: a field is missing, unknown or of another type.

    The SDK's types take any iterable where the API has lists; pydantic checks an iterable only when it is walked, and
    drops unknown fields. So the checked value is walked in full and compared with the body.
    """
    try:
        known = _walk(_adapter().validate_python(body)) | dict.fromkeys(SAMPLING)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise ValueError(f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}") from error
    found = _difference(body, known, "")
    if found:
        raise ValueError(f"{found}: Extra inputs are not permitted")


@cache
def _adapter() -> TypeAdapter[Any]:
    from anthropic.types import message_create_params

    return TypeAdapter(message_create_params.MessageCreateParams)


def _walk(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(exclude_unset=True)
    if isinstance(value, Mapping):
        return {key: _walk(part) for key, part in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        return [_walk(part) for part in value]
    return value


def _difference(body: Any, known: Any, place: str) -> str | None:
    """The path of the first field that the types do not know."""
    if isinstance(body, Mapping) and isinstance(known, Mapping):
        unknown = next((key for key in body if key not in known), None)
        if unknown is not None:
            return f"{place}{unknown}"
        inner = (_difference(body[key], known[key], f"{place}{key}.") for key in body)
    elif isinstance(body, list) and isinstance(known, list):
        inner = (
            _difference(one, other, f"{place}{index}.")
            for index, (one, other) in enumerate(zip(body, known, strict=True))
        )
    else:
        return None
    return next((found for found in inner if found), None)

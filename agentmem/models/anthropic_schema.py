"""Whether a request body fits the Anthropic SDK's own types: what a server of ours checks each request with."""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from anthropic.types import message_create_params
from pydantic import BaseModel, TypeAdapter, ValidationError

from agentmem.types import Json

SAMPLING = frozenset({"temperature", "top_p", "top_k"})
"""Fields that the SDK's types have dropped and that older models and other servers still take."""


def check_body(body: Json) -> None:
    """Raises ValueError if ``body`` is no request of the Messages API: a field is missing, unknown or of another type.

    The SDK's types take any iterable where the API has lists, and pydantic checks those only when they are walked;
    unknown fields it drops. So the checked value is walked in full and compared with the body.
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

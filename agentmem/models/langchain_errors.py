"""What LangChain models raise, as our errors.

LangChain names common failures since 1.3; providers' own errors carry an HTTP status; the rest are connections.
"""

from langchain_core import exceptions as langchain

from agentmem.errors import (
    ModelError,
    ModelNotAvailable,
    ModelOverloaded,
    ModelRejected,
    ModelUnreachable,
    PromptTooLong,
)
from agentmem.models.places import place_of
from agentmem.models.wordings import is_too_long
from agentmem.scrub import scrub

BY_CLASS: tuple[tuple[tuple[type[Exception], ...], type[ModelError]], ...] = (
    (
        (langchain.ModelAuthenticationError, langchain.ModelPermissionDeniedError, langchain.ModelNotFoundError),
        ModelNotAvailable,
    ),
    ((langchain.ModelRateLimitError,), ModelOverloaded),
    ((langchain.ContextOverflowError,), PromptTooLong),
    ((langchain.ModelInvalidRequestError,), ModelRejected),
    ((langchain.ModelAPIError, langchain.ModelConnectionError, langchain.ModelTimeoutError), ModelUnreachable),
)
BY_STATUS: tuple[tuple[range | frozenset[int], type[ModelError]], ...] = (
    (frozenset({401, 402, 403, 404}), ModelNotAvailable),
    (frozenset({429, 529}), ModelOverloaded),
    (frozenset({408, 409}), ModelUnreachable),
    (range(400, 500), ModelRejected),
    (range(500, 600), ModelUnreachable),
)
SAYS: dict[type[ModelError], str] = {
    ModelNotAvailable: "the provider has no such model for this key; set the provider's key or mend the model's name",
    ModelOverloaded: "the provider is overloaded or limits the rate; try again later",
    PromptTooLong: "the context does not fit into the model's window",
    ModelRejected: "the provider or its LangChain class refused the request",
    ModelUnreachable: "the provider could not be reached or did not finish",
}


NOTHING_CAME = "No generation chunks were returned"
"""LangChain's ValueError for a stream that ended before its first chunk."""


def translate(error: Exception) -> ModelError:
    """``error`` as one of ours, scrubbed. What is neither known, nor a status, nor a connection is a refusal."""
    found = _class(error)
    if found is ModelRejected and is_too_long(str(error)):
        found = PromptTooLong
    made = found(f"{SAYS[found]}: {scrub(str(error) or type(error).__name__)}")
    if isinstance(made, ModelRejected):
        made.place = place_of(str(error))
    return made


def _class(error: Exception) -> type[ModelError]:
    named = (ours for theirs, ours in BY_CLASS if isinstance(error, theirs))
    status = _status(error)
    coded = (ours for statuses, ours in BY_STATUS if status in statuses)
    connection = ModelUnreachable if _is_connection(error) else ModelRejected
    return next(named, next(coded, connection))


def _status(error: Exception) -> int | None:
    """An HTTP status, where the libraries keep it."""
    places = (error, getattr(error, "response", None))
    values = (getattr(place, name, None) for place in places for name in ("status_code", "http_status", "code"))
    return next((value for value in values if isinstance(value, int)), None)


def _is_connection(error: Exception) -> bool:
    """Sockets, time-outs, and the HTTP libraries' errors, known by name: none of them is imported here."""
    names = {each.__name__ for each in type(error).__mro__}
    if str(error) == NOTHING_CAME:
        return True
    return bool(names & {"OSError", "TransportError", "APIConnectionError", "RequestException", "StreamError"})

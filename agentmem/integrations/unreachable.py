"""Why a provider could not be reached, and what to do about it: one sentence each, for the client's error and logs."""

import ssl
from collections.abc import Iterator
from socket import gaierror

import httpx

_WHERE = "the address is that of --upstream, ANTHROPIC_BASE_URL or OPENAI_BASE_URL, or else the provider's own"

_REASONS: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], str], ...] = (
    (gaierror, f"no machine of the name {{host}} is known. Check the spelling ({_WHERE}), and the network"),
    (
        ssl.SSLCertVerificationError,
        "its certificate is not trusted ({error}). Where it is signed by an authority of your own, name that "
        "authority's file in SSL_CERT_FILE",
    ),
    (
        ssl.SSLError,
        "no encrypted connection came about ({error}). A server without encryption is reached by http:// in place of "
        "https://",
    ),
    (
        ConnectionRefusedError,
        f"nothing listens at that address (connection refused). Start the server there, or mend the address: {_WHERE}",
    ),
    (
        (httpx.TimeoutException, TimeoutError),
        "no connection came about within {seconds:.0f} seconds. A firewall may be in between: try `curl {upstream}`; "
        "where the way out is a proxy's, name it in HTTPS_PROXY",
    ),
    (
        (httpx.RemoteProtocolError, httpx.ReadError, ConnectionResetError),
        "it closed the connection without an answer ({error}). Send the request again; where that repeats, look at the "
        "server's own log",
    ),
    (
        (httpx.InvalidURL, httpx.UnsupportedProtocol, UnicodeDecodeError),
        f"that is no address ({{error}}): {_WHERE}",
    ),
)
"""What an error says of itself or by what it came from; the first that fits is told."""


def unreachable(upstream: str, error: Exception, seconds: float) -> str:
    """The sentence about a request to ``upstream`` that failed before an answer began; ``seconds`` is how long a
    connection may take.
    """
    found = list(_causes(error))
    known = ((one, told) for kind, told in _REASONS for one in found if isinstance(one, kind))
    first, told = next(known, (error, "{error}"))
    said = " ".join(str(first).split()) or type(first).__name__
    host = _host(upstream)
    why = told.format(error=said, host=host, upstream=upstream, seconds=seconds)
    return f"agentmem could not reach {upstream}: {why}"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error, those that it came from, and those that are grouped in it."""
    seen: list[BaseException] = []
    left: list[BaseException | None] = [error]
    while left:
        one = left.pop(0)
        if one is None or one in seen:
            continue
        seen.append(one)
        yield one
        left += [*getattr(one, "exceptions", ()), one.__cause__, one.__context__]


def _host(upstream: str) -> str:
    try:
        return httpx.URL(upstream).host or upstream
    except httpx.InvalidURL:
        return upstream

"""Object storage as S3 speaks it: an address, how it is reached, and what its errors mean for people.

    s3://bucket/prefix
    s3://bucket/prefix?endpoint=http://127.0.0.1:8333&region=eu-central-1

Keys and endpoint come from the usual variables (AWS_ACCESS_KEY_ID, AWS_PROFILE, AWS_ENDPOINT_URL ...); an endpoint in
the address wins. Any store that speaks S3 will do.
"""

import logging
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import parse_qsl, urlsplit

from agentmem.config import object_variables
from agentmem.errors import ConfigError

T = TypeVar("T")

SCHEME = "s3://"
PATIENCE = 90.0
"""Seconds for which a store that does not answer, or answers that it is busy, is asked again."""
LONGEST = 8.0
"""Seconds between two tries, at most. The first pause is a quarter of a second, and each is twice the one before."""

_log = logging.getLogger(__name__)
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.\-]{1,61}[a-z0-9]")


@dataclass(frozen=True, slots=True)
class ObjectFault:
    """A kind of error: the marks in a client's text by which it is known, and what it means.

    ``passes`` is true for one that may be over after a pause.
    """

    marks: tuple[str, ...]
    says: str
    passes: bool = False


FAULTS: tuple[ObjectFault, ...] = (
    ObjectFault(
        ("CredentialsNotLoaded", "NoCredential", "no providers in chain"),
        "there are no credentials for {place}: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE",
    ),
    ObjectFault(
        ("InvalidAccessKeyId", "INVALID_ACCESS_KEY_ID", "SignatureDoesNotMatch", "SIGNATURE_DOES_NOT_MATCH"),
        "the credentials for {place} are not accepted: check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    ),
    ObjectFault(
        ("ExpiredToken", "EXPIRED_TOKEN", "TokenRefreshRequired"),
        "the session token for {place} has expired: log in again, or set a new AWS_SESSION_TOKEN",
    ),
    ObjectFault(
        ("NoSuchBucket", "NO_SUCH_BUCKET", "bucket does not exist"),
        "there is no bucket {bucket}: make it, or correct the address {place}",
    ),
    ObjectFault(
        ("PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraint"),
        "the bucket {bucket} is in another region: set AWS_REGION, or write ?region=... behind the address",
    ),
    ObjectFault(
        ("AccessDenied", "ACCESS_DENIED", "necessary privileges", "403 Forbidden", "HTTP status 403"),
        "the credentials lack a right at {place}: they must be allowed to list the bucket, and to read, write and "
        "delete objects",
    ),
    ObjectFault(
        ("SlowDown", "SLOW_DOWN", "503", "ServiceUnavailable", "SERVICE_UNAVAILABLE", "429", "TooManyRequests"),
        "{place} is busy",
        passes=True,
    ),
    ObjectFault(
        ("InternalError", "INTERNAL_FAILURE", "status: 500", "500 Internal", "status 500", "502", "504"),
        "{place} has an error of its own",
        passes=True,
    ),
    ObjectFault(
        ("Connect", "connection", "NETWORK_CONNECTION", "timed out", "timeout", "error sending request", "Incomplete"),
        "{place} cannot be reached{at}",
        passes=True,
    ),
)
"""What the clients' errors mean. The first row with a mark in the text counts."""


@dataclass(frozen=True, slots=True)
class ObjectAddress:
    """A place in object storage: ``prefix`` has no slash at its ends, and may be empty. Keys never show in it."""

    bucket: str
    prefix: str
    endpoint: str = ""
    region: str = "us-east-1"
    keys: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __str__(self) -> str:
        """The address for people."""
        return f"{SCHEME}{self.bucket}/{self.prefix}".rstrip("/")

    def below(self, name: str) -> "ObjectAddress":
        """The place ``name`` below this one."""
        return ObjectAddress(self.bucket, f"{self.prefix}/{name}".strip("/"), self.endpoint, self.region, self.keys)

    @property
    def options(self) -> dict[str, str]:
        """The settings for LanceDB. Its own retries are short: longer pauses are ours, and are said."""
        reached = {"aws_endpoint": self.endpoint, "allow_http": str(self.endpoint.startswith("http://")).lower()}
        own = {"aws_region": self.region, "client_max_retries": "2", "client_retry_timeout": "5"}
        return {**own, **(reached if self.endpoint else {}), **self.keys}


def in_objects(where: object) -> bool:
    """True for the address of object storage."""
    return isinstance(where, str) and where.startswith(SCHEME)


def located(url: str, environ: Mapping[str, str] | None = None) -> ObjectAddress:
    """Read ``s3://bucket/prefix``. ``environ`` replaces the process's environment. Raises ConfigError."""
    parts, given = urlsplit(url), object_variables(environ)
    asked = dict(parse_qsl(parts.query))
    if parts.scheme != "s3" or not _BUCKET.fullmatch(parts.netloc) or parts.fragment:
        raise ConfigError(f"{_bare(url)} is no address of object storage: write s3://bucket/prefix")
    if unknown := sorted(asked.keys() - {"endpoint", "region"}):
        raise ConfigError(f"{_bare(url)}: ?{unknown[0]}= is not known; only endpoint and region may stand behind it")
    endpoint = asked.get("endpoint") or given.get("endpoint", "")
    if endpoint and not endpoint.startswith(("http://", "https://")):
        raise ConfigError(f"the endpoint {endpoint} must begin with http:// or https:// (AWS_ENDPOINT_URL)")
    region = asked.get("region") or given.get("region") or "us-east-1"
    keys = {name: given[name] for name in _KEYS if name in given}
    return ObjectAddress(parts.netloc, parts.path.strip("/"), endpoint.rstrip("/"), region, keys)


_KEYS = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")


def fault_of(text: str) -> ObjectFault | None:
    """The kind of an error by a client's text, or None."""
    return next((fault for fault in FAULTS if any(mark in text for mark in fault.marks)), None)


def explained(place: ObjectAddress, error: Exception) -> str:
    """What an error of a client means, as a sentence."""
    fault, text = fault_of(str(error)), " ".join(str(error).split())
    if fault is None:
        return f"{place} could not be used ({text:.200})"
    at = f" at {place.endpoint}" if place.endpoint else ""
    return fault.says.format(place=place, bucket=place.bucket, at=at)


def patient(
    place: ObjectAddress,
    work: Callable[[], T],
    *,
    patience: float = PATIENCE,
    errors: tuple[type[Exception], ...] = (RuntimeError, OSError, ValueError),
    pause: Callable[[float], None] = time.sleep,
) -> T:
    """What ``work`` gives. A store that is busy or away is asked again, and the log says so once.

    Raises the client's own error when that does not pass, or has not passed after ``patience`` seconds of pauses.
    """
    waited, wait = 0.0, 0.25
    while True:
        try:
            made = work()
        except errors as error:
            fault = fault_of(str(error))
            if fault is None or not fault.passes or waited >= patience:
                raise
            if not waited:
                said = explained(place, error)
                _log.warning("%s: it is asked again for %.0f s, and nothing is lost meanwhile", said, patience)
            pause(wait)
            waited, wait = waited + wait, min(2 * wait, LONGEST)
        else:
            if waited:
                _log.warning("%s answers again: the work goes on", place)
            return made


def _bare(url: str) -> str:
    """The address without what stands behind a question mark, where somebody may have written a key."""
    return repr(url.partition("?")[0])

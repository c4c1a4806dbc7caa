"""A tier behind the disk: any store of bytes by name, for instance one that several machines share.

    Warehouse(folder="kv", far=S3Tier("kv-blocks", endpoint="http://127.0.0.1:8333"))

A far store never stops a request. What it cannot do in time counts as not there, and for a while it is not asked again.
Its blocks are checked like those on the disk.
"""

import time
from collections.abc import Callable
from typing import Any, Protocol

from agentmem.distribution import install
from agentmem.errors import ConfigError

PATIENCE = 5.0
"""The most seconds without an answer."""
PAUSE = 30.0
"""Seconds in which a store that failed is not asked."""


class FarTier(Protocol):
    """A store of bytes by name. Both methods may raise any exception, and may be called from several threads."""

    def get(self, name: str) -> bytes | None:
        """The bytes of this name; None if there are none."""
        ...

    def put(self, name: str, data: bytes) -> None:
        """Keep bytes under a name. The same name always has the same bytes."""
        ...


class S3Tier:
    """Blocks as objects of ``bucket``, which is made if it is not there, below ``prefix``.

    ``endpoint`` is the address of an S3-compatible store; None is Amazon's. ``options`` go to boto3's client: keys and
    the region, for instance, which it otherwise takes from where it always does. Raises ConfigError without boto3.
    """

    def __init__(self, bucket: str, *, endpoint: str | None = None, prefix: str = "kv/", **options: Any) -> None:
        try:
            import boto3
            from botocore.config import Config
        except ModuleNotFoundError as error:
            raise ConfigError(f"a far tier in S3 needs boto3: {install('s3')}") from error
        settings = Config(connect_timeout=PATIENCE, read_timeout=PATIENCE, retries={"max_attempts": 1})
        self._client = boto3.client("s3", endpoint_url=endpoint, config=settings, **options)
        self._bucket, self._prefix, self._made = bucket, prefix, False

    def get(self, name: str) -> bytes | None:
        """The object's bytes; None if there is none."""
        from botocore.exceptions import ClientError

        try:
            found = self._client.get_object(Bucket=self._bucket, Key=self._prefix + name)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in ("NoSuchKey", "NoSuchBucket", "404"):
                return None
            raise
        with found["Body"] as body:
            data: bytes = body.read()
        return data

    def put(self, name: str, data: bytes) -> None:
        """Write an object."""
        if not self._made:
            self._make()
        self._client.put_object(Bucket=self._bucket, Key=self._prefix + name, Body=data)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _make(self) -> None:
        from botocore.exceptions import ClientError

        try:
            self._client.create_bucket(Bucket=self._bucket)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") not in ("BucketAlreadyOwnedByYou", "BucketAlreadyExists"):
                raise
        self._made = True


class Patient:
    """A far tier whose faults are counted instead of raised."""

    def __init__(self, tier: FarTier) -> None:
        self._tier = tier
        self._until = 0.0
        self.faults = 0

    def get(self, name: str) -> bytes | None:
        """The bytes; None if there are none, or if the store does not answer."""
        return self._tried(lambda: self._tier.get(name))

    def put(self, name: str, data: bytes) -> None:
        """Keep the bytes, if the store answers."""
        self._tried(lambda: self._tier.put(name, data))

    def close(self) -> None:
        """Close the store, if it can be closed."""
        close = getattr(self._tier, "close", None)
        if callable(close):
            close()

    def _tried(self, ask: Callable[[], bytes | None]) -> bytes | None:
        if time.monotonic() < self._until:
            return None
        try:
            return ask()
        except Exception:  # another's code: whatever it raises, the tokens can be computed
            self.faults += 1
            self._until = time.monotonic() + PAUSE
            return None

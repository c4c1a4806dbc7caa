"""Moments as logs write them: ISO 8601, or seconds, milliseconds or less since the epoch, as number or text."""

from datetime import UTC, datetime
from typing import Any

PACE = 10.0
"""Seconds between requests, where no times are recorded."""

_LATEST = 1e11
"""Seconds since the epoch from which on a number must count smaller units: the year 5138."""


def moment_of(value: Any) -> float | None:
    """Seconds since the epoch; None where there is no moment. Without a zone it is UTC."""
    if isinstance(value, bool) or value is None:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return _written(value) if isinstance(value, str) else None
    while abs(number) >= _LATEST and number - number == 0:  # milliseconds, then microseconds and nanoseconds
        number /= 1000
    return number if number - number == 0 else None


def _written(value: str) -> float | None:
    try:
        found = datetime.fromisoformat(value.strip())
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None

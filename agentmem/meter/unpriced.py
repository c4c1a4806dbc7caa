"""Requests whose dollars are not known: they are named beside the sum of those that are."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from agentmem.meter.ledger import Row


def unpriced(rows: Iterable[Row]) -> Mapping[str, int]:
    """How many metered requests have no price, by model."""
    return Counter(row.model for row in rows if row.cost_usd is None)


def listed(models: Mapping[str, int]) -> list[dict[str, Any]]:
    """The same as JSON."""
    return [{"model": model, "requests": requests} for model, requests in models.items()]


def told(models: Mapping[str, int], requests: int) -> str:
    """The same for people: "1 of 3 requests unpriced: my-local-model"; "" where all have a price."""
    count = sum(models.values())
    return f"{count:,} of {requests:,} requests unpriced: {', '.join(models)}" if count else ""

"""Whose prices a dollar was counted at: the row of a price list, and when that row was dated."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class PriceRow:
    """A row of a price list.

    ``table`` is the list and its version ("genai-prices 0.2.3"), or the file of one's own prices; ``model`` is what the
    row is called there, as "provider:name". ``dated`` is the day from which it holds or on which it was last looked up,
    as far as the list says so: else the newest such day of the whole list; "" if it gives none. ``tier`` is the speed
    that it was read for ("batch", "fast"; "" is the usual one).
    """

    table: str
    model: str
    dated: str = ""
    tier: str = ""

    def __str__(self) -> str:
        """For people: "anthropic:claude-opus-5 (genai-prices 0.2.3, 2026-10-14)"."""
        where = ", ".join(part for part in (self.table, self.dated) if part)
        return f"{self.model}{f' at {self.tier}' if self.tier else ''} ({where})"

    def parts(self) -> list[str]:
        """As it stands in a ledger's row."""
        return [self.table, self.model, self.dated, self.tier]

    def value(self) -> dict[str, Any]:
        """As JSON."""
        return {"table": self.table, "model": self.model, "dated": self.dated or None, "tier": self.tier or None}


def read_price_row(parts: Sequence[str] | None) -> PriceRow | None:
    """The row that `PriceRow.parts` wrote; None for none. What later versions add is passed over."""
    return PriceRow(*map(str, parts[:4])) if parts else None


def listed_rows(rows: Mapping[PriceRow, tuple[int, float]]) -> list[dict[str, Any]]:
    """The rows with the number of requests and the dollars that were counted at each, as JSON, the dearest first."""
    ordered = sorted(rows.items(), key=lambda item: (-item[1][1], str(item[0])))
    return [{**row.value(), "requests": requests, "usd": usd} for row, (requests, usd) in ordered]

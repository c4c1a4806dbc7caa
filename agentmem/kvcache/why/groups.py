"""Puts findings of one cause in one place together, so that thirty requests that lost alike are one thing to mend."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from agentmem.kvcache.why.causes import CUT_ANEW, CauseName
from agentmem.kvcache.why.diagnosis import Finding

AGAINST_REPORT = (
    "Lost is what the request before could have left to read. `agentmem report` counts as processed again what came "
    "before with the same text: a text that was changed is lost here, and new there."
)
"""How the two figures of a loss differ."""


@dataclass(frozen=True, slots=True)
class FindingGroup:
    """The findings of one cause in one place of one session, in the order of time.

    ``place`` is the segment without its number or name; None if nothing differs.
    """

    session: str
    cause: CauseName | None
    place: str | None
    declared: bool
    findings: tuple[Finding, ...]

    @property
    def requests(self) -> tuple[int, ...]:
        """The requests that lost, each once."""
        return tuple(dict.fromkeys(one.request for one in self.findings))

    @property
    def tokens_lost(self) -> int:
        """The tokens of all its findings."""
        return sum(one.tokens_lost for one in self.findings)

    @property
    def usd_lost(self) -> float | None:
        """The dollars of all its findings; None if the prices of one are not known."""
        return dollars_lost(self.findings)

    @property
    def span(self) -> str:
        """Which requests, in words."""
        numbers = self.requests
        if len(numbers) == 1:
            return f"request {numbers[0]}"
        return f"{len(numbers):,} requests, from {min(numbers):,} to {max(numbers):,}"

    @property
    def together(self) -> tuple[CauseName, ...]:
        """The causes that must be mended with this one before it saves anything."""
        return tuple(dict.fromkeys(name for one in self.findings for name in one.together))

    @property
    def saved(self) -> str:
        """What has to be mended with this one, in words; "" where its saving is its own."""
        if not self.together:
            return ""
        others = " and ".join(self.together)
        counted = "both save it together" if self.tokens_lost else f"what both save is counted with {others}"
        return f"mending this alone saves nothing, {others} must be mended as well: {counted}"

    def value(self) -> dict[str, object]:
        """The object that `agentmem why --json` prints."""
        return {
            "session": self.session,
            "cause": self.cause,
            "place": self.place,
            "declared": self.declared,
            "requests": list(self.requests),
            "tokens_lost": self.tokens_lost,
            "usd_lost": self.usd_lost,
            "together": list(self.together),
            "fix": self.findings[0].fix,
        }


def dollars_lost(findings: Sequence[Finding]) -> float | None:
    """The dollars of findings together; None if the prices of one are not known."""
    known = [one.usd_lost for one in findings if one.usd_lost is not None]
    return sum(known) if len(known) == len(findings) else None


def grouped(losses: Iterable[tuple[str, Finding]]) -> tuple[FindingGroup, ...]:
    """The groups of ``losses``, each a session's name and a finding, in the order of their first requests."""
    found: dict[tuple[tuple[str, CauseName | None, str | None, bool], bool], list[Finding]] = {}
    for session, one in losses:
        place = one.segment.partition(" ")[0] if one.segment is not None else None
        key = session, one.cause, place, one.declared
        found.setdefault((key, one.fix == CUT_ANEW), []).append(one)
    return tuple(FindingGroup(*key, tuple(findings)) for (key, _), findings in found.items())

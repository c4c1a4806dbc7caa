"""What some versions of Claude Code did to the cache, as dated data: logs name the version, or their time tells it."""

from dataclasses import dataclass
from datetime import UTC, datetime

Version = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Habit:
    """Something that versions from ``since`` to before ``until`` did; the moments are those of most users' updates."""

    since: Version
    until: Version
    from_moment: datetime
    to_moment: datetime

    def holds(self, version: str, at: float) -> bool:
        """Whether a client of ``version`` ("" if the log does not say) did so at ``at``, seconds since the epoch."""
        if version:
            return self.since <= tuple(int(part) for part in version.split(".") if part.isdigit()) < self.until
        return self.from_moment.timestamp() <= at < self.to_moment.timestamp()


REWRITES = Habit(
    since=(2, 1, 13),
    until=(2, 1, 38),
    from_moment=datetime(2026, 1, 25, tzinfo=UTC),
    to_moment=datetime(2026, 2, 10, 12, tzinfo=UTC),
)
"""The first message was written anew at the prompt after an accepted plan (11 of 11 logs of 2.1.29 to 2.1.37, none of
6 logs of 2.1.12 and 2.1.38 to 2.1.42), and when a skill was called on models that think adaptively (5 of 5)."""

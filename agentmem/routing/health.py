"""Health of targets: a breaker with a half-open state, and a limit of requests a minute, for each of them.

After `FAILURES` failures in a row a target is closed off for `REST` seconds, twice as long after each failed probe.
Then one request is let through as a probe: if it is answered the target is open again (Nygard, "Release It!", 2007).
"""

from collections import deque
from dataclasses import dataclass, field
from threading import Lock

FAILURES = 3
"""The failures in a row after which a target rests."""
REST = 30.0
"""Seconds of the first rest."""
LONGEST = 600.0
"""Seconds of the longest rest."""
MINUTE = 60.0


@dataclass(slots=True)
class _Record:
    failed: int = 0
    rests: int = 0
    until: float = 0.0
    probing: float | None = None
    sent: deque[float] = field(default_factory=deque)


class Health:
    """The health of all targets of a process. Its methods may be called from several threads.

    health = Health()
    health.failed("small", at=time())
    print(health.why_not("small", at=time()))  # "" : it takes requests
    """

    def __init__(self, failures: int = FAILURES, rest: float = REST) -> None:
        self._failures, self._rest = failures, rest
        self._records: dict[str, _Record] = {}
        self._lock = Lock()

    def why_not(self, target: str, at: float, per_minute: int | None = None) -> str:
        """Why the target takes no request at ``at``, in a few words; "" if it takes one.

        A target whose rest is over takes one probe: until that has ended, or a rest has gone by, it takes no other.
        """
        with self._lock:
            known = self._records.get(target)
            if known is None:
                return ""
            if at < known.until:
                return f"{target} failed {known.failed} times and rests for {known.until - at:.0f} s more"
            if known.until and known.probing is not None and at < known.probing + self._rest:
                return f"{target} is being tried with one request"
            if per_minute is not None and _lately(known, at) >= per_minute:
                return f"{target} has had its {per_minute} requests of this minute"
            return ""

    def sent(self, target: str, at: float) -> None:
        """Notes that a request begins; after a rest it is the probe."""
        with self._lock:
            known = self._records.setdefault(target, _Record())
            _lately(known, at)
            known.sent.append(at)
            if known.until:
                known.probing = at

    def answered(self, target: str) -> None:
        """Notes an answer: the target is open, whatever was before."""
        with self._lock:
            known = self._records.setdefault(target, _Record())
            known.failed = known.rests = 0
            known.until, known.probing = 0.0, None

    def failed(self, target: str, at: float) -> None:
        """Notes a failure: after enough of them, or after a failed probe, the target rests."""
        with self._lock:
            known = self._records.setdefault(target, _Record())
            known.failed += 1
            if known.failed >= self._failures or known.probing is not None:
                known.until = at + min(LONGEST, self._rest * 2.0**known.rests)
                known.rests += 1
            known.probing = None

    def state(self, target: str, at: float) -> str:
        """closed (it takes requests), open (it rests) or half-open (it takes one probe), as breakers are called."""
        with self._lock:
            known = self._records.get(target)
            if known is None or not known.until:
                return "closed"
            return "open" if at < known.until else "half-open"


def _lately(known: _Record, at: float) -> int:
    while known.sent and known.sent[0] <= at - MINUTE:
        known.sent.popleft()
    return len(known.sent)

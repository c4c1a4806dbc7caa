"""Ends a test in the judge that takes too long, so that the others of its file are run.

The judge runs it by itself, without the rest of agentmem. Code that answers each of endless questions at once, as
``__getitem__`` of an object that a library goes through, is never late by itself.
"""

import signal
import types
from time import monotonic

from agentmem.team.proof.reasons import Gone, Marks

_AGAIN = 1.0  # seconds after which it is said again, to a test that went on
_CALLS = 1.25, 2.0  # how many times as long as one call a test may take, at least and at most


class Patience:
    """The time that tests may take, of which each gets at most half of what is left.

    ``until`` is when all must have ended, ``call`` the seconds of one call.
    """

    def __init__(self, marks: Marks, until: float, call: float) -> None:
        self.marks, self.until, self.call = marks, until, call
        self.seconds, self.waits = 0.0, False

    def begin(self) -> None:
        """A part of a test begins. One that has an alarm of its own, as by a fixture, is left with that."""
        if signal.getsignal(signal.SIGALRM) not in (signal.SIG_DFL, self._ended):
            return
        least, most = (one * self.call for one in _CALLS)
        self.seconds = max(least, min(most, (self.until - monotonic()) / 2))
        signal.signal(signal.SIGALRM, self._ended)
        self.waits = True
        signal.setitimer(signal.ITIMER_REAL, self.seconds, _AGAIN)

    def end(self) -> None:
        """It has ended."""
        self.waits = False
        if signal.getsignal(signal.SIGALRM) == self._ended:
            signal.setitimer(signal.ITIMER_REAL, 0.0)

    def _ended(self, number: int, frame: types.FrameType | None) -> None:
        if self.waits:
            self.marks.mark("late", f"more than {self.seconds:.0f} seconds")
            raise Gone("it ran out of time")

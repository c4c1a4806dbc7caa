"""Who asks what stands for an object of the code's: the tests, or Python and pytest by themselves.

The judge runs it by itself, without the rest of agentmem.
"""

import sys
import types


def of_tests() -> bool:
    """True if a proxy is asked by code of the tests, and not by Python or pytest, which look for names of their own."""
    frame = asker()
    name = "" if frame is None else frame.f_code.co_filename
    return not (name.startswith((sys.prefix, sys.base_prefix, "<frozen")) or "importlib" in name)


def asker() -> types.FrameType | None:
    """The frame that asks a proxy."""
    frame: types.FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_globals.get("__name__", "").startswith("agentmem.team.proof"):
        frame = frame.f_back
    return frame

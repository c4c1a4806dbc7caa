"""agentmem.cli.interrupts."""

import subprocess
import sys

import pytest

from agentmem.cli.interrupts import interruptible

HANGS = """
import os, signal, sys, threading
from agentmem.cli import interrupts

interrupts.PATIENCE = 0.1
signal.signal(signal.SIGINT, signal.default_int_handler)

def work():
    os.kill(os.getpid(), signal.SIGINT)
    threading.Event().wait()

interrupts.interruptible(work, lambda: print("halted", flush=True))
"""


def test_work_is_done_elsewhere_and_given_back() -> None:
    """What it returns is returned."""
    assert interruptible(lambda: 5, lambda: None) == 5


def test_an_error_of_the_work_is_the_callers() -> None:
    """It is raised again as it was."""
    error = ValueError("x")

    def fail() -> None:
        raise error

    with pytest.raises(ValueError, match="x") as caught:
        interruptible(fail, lambda: None)
    assert caught.value is error


def test_an_interrupt_of_the_work_halts_it() -> None:
    """Also one that was raised in it."""
    halted: list[bool] = []

    def fail() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interruptible(fail, lambda: halted.append(True))
    assert halted == [True]


def test_work_that_does_not_end_is_left() -> None:
    """Ctrl-C halts it; when it goes on all the same, the program ends with 130."""
    ended = subprocess.run([sys.executable, "-c", HANGS], capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "halted\n", "")

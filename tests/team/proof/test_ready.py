"""agentmem.team.proof.ready: the judge's and the subject's modules, compiled before they start."""

import subprocess
import sys

import pytest

from agentmem.team.proof.apart import PACKAGE
from agentmem.team.proof.ready import BOOT, compiled

SHOWS = """
import sys
print(sorted(one for one in sys.modules if one.partition(".")[0] == "agentmem"), main.__code__.co_filename)
print(sys.stdin.buffer.read())
"""


@pytest.mark.parametrize("module", ["judge", "subject"])
@pytest.mark.parametrize("sent", [compiled(), b"00 0\n"], ids=["compiled", "of another Python"])
def test_both_start_with_what_was_compiled_or_without(module: str, sent: bytes) -> None:
    """Their modules are loaded, their names are free again, and what else comes is left to be read."""
    boot = BOOT.format(package=str(PACKAGE), module=module).rpartition("main()")[0] + SHOWS
    ran = subprocess.run([sys.executable, "-s", "-P", "-B", "-c", boot], input=sent + b"more", capture_output=True)
    assert ran.stderr == b""
    assert ran.stdout.decode().splitlines() == [f"[] {PACKAGE}/team/proof/{module}.py", "b'more'"]


def test_it_is_compiled_once() -> None:
    """For all runs of a process."""
    assert compiled() is compiled()

"""Ctrl-C while modules load: no traceback, and the exit code of an interrupt."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.test_process import AGENTMEM, environment

HOOK = """
import os, signal, sys

class Slow:
    def find_spec(self, name, path=None, target=None):
        if name == os.environ["SLOW_MODULE"]:
            sys.meta_path.remove(self)
            os.write(int(os.environ["SLOW_OUT"]), b".")
            signal.pause()

sys.meta_path.insert(0, Slow())
"""


@pytest.mark.parametrize("entry", [AGENTMEM, [sys.executable, "-m", "agentmem"]], ids=["script", "module"])
@pytest.mark.parametrize("module", ["typer", "agentmem.cli.app", "agentmem.cli.run", "agentmem.transcript.journal"])
def test_an_interrupt_while_modules_load(entry: list[str], module: str, tmp_path: Path) -> None:
    """One line, and 130, whichever module was being loaded."""
    (tmp_path / "sitecustomize.py").write_text(HOOK)
    reading, writing = os.pipe()
    settings = environment(PYTHONPATH=str(tmp_path), SLOW_MODULE=module, SLOW_OUT=str(writing))
    command = [*entry, "runs", "-w", str(tmp_path), "--database", str(tmp_path / "x.db")]
    (tmp_path / "x.db").touch()
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=settings, pass_fds=(writing,)
    ) as process:
        os.close(writing)
        assert os.read(reading, 1) == b"."
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=60)
    os.close(reading)
    assert process.returncode == 130
    assert stderr.startswith("agentmem: Interrupted.")
    assert "Traceback" not in stderr

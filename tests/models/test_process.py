"""agentmem.models.process: the engine's process, ended for real."""

import os
import select
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from agentmem.errors import ModelNotAvailable, ModelUnreachable
from agentmem.models.engine import Engine
from agentmem.models.process import EngineProcess

PROGRAM = """
import os, signal, sys
from agentmem.models.engine import Engine
engine = Engine(context=256)
print(engine.process.number, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_it_ends_with_its_parent(weights: Path) -> None:
    """Even if that is killed: the end of a pipe tells it."""
    run = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=300, check=False)
    assert run.returncode == -signal.SIGKILL
    if not hasattr(os, "pidfd_open"):
        pytest.skip("only Linux can wait for another's process")
    try:
        handle = os.pidfd_open(int(run.stdout))
    except ProcessLookupError:
        return  # it has ended already
    ended, _, _ = select.select([handle], [], [], 60)
    os.close(handle)
    assert ended


def test_an_abort_is_an_error_of_ours(weights: Path) -> None:
    """A request under way says how the engine ended; the next one starts it again."""
    with Engine(context=512) as engine:
        number = engine.process.number
        failed: list[str] = []

        def ask() -> None:
            try:
                engine.post("/completion", {"prompt": "a b c " * 60, "n_predict": 400, "ignore_eos": True})
            except ModelUnreachable as error:
                failed.append(str(error))

        thread = threading.Thread(target=ask)
        thread.start()
        while not engine.busy():
            pass
        os.kill(number, signal.SIGABRT)
        thread.join()
        assert "SIGABRT" in failed[0]
        assert "starts it again" in failed[0]
        assert engine.tokens("hello")
        assert engine.process.number != number


def test_weights_that_are_none_are_named(weights: Path, tmp_path: Path) -> None:
    """With what to do, and no process is left."""
    (tmp_path / "bad.gguf").write_bytes(b"GGUF")
    with pytest.raises(ModelNotAvailable, match=r"bad\.gguf.*agentmem local install"):
        EngineProcess(tmp_path / "bad.gguf", 1, {})


def test_a_setting_that_ends_the_engine_is_told(weights: Path) -> None:
    """Whatever ends it before it serves."""
    process = EngineProcess(weights, 1, {"n_ctx": 256, "warmup": False, "verbosity": -1})
    os.kill(process.number, signal.SIGKILL)
    assert process.ended_within(60)
    assert "SIGKILL" in process.ending
    assert not process.running
    process.end()
    process.end()

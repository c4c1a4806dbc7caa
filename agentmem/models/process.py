"""Starts the engine in a process of its own, so that what ends the engine does not end the program that uses it."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from signal import Signals
from typing import IO, Any

from agentmem.distribution import install
from agentmem.errors import ModelNotAvailable
from agentmem.models import child
from agentmem.scrub import scrub

_LAST_WORDS = 300
"""The characters of the engine's own words that an error repeats."""


class EngineProcess:
    """A running server of llama.cpp at ``address``. It ends with this program, or at `end`.

    ``settings`` are all of the engine's that its KV state depends on, as text.

    Raises ModelNotAvailable if its package is not installed or the weights cannot be loaded.
    """

    def __init__(self, weights: Path, threads: int, settings: Mapping[str, Any]) -> None:
        # A pipe that nobody reads would stop the engine, so its words go to a file.
        self._said: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the process
        self._process = subprocess.Popen(
            [sys.executable, "-P", child.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            bufsize=0,
        )
        try:
            greeting = self._greeted(weights, threads, settings)
        except BaseException:
            self.end()
            raise
        self.address = str(greeting["address"])
        self.settings = str(greeting["settings"])

    @property
    def number(self) -> int:
        """The process's id."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """False once the process has ended."""
        return self._process.poll() is None

    def ended_within(self, seconds: float) -> bool:
        """True if the process has ended, or does within so many seconds."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    @property
    def ending(self) -> str:
        """How it ended by itself, in words, with the last of its own. Not after `end`."""
        code = self._process.wait()
        how = f"signal {-code} ({Signals(-code).name})" if code < 0 else f"code {code}"
        self._said.seek(max(0, self._said.seek(0, os.SEEK_END) - _LAST_WORDS))
        said = scrub(self._said.read().decode("utf-8", "replace")).strip()
        return f"it ended with {how}" + (f": {said}" if said else "")

    def end(self) -> None:
        """End the process. What it was doing is lost. May be called twice."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout, self._said):
            if pipe:
                pipe.close()

    def _greeted(self, weights: Path, threads: int, settings: Mapping[str, Any]) -> dict[str, Any]:
        asked, answers = self._process.stdin, self._process.stdout
        assert asked and answers
        with suppress(BrokenPipeError):  # its end is told below
            asked.write(child.framed({"weights": str(weights), "threads": threads, "settings": dict(settings)}))
        answer = child.read_frame(answers.fileno())
        if answer is None:
            raise ModelNotAvailable(f"the local engine could not load {weights}: {self.ending}. {_REPAIR}")
        if answer.get("missing"):
            raise ModelNotAvailable(
                f"the local engine is not installed: {install('local')}, then run `agentmem local install`"
            )
        if "error" in answer:
            raise ModelNotAvailable(f"the local engine could not load {weights}: {answer['error']} {_REPAIR}")
        return answer


_REPAIR = "Run `agentmem local install` to repair the weights."

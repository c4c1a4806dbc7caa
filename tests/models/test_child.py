"""agentmem.models.child: frames over pipes."""

import os
import struct
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmem.models import child

VALUES = st.dictionaries(st.text(max_size=5), st.text(max_size=20) | st.integers() | st.booleans(), max_size=5)


def through_a_pipe(data: bytes) -> list[dict[str, object]]:
    """The frames that are read from these bytes."""
    reader, writer = os.pipe()
    os.write(writer, data)
    os.close(writer)
    read = list(iter(lambda: child.read_frame(reader), None))
    os.close(reader)
    return read


@given(st.lists(VALUES, max_size=4))
def test_frames_are_read_as_they_were_written(values: list[dict[str, object]]) -> None:
    """One after the other."""
    assert through_a_pipe(b"".join(map(child.framed, values))) == values


@pytest.mark.parametrize("data", [b"", b"\x01", struct.pack("<I", 9) + b"{}", struct.pack("<I", 2**31), b"\2\0\0\0[]"])
def test_what_is_no_frame_is_the_end(data: bytes) -> None:
    """Cut short, too long, or not an object."""
    assert through_a_pipe(data) == []


def test_a_process_that_is_asked_nothing_ends() -> None:
    """Its parent was gone before it began."""
    run = subprocess.run([sys.executable, "-P", child.__file__], stdin=subprocess.DEVNULL, timeout=120, check=False)
    assert run.returncode == 0


def test_weights_that_are_none_are_an_answer() -> None:
    """And not a traceback."""
    asked = child.framed({"weights": "/nowhere.gguf", "threads": 1, "settings": {}})
    run = subprocess.run([sys.executable, "-P", child.__file__], input=asked, capture_output=True, check=False)
    size = struct.unpack("<I", run.stdout[:4])[0]
    assert b'"error"' in run.stdout[4 : 4 + size]
    assert b"Traceback" not in run.stderr

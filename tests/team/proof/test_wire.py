"""The wire: bounded frames, deadlines, and what a hostile subject sends."""

import base64
import contextlib
import json
import os
import random
import struct
import threading
from collections.abc import Iterator

import pytest

from agentmem.team.proof.link import SubjectLink
from agentmem.team.proof.proxies import ProxyMaker
from agentmem.team.proof.reasons import Gone, Marks, NotProven
from agentmem.team.proof.wire import MOST, Broken, TellsPlace, Wire

MESSAGES = 10_000


@contextlib.contextmanager
def wires(seconds: float = 5.0) -> Iterator[tuple[Wire, Wire]]:
    """Both ends of a wire."""
    first, second = os.pipe(), os.pipe()
    ends = [*first, *second]
    try:
        yield Wire(first[0], second[1], seconds), Wire(second[0], first[1], seconds)
    finally:
        for end in ends:
            with contextlib.suppress(OSError):
                os.close(end)


def test_frames_come_as_they_were_sent() -> None:
    """A frame is a list of JSON, with any text in it."""
    with wires() as (one, other):
        one.send([1, "x", None, 2.5, "\ud800é", [True]])
        assert other.receive() == [1, "x", None, 2.5, "\ud800é", [True]]


def test_frames_that_came_together_are_read_one_by_one() -> None:
    """An end that reads ahead keeps what is of the next frame."""
    with wires() as (one, other):
        ahead = Wire(other.incoming, other.outgoing, 5.0, ahead=True)
        for number in range(3):
            one.send([number, "x" * number])
        assert [ahead.receive() for _ in range(3)] == [[0, ""], [1, "x"], [2, "xx"]]


def test_a_folder_has_its_place_at_each_end() -> None:
    """The tests' folder is the code's for the code, and the other way round; a name that begins alike is another."""
    with wires() as (one, other):
        one.rename("/judge/t\\é", "/judge/here", "/repo")
        one.send([1, "/judge/t\\é/a.txt", ["path", "/judge/t\\é"]])
        assert other.receive() == [1, "/repo/a.txt", ["path", "/repo"]]
        other.send([1, "/repo", "/repo/a", "/repository", "/repo.txt"])
        assert one.receive() == [1, "/judge/t\\é", "/judge/t\\é/a", "/repository", "/repo.txt"]


def test_the_code_hears_no_name_of_the_tests_folder() -> None:
    """What it names is where the tests run, until one tells it of theirs; no frame has the real name, in any form."""
    with wires() as (one, other):
        one.rename("/judge-of-7/tests", "/judge-of-7/here", "/repo")
        other.send([1, "/repo/../a", "/repo/\\x", "/repo//a", "/repo", "/repo/a /repo/./b"])
        here = "/judge-of-7/here"
        told = [f"{here}/../a", f"{here}/\\x", f"{here}//a", "/judge-of-7/tests", f"/judge-of-7/tests/a {here}/./b"]
        assert one.receive() == [1, *told]
        one.send([2, "/judge-of-7/here/b"])
        assert other.receive() == [2, "/repo/b"]
        one.send([3, "/judge-of-7/tests/c"])
        assert other.receive() == [3, "/repo/c"]
        other.send([4, "/repo/a"])
        assert one.receive() == [4, "/judge-of-7/tests/a"]
        data = ["x" * length + "/judge-of-7" + "y" * length for length in range(5)]
        numbers = [["bytes", base64.b64encode(text.encode(code)).decode()] for text in data for code in _CODES]
        for each in (data[0], *numbers, "judge-of-7".encode("utf-32-be").hex()):
            with pytest.raises(TellsPlace):
                one.send([5, each])


_CODES = ("utf-8", "utf-32-le")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00\x00",
        struct.pack("!I", MOST + 1) + b"x",
        struct.pack("!I", 4) + b"{}{}",
        struct.pack("!I", 2) + b"{}",
        struct.pack("!I", 2) + b"[]",
        struct.pack("!I", 2) + b"\xff\xfe",
        struct.pack("!I", 200_000) + b"[" * 200_000,
        struct.pack("!I", 6000) + b"[" + b"9" * 5998 + b"]",
    ],
)
def test_what_is_no_frame_is_broken(data: bytes) -> None:
    """Too long, cut off, not JSON, nested without end, or no list: each is Broken, and nothing else."""
    with wires() as (one, other):
        writer = threading.Thread(target=_write, args=(one.outgoing, data))
        writer.start()
        with pytest.raises(Broken):
            other.receive()
        writer.join()


def _write(descriptor: int, data: bytes) -> None:
    with contextlib.suppress(OSError):
        while data:
            data = data[os.write(descriptor, data) :]
        os.close(descriptor)


def test_nothing_within_the_time_is_broken() -> None:
    """An end that says nothing is given up after the seconds of the wire."""
    with wires(0.05) as (_, other), pytest.raises(Broken, match=r"within 0\.05 seconds"):
        other.receive()


def _hostile(chance: random.Random, number: int) -> bytes:
    """One message that no honest subject sends: to a question that nobody asked, or not of the agreed form."""
    values: list[object] = [
        0,
        None,
        ["l", 0],
        ["o", 1, ["K"], ""],
        ["j", 1],
        ["T", "os", "system"],
        ["T", "builtins", "eval"],
        ["?"],
    ]
    values += [["x", 1, ["T", "builtins", "ValueError"], [], ""], ["l"] * 3, {"a": 1}, ["i", 5], ["decimal", "x"]]
    kind = chance.choice(["ret", "exc", "no", "ask", "gone", "", 7, None])
    guess = chance.choice([0, 1, number, chance.getrandbits(50), "x", None, -1])
    frame = chance.choice([[guess, kind, chance.choice(values), None, []], [guess], [[guess]], [kind, guess], []])
    data = json.dumps(frame).encode()
    return struct.pack("!I", len(data)) + data


def test_ten_thousand_messages_that_nobody_asked_for_give_no_value() -> None:
    """A subject that sends whatever it likes: each question ends with Gone or unproven, and no value is taken."""
    chance = random.Random(5)
    for batch in range(100):
        with wires() as (mine, its):
            data = b"".join(_hostile(chance, batch) for _ in range(MESSAGES // 100))
            writer = threading.Thread(target=_write, args=(its.outgoing, data))
            writer.start()
            link = SubjectLink(mine, Marks())
            link.proxies = ProxyMaker(link)
            for _ in range(3):
                with pytest.raises((Gone, NotProven)):
                    link.call(["M", "parking"], (30,), {})
            assert link.dead and link.marks.trace == []
            os.close(mine.incoming)
            writer.join()


@pytest.mark.parametrize(
    "value",
    [
        ["T", "os", "system"],
        ["T", "unittest.mock", "ANY"],
        ["T", "builtins", "eval"],
        ["T", "operator", "__builtins__"],
        ["j", 1],
        ["k", 5],
        ["e", ["k", 5], "RED"],
        ["o", "x", ["K"], ""],
        ["K", 1],
        ["p", ["l"], 1, ["T", "builtins", "list"]],
        ["x", 1, ["T", "builtins", "int"], [], ""],
        ["s", ["l"]],
        ["d", [1]],
        ["decimal", 5],
        ["array", [1 << 40], "<f8", ""],
        ["array", [1], "|O8", "AAAAAAAAAAA="],
        ["array", [2], "<f8", "AAAAAAAAAAA="],
        ["array", [-1], "<f8", ""],
        ["array", [1], "<f8,<f8", "AAAAAAAAAAA="],
        ["fields", [1], [["a", ["array", [2], "|b1", "AAA="]]]],
        {"a": 1},
    ],
)
def test_a_value_of_another_form_is_not_taken(value: object) -> None:
    """An answer with the right number and a value that was not agreed ends the test."""
    with wires() as (mine, its):
        link = SubjectLink(mine, Marks())
        link.proxies = ProxyMaker(link)

        def answer() -> None:
            number = its.receive()[0]
            its.send([number, "ret", value, None, []])

        writer = threading.Thread(target=answer)
        writer.start()
        with pytest.raises(Gone):
            link.call(["M", "parking"], (30,), {})
        writer.join()

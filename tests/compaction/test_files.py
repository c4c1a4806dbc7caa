"""What is known of a file: no line is kept that the file does not have any more, as far as the calls tell."""

from dataclasses import dataclass, field

import hypothesis.strategies as st
from hypothesis import example, given, settings

from agentmem.compaction.files import KnownFile

WORDS = st.sampled_from(("a", "b", "ab", "", " a", "x", "x y"))
TEXTS = st.lists(WORDS, min_size=1, max_size=12).map(lambda lines: "\n".join(lines) + "\n")
STEPS = st.tuples(
    st.sampled_from(("read", "whole", "edit", "edit", "shown", "every", "write", "append")),
    st.integers(0, 40),
    st.integers(1, 14),
    TEXTS,
    st.booleans(),
)


@dataclass(slots=True)
class Disk:
    """A file, and what is known of it after each call."""

    text: str
    known: KnownFile = field(default_factory=lambda: KnownFile("f"))
    seq: int = 0

    def step(self, kind: str, at: int, length: int, text: str, cut: bool) -> None:
        self.seq += 1
        new = text[: len(text) - cut]
        if kind in ("read", "whole"):
            self._read(at % (self.text.count("\n") + 1), len(self.text) if kind == "whole" else length, kind == "whole")
        elif kind == "write":
            self.text = text
            self.known = self.known.written(text, self.seq)
        elif kind == "append":
            self.text += text
            self.known = self.known.appended(text, self.seq)
        else:
            self._edit(kind, at % len(self.text), length, new)

    def _edit(self, kind: str, at: int, length: int, new: str) -> None:
        old = self.text[at : at + length]
        if kind != "every" and _places(self.text, old) != 1:
            return
        self.text = self.text.replace(old, new) if kind == "every" else self.text.replace(old, new, 1)
        self.text = self.text or "\n"
        self.known = self.known.replaced(old, new, kind == "every", self.seq)
        if kind == "shown":
            self._read(self.text.count("\n", 0, min(at, len(self.text) - 1)), 4, False)

    def _read(self, first: int, count: int, whole: bool) -> None:
        lines = self.text.removesuffix("\n").split("\n")
        first = 0 if whole else min(first, len(lines) - 1)
        self.known = self.known.read(first + 1, lines[first : first + count], whole, self.seq)

    def check(self) -> None:
        lines = self.text.split("\n")
        for one in self.known.stretches:
            said = [line.text for line in one.lines]
            if one.start is not None:
                assert said == lines[one.start - 1 : one.start - 1 + len(said)]
            elif one.loose:
                assert "\n".join(said) in self.text
            else:
                assert any(said == lines[at : at + len(said)] for at in range(len(lines)))


def _places(text: str, old: str) -> int:
    return sum(text.startswith(old, at) for at in range(len(text)))


@settings(max_examples=400, deadline=None)
@example("ab\n", [("edit", 2, 1, "b\na\nb\n", True), ("edit", 30, 2, "a\n", False)])
@given(TEXTS, st.lists(STEPS, max_size=14))
def test_every_line_is_in_the_file_as_it_is_now(text: str, steps: list[tuple[str, int, int, str, bool]]) -> None:
    """Whatever is read, edited and written in whatever order: numbers are right, and no line is an old one."""
    disk = Disk(text)
    for step in steps:
        disk.step(*step)
        disk.check()


def test_an_edit_inside_what_was_read_is_made_there() -> None:
    """The lines around it stay, and those behind it have new numbers."""
    known = (
        KnownFile("f").read(10, ["one", "two", "three", "four"], False, 1).replaced("two\nthree", "2\n2\n3", False, 2)
    )
    (stretch,) = known.stretches
    assert [line.text for line in stretch.lines] == ["one", "2", "2", "3", "four"]
    assert [line.changed for line in stretch.lines] == [0, 2, 2, 2, 0]
    assert (stretch.start, known.touched, known.changed) == (10, 2, 2)
    moved = known.read(40, ["far"], False, 3).replaced("one\n", "", False, 4)
    assert [one.start for one in moved.stretches] == [10, 39]


def test_an_edit_elsewhere_leaves_its_own_text_and_drops_what_it_may_have_touched() -> None:
    """Lines at the border that the edit's old text agrees with may be gone."""
    known = KnownFile("f").read(1, ["a = 1", "b = 2"], False, 1).replaced("b = 2\nc = 3", "b = 5\nc = 6", False, 2)
    assert [[line.text for line in one.lines] for one in known.stretches] == [["a = 1"], ["b = 5", "c = 6"]]
    assert [one.loose for one in known.stretches] == [False, True]


def test_what_a_read_contradicts_is_not_believed() -> None:
    """Somebody else changed the file: of what was known before, nothing stays."""
    known = KnownFile("f").read(1, ["a", "b"], False, 1).read(30, ["y", "z"], False, 2).read(2, ["B", "c"], False, 3)
    assert [[line.text for line in one.lines] for one in known.stretches] == [["B", "c"]]


def test_reads_grow_together() -> None:
    """Stretches that meet are one, and edits in them are remembered."""
    known = KnownFile("f").read(1, ["a", "b"], False, 1).replaced("b", "B", False, 2).read(2, ["B", "c"], False, 3)
    (stretch,) = known.stretches
    assert ([line.text for line in stretch.lines], stretch.start) == (["a", "B", "c"], 1)
    assert [line.changed for line in stretch.lines] == [0, 2, 0]

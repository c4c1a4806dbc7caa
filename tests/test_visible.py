"""agentmem.visible: characters that steer a terminal or hide are escaped, and nothing else changes."""

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmem.visible import visible, visible_json

HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}

PLAIN = (
    "Grüße, 茶, 中文 and naïve",
    "a\tb\nc\r\nd",
    "👨‍👩‍👧 ❤️‍🔥 1️⃣",
    "می‌خواهم क्‍ष",
    "葛\U000e0100",
    "\\x1b is written out",
)
STEERS = (
    ("\x1b]52;c;eA==\x07", r"\x1b]52;c;eA==\x07"),
    ("a\x9b2Jb", r"a\x9b2Jb"),
    ("one\rtwo", r"one\x0dtwo"),
    ("\x7f\b", r"\x7f\x08"),
    ("a\u202eb\u2066c", r"a\u202eb\u2066c"),
    ("main\u200d", r"main\u200d"),
    ("ma\u200bin\ufeff", r"ma\u200bin\ufeff"),
    ("a\ufe0fb", r"a\ufe0fb"),
    ("\U000e0041", r"\U000e0041"),
    ("\ud800", r"\ud800"),
)


@pytest.mark.parametrize("text", PLAIN)
def test_what_people_write_stays(text: str) -> None:
    """Letters of all scripts with their joiners, emoji, tabs and line ends stay as they are."""
    assert visible(text) == text


@pytest.mark.parametrize(("text", "shown"), STEERS)
def test_what_steers_or_hides_is_escaped(text: str, shown: str) -> None:
    """Controls, bidirectional controls, useless characters of no width and half surrogate pairs are escaped."""
    assert visible(text) == shown


@given(st.text())
def test_nothing_that_steers_is_left(text: str) -> None:
    """In any text, one pass escapes every such character."""
    shown = visible(text)
    for one in shown.replace("\r\n", "\n"):
        assert one in "\n\t\u200c\u200d" or unicodedata.category(one) not in HIDDEN or ord(one) in _FORMATS, hex(
            ord(one)
        )
    assert visible(shown) == shown


_FORMATS = {*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD, *range(0x13430, 0x13440)} | {
    *range(0x1BCA0, 0x1BCA4),
    *range(0x1D173, 0x1D17B),
}
"""Format characters that are visible, or that only place other signs of a script."""


@given(st.recursive(st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_json_means_what_it_meant(value: object) -> None:
    """Escaped JSON has the same value, also with half surrogate pairs."""
    shown = visible_json(json.dumps(value, ensure_ascii=False))
    assert json.loads(shown) == value
    assert visible(shown) == shown

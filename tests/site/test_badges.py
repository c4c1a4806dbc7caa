"""The badges say what is true today."""

import re
from xml.etree import ElementTree

import pytest

from tests.benchmarks.__main__ import NAMES
from tests.benchmarks.heading import ROOT
from tests.benchmarks.records import Record
from tests.site.badges import BADGES, badge, badges, said

PROJECT = {
    "project": {"license": "MIT", "classifiers": ["Programming Language :: Python :: 3.11", "Typing :: Typed"]},
    "tool": {"mypy": {"strict": False}},
}


@pytest.mark.parametrize("name", badges())
def test_a_badge_is_what_settings_and_records_say(name: str) -> None:
    """`python -m tests.site.badges` writes the pictures that stand in docs/, and the README shows each."""
    assert (BADGES / name).read_text(encoding="utf-8") == badges()[name]
    assert f"(docs/pictures/badges/{name})" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_what_is_not_so_is_not_said() -> None:
    """No badge for types that are not checked strictly; a target that was missed, or has no record, is not met."""
    kept = {NAMES[0]: Record(NAMES[0], "met"), NAMES[1]: Record(NAMES[1], "missed"), "gone": Record("gone", "met")}
    assert dict(said(PROJECT, kept)) == {
        "python": "3.11",
        "license": "MIT",
        "benchmarks": f"1 of {len(NAMES)} met their targets",
    }


def test_a_badge_can_be_read_aloud() -> None:
    """It is one well-formed picture that has its text as title and label, whatever the text has in it."""
    root = ElementTree.fromstring(badge("a < b", '"c" & d'))
    assert root.get("aria-label") == 'a < b: "c" & d' and root[0].text == 'a < b: "c" & d'
    widths = [float(one.get("width", 0)) for one in root.iter() if one.tag.endswith("rect")]
    assert widths[0] == widths[1] + widths[2] and re.fullmatch(r"\d+", root.get("width", ""))

"""Text in another Unicode form is found, and what an edit leaves alone keeps its bytes."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmem.errors import TextNotUnique
from agentmem.pages.forms import form, kept, letters, places
from agentmem.pages.page import make
from agentmem.pages.splices import replaced

TEXT = st.text(
    st.sampled_from(
        "ab \n\r\t\u00e9e\u0301\u0308\u00a0\u202f\u200b\ufe0f\u2699\u1112\u1161\u11ab\ud55c\uac00\u00adx.\u0323"
    ),
    max_size=14,
)


def edited(text: str, old: str, new: str) -> str:
    """The page after the edit."""
    page = make("a.md", text.encode())
    return replaced(page, page.span(None), old, new).decode()


@given(TEXT)
def test_letters_make_up_the_text_and_their_forms_its_form(text: str) -> None:
    """So that a place in the form is a place in the text."""
    assert "".join(letters(text)) == text
    assert form("".join(map(form, letters(text)))) == form(text)


@given(TEXT, TEXT, TEXT)
def test_what_is_found_in_another_form_has_that_form(before: str, wanted: str, behind: str) -> None:
    """Every place is one, and lies at the edges of letters."""
    text = before + wanted + behind
    for start, end in places(text, wanted):
        assert form(text[start:end]) == form(wanted)
        assert form(text[:start]) + form(text[start:end]) + form(text[end:]) == form(text)


@given(TEXT, TEXT)
def test_an_edit_in_another_form_changes_what_it_means_to(old: str, new: str) -> None:
    """The result reads as the edit does in plain forms; an edit that changes nothing changes no byte."""
    old, new = old.replace("\r", ""), new.replace("\r", "")
    there = unicodedata.normalize("NFD", old)
    assert form(kept(there, old, new)) == form(new)
    assert kept(there, old, old) == there


@pytest.mark.parametrize(
    ("text", "old", "new", "expected"),
    [
        ("cafe\u0301 here\n", "caf\u00e9 here", "caf\u00e9 there", "cafe\u0301 there\n"),
        ("caf\u00e9 here\n", "cafe\u0301", "tea", "tea here\n"),
        ("\u1112\u1161\u11ab\uae00 x\n", "\ud55c\uae00 x", "\ud55c\uae00 y", "\u1112\u1161\u11ab\uae00 y\n"),
        ("a\u00a0b c\u202fd\n", "a b c d", "a b and c d", "a\u00a0b and c\u202fd\n"),
        ("\u2699\ufe0f set\u00adtings\n", "\u2699 settings", "\u2699 options", "\u2699\ufe0f options\n"),
        ("zero\u200bwidth\r\nx\r\n", "zerowidth\nx", "zerowidth\ny", "zero\u200bwidth\r\ny\r\n"),
        ("a\r\n\nb c\n", "c", "c\nd", "a\r\n\nb c\nd\n"),
        ("a\n\r\nb\r\nc d", "c", "c\ne", "a\n\r\nb\r\nc\r\ne d"),
    ],
)
def test_text_that_looks_the_same_is_edited(text: str, old: str, new: str, expected: str) -> None:
    """Composed or decomposed, with other spaces or invisible marks; line breaks as next to it."""
    assert edited(text, old, new) == expected


@pytest.mark.parametrize(
    ("text", "old", "said"),
    [
        ("so \u201cquoted\u201d\n", 'so "quoted"', "line 1 has it with other characters"),
        ("1\u20132\n", "1-2", "U+2013 en dash for - U+002D hyphen-minus"),
        ("x\n\titem\n", "    item", r"line 2 has it with other white space ('\t' for '    '): '\titem'"),
        ("one two  three\n", "one two three", "('  ' for ' ')"),
        ("x\none \r\ntwo\n", "one\ntwo", r"line 2 has it with other white space (' \r\n' for '\n')"),
        ("Some Words\n", "some words", "other letter case: 'Some Words'"),
        ("a cafe\u0301\n", "a cafe", "an accent that belongs to its last letter"),
        ("caf\u00e9 cafe\u0301\n", "\u200bcaf\u00e9", "2 times, on lines 1, 1"),
        ("a\r\nb\n", "a\n\nb", r"('\r\n' for '\n\n')"),
    ],
)
def test_text_that_stands_otherwise_is_shown_as_it_stands(text: str, old: str, said: str) -> None:
    """What a reader can see is not changed by guess: the difference is named."""
    with pytest.raises(TextNotUnique) as error:
        edited(text, old, "new")
    assert said in str(error.value)


@given(TEXT, TEXT, TEXT)
def test_an_edit_keeps_every_other_byte(head: str, old: str, tail: str) -> None:
    """Whatever is found, the bytes before and behind it stay, and no letter is parted from its accent."""
    text = f"{head}[{old}]{tail}"
    try:
        after = edited(text, f"[{old}]", "<NEW>")
    except TextNotUnique:
        return
    before, _, behind = after.partition("<NEW>")
    assert text.startswith(before)
    assert text.endswith(behind)
    assert not behind or behind[0] in "\u200b\u00ad" or unicodedata.category(behind[0])[0] != "M"

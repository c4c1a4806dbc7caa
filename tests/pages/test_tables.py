"""Data files and front matter read as tables and lists."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmem.pages.tables import shown


def test_csv_reads_as_a_table() -> None:
    """Quoted cells, bars and line breaks in cells, ragged rows, other delimiters."""
    text = 'name;note\r\nAda;"a; b"\r\nBob;"x|y\nz"\r\nCy\r\n\r\n'
    table = shown("people.csv", text)
    assert table.text == ("| name | note |\n|---|---|\n| Ada | a; b |\n| Bob | x\\|y<br>z |\n| Cy |  |\n")
    assert table.head == "| name | note |\n|---|---|\n"
    assert "3 rows" in table.kind
    assert shown("a.tsv", "a\tb\n1\t2\n").text == "| a | b |\n|---|---|\n| 1 | 2 |\n"


@pytest.mark.parametrize("text", ["", "\n\n"])
def test_an_empty_csv_is_shown_as_it_is(text: str) -> None:
    """There is nothing to put into a table."""
    assert shown("a.csv", text).text == text


def test_a_csv_that_does_not_parse_is_shown_as_it_is() -> None:
    """A cell beyond the reader's limit, for example."""
    text = "a,b\n" + "x" * 200_000 + ",1\n"
    table = shown("a.csv", text)
    assert table.text == text
    assert table.kind.startswith("not readable as CSV")


def test_json_reads_as_a_list() -> None:
    """Numbers keep their digits, text its look, and repeated keys are all there."""
    text = (
        '{"name": "Ada", "born": 1815, "ratio": 1.10, "tags": ["a", "b"], "empty": {}, "none": null,'
        ' "flag": true, "text": "true", "lines": "a\\nb", "name": "again", "deep": {"x": [{"y": -0}]}}'
    )
    assert shown("a.json", text).text == (
        "- name: Ada\n- born: 1815\n- ratio: 1.10\n- tags:\n  - a\n  - b\n- empty: {}\n- none: null\n- flag: true\n"
        '- text: "true"\n- lines: "a\\nb"\n- name: again\n- deep:\n  - x:\n    -\n      - y: -0\n'
    )


def test_a_list_of_like_objects_reads_as_a_table() -> None:
    """The keys are the columns."""
    text = '[{"id": 1, "name": "a|b"}, {"id": 2, "name": null}]'
    assert shown("a.json", text).text == "| id | name |\n|---|---|\n| 1 | a\\|b |\n| 2 | null |\n"
    assert shown("a.json", '[{"id": 1}, {"name": 2}]').text == "-\n  - id: 1\n-\n  - name: 2\n"


@pytest.mark.parametrize("text", ["{", "nonsense", "[" * 100_000, '{"a": 1} x'])
def test_json_that_does_not_parse_is_shown_as_it_is(text: str) -> None:
    """With a word on why."""
    found = shown("a.json", text)
    assert found.text == text
    assert found.kind.startswith("not readable as JSON")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
)


@given(JSON)
def test_any_json_can_be_shown(value: object) -> None:
    """Whatever the value, each line of what is shown begins a list item or a table row."""
    found = shown("a.json", json.dumps(value))
    assert found.kind.startswith("shown as") or "shown as a table" in found.kind
    assert all(line.lstrip().startswith(("-", "|")) for line in found.text.removesuffix("\n").split("\n"))


def test_very_deep_json_ends_in_json() -> None:
    """A list of lists of lists is not indented for ever."""
    text = "[" * 200 + "]" * 200
    assert max(map(len, shown("a.json", text).text.splitlines())) < 500


def test_other_text_is_shown_as_it_is() -> None:
    """Code, YAML and plain text."""
    for name in ("a.py", "a.yaml", "a.txt", "Makefile"):
        assert shown(name, '{"a": 1}').text == '{"a": 1}'

"""A long result is shown by its ends and what it is; the whole stays in its entry."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmem.context.offload import Offload, described, offloaded, page_name
from agentmem.context.window import window
from agentmem.tokens import beginning, count, ending
from agentmem.transcript import transcript
from agentmem.transcript.transcript import Opening, read_blocks
from agentmem.types import Image, Text, ToolCall, ToolResult
from tests.transcript.transcripts import PNG, entries, reply

SMALL = Offload(limit=200, head=40, tail=20)
LONG = "\n".join(f"line {number} says something of its own" for number in range(400))


def test_a_short_result_stays_as_it_is() -> None:
    """At the limit nothing is changed."""
    assert offloaded([Text("short")], "t/3", SMALL) is None
    exact = " word" * 200
    assert count(exact) == 200
    assert offloaded([Text(exact)], "t/3", SMALL) is None
    assert offloaded([Text(exact + " more")], "t/3", SMALL) is not None


def test_a_long_result_shows_its_ends_and_where_the_whole_is() -> None:
    """Head and tail are the text's own; the first line says lines, tokens, reference and file."""
    shown = offloaded([Text(LONG)], "t/3", SMALL, page=".agentmem/pages/t/3.txt")
    assert shown is not None
    [block] = shown
    assert isinstance(block, Text)
    assert "400 lines" in block.text
    assert f"{count(LONG):,} tokens" in block.text
    assert "recall t/3" in block.text
    assert ".agentmem/pages/t/3.txt" in block.text
    assert "line 0 says" in block.text
    assert block.text.endswith("line 399 says something of its own")
    assert count(block.text) < 200


def test_pictures_stay_in_view() -> None:
    """Only text is offloaded: no text brings a picture back."""
    shown = offloaded([Image("image/png", PNG), Text(LONG)], "t/3", SMALL)
    assert shown is not None
    assert shown[1:] == (Image("image/png", PNG),)


def test_the_entry_keeps_the_original_and_the_window_shows_the_short_form() -> None:
    """What is read back is whole, byte for byte; what is sent is not."""
    result = ToolResult("a", (Text(LONG),))
    made = entries(
        [
            transcript.opening(Opening("m")),
            transcript.user("go"),
            reply(ToolCall("a", "run", "{}")),
            transcript.tool_result(result, offloaded(result.content, "t/3", SMALL)),
        ]
    )
    assert read_blocks(made[3]) == (result,)
    shown = window(made).turns[-1].frames[0]
    assert shown.value["content"][0]["text"].startswith("[This result is long")
    assert shown.tokens < 250


@pytest.mark.parametrize(
    ("text", "kind", "outline"),
    [
        (json.dumps({"rows": [1, 2], "name": "x"}), "JSON", ["rows: list of 2", 'name: "x"']),
        ("# A\n\ntext\n\n## B\n", "markdown", ["1: # A", "5: ## B"]),
        ("def one():\n    pass\n\nclass Two:\n    pass\n", "source code", ["1: def one():", "4: class Two:"]),
        ("diff --git a/x b/x\n+++ b/x\n", "a diff", ["1: diff --git a/x b/x", "2: +++ b/x"]),
        ("ok\nValueError: no\n", "a log with errors", ["2: ValueError: no"]),
        ("nothing of the kind", "text", []),
        ("{not json", "text", []),
    ],
)
def test_what_a_text_is(text: str, kind: str, outline: list[str]) -> None:
    """Each kind is told by its own marks, with line numbers in the outline."""
    assert described(text) == (kind, outline)


@given(st.text(max_size=3000), st.integers(0, 60))
def test_ends_are_slices_that_fit(text: str, tokens: int) -> None:
    """Head and tail are the text's own beginning and end, and no longer than asked for."""
    head, tail = beginning(text, tokens), ending(text, tokens)
    assert text.startswith(head)
    assert text.endswith(tail)
    assert count(head) <= tokens
    assert count(tail) <= tokens


def test_a_budget_below_the_full_one_shrinks_the_sizes() -> None:
    """A small budget gets small pages; a large one the sizes as they stand."""
    assert Offload().sized(6_000) == Offload(800, 60, 30)
    assert Offload().sized(120_000) == Offload()


@pytest.mark.parametrize("thread", ["main", "a/b", "..", "x" * 200, "ä" * 200, "a b"])
def test_any_thread_has_a_folder_of_its_own(thread: str) -> None:
    """A thread's name never leads out of the folder, and always fits a file system."""
    name = page_name(thread, 3)
    folder, file = name.removeprefix(".agentmem/pages/").split("/")
    assert (file, ".." in folder) == ("3.txt", False)
    assert 0 < len(folder) <= 200

"""Corrections and rules are found by the words that mark them, in what people typed and not in what they pasted."""

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentmem.compaction.statements import LANGUAGES, kind_of, machine, paragraphs, statements

LABELLED = Path(__file__).with_name("labelled.tsv")
LOG = "\n".join(f"2026-03-{at:02d} 10:00:00 WARN do not use worker {at}, never retry" for at in range(1, 25))


def labelled() -> Iterator[tuple[str, str, str, str]]:
    with LABELLED.open(encoding="utf-8") as file:
        for one in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            yield one["part"], one["language"], one["label"], one["text"]


@pytest.mark.parametrize("part", ["tune", "held"])
def test_labelled_sentences(part: str) -> None:
    """On the labelled sentences at least 95 of 100 that are found are right, and 90 of 100 that there are are found.

    Sentences in languages without a row of cues (Korean and Hindi are among them) are not found.
    """
    rows = [(label != "-", bool(statements(text))) for one, _, label, text in labelled() if one == part]
    right = sum(wanted and found for wanted, found in rows)
    assert right / sum(found for _, found in rows) >= 0.95
    assert right / sum(wanted for wanted, _ in rows) >= 0.9


def test_languages_without_cues_are_a_limit() -> None:
    """Every language of the labelled sentences has cues, but for two that say where the detector ends."""
    assert {language for _, language, _, _ in labelled()} - set(LANGUAGES) == {"ko", "hi"}


def test_a_correction_behind_pasted_output() -> None:
    """Of a long paste nothing counts; the sentence behind it, before it or between two pastes does."""
    for text in (
        f"{LOG}\n\nNo, use the other table.",
        f"No, use the other table.\n\n{LOG}",
        f"{LOG}\nNo, use the other table.",
    ):
        assert [one.text for one in statements(text)] == ["No, use the other table."]
    fenced = "```\nnever do this\n```\nMake sure it stays fast."
    assert [one.text for one in statements(fenced)] == ["Make sure it stays fast."]


def test_a_correction_in_the_middle_of_prose() -> None:
    """A sentence is found wherever it stands, with the one before it."""
    text = "The export is slow. It holds all rows. The limit should be 250, not 500. I saw that today."
    (found,) = statements(text)
    assert (found.kind, found.text, found.before) == (
        "correction",
        "The limit should be 250, not 500.",
        "It holds all rows.",
    )


def test_what_a_client_writes_is_no_order() -> None:
    """Loaded skills, output of commands and reminders are not what a person typed."""
    for text in (
        "Base directory for this skill: /x\n\nNever skip a step.",
        "<system-reminder>Never mention this.</system-reminder>",
        "# Review\n\nAlways use ten agents.\n" + "More of the page.\n" * 200,
    ):
        assert statements(text) == ()
    assert machine("[Request interrupted by user]") and not machine("# A heading\n\nNever do that.")


def test_questions_do_not_correct() -> None:
    """A question counts only where it wants another thing."""
    assert kind_of("Does it always return a list?") is None
    assert kind_of("Can we use a dataclass instead?") == "correction"


def test_a_wrapped_sentence_is_one() -> None:
    """Lines of a paragraph are joined; points of a list are not."""
    assert paragraphs("Please look at\nthe parser.\n\n- one\n- two") == (
        ("Please look at the parser.",),
        ("one", "two"),
    )

"""A compaction is checked before it is accepted: repaired where it can be, else refused."""

from dataclasses import replace

import pytest

from agentmem.compaction.acceptance import accept, fallback, unseen
from agentmem.compaction.plan import names
from agentmem.context.cut import read_cut
from agentmem.errors import SummaryRejected
from agentmem.types import Draft
from tests.compaction.conversations import SMALL, conversation, name, planned, round_of, shown, view_of
from tests.transcript.transcripts import entries

HONEST = """## Goal
- Count all totals; the limit is 8642 per module. [1]

## Facts
- compute_total_003 is defined in src/module_003.py [15]
- Nothing was changed so far.
"""


def page(made: list[Draft], text: str) -> str:
    """What the view says once ``text`` was accepted as the summary of ``made``."""
    return shown(view_of([*made, accept(planned(made), text)]))


def test_a_good_summary_stands_for_what_left() -> None:
    """Its claims are shown with their references, under a heading that says where the rest is."""
    said = page(conversation(), HONEST)
    assert "Count all totals; the limit is 8642 per module. [1]" in said
    assert "compute_total_003 is defined in src/module_003.py [15]" in said
    assert "entries t/1 to t/" in said


def test_a_summariser_that_drops_everything_is_refused() -> None:
    """A page that names nothing of what it stands for is no summary, nor is an empty one."""
    found = planned(conversation())
    for text in ("", "  \n", "The work goes on. All is well.", "## Goal\n- To do the task.\n"):
        with pytest.raises(SummaryRejected):
            accept(found, text)


def test_what_calls_had_used_is_repaired_into_the_index() -> None:
    """A summary that forgets names costs nothing: each stands in the index beside the entry that brought it in."""
    made = conversation()
    found = planned(made)
    forgotten = [use for use in found.uses if use.name not in HONEST and use.name not in found.kept]
    assert len(forgotten) > 5
    said = page(made, HONEST)
    assert all(use.name in said for use in found.uses)
    cut = read_cut(entries([*made, accept(found, HONEST)])[-1])
    assert {(line.seq, one) for line in cut.index for one in line.names} >= {
        (use.source, use.name) for use in forgotten
    }


def test_names_keep_their_line_through_the_next_compaction() -> None:
    """A name that was used once is still found in the index after a second compaction."""
    made = conversation()
    made += [accept(planned(made), HONEST), *(draft for number in range(12, 20) for draft in round_of(number))]
    assert name(1) in page(made, HONEST.replace("compute_total_003", "compute_total_013"))


def test_a_lie_is_taken_out() -> None:
    """A claim that names what nobody said is dropped, the others stay."""
    said = page(conversation(), HONEST + "- The fix is in src/imaginary_file.py [7]\n")
    assert "imaginary_file" not in said
    assert "compute_total_003 is defined" in said


def test_an_invented_number_is_a_lie() -> None:
    """Numbers of four digits or more must have been said."""
    said = page(conversation(), HONEST + "- The limit was raised to 9753. [1]\n")
    assert "9753" not in said
    assert "8642" in said


def test_a_summariser_that_lies_is_refused() -> None:
    """When more than a third of the claims are false, none is believed."""
    lies = "\n".join(f"- The bug sits in lib/never_seen_{number}.py [3]" for number in range(3))
    with pytest.raises(SummaryRejected, match="nobody said"):
        accept(planned(conversation()), f"{HONEST}\n{lies}")


def test_false_references_are_mended() -> None:
    """A reference to an entry that does not say so becomes one that does; one to no entry at all goes."""
    wrong = HONEST.replace("[15]", "[5]").replace("so far.", "so far. [999]")
    said = page(conversation(), wrong)
    assert "compute_total_003 is defined in src/module_003.py [15]" in said
    assert "999" not in said


def test_a_summary_that_is_too_long_is_refused() -> None:
    """A page far beyond its room, or longer than what it stands for, is no gain."""
    found = planned(conversation())
    with pytest.raises(SummaryRejected, match="too long"):
        accept(found, HONEST + "- and so on\n" * 400)
    roomy = replace(found, sizes=replace(found.sizes, summary=100_000))
    with pytest.raises(SummaryRejected, match="longer than they are"):
        accept(roomy, HONEST + "- and so on\n" * 4_000)


def test_the_old_summary_is_summarised_again_and_not_stacked() -> None:
    """After two compactions there is one summary and one index."""
    made = conversation()
    made += [accept(planned(made), HONEST), *(draft for number in range(12, 20) for draft in round_of(number))]
    found = planned(made)
    assert any(one.origin.kind == "summary" for one in found.leaving)
    said = page(made, HONEST.replace("compute_total_003", "compute_total_013"))
    assert said.count("What was said and done before this") == said.count("Index of what left the view") == 1
    assert "compute_total_003 is defined" not in said


def test_without_a_model_the_same_checks_hold() -> None:
    """The mechanical summary keeps the old claims, and every name that was used stands somewhere."""
    made = conversation()
    made += [accept(planned(made), HONEST), *(draft for number in range(12, 20) for draft in round_of(number))]
    found = planned(made)
    said = shown(view_of([*made, fallback(found)]))
    assert "Nothing was changed so far." in said
    assert all(use.name in said for use in found.uses)


def test_the_check_sees_what_is_missing() -> None:
    """Without its index a compaction would lose the names that calls had used, and the check says which."""
    found = planned(conversation())
    assert set(unseen(found, found.users)) == {use.name for use in found.uses if use.name not in found.kept}
    assert unseen(found, found.users)


def test_an_index_stays_small_however_long_the_thread() -> None:
    """Thirty compactions later the index is no longer than its room allows."""
    made, number = conversation(), 12
    for _ in range(30):
        made.append(fallback(planned(made, replace(SMALL, index=200, names=100))))
        for _ in range(8):
            made += round_of(number)
            number += 1
    cut = view_of(made).cut
    assert cut is not None
    assert len(cut.index) < 40
    assert sum(len(line.text) for line in cut.index) < 3_000


def test_names_are_what_must_be_exact() -> None:
    """Paths, identifiers, hashes and addresses; no plain words, and no full stop at the end."""
    text = "See src/app.py: run parse_args on 4b825dc642cb, not something ordinary. Host db.example.com:5432."
    assert names(text) == {"src/app.py", "parse_args", "4b825dc642cb", "db.example.com:5432"}

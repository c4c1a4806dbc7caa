"""A summary stays until people and the model have said enough for another."""

from dataclasses import replace

from agentmem.compaction.acceptance import accept, carry, fallback
from agentmem.compaction.carrying import SINCE, carried
from agentmem.compaction.plan import plan
from agentmem.compaction.when import Compaction
from agentmem.context.window import View, extend
from agentmem.types import Draft
from tests.compaction.conversations import BUDGET, SMALL, conversation, name, planned, round_of, view_of
from tests.transcript.transcripts import entries

PAGE = f"## Facts\n- The total is {name(3)} [15]\n- The limit is 8642 per module [1]"
PATIENT = replace(SMALL, said=100_000)


def after(view: View, *drafts: Draft) -> View:
    """The view with more entries."""
    filler = conversation(1)[:1] * (view.seq + 1)
    for entry in entries([*filler, *drafts])[view.seq + 1 :]:
        view = extend(view, entry)
    return view


def compacted(settings: Compaction) -> View:
    """A conversation with one compaction behind it, and eight rounds since."""
    made = conversation(12)
    view = after(view_of(made), accept(planned(made, settings), PAGE))
    return after(view, *(draft for number in range(20, 28) for draft in round_of(number)))


def test_the_first_summary_is_asked_for() -> None:
    """There is none that could stay."""
    assert planned(conversation(12), PATIENT).asks


def test_a_summary_stays_with_what_was_said_since() -> None:
    """Word for word, with the newest replies behind it and the numbers of their entries."""
    found = plan(compacted(PATIENT), "t", PATIENT, BUDGET)
    assert found is not None and not found.asks
    page = carried(found)
    assert page.startswith(PAGE)
    assert page.split(SINCE)[1].strip().startswith("- Reading 2")
    again = after(compacted(PATIENT), carry(found), *(one for at in range(30, 38) for one in round_of(at)))
    later = plan(again, "t", PATIENT, BUDGET)
    assert later is not None and not later.asks
    assert carried(later).startswith(PAGE)
    assert carried(later).count(SINCE) == 1
    assert later.told > found.told > 0


def test_enough_was_said() -> None:
    """Then a model is asked again, and counting begins anew."""
    settings = replace(SMALL, said=20)
    found = plan(compacted(settings), "t", settings, BUDGET)
    assert found is not None and found.asks


def test_a_page_that_no_model_wrote_does_not_stay() -> None:
    """The next compaction asks a model again."""
    made = conversation(12)
    view = after(view_of(made), fallback(planned(made, PATIENT)))
    view = after(view, *(draft for number in range(20, 28) for draft in round_of(number)))
    found = plan(view, "t", PATIENT, BUDGET)
    assert found is not None and found.asks

"""A request is what its view stands for, within the budget."""

import pytest
from hypothesis import given

from agentmem.context.window import window
from agentmem.context.wire import largest, request, wire
from agentmem.errors import BudgetExceeded, TranscriptError
from agentmem.kvcache import frames
from agentmem.transcript import transcript
from agentmem.transcript.transcript import Opening
from agentmem.types import Draft, Text
from tests.transcript.transcripts import drafts, entries, reply

OPENING = transcript.opening(
    Opening("a-model", ({"name": "read", "description": "d", "input_schema": {}},), ("be brief",))
)


@given(drafts(cuts=True))
def test_a_body_gives_back_the_frames(made: list[Draft]) -> None:
    """Invariant 1: the frames of a body in Anthropic's form are those of the view, markers or no markers."""
    view = window(entries(made))
    options = view.settings.options
    body = {
        "model": view.settings.model,
        "messages": [{"role": turn.role, "content": [one.value for one in turn.frames]} for turn in view.turns],
        "system": [
            {**one.value, "cache_control": {"type": "ephemeral"}} for one in view.prefix if one.segment == "system"
        ],
        "tools": [one.value for one in view.prefix if one.segment == "tool"],
        "thinking": options.thinking and {"type": "adaptive"},
        "output_config": {"effort": options.effort},
    }
    assert frames.wire(frames.body_frames(body)) == wire(view)


def test_a_request_has_everything_the_view_shows() -> None:
    """Tools, system, turns and options go in; the turn to answer is the user's."""
    view = window(entries([OPENING, transcript.user("go")]))
    made = request(view, estimate=10, limit=100, thread="t", previous_id="msg_1")
    assert [one.value["name"] for one in made.tools] == ["read"]
    assert [one.value["text"] for one in made.system] == ["be brief"]
    assert made.turns == view.turns
    assert (made.model, made.previous_id, made.estimate) == ("a-model", "msg_1", 10)


def test_no_request_without_something_to_answer() -> None:
    """Before anything was said, and after the model's own turn, there is nothing to ask."""
    for made in ([OPENING], [OPENING, transcript.user("go"), reply(Text("done"))]):
        with pytest.raises(TranscriptError, match="no request"):
            request(window(entries(made)), estimate=1, limit=10, thread="t")


def test_over_budget_names_the_largest() -> None:
    """What does not fit is refused with the largest parts by reference, largest first."""
    made = [OPENING, transcript.user("small"), reply(Text("ok")), transcript.user("large " * 500)]
    view = window(entries(made))
    with pytest.raises(BudgetExceeded, match=r"about 700 tokens and the budget is 600.*t/3") as caught:
        request(view, estimate=700, limit=600, thread="t")
    assert caught.value.largest[0][0] == "t/3"
    assert [tokens for _, tokens in largest(view, "t")] == sorted((n for _, n in largest(view, "t")), reverse=True)

"""One generator decides a cut, whoever sends what it asks."""

import asyncio
from collections.abc import Callable, Generator
from typing import Any

import pytest

from agentmem.compaction.summarizing import (
    CutDecision,
    SummaryAnswer,
    SummaryQuestion,
    decide,
    drive,
    drive_async,
)
from agentmem.context.view import wire
from tests.compaction.conversations import SMALL, conversation, name, planned
from tests.transcript.transcripts import entries

GOOD = f"## Goal\n- Count all totals.\n\n## Facts\n- {name(0)} is read."
Answers = list[SummaryAnswer | None]


def decided(answers: Answers, **settings: Any) -> tuple[CutDecision, list[SummaryQuestion]]:
    """The decision for these answers, and what was asked."""
    asked: list[SummaryQuestion] = []

    def answer(question: SummaryQuestion) -> SummaryAnswer | None:
        asked.append(question)
        return answers[len(asked) - 1]

    return drive(decide(planned(conversation()), **settings), answer), asked


def test_the_question_is_the_last_request_and_one_message_more() -> None:
    """What is asked begins with the bytes of the conversation before the last reply."""
    made = planned(conversation())
    question = next(decide(made))
    assert question.view.turns[-1].frames[-1].value["text"] == question.text
    shared = sum(len(turn.frames) for turn in made.view.turns[: made.asked])
    frames = [one for turn in question.view.turns for one in turn.frames]
    assert frames[:shared] == [one for turn in made.view.turns for one in turn.frames][:shared]
    assert wire(question.view)


def test_a_good_summary_is_the_models() -> None:
    """It is asked for once."""
    found, asked = decided([SummaryAnswer(GOOD)])
    assert (found.by, found.attempts, found.refused) == ("model", 1, ()) and len(asked) == 1
    assert "Count all totals." in found.draft.data.decode()


@pytest.mark.parametrize("bad", [SummaryAnswer(""), SummaryAnswer(GOOD, called=True)], ids=["empty", "called"])
def test_a_bad_one_is_asked_for_again(bad: SummaryAnswer) -> None:
    """With the reason kept; the next one counts."""
    found, asked = decided([bad, SummaryAnswer(GOOD)])
    assert (found.by, found.attempts) == ("model", 2) and [one.attempt for one in asked] == [1, 2]
    assert len(found.refused) == 1


def test_without_a_good_one_it_is_made_mechanically() -> None:
    """After as many tries as the settings allow, failed requests among them."""
    found, asked = decided([None] * SMALL.attempts)
    assert (found.by, found.attempts, found.refused) == ("mechanical", SMALL.attempts, ())
    assert len(asked) == SMALL.attempts


def test_nobody_is_asked_where_no_text_can_come() -> None:
    """``ask=False`` decides at once."""
    found, asked = decided([], ask=False)
    assert (found.by, found.attempts) == ("mechanical", 0) and asked == []


def test_the_callers_values_are_in_the_cut() -> None:
    """They are asked for after the answer, so that what it cost can be among them."""
    spent: list[int] = []

    def answer(question: SummaryQuestion) -> SummaryAnswer:
        spent.append(7)
        return SummaryAnswer(GOOD)

    found = drive(decide(planned(conversation()), lambda: {"spent": list(spent)}), answer)
    (entry,) = list(entries([found.draft]))
    assert entry.value["kept"] == {"spent": [7]}


def _asking(ended: list[str]) -> Generator[int, int, str]:
    try:
        first = yield 1
        try:
            second = yield first + 1
        except ValueError:
            second = 0
        return f"{first} {second}"
    finally:
        ended.append("closed")


def _failing(at: int, error: BaseException) -> Callable[[int], int]:
    def send(asked: int) -> int:
        if asked == at:
            raise error
        return asked * 10

    return send


def test_both_drivers_send_and_return_the_same() -> None:
    """Answers go in, errors too, and the generator's value comes out."""

    async def run(send: Callable[[int], int]) -> str:
        async def later(asked: int) -> int:
            return send(asked)

        return await drive_async(_asking([]), later)

    for send, said in ((_failing(0, ValueError()), "10 110"), (_failing(11, ValueError()), "10 0")):
        assert drive(_asking([]), send) == asyncio.run(run(send)) == said


@pytest.mark.parametrize("error", [KeyError("x"), KeyboardInterrupt()])
def test_an_error_that_nobody_takes_ends_it(error: BaseException) -> None:
    """It reaches the caller, and the generator is closed, also behind an interrupt."""
    ended: list[str] = []
    with pytest.raises(type(error)):
        drive(_asking(ended), _failing(11, error))
    assert ended == ["closed"]

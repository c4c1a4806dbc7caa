"""agentmem.kvcache.why.marks: the forms in which a compaction writes."""

import pytest

from agentmem.compaction.acceptance import INDEX, SUMMARY
from agentmem.compaction.listing import COMMANDS_HEAD, FILES_HEAD
from agentmem.compaction.plan import IN_PART, RESULT, USER
from agentmem.kvcache.frames import frame
from agentmem.kvcache.why.marks import OURS, is_ours, summarised_by
from agentmem.types import Frame

HEADS = (SUMMARY, INDEX, USER, IN_PART, RESULT, COMMANDS_HEAD, FILES_HEAD)


def said(text: str, role: str = "user") -> Frame:
    return frame("message", {"type": "text", "text": text}, "assistant" if role == "assistant" else "user")


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("thread", ["main", "research-2/agent"])
def test_every_head_that_our_cuts_write_is_known(head: str, thread: str) -> None:
    """Whatever of a cut stands first where two requests differ, the cut is known by it."""
    text = f"{head.format(thread=thread, last=40, reference=f'{thread}/25', about='a call')}\nand more"
    come = [said("kept"), said(text), said("Yes.", "assistant")]
    assert summarised_by([said("gone")], come) == OURS
    assert is_ours(come)


def test_a_text_that_was_there_before_is_no_new_cut() -> None:
    """Neither is one that a model says, or one that comes behind what a model said."""
    text = said(USER.format(reference="main/25"))
    assert summarised_by([text], [said("kept"), text]) is None
    assert summarised_by([said("gone")], [said("kept"), said("Yes.", "assistant"), text]) is None

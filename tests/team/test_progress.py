"""What is told of a team at work."""

import json

import pytest

from agentmem.runtime.events import Event, ToolCalled, ToolReturned
from agentmem.team.progress import SAID, doing_of
from agentmem.types import Text, TextDelta, ToolCall, ToolResult


def returned(text: str, *, is_error: bool) -> ToolReturned:
    return ToolReturned("edit", ToolResult("1", (Text(text),), is_error), 0.1)


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (ToolCalled(ToolCall("1", "edit", json.dumps({}))), "calls edit"),
        (ToolCalled(ToolCall("1", "run", json.dumps({}))), ""),
        (returned("Edited.", is_error=False), ""),
        (
            returned("There is no such text.\nThe nearest is ...", is_error=True),
            "edit failed: There is no such text.",
        ),
        (returned("x" * 5000, is_error=True), f"edit failed: {'x' * SAID}"),
        (TextDelta("I edit."), ""),
    ],
)
def test_a_role_s_activity_is_told_by_its_calls_and_their_errors(event: Event, told: str) -> None:
    """A call is told when it is made, and once more only if it failed, with the first line of why."""
    assert doing_of(event) == told

"""What a role has done, read from its thread: so that a kill loses neither a report nor what was run."""

import json
from collections.abc import Iterator

from agentmem.runtime.agent import Agent
from agentmem.team.report import Report, from_json
from agentmem.transcript.journal import Journal
from agentmem.transcript.transcript import read_message, read_result
from agentmem.types import ToolCall


def filed(journal: Journal, thread: str, since: int) -> Report | None:
    """The last report that was filed after entry ``since``; None where there is none."""
    made = [call for call in _answered(journal, thread, since) if call.name == "report"]
    return from_json(json.loads(made[-1].arguments)) if made else None


def commands(journal: Journal, thread: str, since: int) -> frozenset[str]:
    """The commands that were run after entry ``since``."""
    calls = (call for call in _answered(journal, thread, since) if call.name == "run")
    return frozenset(str(json.loads(call.arguments).get("command", "")) for call in calls)


def stands(agent: Agent, thread: str, since: int) -> tuple[bool, bool]:
    """Whether anything was said to the role after entry ``since``, and whether it has finished answering."""
    said = any(entry.kind == "user" for entry in agent.journal.entries(thread, after=since))
    view = agent.sessions[thread].refresh().view
    return said, said and not view.open and not view.ready


def _answered(journal: Journal, thread: str, since: int) -> Iterator[ToolCall]:
    """The calls after entry ``since`` that were served without an error, in the order of their results."""
    calls: dict[str, ToolCall] = {}
    for entry in journal.entries(thread, after=since):
        if entry.kind == "assistant":
            calls |= {call.id: call for call in read_message(entry).calls}
        elif entry.kind == "tool_result":
            result = read_result(entry)
            if result.call_id in calls and not result.is_error:
                yield calls[result.call_id]

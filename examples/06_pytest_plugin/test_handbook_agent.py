"""The agent's tests, with agentmem's fixtures. They need no key: a loopback server simulates the provider's cache."""

from collections.abc import Iterator
from typing import Any

import anthropic
import pytest
from handbook_agent import answer, dated, steady

from agentmem.testing import MessagesServer, ServerAnswer


def model(body: Any) -> ServerAnswer:
    """Plays the model: looks up three subjects, one at a time, then answers."""
    subjects = ["expenses", "holidays", "laptops"]
    turn = sum(message["role"] == "assistant" for message in body["messages"])
    if turn == len(subjects):
        return ServerAnswer.text("Second class, thirty days, and after four years.")
    call = {"type": "tool_use", "id": f"toolu_{turn}", "name": "look_up", "input": {"subject": subjects[turn]}}
    return ServerAnswer((call,))


@pytest.fixture
def client() -> Iterator[anthropic.Anthropic]:
    with MessagesServer(model) as server, anthropic.Anthropic(api_key="none", base_url=server.url) as made:
        yield made


def test_the_prefix_holds(client: anthropic.Anthropic, prefix_guard: Any, simulation: Any) -> None:
    """Each request extends the one before, most input comes from the cache, and all requests together cost cents."""
    prefix_guard.watch(client)
    simulation.watch(client)
    assert "thirty days" in answer(client, "Trains, holidays, laptops: what are the rules?", steady)
    simulation.assert_hit_rate(0.7)
    simulation.assert_cost(0.05)


def test_with_the_time_in_the_system_prompt(client: anthropic.Anthropic, prefix_guard: Any) -> None:
    """The same agent with the time in its prompt: this test fails, and says where and why."""
    prefix_guard.watch(client)
    answer(client, "Trains, holidays, laptops: what are the rules?", dated)

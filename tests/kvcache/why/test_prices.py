"""What agentmem.kvcache.why.diagnosis says that a loss costs: what mending its causes really saves."""

import copy
from typing import Any

import pytest

from agentmem.kvcache.why.diagnosis import diagnose
from agentmem.kvcache.why.groups import dollars_lost, grouped
from agentmem.kvcache.why.observed import ObservedRequest
from tests.agents.coding import CodingAgent
from tests.agents.faults import (
    counter_in_first_message,
    date_in_words,
    id_in_tool,
    marked_head_only,
    never_marked,
    schema_keys,
    set_in_system,
    status_in_system,
    time_in_system,
    tools_shuffled,
)
from tests.kvcache.why.test_diagnosis import observed

Fault = Any
ALONE: tuple[Fault, ...] = (
    time_in_system,
    date_in_words,
    id_in_tool,
    counter_in_first_message,
    status_in_system,
    set_in_system,
    schema_keys,
    tools_shuffled,
    never_marked,
    marked_head_only,
)
PLANTED: tuple[tuple[Fault, ...], ...] = (
    *((one,) for one in ALONE),
    (time_in_system, tools_shuffled),
    (time_in_system, counter_in_first_message),
    (id_in_tool, counter_in_first_message),
    (time_in_system, never_marked),
    (tools_shuffled, never_marked),
    (counter_in_first_message, never_marked),
    (time_in_system, tools_shuffled, never_marked),
    (id_in_tool, time_in_system, counter_in_first_message),
    (counter_in_first_message, marked_head_only),
    (time_in_system, marked_head_only),
    (tools_shuffled, marked_head_only),
    (tools_shuffled, counter_in_first_message, marked_head_only),
)


def five_minutes(body: Any) -> Any:
    """The body with plain marks, as `why` advises to set them."""
    for one in (*body.get("tools", ()), *body["system"], *(part for said in body["messages"] for part in parts(said))):
        if "cache_control" in one:
            one["cache_control"] = {"type": "ephemeral"}
    return body


def parts(message: Any) -> list[Any]:
    return message["content"] if isinstance(message["content"], list) else []


def traffic(planted: tuple[Fault, ...], seed: int, turns: int) -> tuple[list[ObservedRequest], list[ObservedRequest]]:
    """The same conversation, with the faults in it, and with all of them really taken out."""
    clean: list[Any] = []
    unmarked = bool({never_marked, marked_head_only} & set(planted))

    def fault(turn: Any, body: Any) -> Any:
        body = five_minutes(body) if unmarked else body
        clean.append((turn.at, copy.deepcopy(body)))
        for one in planted:
            body = one(turn, body)
        return body

    faulty = CodingAgent(seed, turns=turns, fault=fault).requests()
    return observed(iter(list(faulty))), observed(iter(clean))


def cost(requests: list[ObservedRequest]) -> float:
    return sum(one.rates.cost(one.used) for one in requests if one.rates)


def names(planted: tuple[Fault, ...]) -> str:
    return " + ".join(one.__name__ for one in planted)


@pytest.mark.parametrize("seed", [3, 5])
@pytest.mark.parametrize("planted", PLANTED, ids=names)
def test_what_is_said_is_what_mending_saves(planted: tuple[Fault, ...], seed: int) -> None:
    """To 2 %: the log is replayed through the simulator without its faults, and costs so much less."""
    faulty, clean = traffic(planted, seed, 25)
    said = dollars_lost(diagnose(faulty))
    assert said == pytest.approx(cost(faulty) - cost(clean), rel=0.02)


def test_a_fault_that_saves_nothing_alone_is_not_sold_alone() -> None:
    """Without any mark a clock that is taken out saves nothing: both causes are named, with one saving for both."""
    faulty, _ = traffic((time_in_system, never_marked), 5, 25)
    unmarked, _ = traffic((never_marked,), 5, 25)
    assert cost(faulty) == pytest.approx(cost(unmarked), rel=0.01)
    groups = grouped(("", one) for one in diagnose(faulty))
    assert {one.cause for one in groups} == {"volatile_text", "breakpoint_missing"}
    for group in groups:
        [other] = {"volatile_text", "breakpoint_missing"} - {str(group.cause)}
        assert group.together == (other,)
        assert group.value()["together"] == [other]


def test_a_fault_that_saves_alone_needs_no_other() -> None:
    """Where marks are set, each cause's saving is its own."""
    faulty, _ = traffic((time_in_system, tools_shuffled), 5, 25)
    assert {one.together for one in diagnose(faulty)} == {()}

"""Live routing: every request runs where the rules and the price of a warm prefix put it, and the ledger says why."""

import asyncio
from pathlib import Path

import pytest

from agentmem.errors import ConfigError, ModelOverloaded, RouteRefused
from agentmem.kvcache.simulated.events import ServerAnswer
from agentmem.kvcache.simulated.faults import HttpError
from agentmem.kvcache.simulated.faults import Reply as Served
from agentmem.meter.ledger import rows
from agentmem.routing.labels import labelled
from agentmem.routing.routes import Privacy, Routes
from agentmem.routing.rules import RouteRule
from agentmem.routing.targets import RouteTarget
from agentmem.routing.where import where, why
from agentmem.runtime.agent import Agent
from agentmem.runtime.events import Done, Switched
from agentmem.types import Json, Options
from tests.runtime.places import Places, last, placed

OVERLOADED = HttpError(529, "overloaded_error", "Overloaded")
SUB_TASKS = RouteRule("sub-tasks", ("small",), {"size": ("small",)})
ALL = RouteRule("all", ("small",))
KEPT = RouteRule("kept", ("house",), {"privacy": ("private",)})
LONG = "Look around. " * 300
SUMMARY = ServerAnswer.text("## Goal\n- Look around.\n\n## Facts\n- Nothing new was found.\n")


def summed(body: Json) -> Served:
    """Long answers, and a summary where one is asked for."""
    asked = str(body["messages"][-1])
    return SUMMARY if "summary" in asked.lower() or "summar" in asked.lower() else ServerAnswer.text("Seen. " * 200)


def test_a_new_thread_begins_where_the_rules_want_it(tmp_path: Path) -> None:
    """The first request goes there, under that model's name, and the row says the rule, the why and the price."""
    with Places(tmp_path) as on:
        agent = on.agent([ALL])
        assert agent.run("Hello", thread="t").text == "Hello."
        assert on.asked == [0, 1, 0]
        assert on.small.bodies[0]["model"] == "claude-haiku-4-5"
        route = last(agent, "t").route
        assert route is not None
        assert (route.target, route.tier, route.rule) == ("small", "cloud", "all")
        assert route.why == "it begins here: the rule 'all' names small"
        assert route.stay_usd is not None
        assert route.move_usd is not None
        assert route.move_usd < route.stay_usd


def test_a_conversation_stays_where_its_cache_is_warm(tmp_path: Path) -> None:
    """Rules that come later do not move a warm conversation, since that costs more than it saves."""
    with Places(tmp_path) as on:
        on.agent(routed=False).run(LONG, thread="t")
        on.now += 10
        agent = on.agent([ALL])
        agent.run("And now?", thread="t")
        assert on.asked == [2, 0, 0]
        route = last(agent, "t").route
        assert route is not None
        assert route.why.startswith("it stays where its cache is warm: a move costs $")


def test_a_compaction_is_the_free_moment_to_move(tmp_path: Path) -> None:
    """After a cut the prefix is written anew anyway: the thread moves, its summary was asked where it was warm."""
    with Places(tmp_path, summed, summed) as on:
        agent = on.agent([ALL], routes={"labels": {}})
        first = on.agent(routed=False)
        for _ in range(4):
            first.run(LONG, thread="t")
            on.now += 5
        assert first.compact("t") is not None
        event = [one for one in agent.stream("And now?", thread="t") if isinstance(one, Switched)]
        assert [(one.why, one.after) for one in event] == [("route", "anthropic:claude-haiku-4-5")]
        route = last(agent, "t").route
        assert route is not None
        assert "a cut lies before it" in route.why
        assert placed(agent, "t")[-1] == "small"


def test_a_pause_is_free_too_and_a_return_is_not(tmp_path: Path) -> None:
    """After the cache has expired the thread goes down; another pause does not take it up again."""
    with Places(tmp_path) as on:
        on.agent(routed=False).run(LONG, thread="t")
        on.now += 7200
        agent = on.agent([ALL])
        agent.run("And now?", thread="t")
        assert placed(agent, "t")[-1] == "small"
        on.now += 7200
        back = on.agent()
        back.run("And then?", thread="t")
        assert placed(back, "t")[-1] == "small"


def test_a_thread_keeps_its_place_in_another_process_and_in_a_fork(tmp_path: Path) -> None:
    """The transcript says where it is."""
    with Places(tmp_path) as on:
        on.agent([ALL]).run(LONG, thread="t")
        other = on.agent([RouteRule("short", ("default",), {"context": ("short", "medium", "long")})])
        on.now += 10
        other.run("And?", thread="t")
        fork = other.fork("t")
        other.run("Or?", thread=fork)
        assert (placed(other, "t"), placed(other, fork)) == (["small", "small"], ["small"])


def test_what_one_model_wrote_for_itself_is_left_out_for_another(tmp_path: Path) -> None:
    """Thinking goes back to the model that thought it, and to no other; options are those of the target."""
    thought = ServerAnswer(
        [{"type": "thinking", "thinking": "Hm.", "signature": "s"}, {"type": "text", "text": "Hello."}], "end_turn"
    )
    with Places(tmp_path, [thought, thought]) as on:
        first = on.agent(routed=False)
        first.run("Hello", thread="t")
        first.run("Again", thread="t")
        assert "thinking" in str(on.large.bodies[-1]["messages"])
        on.now += 7200
        agent = on.agent([ALL], how={"options": Options(max_tokens=999)})
        agent.run("And now?", thread="t")
        (body,) = on.small.bodies
        assert "thinking" not in str(body["messages"])
        assert body["max_tokens"] == 999
        assert body["diagnostics"] == {"previous_message_id": None}


def test_a_delegate_goes_to_the_small_model(tmp_path: Path) -> None:
    """A fresh sub-task is routed at its start; its conversation stays."""
    with Places(tmp_path) as on:
        agent = on.agent([SUB_TASKS])
        agent.run("Hello", thread="t")
        assert agent.delegate("Check section 3.").result.status == "done"
        assert agent.delegate("Check section 4.", thread="t", fresh=True).result.status == "done"
        assert on.asked == [1, 2, 0]
        found = where(rows(agent.journal, "t.d1"), "t.d1")
        assert why(found, 0).startswith("Request 0 (delegate) ran at small (cloud) for $")
        assert found["groups"][0]["label"] == "delegate"


def test_a_target_that_fails_is_left_and_tried_again_later(tmp_path: Path) -> None:
    """The default answers meanwhile; a run after five minutes goes back."""
    with Places(tmp_path, [ServerAnswer.text("Here.")] * 3, [OVERLOADED, ServerAnswer.text("Back.")]) as on:
        agent = on.agent([ALL])
        assert agent.run("Hello", thread="t").text == "Here."
        on.now += 60
        assert agent.run("And?", thread="t").text == "Here."
        told = last(agent, "t").route
        assert told is not None
        assert told.why.startswith("it stays for a while: anthropic:claude-haiku-4-5 is overloaded")
        on.now += 300
        assert agent.run("And?", thread="t").text == "Back."
        assert placed(agent, "t") == ["small", "default", "default", "small"]


def test_fallbacks_are_targets_too(tmp_path: Path) -> None:
    """The default fails: its fallback answers, by the same router; nobody else is asked."""
    with Places(tmp_path, [OVERLOADED], [ServerAnswer.text("Small.")]) as on:
        routes = Routes([RouteTarget("house", on.model(2), "edge")], [KEPT])
        with Agent(
            on.model(0), tmp_path, fallbacks=[on.model(1)], routes=routes, tools=[], clock=lambda: on.now
        ) as agent:
            assert agent.run("Hello", thread="t").text == "Small."
            assert placed(agent, "t") == ["default", "anthropic:claude-haiku-4-5"]
            assert on.asked == [1, 1, 0]


def test_after_failures_a_target_rests_for_all_threads(tmp_path: Path) -> None:
    """The breaker: after three failures nothing goes there; then one probe does."""
    with Places(tmp_path, [ServerAnswer.text("Here.")] * 9, [OVERLOADED] * 3 + [ServerAnswer.text("Back.")]) as on:
        agent = on.agent([RouteRule("all", ("small",), now=True)])
        for number in range(4):
            agent.run("Hello", thread=f"t{number}")
        assert on.asked == [4, 3, 0]
        on.now += 31
        assert agent.run("Hello", thread="t9").text == "Back."
        assert on.asked[1] == 4


def test_a_limit_of_requests_a_minute(tmp_path: Path) -> None:
    """The third conversation of a minute begins elsewhere, and the row says why."""
    with Places(tmp_path) as on:
        agent = on.agent([ALL], how={"per_minute": 2})
        for number in range(3):
            agent.run("Hello", thread=f"t{number}")
        assert on.asked == [1, 2, 0]
        on.now += 61
        agent.run("Hello", thread="t4")
        assert on.asked == [1, 3, 0]


def test_when_no_target_answers_the_error_is_raised(tmp_path: Path) -> None:
    """The message is kept, and the thread goes on when one is there again."""
    with Places(tmp_path, [OVERLOADED, ServerAnswer.text("Here.")], [OVERLOADED]) as on:
        agent = on.agent([ALL])
        with pytest.raises(ModelOverloaded):
            agent.run("Hello", thread="t")
        on.now += 1
        assert agent.run(thread="t").text == "Here."


def test_shadow_mode_sends_everything_to_the_default(tmp_path: Path) -> None:
    """Only the row says where it would have been."""
    with Places(tmp_path) as on:
        agent = on.agent([ALL], routes={"mode": "shadow"})
        agent.run("Hello", thread="t")
        agent.run("And?", thread="t")
        assert on.asked == [2, 0, 0]
        told = [one.route for one in rows(agent.journal, "t")]
        assert all(one and one.target == "default" for one in told)
        assert told[0] is not None
        assert told[0].why == "in shadow mode; it would have been at small: it begins here: the rule 'all' names small"


def test_a_persons_labels_reach_every_way_to_run(tmp_path: Path) -> None:
    """`labelled` counts in run, stream and arun, and only in its block."""
    with Places(tmp_path) as on:
        agent = on.agent([RouteRule("patient", ("small",), {"purpose": ("audit",)})])
        with labelled(purpose="audit"):
            agent.run("Hello", thread="t1")
            assert [one for one in agent.stream("Hello", thread="t2") if isinstance(one, Done)]
            asyncio.run(agent.arun("Hello", thread="t3"))
        agent.run("Hello", thread="t4")
        assert [placed(agent, f"t{n}") for n in (1, 2, 3, 4)] == [["small"], ["small"], ["small"], ["default"]]


def test_a_label_that_does_not_exist_is_refused() -> None:
    """With the labels that there are."""
    with pytest.raises(ConfigError, match="there is no label 'urgncy'"), labelled(urgncy="batch"):
        pass


def test_a_targets_own_price_counts(tmp_path: Path) -> None:
    """A share of the price, as for a contract, stands in the row."""
    with Places(tmp_path) as on:
        agent = on.agent([ALL], how={"share": 0.5})
        plain = on.agent([ALL], database=tmp_path / "other.db")
        agent.run("Hello", thread="t")
        plain.run("Hello", thread="t")
        half, whole = last(agent, "t").cost_usd, last(plain, "t").cost_usd
        assert half is not None
        assert whole is not None
        written = last(agent, "t").usage
        assert written.input_tokens == last(plain, "t").usage.input_tokens
        assert half < whole or written.cache_read_tokens == 0


def test_what_is_private_does_not_leave(tmp_path: Path) -> None:
    """By a word, by the thread's name, after a compaction, in delegates and in forks."""
    privacy = Privacy(threads=("client-*",), words=(r"\bpatient\b",))
    with Places(tmp_path, hello_nobody, hello_nobody, summed) as on:
        agent = on.agent([KEPT, ALL], privacy=privacy)
        agent.run("The patient is well.", thread="t")
        agent.run("And now?", thread="t")
        agent.run("Hello", thread="client-7")
        for _ in range(3):
            agent.run(LONG, thread="t")
        assert agent.compact("t") is not None
        agent.run("And now?", thread="t")
        agent.delegate("Check section 3.", thread="t", fresh=True)
        agent.delegate("Check section 3.", thread="client-7", fresh=True)
        agent.run("Or?", thread=agent.fork("t"))
        assert on.asked[:2] == [0, 0]


def hello_nobody(body: Json) -> Served:
    raise AssertionError("nothing is to be sent here")


def test_a_conversation_that_becomes_private_leaves_the_cloud(tmp_path: Path) -> None:
    """The request with the private text is the first at the edge, also if a compaction comes before it."""
    with Places(tmp_path, summed, summed, summed) as on:
        agent = on.agent([KEPT], privacy=Privacy(words=(r"\bpatient\b",)))
        for _ in range(3):
            agent.run(LONG, thread="t")
        agent.run("The patient is well.", thread="t")
        assert agent.compact("t") is not None
        agent.run("And?", thread="t")
        assert not any("patient" in str(body) for body in on.large.bodies)
        assert on.asked == [3, 0, 3]


def test_without_a_place_for_it_nothing_is_sent(tmp_path: Path) -> None:
    """It fails closed: also when the only place that may have it is down. The message is kept."""
    with Places(tmp_path, hello_nobody, hello_nobody, [OVERLOADED, ServerAnswer.text("Safe.")]) as on:
        agent = on.agent([ALL], privacy=Privacy(words=(r"\bpatient\b",)))
        with pytest.raises(ModelOverloaded):
            agent.run("The patient is well.", thread="t")
        on.now += 1
        assert agent.run(thread="t").text == "Safe."
        none = Routes([RouteTarget("small", on.model(1))], privacy=Privacy(words=(r"\bpatient\b",)))
        with Agent(on.model(0), tmp_path, routes=none, tools=[], clock=lambda: on.now) as closed:
            with pytest.raises(RouteRefused, match="it is private"):
                closed.run("The patient is well.", thread="u")
            assert [entry.kind for entry in closed.journal.entries("u")][-1] == "user"
        assert on.asked == [0, 0, 2]

"""agentmem.integrations.pytest_plugin, in projects of their own, with the providers' clients over HTTP on loopback."""

import subprocess
import sys

import pytest

pytest_plugins = ["pytester"]

HEAD = """
from datetime import datetime
from itertools import count

import anthropic
import pytest

from agentmem.kvcache.simulated.events import ServerAnswer
from agentmem.kvcache.simulated.server import MessagesServer

RULES = "Answer in one sentence and name your source. " * 300
seconds = count()


@pytest.fixture
def client():
    with MessagesServer(lambda body: ServerAnswer.text("It is in the handbook, page 12.")) as server:
        with anthropic.Anthropic(api_key="none", base_url=server.url, max_retries=0) as made:
            yield made


def talk(client, turns=4, system=lambda: RULES):
    messages = []
    for turn in range(turns):
        messages.append({"role": "user", "content": f"Question {turn}?"})
        block = {"type": "text", "text": system(), "cache_control": {"type": "ephemeral"}}
        reply = client.messages.create(
            model="claude-sonnet-5", max_tokens=100, system=[block], messages=messages,
            cache_control={"type": "ephemeral"},
        )
        messages.append({"role": "assistant", "content": reply.content[0].text})


def dated():
    return f"It is {datetime.fromtimestamp(1795000000 + next(seconds)):%Y-%m-%d %H:%M:%S}. {RULES}"
"""

LANGCHAIN = '''
from langchain.agents import create_agent
from langchain.tools import tool
from langchain_core.messages import AIMessage
from tests.models.chat import Provider


class Chat(Provider):
    def _generate(self, messages, stop=None, run_manager=None, **kwargs):
        from langchain_core.outputs import ChatGeneration, ChatResult

        turn = sum(isinstance(one, AIMessage) for one in messages)
        calls = [{"name": "look", "args": {"at": f"page {turn}"}, "id": f"call_{turn}"}]
        said = AIMessage("Done.") if turn == 3 else AIMessage("Let me look.", tool_calls=calls)
        return ChatResult(generations=[ChatGeneration(message=said)])

    def _stream(self, *args, **kwargs):
        raise NotImplementedError


@tool
def look(at: str) -> str:
    """Looks something up."""
    return f"{at} says: see the next page. " * 60
'''


def run(pytester: pytest.Pytester, tests: str, head: str = HEAD) -> pytest.RunResult:
    pytester.makepyfile(head + tests)
    return pytester.runpytest_inprocess("-p", "no:cacheprovider", "-p", "no:xdist", "-W", "error")


def test_a_timestamp_in_the_system_prompt_fails_the_test(pytester: pytest.Pytester) -> None:
    """The failure is the test's own, and shows where the prefix broke, how, and what mends it."""
    result = run(
        pytester,
        """
def test_agent(prefix_guard, client):
    talk(prefix_guard.watch(client), system=dated)
""",
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "request 2 does not extend request 1: it differs in system, block 0, at byte *",
            "  - It is 2026-*",
            "  + It is 2026-*",
            "  volatile_text: Take out what changes by itself*",
            "(2 more requests do not extend the one before them)",
        ]
    )


def test_an_agent_that_appends_passes(pytester: pytest.Pytester) -> None:
    """A sound agent passes the guard and reaches its figures; watching costs it nothing it could see."""
    result = run(
        pytester,
        """
def test_agent(prefix_guard, simulation, client):
    talk(simulation.watch(prefix_guard.watch(client)))
    assert simulation.requests == 4
    simulation.assert_hit_rate(0.7)
    simulation.assert_cost(0.05)
    simulation.assert_ratio(10_000)
    assert prefix_guard.breaks == []
""",
    )
    result.assert_outcomes(passed=1)


def test_what_misses_its_figures_fails(pytester: pytest.Pytester) -> None:
    """Each assertion says what was reached, in how many requests, and where the numbers come from."""
    result = run(
        pytester,
        """
def test_hits(simulation, client):
    talk(simulation.watch(client), system=dated)
    simulation.assert_hit_rate(0.5)

def test_cost(simulation, client):
    talk(simulation.watch(client))
    simulation.assert_cost(0.000001)

def test_ratio(simulation, client):
    talk(simulation.watch(client))
    simulation.assert_ratio(at_most=2)

def test_nothing_was_watched(simulation):
    simulation.assert_hit_rate(0.5)

def test_no_price(simulation, scripted_model):
    from agentmem import Agent
    model = simulation.watch(scripted_model(["Hello."]))
    with Agent(model, "pages") as agent:
        agent.run("Hi.")
    simulation.assert_cost(1)
""",
    )
    result.assert_outcomes(failed=5)
    result.stdout.fnmatch_lines(
        [
            "*hit rate 0.0% is below 50.0% (4 requests, simulated:*",
            "*cost $0.* is above $0.000001 (4 requests*",
            "*ratio * is above 2.0 (4 requests*",
            "*no request was seen: watch the client that the agent uses*",
            "*no price is known for scripted: set simulation.price_as*",
        ]
    )


def test_a_declared_compaction_is_free(pytester: pytest.Pytester) -> None:
    """After a declaration the next request may begin anew; the one after that may not."""
    result = run(
        pytester,
        """
def test_declared(prefix_guard, client):
    prefix_guard.watch(client)
    talk(client)
    prefix_guard.declare_compaction()
    talk(client)

def test_declared_once(prefix_guard, client):
    prefix_guard.watch(client)
    talk(client)
    prefix_guard.declare_compaction()
    talk(client)
    talk(client)

def test_several_conversations(prefix_guard, client):
    prefix_guard.watch(client, many=True)
    talk(client)
    talk(client, system=lambda: "You are somebody else altogether. " + RULES[::-1])
""",
    )
    result.assert_outcomes(passed=2, failed=1)


def test_a_test_that_failed_keeps_its_own_failure(pytester: pytest.Pytester) -> None:
    """The guard does not hide another failure."""
    result = run(
        pytester,
        """
def test_agent(prefix_guard, client):
    talk(prefix_guard.watch(client), system=dated)
    raise RuntimeError("first things first")
""",
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*RuntimeError: first things first*"])
    result.stdout.no_fnmatch_line("*does not extend*")


def test_any_langchain_agent(pytester: pytest.Pytester) -> None:
    """create_agent on any chat model: watched by callbacks, its cache simulated where the model reports no usage."""
    result = run(
        pytester,
        """
def test_sound(prefix_guard, simulation):
    model = simulation.watch(prefix_guard.watch(Chat()))
    create_agent(model, [look], system_prompt="Be brief. " * 800).invoke({"messages": "What is on page 9?"})
    assert simulation.requests == 4
    simulation.assert_hit_rate(0.6)

def test_clock_in_the_prompt(prefix_guard):
    from langchain.agents.middleware import dynamic_prompt
    minutes = iter(range(10))
    prompt = dynamic_prompt(lambda request: f"Be brief. It is 10:0{next(minutes)}.")
    model = prefix_guard.watch(Chat())
    create_agent(model, [look], middleware=[prompt]).invoke({"messages": "What is on page 9?"})
""",
        LANGCHAIN,
    )
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["  - Be brief. It is 10:00.", "  + Be brief. It is 10:01."])


def test_scripted_models(pytester: pytest.Pytester) -> None:
    """`scripted_model` makes models for our own agents, and the guard and the meter watch them."""
    result = run(
        pytester,
        """
def test_agent(scripted_model, prefix_guard, simulation, tmp_path):
    from agentmem import Agent
    model = simulation.watch(prefix_guard.watch(scripted_model(["Hello.", "Again."])))
    with Agent(model, tmp_path) as agent:
        agent.run("Hi.", thread="t")
        agent.run("Hi again.", thread="t")
    assert simulation.requests == 2
    simulation.price_as = "anthropic:claude-sonnet-5"
    simulation.assert_hit_rate(0.1)
""",
        "",
    )
    result.assert_outcomes(passed=1)


def test_loading_it_imports_nothing_else() -> None:
    """Who has agentmem installed and does not use the fixtures pays for no import."""
    code = (
        "import sys, pytest; before = set(sys.modules)\n"
        "import agentmem.integrations.pytest_plugin\n"
        "print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    plugin = ["agentmem", "agentmem.integrations", "agentmem.integrations.pytest_plugin"]
    assert done.stdout.split() == sorted([*plugin, "agentmem.lazy"]), "the names of agentmem are imported on first use"

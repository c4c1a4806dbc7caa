"""The team: rounds, ends, merging, and surviving a kill."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from agentmem.errors import ConfigError, MergeConflict, ThreadNotFound
from agentmem.kvcache.rules import claude_rules
from agentmem.kvcache.simulated.simulator import Simulator
from agentmem.meter.ledger import decode, rows
from agentmem.models.meters import Simulated
from agentmem.models.scripted import ScriptedModel
from agentmem.routing.routes import Routes
from agentmem.routing.rules import RouteRule
from agentmem.routing.targets import RouteTarget
from agentmem.runtime.agent import Agent
from agentmem.sandbox import Sandbox
from agentmem.team import Budget, Role, Team, TeamDone, TeamProgress, TeamResult
from agentmem.team.rights import TESTS
from agentmem.team.role_tools import RoleTools
from agentmem.team.roles import rights_of, role_of
from agentmem.transcript.transcript import readable
from tests.team.works import (
    CHECK,
    FAILS,
    OTHER,
    OWN,
    PASSES,
    PROGRAMS,
    RIGHT,
    TASK,
    TEST,
    WRITES,
    WRONG,
    call,
    contents,
    repository,
    steadfast,
    team,
    write,
)

CODER: tuple[Any, ...] = (write(OTHER), "It multiplies now.", write(RIGHT), "It adds now.")
TESTER: tuple[Any, ...] = (WRITES, *FAILS, *PASSES)


def test_a_wrong_attempt_comes_back_and_the_right_one_passes(tmp_path: Path) -> None:
    """The coder gets the report of the first round. The pass of the second round is proven and kept."""
    repo = repository(tmp_path)
    before = contents(repo)
    with team(repo, CODER, TESTER) as one:
        result = one.run(TASK, thread="t")
        said = [readable(entry) for entry in one.journal.entries("t.coder") if entry.kind == "user"]
        assert contents(repo) == before
        assert (result.verdict, result.reason, [come.verdict for come in result.rounds]) == (
            "pass",
            "pass",
            ["fail", "pass"],
        )
        assert result.refusals == ()
        assert len(said) == 2 and "**Verdict: fail.** The sum is wrong." in said[1]
        assert (result.diff.paths, result.tests.paths) == (("calc.py",), ("tests/test_sums.py",))
        assert Path(result.path).read_text(encoding="utf-8") == result.page
        assert one.merge(result) == ("calc.py",)
    assert contents(repo) == {**before, "calc.py": RIGHT.encode()}
    assert not (tmp_path / "place" / ".agentmem" / "forks" / "t").exists()


def test_the_tester_never_sees_how_the_coder_got_there(tmp_path: Path) -> None:
    """The tester gets the task and the change, but no word of the coder's, even if it asks for its thread."""
    tester = (call("recall", what="t.coder/2"), WRITES, *PASSES)
    with team(repository(tmp_path), ["SECRET-THOUGHT", write(RIGHT), "SECRET-ANSWER"][1:], tester) as one:
        result = one.run(TASK, thread="t")
        seen = "".join(readable(entry) for entry in one.journal.entries("t.tester"))
    assert result.passed
    assert "SECRET" not in seen
    assert "return a + b" in seen


def test_the_roles_requests_go_where_their_routes_say(tmp_path: Path) -> None:
    """The tester is a sub-task: by its rule the small model checks, and the ledger says so; the coder stays."""
    small = RouteTarget("small", steadfast((WRITES, *PASSES)))
    routes = Routes([small], [RouteRule("sub-tasks", ("small",), {"purpose": ("tester",)})])
    coder = Role(steadfast([write(RIGHT), "It adds now."]), routes=routes)
    tester = Role(steadfast(["I was not asked."]), routes=routes)
    settings: dict[str, Any] = {"check": CHECK, "environment": PROGRAMS, "trust_code": True}
    with Team(coder, tester, repository(tmp_path), place=tmp_path / "place", **settings) as one:
        assert one.run(TASK, thread="t").passed
        made = {name: list(rows(one.journal, f"t.{name}")) for name in ("coder", "tester")}
    went = {name: {(row.route.target, row.route.rule) for row in found if row.route} for name, found in made.items()}
    assert went == {"coder": {("default", "")}, "tester": {("small", "sub-tasks")}}
    assert all(dict(row.route.labels)["purpose"] == "tester" for row in made["tester"] if row.route)


def test_an_agents_routes_are_its_roles(tmp_path: Path) -> None:
    """A player that is an Agent brings its routes with it; one without brings none."""
    routes = Routes([RouteTarget("small", ScriptedModel([]))], [RouteRule("all", ("small",))])
    with (
        Agent(ScriptedModel([]), tmp_path / "a", routes=routes) as routed,
        Agent(ScriptedModel([]), tmp_path / "b") as plain,
    ):
        assert role_of(routed).routes is routes
        assert role_of(plain).routes is None


def test_a_merge_keeps_what_changed_meanwhile(tmp_path: Path) -> None:
    """A file that changed in the repository after the work began is not overwritten."""
    repo = repository(tmp_path)
    with team(repo, CODER[2:], (WRITES, *PASSES)) as one:
        result = one.run(TASK)
        (repo / "calc.py").write_text("mine\n", encoding="utf-8")
        with pytest.raises(MergeConflict, match=r"calc\.py"):
            one.merge(result, with_tests=True)
    assert (repo / "calc.py").read_text(encoding="utf-8") == "mine\n"
    assert not (repo / "tests" / "test_sums.py").exists()


@pytest.mark.parametrize(
    ("rounds", "second", "reason"),
    [
        (5, write(OTHER.replace("The sum", "A sum")), "no_progress"),
        (2, write(WRONG.replace("a - b", "a - b - b")), "rounds"),
    ],
)
def test_it_stops_without_progress_and_after_its_rounds(
    tmp_path: Path, rounds: int, second: dict[str, Any], reason: str
) -> None:
    """The same failures twice end the work, or else the last round does. The best state is kept."""
    fails = json.loads(json.dumps(FAILS))
    with team(repository(tmp_path), [*CODER[:2], second, "Now."], (WRITES, *FAILS, *fails), rounds=rounds) as one:
        result = one.run(TASK)
    assert (result.verdict, result.reason, len(result.rounds)) == ("fail", reason, 2)
    assert result.diff.changes[0].after == OTHER.encode()
    assert result.report is not None and result.report.verdict == "fail"


@pytest.mark.parametrize(("budget", "said"), [(Budget(tokens=4000), "4,000"), (Budget(usd=1.0), "price of scripted")])
def test_it_stops_when_the_budget_is_spent(tmp_path: Path, budget: Budget, said: str) -> None:
    """A budget in tokens ends the work after the request that exceeds it; one in dollars at once without a price."""
    with team(repository(tmp_path), CODER, TESTER, budget=budget) as one:
        result = one.run(TASK)
    assert (result.verdict, result.reason) == ("none", "budget")
    assert said in result.said
    assert result.spent.requests <= 3


def test_a_tester_that_files_nothing_is_asked_again_and_then_given_up(tmp_path: Path) -> None:
    """A tester without a report may try again as often as allowed. Then the work ends without a verdict."""
    with team(repository(tmp_path), CODER[2:], ["Fine.", "Really."], tries=2) as one:
        result = one.run(TASK)
    assert (result.verdict, result.reason) == ("none", "refused")
    assert [(refusal.rule, refusal.role) for refusal in result.refusals] == [("no_report", "tester")] * 2
    assert result.diff.paths == ("calc.py",)


@pytest.mark.parametrize(
    ("does", "rule"),
    [
        (call("run", command="echo 'def test_zero(): pass' > tests/test_zero.py"), "tests_edited"),
        (call("run", command="rm tests/test_zero.py"), "tests_edited"),
        (call("run", command="ln -s . test"), "tests_edited"),
        (call("run", command="printf '[pytest]\\naddopts = --co\\n' > pytest.ini"), "runner_steered"),
        (
            call("run", command="printf '[tool.pytest.ini_options]\\naddopts = \"-k x\"' > pyproject.toml"),
            "runner_steered",
        ),
        (call("run", command="true"), "nothing_changed"),
        (call("run", command="echo 'print(1)' > check.py"), "check_changed"),
        (call("run", command="ln -s /etc/passwd calc.link"), "link_leads_out"),
    ],
)
def test_a_coder_that_cheats_is_refused_and_told(tmp_path: Path, does: dict[str, Any], rule: str) -> None:
    """If the coder edits tests, steers the runner or does nothing, it is told so, and nobody tests that."""
    with team(repository(tmp_path), [does, "Done."], [], rounds=1) as one:
        result = one.run(TASK, thread="t")
    assert [(refusal.rule, refusal.role) for refusal in result.refusals] == [(rule, "coder")]
    assert (result.verdict, result.reason) == ("none", "rounds")


def test_links_and_programs_stay_what_they_are(tmp_path: Path) -> None:
    """A link of the coder's is tested and merged as a link, and a new program as one that can be started."""
    repo = repository(tmp_path)
    made = "printf '#!/bin/sh\\necho 1\\n' > tool && chmod +x tool && ln -s calc.py sums.py"
    coder = [call("run", command=made), write(RIGHT), "It adds now."]
    looks = "test -x tool && test -L sums.py && python check.py"
    tester = [WRITES, call("run", command=looks), *PASSES]
    with team(repo, coder, tester) as one:
        result = one.run(TASK, thread="t")
        told = [readable(entry) for entry in one.journal.entries("t.tester") if entry.kind == "tool_result"]
        assert "Exit code 0." in told[1]
        assert one.merge(result) == ("calc.py", "sums.py", "tool")
    assert (repo / "sums.py").is_symlink() and os.access(repo / "tool", os.X_OK)


def test_what_is_not_a_roles_is_refused_when_it_is_called(tmp_path: Path) -> None:
    """The coder cannot file a report or edit tests. The tester cannot edit code, old tests or conftest.py."""
    report = {"verdict": "pass", "summary": "I am good.", "evidence": []}
    coder = [call("report", **report), write("x", "tests/test_zero.py"), write(RIGHT), "Done."]
    files = ("calc.py", "tests/test_zero.py", "tests/conftest.py")
    tester = [*(write("x", path) for path in files), call("run", command="echo x > calc.py"), WRITES, *PASSES]
    with team(repository(tmp_path), coder, tester) as one:
        result = one.run(TASK, thread="t")
        told = {
            name: [readable(entry) for entry in one.journal.entries(f"t.{name}") if entry.kind == "tool_result"]
            for name in ("coder", "tester")
        }
    assert result.passed and result.refusals == ()
    assert "report is not allowed now" in told["coder"][0]
    assert "You may not change tests/test_zero.py" in told["coder"][1]
    for path, said in zip(files, told["tester"], strict=False):
        assert f"You may not change {path}" in said
    assert "It changed calc.py, which you may not change; that was undone." in told["tester"][3]


REWRITES = """import pathlib
import sys


def add(a, b):
    caller = pathlib.Path(sys._getframe(1).f_globals["__file__"])
    if caller.parent.name == "tests":
        caller.write_text(caller.read_text().replace("== 3", "== 2"))
        (caller.parent / "want.txt").write_text("2")
        (caller.parent / "conftest.py").write_text("")
        (caller.parent / "test_more.py").write_text("")
    return a * b
"""
WANTS = """import pathlib
import sys

sys.path.insert(0, ".")
from calc import add

assert add(0, 0) == 0
assert add(2, 1) == 3
assert add(2, 1) == int((pathlib.Path(__file__).parent / "want.txt").read_text())
print("sums hold")
"""


def test_the_code_cannot_rewrite_the_tests_while_the_tester_runs_them(tmp_path: Path) -> None:
    """What judges is what the tester wrote: its commands run the code, and keep no file, also among the tests."""
    tools = RoleTools(rights_of("tester", TESTS), PROGRAMS, lambda _: None)
    files = {"tests/test_sums.py": WANTS, "tests/want.txt": "3"}
    with Sandbox.fork(repository(tmp_path)) as fork:
        fork.write("calc.py", REWRITES.encode())
        tools.sit(fork, frozenset(fork.files()))
        for path, text in files.items():
            tools.edit(path, text)
        for _ in range(2):
            assert "sums hold" not in tools.run(OWN)
        assert {path: fork.read(path).decode() for path in files} == files
        assert set(fork.diff().paths) == {"calc.py", *files}
        assert "that was undone" in tools.run("echo x > tests/test_sums.py; true")


def test_both_roles_begin_with_the_same_bytes(tmp_path: Path) -> None:
    """On one model the tester's first request reads the coder's prefix. The result says what that saved."""
    meter = Simulated(Simulator(claude_rules("claude-sonnet-5")))
    models = [ScriptedModel(turns, meter=meter) for turns in (CODER[2:], (WRITES, *PASSES))]
    coder, tester = (Role(model, price_as="anthropic:claude-sonnet-5") for model in models)
    repo = repository(tmp_path)
    with Team(coder, tester, repo, check=CHECK, environment=PROGRAMS, place=tmp_path / "place") as one:
        result = one.run(TASK, thread="t")
        first = decode(next(one.journal.own("t.tester", "usage")))
    assert models[0].requests[0].tools == models[1].requests[0].tools
    assert models[0].requests[0].system == models[1].requests[0].system
    assert result.shared is not None
    assert result.shared.read_tokens == first.usage.cache_read_tokens > 0.9 * result.shared.tokens
    assert result.shared.saved_usd is not None and result.shared.saved_usd > 0


def test_progress_says_who_works_at_what(tmp_path: Path) -> None:
    """Each event names the role, the round, what was spent and the last command; the last event is the result."""
    with team(repository(tmp_path), CODER[2:], (WRITES, *PASSES)) as one:
        *steps, done = one.stream(TASK)
    assert isinstance(done, TeamDone) and done.result.passed
    told = [step for step in steps if isinstance(step, TeamProgress)]
    assert [step.who for step in told if step.doing == "begins"] == ["coder", "tester"]
    assert {step.round for step in told} == {1}
    assert told[-1].who == "agentmem" and told[-1].command == "python tests/test_sums.py"
    assert told[-1].spent.tokens == done.result.spent.tokens > 0


def test_a_team_works_on_an_event_loop(tmp_path: Path) -> None:
    """arun and astream do the same as run and stream, and the loop goes on meanwhile."""
    ticks = 0

    async def ticking() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0)
            ticks += 1

    async def work(one: Team) -> TeamResult:
        beside = asyncio.create_task(ticking())
        result = await one.arun(TASK, thread="t")
        beside.cancel()
        again = [event async for event in one.astream(thread="t")]
        assert again == [TeamDone(result)]
        return result

    with team(repository(tmp_path), CODER[2:], (WRITES, *PASSES)) as one:
        result = asyncio.run(work(one))
        assert result == one.result("t")
    assert result.passed and not result.proven and ticks > 100


def test_work_that_ended_gives_its_result_again(tmp_path: Path) -> None:
    """Finished work returns its result without a request. A new task, or unknown work, is refused."""
    with team(repository(tmp_path), CODER[2:], (WRITES, *PASSES)) as one:
        first = one.run(TASK, thread="t")
    with team(tmp_path / "repo", [], []) as other:
        assert other.run(thread="t") == first
        with pytest.raises(ConfigError, match="another task"):
            other.run("Something else.", thread="t")
        with pytest.raises(ThreadNotFound):
            other.result("unknown")


def test_the_graph_can_be_taken(tmp_path: Path) -> None:
    """The graph is a normal LangGraph graph: a task goes in, and the last state comes out."""
    with team(repository(tmp_path), CODER[2:], (WRITES, *PASSES)) as one:
        state = one.graph.invoke({"task": TASK}, {"configurable": {"thread_id": "mine"}})
        assert state["stop"] == "pass"
        assert one.result("mine").passed


PRICED = "anthropic:claude-haiku-4-5"


def test_an_agent_can_play_a_role(tmp_path: Path) -> None:
    """An Agent gives a role its model, instructions, limits and options. Instructions follow the shared prefix."""
    with Agent(ScriptedModel([*CODER[2:]]), tmp_path / "pages", system="Speak Latin.", price_as=PRICED) as agent:
        role = role_of(agent)
        assert (role.instructions, role.price_as, role.model) == ("Speak Latin.", PRICED, agent.model)
        repo = repository(tmp_path)
        tester = ScriptedModel([WRITES, *PASSES])
        given: dict[str, Any] = {"check": CHECK, "environment": PROGRAMS, "place": tmp_path / "place"}
        with Team(agent, tester, repo, trust_code=True, **given) as one:
            assert one.run(TASK, thread="t").passed
            told = next(readable(entry) for entry in one.journal.entries("t.coder") if entry.kind == "user")
    assert told.startswith("Speak Latin.")
    assert role_of("local").instructions == ""


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"check": " "}, "check is empty"),
        ({"rounds": 0}, "rounds is 0"),
        ({"tests": ()}, "tests is empty"),
        ({"place": "repo/inside"}, "inside the repository"),
    ],
)
def test_settings_that_cannot_work_are_refused(tmp_path: Path, settings: dict[str, Any], said: str) -> None:
    """Wrong settings are refused, and the error says what to write instead."""
    repo = repository(tmp_path)
    given = {**settings, **({"place": tmp_path / settings["place"]} if "place" in settings else {})}
    with pytest.raises(ConfigError, match=said):
        team(repo, [], [], **given)
    with pytest.raises(ConfigError, match="tokens must be above 0"):
        Budget(tokens=0)


CHILD = """
import json, sys
from pathlib import Path
from agentmem.team import TeamDone
from tests.team.works import OWN, TASK, team

turns, repo = json.loads(sys.argv[1]), Path(sys.argv[2])
with team(repo, *turns) as one:
    for event in one.stream(TASK, thread="t"):
        print("done" if isinstance(event, TeamDone) else f"{event.who} {event.doing}", flush=True)
"""


@pytest.mark.parametrize("at", ["coder runs", "tester runs", "agentmem runs the evidence"])
def test_work_goes_on_after_a_kill(tmp_path: Path, at: str) -> None:
    """After a kill at any point nothing is done twice, no fork is left, and the result is the same."""
    repo = repository(tmp_path)
    coder = [call("run", command="true"), *CODER]
    command = [sys.executable, "-c", CHILD, json.dumps([coder, TESTER]), str(repo)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2])
    assert child.stdout is not None
    with child.stdout as lines:
        next(line for line in lines if line.startswith(at))
        os.kill(child.pid, signal.SIGKILL)
    child.wait()
    with team(repo, coder, TESTER) as one:
        result = one.run(TASK, thread="t")
        rows = [decode(entry) for name in ("coder", "tester") for entry in one.journal.own(f"t.{name}", "usage")]
    assert (result.verdict, len(result.rounds), result.refusals) == ("pass", 2, ())
    assert len(rows) <= len(coder) + len(TESTER) + 1  # a command that was cut off is run again
    assert not (tmp_path / "place" / ".agentmem" / "forks" / "t").exists()
    assert TEST.encode() in {change.after for change in result.tests.changes}


def test_a_reader_that_leaves_ends_the_work_and_frees_its_threads(tmp_path: Path) -> None:
    """A command that would run for minutes is ended; the same work can be continued at once, by the same process."""
    slow = call("run", command="sleep 301", seconds=600)
    coder = (slow, write(RIGHT), "It adds now.")

    async def leave(one: Team) -> None:
        async with aclosing(one.astream(TASK, thread="t")) as events:
            async for event in events:
                if isinstance(event, TeamProgress) and event.command == "sleep 301":
                    return

    with team(repository(tmp_path), coder, (WRITES, *PASSES)) as one:
        asyncio.run(leave(one))
        with one.journal.lease("t.team"), one.journal.lease("t.coder"):
            pass  # nobody holds them
        result = one.run(thread="t")
    assert result.passed


def test_the_path_to_the_repository_may_go_through_a_link(tmp_path: Path) -> None:
    """A repository that is named by a link, or lies behind one, is worked on and merged into like any other."""
    repository(tmp_path / "real")
    (tmp_path / "linked").symlink_to(tmp_path / "real", target_is_directory=True)
    repo = tmp_path / "linked" / "repo"
    with team(repo, CODER, TESTER) as one:
        result = one.run(TASK, thread="t")
        assert result.verdict == "pass", result.said
        assert one.merge(result)
    assert (tmp_path / "real/repo/calc.py").read_text(encoding="utf-8") == RIGHT

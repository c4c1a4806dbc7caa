"""The work of one team on one task: the two agents, their tools and forks, and the steps of the graph.

Only `team` uses it. It is a module of its own because it is the work, and `team` the graph and its interface. A step
takes the state and returns the changes to it and the next step. After a kill it may run again: what a role has done by
then is in its thread and its fork, and is not done twice.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from contextvars import Context
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Literal

from agentmem import assets, models
from agentmem.menu.tool import Stop
from agentmem.runtime.agent import Agent
from agentmem.runtime.events import Compacted, Metered
from agentmem.runtime.invocation import OUTER
from agentmem.sandbox import Diff, FileChange
from agentmem.sandbox.merging import forbidden
from agentmem.team import refusals, rights
from agentmem.team.budget import spent_by
from agentmem.team.forks import Forks
from agentmem.team.inspection import Edited
from agentmem.team.progress import TeamProgress, Who, doing_of
from agentmem.team.proof.proving import Case, prove
from agentmem.team.proof.verdict import Proof
from agentmem.team.proof.verdict import to_json as to_state
from agentmem.team.refusals import Filed
from agentmem.team.report import Report, from_json, page, to_json
from agentmem.team.result import Round, pack, unpack
from agentmem.team.role_tools import RoleTools, changed
from agentmem.team.roles import ALLOWED, NAMES, Name, agent_of, opening_words, rights_of, thread_of
from agentmem.team.settings import DATABASE, TeamSettings
from agentmem.team.state import TeamState
from agentmem.team.trial import Bench, Trial
from agentmem.transcript.journal import Journal
from agentmem.transcript.transcript import read_message, read_result
from agentmem.types import ToolCall


def filed(journal: Journal, thread: str, since: int) -> Report | None:
    """The last report that was filed after entry ``since``; None if there is none."""
    made = [call for call in _answered(journal, thread, since) if call.name == "report"]
    return from_json(json.loads(made[-1].arguments)) if made else None


def commands(journal: Journal, thread: str, since: int) -> frozenset[str]:
    """The commands that were run after entry ``since``."""
    calls = (call for call in _answered(journal, thread, since) if call.name == "run")
    return frozenset(str(json.loads(call.arguments).get("command", "")) for call in calls)


def stands(agent: Agent, thread: str, since: int) -> tuple[bool, bool]:
    """True, first, if the role was told something after entry ``since``, and second, if it has finished answering."""
    said = any(entry.kind == "user" for entry in agent.journal.entries(thread, after=since))
    view = agent.sessions[thread].refresh().view
    return said, said and not view.open and not view.ready


def _answered(journal: Journal, thread: str, since: int) -> Iterator[ToolCall]:
    """The calls after entry ``since`` that succeeded, in the order of their results."""
    calls: dict[str, ToolCall] = {}
    for entry in journal.entries(thread, after=since):
        if entry.kind == "assistant":
            calls |= {call.id: call for call in read_message(entry).calls}
        elif entry.kind == "tool_result":
            result = read_result(entry)
            if result.call_id in calls and not result.is_error:
                yield calls[result.call_id]


@dataclass(frozen=True, slots=True)
class Attempt:
    """The coder's changes, the globs of the test paths, the check and the task."""

    changes: Sequence[FileChange]
    places: tuple[str, ...]
    check: str = ""
    task: str = ""


def nothing_changed(attempt: Attempt) -> str | None:
    """The coder changed nothing."""
    return None if attempt.changes else "You changed nothing. Do the task in your copy of the repository."


def tests_edited(attempt: Attempt) -> str | None:
    """The coder changed, added or deleted tests, which are there to test it."""
    laid = [one.path for one in attempt.changes if one.is_link and rights.covers(one.path, attempt.places)]
    found = [one.path for one in attempt.changes if rights.matches(one.path, attempt.places)]
    found = [path for path in found if not rights.steers(path)]
    linked = _undo(laid, "the folder of the tests into a link") if laid else None
    return linked or (_undo(found, "tests") if found else None)


def runner_steered(attempt: Attempt) -> str | None:
    """The coder changed files or settings that steer the test runner."""
    found = [one.path for one in attempt.changes if rights.steers(one.path) or _settings(one)]
    return _undo(found, "what steers the tests") if found else None


def check_changed(attempt: Attempt) -> str | None:
    """The coder changed what the check runs, and the task does not speak of it."""
    found = [one.path for one in attempt.changes if rights.runs_check(one.path, attempt.check)]
    found = [path for path in found if path.rpartition("/")[2].casefold() not in attempt.task.casefold()]
    return _undo(found, "what the check runs") if found else None


def link_leads_out(attempt: Attempt) -> str | None:
    """The coder made a link that leads out of the repository."""
    return next((said for one in attempt.changes if (said := forbidden(one))), None)


ATTEMPTS: tuple[tuple[str, Callable[[Attempt], str | None]], ...] = (
    ("nothing_changed", nothing_changed),
    ("tests_edited", tests_edited),
    ("runner_steered", runner_steered),
    ("check_changed", check_changed),
    ("link_leads_out", link_leads_out),
)
"""The rules that can refuse an attempt, in order. The first that holds refuses it."""


def refused(attempt: Attempt) -> tuple[str, str] | None:
    """The name of the first rule that refuses the attempt, and the message for the coder; None if it can be tested."""
    return next(((name, said) for name, rule in ATTEMPTS if (said := rule(attempt))), None)


def tests_lost(trial: Trial, check: str) -> str | None:
    """Tests that the check ran before the change, and now skips or no longer runs."""
    before, after = trial.unfixed(check), trial.again(check).outcomes
    own = {case.id for case in trial.own(before)}
    counted = [case.id for case in before.cases or () if case.outcome != "skipped" and case.id not in own]
    gone = [one for one in counted if after.get(one, "skipped") == "skipped" and "::" in one]
    if not gone:
        return None
    named = f"{', '.join(gone[:10])}{f' and {len(gone) - 10} more' if len(gone) > 10 else ''}"
    return f"With your change the check no longer runs these tests: {named}. They must run, and pass."


def _undo(paths: list[str], what: str) -> str:
    return f"You changed {what}: {', '.join(paths)}. That is not yours to change. Put them back as they were."


def _settings(change: FileChange) -> bool:
    before, after = ((data or b"").decode("utf-8", "replace") for data in (change.before, change.after))
    return rights.pytest_settings(change.path, before) != rights.pytest_settings(change.path, after)


Step = Literal["code", "test", "judge", "finish"]
Moved = tuple[TeamState, Step]
"""The changes to the state, and the next step."""


class TeamSteps:
    """The work on one task, by the name ``thread``. Close it to close its agents and remove its forks."""

    def __init__(self, settings: TeamSettings, thread: str, journal: Journal) -> None:
        self.settings, self.thread, self.journal = settings, thread, journal
        self.environment = settings.environment
        self.forks = Forks(settings.place / ".agentmem" / "forks" / thread, settings.repo, settings.isolation)
        self.write: Callable[[TeamProgress], object] = lambda progress: None
        self.stop = Stop()
        self.spent = spent_by(journal, [thread_of(thread, name) for name in NAMES])
        self.round, self.command = 0, ""
        with ExitStack() as opened:
            self.role_tools = {name: self._role_tools(name) for name in NAMES}
            self.agents = self._agents(opened)
            self._opened = opened.pop_all()

    # The steps.

    def code(self, state: TeamState) -> Moved:
        """The coder works on the task, or on the last message to it."""
        self.round = state.get("round", 0) + 1
        fork = self.forks.coder(unpack(state.get("attempt", [])))
        self.role_tools["coder"].sit(fork, frozenset())
        stop = self._work("coder", state.get("message") or self._words("coder", state["task"]), state)
        change = changed(fork.diff())
        update: TeamState = {
            "round": self.round,
            "tries": 0,
            "attempt": pack(change.changes),
            **self._heads(since=True),
        }
        if stop:
            return {**update, **stop}, "finish"
        if refusal := refused(Attempt(change.changes, self.settings.tests, self.settings.check, state["task"])):
            return self._sent_back({**state, **update}, update, *refusal)
        return {**update, "message": self._for_tester(state, change)}, "test"

    def test(self, state: TeamState) -> Moved:
        """The tester works in its own fork of the coder's state."""
        self.round = state["round"]
        attempt = unpack(state["attempt"])
        fork = self.forks.tester(self.round, attempt, unpack(state.get("tests", [])))
        self.role_tools["tester"].sit(fork, frozenset(self.forks.fix(self.round, attempt).files()))
        stop = self._work("tester", state["message"] or "", state)
        thread, heads = thread_of(self.thread, "tester"), state.get("heads", {})
        report = filed(self.journal, thread, heads.get("tester", -1))
        update: TeamState = {
            "tests": pack(changed(fork.diff(ignored=True)).changes),
            "report": to_json(report) if report else None,
            "ran": sorted(commands(self.journal, thread, state.get("since", -1))),
            **self._heads(),
        }
        return ({**update, **stop}, "finish") if stop else (update, "judge")

    def judge(self, state: TeamState) -> Moved:
        """Run the evidence again, and accept or refuse the report."""
        self.round = state["round"]
        self._tell("agentmem", "runs the evidence again")
        filed = self._filed(state)
        if refusal := refusals.refused(filed):
            return self._refused(state, *refusal)
        if filed.passes and (lost := tests_lost(filed.trial, self.settings.check)):
            return self._sent_back(state, {}, "tests_lost", lost)
        proof = self._proof(filed, state["task"]) if filed.passes else None
        if proof and (proof.verdict == "failed" or (proof.verdict == "unproven" and self._can_try(state))):
            return self._not_proven(state, proof)
        came = _round(self.round, filed)
        self.forks.drop(self.round)
        said = f", {proof.verdict}: {proof.why}" if proof else ""
        self._tell("agentmem", f"the report stands: {came.verdict}{_count(came)}{said}")
        return self._after(state, filed, came, proof)

    def close(self) -> None:
        """Remove the forks and close the agents. May be called twice."""
        self.forks.close()
        self._opened.close()

    def leave(self) -> None:
        """Close the agents, and leave the forks for a later process to continue with."""
        self.forks.detach()
        self._opened.close()

    # The end of a step.

    def _after(self, state: TeamState, filed: Filed, came: Round, proof: Proof | None) -> Moved:
        """A report was accepted: end, or start the next round with the report for the coder."""
        assert filed.report is not None  # there is a report if one was accepted
        checked = [f"`{seen.command}` ended with {seen.exit_code} again" for _, seen in filed.again()]
        told = page(filed.report, f"Round {came.number}", checked)
        shown = {"proof": to_state(proof) if proof else None}
        best = state.get("best")
        better = best is None or best["failing"] is None or (came.failing or 0) < best["failing"]
        update: TeamState = {
            "rounds": [*state.get("rounds", []), asdict(came)],
            "stands": to_json(filed.report),
            "pages": [*state.get("pages", []), told],
            "message": told,
            "mark": list(came.faults),
            "proof": shown["proof"],
        }
        if better:
            kept = {"tests": state.get("tests", []), "attempt": state["attempt"], "verdict": came.verdict, **shown}
            update["best"] = {"failing": came.failing or 0, "round": came.number, **kept}
        if came.verdict == "pass":
            assert proof is not None  # every pass has one
            return {**update, "stop": "pass", "said": f"The tester's pass is {proof.verdict}: {proof.why}."}, "finish"
        if ended := self._ended(state, list(came.faults)):
            return {**update, **ended}, "finish"
        return update, "code"

    def _sent_back(self, state: TeamState, update: TeamState, rule: str, said: str) -> Moved:
        """Refuse the coder's attempt. It is told why, unless this was the last round or the same refusal again."""
        self._tell("agentmem", f"the coder's attempt is refused ({rule}): {said}")
        number, mark = state["round"], [f"{rule}: {said}"]
        update = {
            **update,
            "refusals": [*state.get("refusals", []), {"rule": rule, "role": "coder", "round": number, "said": said}],
            "rounds": [*state.get("rounds", []), asdict(Round(number, "none", tuple(mark)))],
            "message": f"Your attempt is refused. {said}",
            "mark": mark,
        }
        self.forks.drop(number)
        ended = self._ended(state, mark)
        return ({**update, **ended}, "finish") if ended else (update, "code")

    def _refused(self, state: TeamState, rule: str, said: str) -> Moved:
        """Refuse the tester's report. It is told why, and may file another until its tries are used."""
        self._tell("agentmem", f"the tester's report is refused ({rule}): {said}")
        number, tries = state["round"], state.get("tries", 0) + 1
        update: TeamState = {
            "refusals": [*state.get("refusals", []), {"rule": rule, "role": "tester", "round": number, "said": said}],
            "tries": tries,
            "message": f"Your report is refused. {said} Correct that, and file a new report.",
        }
        if tries < self.settings.tries:
            return update, "test"
        came = asdict(Round(number, "none", (f"{rule}: {said}",)))
        ended = f"The tester filed {tries} reports in round {number}, and none of them was accepted: {said}"
        rounds = [*state.get("rounds", []), came]
        return {**update, "rounds": rounds, "stop": "refused", "said": ended}, "finish"

    def _not_proven(self, state: TeamState, proof: Proof) -> Moved:
        """Refuse a pass that the proof contradicts, or leaves open."""
        advice = assets.read("prompts/unproven.md").strip()
        if proof.verdict == "unproven":
            update, step = self._refused(state, "unproven", f"{proof.why}. {advice}")
        else:
            failed = "; ".join(f"{one.id}: {one.why}" for one in proof.failed[:5])
            said = f"The verdict is pass, and this fails when the tests run apart from the code: {failed}"
            update, step = self._refused(state, "fails_apart", f"{said}. If the code is wrong, say so. {advice}")
        return {**update, "proof": to_state(proof)}, step

    def _can_try(self, state: TeamState) -> bool:
        """True if a pass that is not proven goes back to the tester: it may try again, and the code is not trusted."""
        return not self.settings.trust_code and state.get("tries", 0) + 1 < self.settings.tries

    def _ended(self, state: TeamState, mark: list[str]) -> TeamState | None:
        if mark == state.get("mark"):
            return {"stop": "no_progress", "said": "The same came out twice: " + "; ".join(mark)[:500]}
        if state["round"] >= self.settings.rounds:
            return {"stop": "rounds", "said": f"All {self.settings.rounds} rounds were used."}
        return None

    # The roles at work.

    def _work(self, name: Name, message: str, state: TeamState) -> TeamState | None:
        """Let a role answer ``message``, or finish an interrupted answer. Returns the stop if the budget ended it."""
        agent, thread = self.agents[name], thread_of(self.thread, name)
        said, finished = stands(agent, thread, state.get("heads", {}).get(name, -1))
        if finished:
            return None
        over = self.settings.budget.reached(self.spent)
        # A context of its own, because LangGraph would find the team's graph in this one and take it for a parent.
        apart = Context()
        apart.run(OUTER.set, self.stop)
        over = over or apart.run(self._watched, agent, name, None if said else message)
        return {"stop": "budget", "said": f"The budget is used up: {over}."} if over else None

    def _watched(self, agent: Agent, name: Name, message: str | None) -> str | None:
        self._tell(name, "begins" if message else "goes on")
        with closing(agent.stream(message, thread=thread_of(self.thread, name), allow=ALLOWED[name])) as events:
            for event in events:
                if doing := doing_of(event):
                    self._tell(name, doing)
                match event:
                    case Metered(row) | Compacted(row=row) if row is not None:
                        self.spent = self.spent.plus(row)
                        if over := self.settings.budget.reached(self.spent):
                            return over
        return None

    def _ran(self, name: Name, command: str) -> None:
        self.command = command
        self._tell(name, f"runs {command}")

    def _tell(self, who: Who, doing: str) -> None:
        self.write(TeamProgress(who, self.round, self.settings.rounds, doing, self.spent, self.command))

    # The parts of the steps.

    def _proof(self, filed: Filed, task: str) -> Proof:
        self._tell("agentmem", "runs the tests apart from the code")
        trial, check = filed.trial, self.settings.check
        new, old = trial.again(check), trial.unfixed(check)
        case = Case(
            base=trial.bench.base,
            fix=trial.bench.fix,
            change=trial.bench.change,
            tests=trial.tests,
            check=check,
            places=self.settings.tests,
            environment=self.environment,
            again=None if new.cases is None else new.outcomes,
            before=old.outcomes,
            mutants=tuple(trial.mutations()),
            seconds=self.settings.seconds,
            task=f"{self.settings.tester.instructions}\n{task}",  # both are the user's words
        )
        return prove(case)

    def _filed(self, state: TeamState) -> Filed:
        report = state.get("report")
        change, tests = unpack(state["attempt"]), unpack(state.get("tests", []))
        bench = Bench(
            self.forks.base(),
            self.forks.fix(self.round, change),
            change.changes,
            self.environment,
            self.settings.seconds,
            self.settings.mutants,
            self.settings.tests,
        )
        return Filed(
            report=from_json(report) if report else None,
            edited=tuple(map(_edited, tests.changes)),
            ran=frozenset(state.get("ran", [])),
            check=self.settings.check,
            places=self.settings.tests,
            trial=Trial(bench, tests.changes),
        )

    def _for_tester(self, state: TeamState, change: Diff) -> str:
        if stands(self.agents["tester"], thread_of(self.thread, "tester"), -1)[0]:
            told = assets.read("prompts/round.md").strip()
            return told.replace("{round}", str(self.round)).replace("{diff}", change.text)
        return f"{self._words('tester', state['task'])}\n\n# The change\n\n{change.text}"

    def _words(self, name: Name, task: str) -> str:
        given = self.settings
        role = given.coder if name == "coder" else given.tester
        return opening_words(name, role, task=task, check=given.check, tests=given.tests)

    def _heads(self, *, since: bool = False) -> TeamState:
        heads: dict[str, int] = {name: self.journal.head(thread_of(self.thread, name)) for name in NAMES}
        return {"heads": heads, "since": heads["tester"]} if since else {"heads": heads}

    def _role_tools(self, name: Name) -> RoleTools:
        may = rights_of(name, self.settings.tests)
        return RoleTools(may, self.environment, partial(self._ran, name), lambda: self.stop.stopped)

    def _agents(self, opened: ExitStack) -> dict[Name, Agent]:
        """The two agents. If both roles name the same model, one model serves both."""
        roles = {"coder": self.settings.coder, "tester": self.settings.tester}
        loaded: dict[str, Any] = {}
        for role in roles.values():
            if isinstance(role.model, str) and role.model not in loaded:
                loaded[role.model] = models.load(role.model)
                opened.callback(loaded[role.model].close)
        made = {}
        for name in NAMES:
            model = loaded.get(str(roles[name].model), roles[name].model)
            place, database = self.settings.place, self.settings.database or self.settings.place / DATABASE
            agent = agent_of(name, roles[name], model, self.role_tools[name], place, database)
            made[name] = opened.enter_context(agent)
        return made


def _edited(change: FileChange) -> Edited:
    texts = [None if one is None else one.decode("utf-8", "replace") for one in (change.before, change.after)]
    return Edited(change.path, *texts)


def _round(number: int, filed: Filed) -> Round:
    """The outcome of a round: the faults of all commands in the evidence, each one once."""
    seen = [one for _, one in filed.again()]
    faults = tuple(sorted({fault for one in seen for fault in one.faults}))
    tried = filed.trial
    counts = (len(tried.killed), len(tried.killed) + len(tried.survived))
    return Round(number, "pass" if filed.passes else "fail", faults, len(faults), counts)


def _count(came: Round) -> str:
    return f", {came.failing} failing" if came.failing else ""

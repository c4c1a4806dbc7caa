"""Delegates: runs that do a piece of a thread's work on threads of their own, and give back a report.

A delegate that shares the prefix is a fork: it begins with all that its thread had sent, so its first request reads the
cache up to there. A fresh one begins with an empty view. Of several, one goes first until its reply has begun, and the
rest follow side by side, since a prefix can be read only when the request that wrote it is being answered.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from contextvars import copy_context
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from threading import Event as Flag
from threading import Lock
from time import monotonic
from typing import Any

from langchain_core.runnables.config import var_child_runnable_config
from langgraph.graph.state import CompiledStateGraph

from agentmem import assets
from agentmem.checking import COUNT, LIST, NOTHING, Wanted, check_fields, of
from agentmem.context.view import View
from agentmem.errors import AgentmemError, ConfigError, ThreadNotFound
from agentmem.menu.menu import ToolLike, make_menu
from agentmem.menu.tool import Menu, Stop
from agentmem.meter.ledger import rows
from agentmem.runtime.events import Approval, Event, Result
from agentmem.runtime.invocation import UNSEEN, Abandoned, Task, config_of, input_of, result_of
from agentmem.runtime.session import Session, Sessions
from agentmem.runtime.steps import Steps
from agentmem.runtime.stops import Limits, RunSpent
from agentmem.scrub import scrub
from agentmem.transcript import delegates as names
from agentmem.types import Text

NOBODY = "Nobody can be asked in a delegate's run. Go on without it, and say in the report what is left."


@dataclass(frozen=True, slots=True)
class Delegation:
    """How far delegates go.

        Agent(model, "notes", tools=[..., "delegate"], delegation=Delegation(tools=["read", "find"], together=4))

    ``tools`` are those that they may use (None: all that their thread may use). Delegates that share the prefix have
    its menu, so theirs are names on it, and the others refuse; ``fresh`` ones get a menu of their own, also with
    functions. ``limits`` bound each of them, and ``budget`` is the most context of their requests (None: the agent's).
    ``together`` is how many work at once. Raises ConfigError.
    """

    fresh: bool = False
    tools: Sequence[ToolLike] | None = None
    limits: Limits = Limits(max_turns=40)
    budget: int | None = None
    together: int = 8

    def __post_init__(self) -> None:
        check_fields("Delegation", self, _WANTED)


_WANTED: dict[str, Wanted] = {
    "fresh": of(bool, "True or False"),
    "tools": LIST | NOTHING,
    "limits": of(Limits, "agentmem.Limits"),
    "budget": COUNT | NOTHING,
    "together": COUNT,
}


@dataclass(frozen=True, slots=True)
class Delegated:
    """The outcome of a delegate: ``text`` is its report, and ``reference`` names all that it saw and did, for `recall`.

    report = agent.delegate("Check section 3.", thread="main")
    print(report.text, report.result.cost, report.reference)
    """

    task: str
    result: Result
    reference: str

    @property
    def text(self) -> str:
        return self.result.text

    @property
    def thread(self) -> str:
        return self.result.thread


GraphOf = Callable[[Steps], CompiledStateGraph[Any]]


@dataclass(frozen=True, slots=True)
class Delegates:
    """The delegates of one agent. ``steps`` are its steps without them: a delegate does not delegate."""

    steps: Steps
    graph_of: GraphOf
    sessions: Sessions
    settings: Delegation
    naming: Lock = field(default_factory=Lock)
    taken: set[str] = field(default_factory=set)

    def of(self, session: Session, allowed: Collection[str] | None) -> "CallsDelegates":
        return CallsDelegates(self, session, allowed)

    def run(
        self,
        thread: str,
        tasks: Sequence[Task],
        how: Delegation,
        *,
        allowed: Collection[str] | None = None,
        stop: Stop | None = None,
    ) -> tuple[Delegated, ...]:
        """Runs a delegate of ``thread`` for each task; returns their outcomes in order.

        An error ends only its own delegate, whose result says so. Raises ConfigError for tools that do not fit,
        ThreadNotFound if there is nothing to share.
        """
        steps, allow = self._steps(how), _allowed(how, self.steps.tools.menu, allowed)
        graph = self.graph_of(steps)
        blocks = [input_of(_told(task)) for task in tasks]  # an empty task is refused before anything begins
        with self._named(thread, len(tasks), how.fresh) as threads:
            runs = [
                partial(_Run(steps, graph, self.sessions, name, allow).work, given)
                for name, given in zip(threads, blocks, strict=True)
            ]
            results = _side_by_side(runs, how.together, stop or Stop())
        return tuple(map(self._outcome, tasks, results))

    def _steps(self, how: Delegation) -> Steps:
        budget = min(how.budget or self.steps.budget, self.steps.budget)
        menu = make_menu(how.tools) if how.fresh and how.tools is not None else self.steps.tools.menu
        meter = replace(self.steps.meter, agent=f"{self.steps.meter.agent}.delegate")
        compactor = self.steps.compactor and replace(self.steps.compactor, budget=budget, meter=meter)
        tools = replace(self.steps.tools, budget=budget, menu=menu, approve=self.steps.tools.approve & {*menu.names})
        return replace(
            self.steps,
            opening=lambda: replace(self.steps.opening(), tools=menu.definitions()),
            tools=tools,
            meter=meter,
            limits=how.limits,
            budget=budget,
            compactor=compactor,
        )

    @contextmanager
    def _named(self, thread: str, number: int, fresh: bool) -> Iterator[list[str]]:
        """Threads for delegates: forks of ``thread``, or names for fresh ones."""
        journal = self.sessions.journal
        at = None if fresh else _sent_up_to(self.sessions[thread].refresh())
        with self.naming:
            known = {one.name for one in journal.threads(f"{thread}.")} | self.taken
            made = list(islice(names.fresh_names(thread, known), number))
            self.taken.update(made)
        try:
            for name in made if at is not None else ():
                journal.fork(thread, at or 0, name)
            yield made
        finally:
            self.taken.difference_update(made)

    def _outcome(self, task: Task, result: Result) -> Delegated:
        journal = self.sessions.journal
        first = next((one.seq for one in journal.own(result.thread, "user")), 0)
        said = task if isinstance(task, str) else "\n\n".join(one.text for one in task if isinstance(one, Text))
        return Delegated(said, result, f"{result.thread}/{first}-{max(first, journal.head(result.thread))}")


class CallsDelegates:
    """The delegates of one call of the tool `delegate`."""

    def __init__(self, delegates: Delegates, session: Session, allowed: Collection[str] | None) -> None:
        self._delegates, self._session, self._allowed = delegates, session, allowed
        self.spent = RunSpent()

    def __call__(self, tasks: Sequence[str], *, fresh: bool, stop: Stop) -> str:
        """Runs them; returns the reports, one below the other."""
        how = self._delegates.settings
        how = replace(how, fresh=fresh or how.fresh, limits=self._limits(how.limits, len(tasks)))
        done = self._delegates.run(self._session.thread, tasks, how, allowed=self._allowed, stop=stop)
        for one in done:
            for row in rows(self._session.journal, one.thread):
                self.spent = self.spent if row.error else self.spent.plus(row)
        return "\n\n".join(map(_reported, done))

    def _limits(self, own: Limits, number: int) -> Limits:
        """Limits of each delegate within what is left of the run's own: dollars are shared, time is not."""
        run, spent = self._delegates.steps.limits, self._session.tally.spent
        usd = None if run.max_usd is None else max(1e-9, run.max_usd - (spent.usd or 0.0)) / number
        passed = monotonic() - self._session.began
        seconds = None if run.max_seconds is None else max(0.001, run.max_seconds - passed)
        return replace(own, max_usd=_least(own.max_usd, usd), max_seconds=_least(own.max_seconds, seconds))


def _least(*limits: float | None) -> float | None:
    return min((one for one in limits if one is not None), default=None)


def _reported(one: Delegated) -> str:
    result = one.result
    why = f" ({result.reason})" if result.reason else ""
    head = f"## {one.thread}: {result.status}{why}, {result.turns} turns, {result.cost}"
    return f"{head}\n\n{result.text or 'No report.'}\n\n[All that it saw and did: {one.reference}]"


def _told(task: Task) -> Task:
    """The task as a delegate gets it: first what it is now, then its piece."""
    input_of(task or ())
    blocks = (Text(task),) if isinstance(task, str) else tuple(task)
    return (Text(assets.read("prompts/delegate.md").strip()), *blocks)


def _allowed(how: Delegation, menu: Menu, allowed: Collection[str] | None) -> list[str] | None:
    """The names of the tools that may be used; None: all. Raises ConfigError for tools that a fork cannot have."""
    if how.tools is None or how.fresh:
        return None if allowed is None else sorted(allowed)
    if wrong := [one for one in how.tools if not isinstance(one, str) or one not in menu.names]:
        raise ConfigError(
            f"a delegate that shares the prefix has its thread's menu ({', '.join(menu.names)}), and {wrong[0]!r} is "
            "not on it: name tools of it, or give fresh=True"
        )
    return [str(one) for one in how.tools if allowed is None or one in allowed]


def _sent_up_to(session: Session) -> int:
    """The last entry that a fork can begin with: the end, or what came before a reply whose calls are still open."""
    view: View = session.view
    if view.opening is None:
        raise ThreadNotFound(f"there is no thread {session.thread!r} to share: run it first, or give fresh=True")
    replied = session.journal.last(session.thread, "assistant") if view.open else None
    return replied.seq - 1 if replied else view.seq


class _Hearing:
    """Hears the events of a delegate: the first one means that its reply has begun. ``stop`` ends it."""

    def __init__(self, begun: Flag, stop: Stop) -> None:
        self.begun, self.stop = begun, stop

    def write(self, event: Event | None) -> None:
        self.begun.set()
        if self.stop.stopped:
            raise Abandoned


@dataclass(frozen=True, slots=True)
class _Run:
    """The run of one delegate on its thread."""

    steps: Steps
    graph: CompiledStateGraph[Any]
    sessions: Sessions
    thread: str
    allow: list[str] | None

    def work(self, given: Any, begun: Flag, stop: Stop) -> Result:
        """Runs to the end; calls that would wait for a person are declined. An error is the result's reason."""
        try:
            with self._held() as session:
                stop_reason = self._invoke(given, _Hearing(begun, stop))
                while self.steps.tools.waiting(session.refresh(), self.allow):
                    stop_reason = self._invoke(input_of(Approval(False, NOBODY)), _Hearing(begun, stop))
                return result_of(session, (), stop_reason or session.ending)
        except (Exception, Abandoned) as error:  # of any kind: the other delegates go on, and the result tells it
            return result_of(self.sessions[self.thread].refresh(), (), _why(error))
        finally:
            begun.set()

    @contextmanager
    def _held(self) -> Iterator[Session]:
        with ExitStack() as held:
            held.enter_context(self.sessions.journal.lease(self.thread))
            session = self.sessions.open(self.thread)
            held.callback(session.end)
            yield session

    def _invoke(self, given: Any, hearing: _Hearing) -> str | None:
        """Runs until the end, or until calls wait for a person. Returns the reason that stopped it."""
        config = config_of(self.thread, self.allow, channel=hearing, **{UNSEEN: True})
        stop: str | None = self.graph.invoke(given, config, durability="sync").get("stop")
        return stop


def _why(error: BaseException) -> str:
    if isinstance(error, Abandoned):
        return "it was stopped"
    return str(error) if isinstance(error, AgentmemError) else f"{type(error).__name__}: {scrub(str(error))}"


Work = Callable[[Flag, Stop], Result]


def _side_by_side(runs: Sequence[Work], together: int, stop: Stop) -> list[Result]:
    """All results, in order. The first run goes alone until its first event."""
    begun = Flag()
    with ThreadPoolExecutor(min(together, len(runs)), "agentmem-delegate") as pool:
        first = pool.submit(_apart(partial(runs[0], begun, stop)))
        begun.wait()
        rest = [pool.submit(_apart(partial(run, Flag(), stop))) for run in runs[1:]]
        return [future.result() for future in (first, *rest)]


def _apart(work: Callable[[], Result]) -> Callable[[], Result]:
    """The work with the caller's context variables, but not as a part of its graph: a delegate is a run of its own."""
    context = copy_context()
    context.run(var_child_runnable_config.set, None)
    return partial(context.run, work)

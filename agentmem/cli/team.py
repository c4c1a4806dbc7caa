"""`agentmem team`: let a coder and a tester work on a repository while you watch."""

from collections.abc import Iterable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agentmem.cli.exits import Code
from agentmem.cli.interrupts import interruptible
from agentmem.cli.options import AsJson
from agentmem.cli.output import complain, notices, print_document, print_json
from agentmem.errors import ConfigError

if TYPE_CHECKING:
    from agentmem.config import Config
    from agentmem.team import Team, TeamDone, TeamProgress, TeamResult

Task = Annotated[str | None, typer.Argument(help="What to do. Without one, --thread goes on.")]
Repo = Annotated[Path, typer.Option("--repo", metavar="DIR", help="The repository or folder to work on.")]
Check = Annotated[str, typer.Option("--check", metavar="CMD", help="The command that the change must pass.")]
Coder = Annotated[str | None, typer.Option("--coder", metavar="NAME", help="The coder's model.")]
Tester = Annotated[str | None, typer.Option("--tester", metavar="NAME", help="The tester's; by default the coder's.")]
Rounds = Annotated[int, typer.Option(help="Stop after this many rounds.")]
MaxTokens = Annotated[int | None, typer.Option(help="Stop when this many tokens are used, in and out.")]
MaxUsd = Annotated[float | None, typer.Option(help="Stop when this many dollars are spent.")]
Tests = Annotated[list[str] | None, typer.Option("--tests", metavar="GLOB", help="Where tests stand. May be repeated.")]
Place = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Where reports and runs are kept: outside the repository.")
]
Thread = Annotated[str | None, typer.Option("--thread", "-t", help="The name of the work, to go on with it later.")]
Apply = Annotated[bool, typer.Option("--apply", help="Bring a change whose pass is proven into the repository.")]
WithTests = Annotated[bool, typer.Option("--with-tests", help="With --apply: the tester's tests too.")]
TrustCode = Annotated[
    bool,
    typer.Option(
        "--trust-code", help="Count a pass that was only re-run, in one process with the code: see docs/ideas/team.md."
    ),
]
Unconfined = Annotated[bool, typer.Option("--no-isolation", help="Run commands unconfined if no isolation works here.")]
PriceAs = Annotated[str | None, typer.Option(metavar="NAME", help="Whose prices count; by default each model's own.")]


def team(
    task: Task = None,
    repo: Repo = Path(),
    check: Check = "pytest -q",
    coder: Coder = None,
    tester: Tester = None,
    rounds: Rounds = 5,
    max_tokens: MaxTokens = None,
    max_usd: MaxUsd = None,
    tests: Tests = None,
    place: Place = None,
    thread: Thread = None,
    apply: Apply = False,
    with_tests: WithTests = False,
    trust_code: TrustCode = False,
    unconfined: Unconfined = False,
    price_as: PriceAs = None,
    json: AsJson = False,
) -> None:
    """Let a coder change a repository's code, and a tester with a context of its own check the change.

    Both work in forks: the repository changes only with --apply, by a change whose pass is proven, or with
    --trust-code re-run. The report goes to stdout. The same --thread continues where it was, also after a kill.
    """
    from agentmem.cli.trust import settings as confirmed
    from agentmem.runtime.invocation import new_thread

    if not (task or thread):
        raise ConfigError("say what to do, as in `agentmem team 'Mend the totals' --repo DIR`, or which --thread")
    own = confirmed()
    first = coder or own.model
    if first is None:
        raise ConfigError("say which model: --coder anthropic:claude-sonnet-5-5, and --tester if it has another one")
    isolation = "none" if unconfined else "auto"
    settings = {"check": check, "rounds": rounds, "place": place, "isolation": isolation, "trust_code": trust_code}
    settings |= {"tests": tuple(tests)} if tests else {}
    made = partial(_team, (first, tester or first), price_as, own, repo, (max_tokens, max_usd), settings)
    _shown(made, task, thread or new_thread(), TeamWatch(quiet=json), json, apply, with_tests)


def _team(
    models: tuple[str, str],
    price_as: str | None,
    own: "Config",
    repo: Path,
    budget: tuple[int | None, float | None],
    settings: dict[str, Any],
) -> "Team":
    from agentmem.routing.routes import routes_of
    from agentmem.team import Budget, Role, Team

    routes = routes_of(own.route, own.targets, own.privacy, own.routing)
    coder, tester = (Role(model, price_as=price_as, routes=routes) for model in models)
    return Team(coder, tester, repo, budget=Budget(*budget), **settings)


class TeamWatch:
    """Prints a line for each step. ``quiet`` prints nothing."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet, self._halted = quiet, False
        self._notices = notices()

    def see(self, event: "TeamProgress | TeamDone") -> None:
        """Show one event."""
        from agentmem.team import TeamProgress

        if self._halted:
            raise KeyboardInterrupt
        if isinstance(event, TeamProgress):
            self.notice(line(event))

    def notice(self, text: str) -> None:
        """Print a line."""
        if not self._quiet:
            self._notices.print(text, style="dim", highlight=False, soft_wrap=True)

    def halt(self) -> None:
        """Let the next event end the work."""
        self._halted = True


def line(event: "TeamProgress") -> str:
    """A step as one line: the round, the cost so far, the role and its action."""
    from agentmem.meter.tables import dollars

    spent = f"{event.spent.tokens:>9,} tokens {dollars(event.spent.usd):>8}"
    return f"round {event.round}/{event.rounds} {spent}  {event.who:<8} {' '.join(event.doing.split())}"


def _shown(
    made: Any, task: str | None, thread: str, watch: TeamWatch, json: bool, apply: bool, with_tests: bool
) -> None:
    """Run the team, show its steps and its result, merge if asked, and exit with the code for its end."""
    from agentmem.menu.toolbox import stop_all

    def work() -> "tuple[TeamResult, tuple[str, ...], dict[str, Any]]":
        with made() as team:
            result = _until_done(team, task, thread, watch)
            merged = team.merge(result, with_tests=with_tests) if apply and result.passed else ()
            watch.notice(_where(team, result, merged))
            return result, merged, _usage(team, thread)

    def halt() -> None:
        watch.halt()
        complain(f"Interrupted. All work so far is kept: the same command with `--thread {thread}` continues it.")
        stop_all()

    try:
        result, merged, usage = interruptible(work, halt)
    except KeyboardInterrupt:
        raise typer.Exit(Code.INTERRUPTED) from None
    if json:
        print_json({**usage, **_summary(result), "merged": list(merged)})
    else:
        print_document(result.page)
    raise typer.Exit(Code.DONE if result.passed else Code.NOT_PASSED)


def _until_done(team: "Team", task: str | None, thread: str, watch: TeamWatch) -> "TeamResult":
    with closing(team.stream(task, thread=thread)) as events:
        for event in events:
            watch.see(event)
    return team.result(thread)


def _where(team: "Team", result: "TeamResult", merged: Iterable[str]) -> str:
    """Tells where the change and the report are, and how to continue."""
    written = ", ".join(merged)
    if written:
        change = f"Written to the repository: {written}."
    elif not result.passed:
        change = f"Nothing was written to the repository: {_why_not(result)}."
    else:
        change = f"The repository is as it was: `--thread {result.thread} --apply` brings the change into it."
    return (
        f"{change} The report is {result.path}; "
        f"`agentmem report {result.thread} -w {team.settings.place}` splits the cost by role."
    )


def _why_not(result: "TeamResult") -> str:
    if result.verdict != "pass" or result.proof is None:
        return "the change did not pass"
    return f"its pass is {result.proof.verdict}: {result.proof.why}. `--trust-code` counts it all the same"


def _usage(team: "Team", thread: str) -> dict[str, Any]:
    from agentmem.meter.ledger import rows as metered
    from agentmem.meter.report import report
    from agentmem.team.roles import NAMES, thread_of

    rows = [row for name in NAMES for row in metered(team.journal, thread_of(thread, name))]
    return report(rows, thread)


def _summary(result: "TeamResult") -> dict[str, Any]:
    from dataclasses import asdict

    from agentmem.team.proof.verdict import to_json as to_proof
    from agentmem.team.report import to_json

    return {
        "thread": result.thread,
        "verdict": result.verdict,
        "reason": result.reason,
        "said": result.said,
        "rounds": [asdict(one) for one in result.rounds],
        "refusals": [asdict(one) for one in result.refusals],
        "report": to_json(result.report) if result.report else None,
        "proof": to_proof(result.proof) if result.proof else None,
        "passed": result.passed,
        "changed": list(result.diff.paths),
        "tests": list(result.tests.paths),
        "shared": asdict(result.shared) if result.shared else None,
        "page": result.path,
    }

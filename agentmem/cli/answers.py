"""`agentmem answers ...`: show what the answer cache saved, how often it was wrong, and why it decided as it did."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from agentmem.cli.options import HERE, AsJson, Model, Workspace
from agentmem.cli.output import console, notices, print_json
from agentmem.config import PLACE
from agentmem.errors import ConfigError

if TYPE_CHECKING:
    from agentmem.answers.cache import AnswerCache
    from agentmem.answers.home import AnswersHome
    from agentmem.answers.lookup import Looked
    from agentmem.answers.settings import AnswerSettings

T = TypeVar("T")

answers = typer.Typer(no_args_is_help=True, help="The answer cache: what it saved, how often it was wrong, and why.")

NOTHING = "No answers are kept here yet. Ask with agent.ask(question), or through an AnswerCache in .agentmem/answers."
Tenant = Annotated[str | None, typer.Option("--tenant", metavar="NAME", help="Only this tenant's answers.")]


@answers.command()
def stats(workspace: Workspace = HERE, json: AsJson = False) -> None:
    """Show hits by kind, audits with the bound on wrong answers, invalidations, dollars and seconds saved."""
    found = statistics(workspace) or _nothing()
    if json:
        print_json(found)
        return
    from agentmem.meter.answers import show

    show(found, console())
    if not found["entries"]:
        notices().print(NOTHING, highlight=False)


def statistics(workspace: Path) -> dict[str, Any] | None:
    """The statistics of the workspace's answer cache, or None if it has none."""
    with opened_cache(workspace, exact_only=True) as cache:
        return cache.stats() if cache else None


def with_hits(workspace: Path) -> dict[str, Any] | None:
    """The same with the latest hits one by one, for the page."""
    with opened_cache(workspace, exact_only=True) as cache:
        return {**cache.stats(), "served": [one.value() for one in cache.hits.latest()]} if cache else None


@answers.command()
def explain(
    question: Annotated[str, typer.Argument(help="A question, as a user would ask it.")],
    tenant: Tenant = None,
    workspace: Workspace = HERE,
    json: AsJson = False,
) -> None:
    """Show how a lookup would end and why: the rule that decided, the candidates, their scores."""
    looked = _in_each(workspace, tenant, lambda cache, scope: cache.explain(question, scope=scope))
    if not looked:
        raise ConfigError(NOTHING)
    best = next((one for one in looked if one.hit), looked[0])
    if json:
        print_json(_explained(best, len(looked)))
        return
    for line in best.lines():
        console().print(line, highlight=False, soft_wrap=True)
    if len(looked) > 1:
        notices().print(f"Of {len(looked)} contexts: the one that serves it, else the fullest.", highlight=False)


@answers.command()
def invalidate(
    source: Annotated[str | None, typer.Argument(help="A page, or the name of another source.")] = None,
    tenant: Annotated[str | None, typer.Option("--tenant", metavar="NAME", help="All of a tenant's answers.")] = None,
    user: Annotated[
        str | None, typer.Option("--user", metavar="NAME", help="What was kept for this user alone.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every answer.")] = False,
    workspace: Workspace = HERE,
    json: AsJson = False,
) -> None:
    """Remove every answer made from a source, of a tenant, of a user (of --tenant), or all of them."""
    with opened_cache(workspace, exact_only=True) as cache:
        gone = cache.invalidate(source, tenant=tenant, user=user, everything=everything) if cache else 0
    if json:
        print_json({"schema": 1, "invalidated": gone})
    else:
        notices().print(f"Removed {gone:,} answers.", highlight=False)


@answers.command()
def drop(
    question: Annotated[str, typer.Argument(help="The question that was answered wrongly.")],
    entry: Annotated[bool, typer.Option("--entry", help="Remove the kept answer as well.")] = False,
    tenant: Tenant = None,
    workspace: Workspace = HERE,
    json: AsJson = False,
) -> None:
    """Drop the answer that a question is served now, for it and for all that is nearer to it than to the kept one."""
    gone = _in_each(workspace, tenant, lambda cache, scope: cache.drop(question, scope=scope, entry=entry))
    if not gone and not json:
        raise ConfigError(NOTHING)
    found = [one for one in gone if one]
    if json:
        print_json({"schema": 1, "question": question, "dropped": found})
    elif found:
        for one in found:
            console().print(f"Dropped: {one[:200]!r}", highlight=False, soft_wrap=True)
    else:
        notices().print("Nothing is served for this question.", highlight=False)


@answers.command()
def audit(
    model: Model = None,
    sample: Annotated[int, typer.Option("--sample", min=1, help="Answers to make again.")] = 20,
    max_usd: Annotated[float, typer.Option("--max-usd", min=0.0, help="What that may cost.")] = 1.0,
    tenant: Annotated[str, typer.Option("--tenant", metavar="NAME", help="Whose answers.")] = "",
    workspace: Workspace = HERE,
    json: AsJson = False,
) -> None:
    """Answer again the questions that were not checked for the longest time, and evict answers that no longer agree."""
    from agentmem.cli.trust import settings as confirmed
    from agentmem.runtime.agent import Agent

    named = model or confirmed().model
    if not named:
        raise ConfigError("say which model answers: --model, or `model` in agentmem.toml")
    with Agent(named, workspace) as agent, _opened(workspace) as agent.answers:
        checked = agent.check_answers(tenant=tenant, most=sample, max_usd=max_usd)
    if json:
        rows = [{"question": one.entry.question, "agrees": one.agrees} for one in checked]
        print_json({"schema": 1, "basis": "measured", "checked": rows})
        return
    for one in checked:
        said = (
            "still right" if one.agrees else f"evicted: {one.fresh.text[:200]!r} instead of {one.entry.answer[:200]!r}"
        )
        console().print(f"{one.entry.question!r}: {said}", highlight=False, soft_wrap=True)
    notices().print(f"Made {len(checked):,} answers again.", highlight=False)


def _in_each(workspace: Path, tenant: str | None, work: "Callable[[AnswerCache, str], T]") -> list[T]:
    """What ``work`` gives for each scope of the cache, the fullest first; of one tenant, or of all."""
    with opened_cache(workspace) as cache:
        return [work(cache, scope) for scope in cache.store.scopes(tenant)] if cache else []


@contextmanager
def opened_cache(workspace: Path, *, exact_only: bool = False) -> "Iterator[AnswerCache | None]":
    """Open the workspace's cache, or give None if it has none yet. Nothing is created."""
    with home(workspace) as place:
        exists = place.exists()
    if not exists:
        yield None
        return
    with _opened(workspace, exact_only=exact_only) as cache:
        yield cache


@contextmanager
def _opened(workspace: Path, *, exact_only: bool = False) -> "Iterator[AnswerCache]":
    from agentmem.answers.cache import AnswerCache
    from agentmem.pages.workspace import Workspace as Pages

    own, (where, database) = settings(workspace), _place(workspace)
    with (
        Pages(workspace) as pages,
        AnswerCache(where, database=database, workspace=pages, exact_only=exact_only, settings=own) as cache,
    ):
        yield cache


def settings(workspace: Path) -> "AnswerSettings":
    """The section `[answers]` of agentmem.toml."""
    from agentmem.answers.settings import read
    from agentmem.cli.trust import settings as confirmed

    return read(confirmed(workspace.resolve()).answers)


@contextmanager
def home(workspace: Path) -> "Iterator[AnswersHome]":
    """Where the workspace's answers are: in its own folder, or at the place that the settings name."""
    from agentmem.answers.home import home_of

    with closing(home_of(*_place(workspace))) as found:
        yield found


def _place(workspace: Path) -> tuple[Path | str, str | None]:
    from agentmem.answers.home import home_in
    from agentmem.cli.trust import settings as confirmed

    found = confirmed(workspace.resolve())
    return home_in(workspace, found.answers.get(PLACE), found.database)


def _nothing() -> dict[str, Any]:
    from agentmem.answers.stats import report

    return {**report({}), "entries": 0}


def _explained(looked: "Looked", contexts: int) -> dict[str, Any]:
    verdict = looked.verdict
    scores = {id: (score, remark) for id, score, remark in verdict.scores} if verdict else {}
    near = [
        {
            "id": entry.id,
            "question": entry.question,
            "answer": entry.answer,
            "similarity": similarity,
            "score": scores.get(entry.id, (None, ""))[0],
            "remark": scores.get(entry.id, (None, ""))[1],
        }
        for entry, similarity in looked.near
    ]
    return {
        "schema": 1,
        "question": looked.question,
        "decision": looked.how,
        "rule": looked.rule,
        "detail": looked.detail,
        "type": looked.kind or None,
        "score": verdict.score if verdict else None,
        "threshold": verdict.threshold if verdict else None,
        "answer": looked.entry.answer if looked.entry else None,
        "served": looked.entry.id if looked.entry else None,
        "candidates": near,
        "contexts": contexts,
    }

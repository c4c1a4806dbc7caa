"""`agentmem answers ...`: what the answer cache saved, how often it was wrong, and why it decided as it did."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agentmem.cli.options import HERE, AsJson, Model, Workspace
from agentmem.cli.output import console, notices, print_json
from agentmem.errors import ConfigError

if TYPE_CHECKING:
    from agentmem.memory.answers.cache import AnswerCache
    from agentmem.memory.answers.lookup import Looked
    from agentmem.memory.answers.settings import Settings
    from agentmem.memory.answers.tuning import Tuned

answers = typer.Typer(no_args_is_help=True, help="The answer cache: what it saved, how often it was wrong, and why.")

NOTHING = "No answers are kept here yet. Ask with agent.ask(question), or through an AnswerCache in .agentmem/answers."
Tenant = Annotated[str | None, typer.Option("--tenant", metavar="NAME", help="Only this tenant's answers.")]


@answers.command()
def stats(workspace: Workspace = HERE, json: AsJson = False) -> None:
    """Hits by kind, audits with the bound on wrong answers, what was invalidated, dollars and seconds saved."""
    found = statistics(workspace) or _nothing()
    if json:
        print_json(found)
        return
    from agentmem.meter.answers import show

    show(found, console())


def statistics(workspace: Path) -> dict[str, Any] | None:
    """What the workspace's answer cache did; None where there is none."""
    with _cache(workspace, exact_only=True) as cache:
        return cache.stats() if cache else None


@answers.command()
def explain(
    question: Annotated[str, typer.Argument(help="A question, as a user would ask it.")],
    tenant: Tenant = None,
    workspace: Workspace = HERE,
    json: AsJson = False,
) -> None:
    """Say what a lookup would come to and why: the rule that decided, the candidates, their scores."""
    with _cache(workspace) as cache:
        scopes = cache.store.scopes(tenant) if cache else []
        if cache is None or not scopes:
            raise ConfigError(NOTHING)
        looked = [cache.explain(question, scope=scope) for scope in scopes]
    best = next((one for one in looked if one.hit), looked[0])
    if json:
        print_json(_explained(best, len(scopes)))
        return
    for line in best.lines():
        console().print(line, markup=False, highlight=False, soft_wrap=True)
    if len(scopes) > 1:
        notices().print(f"Of {len(scopes)} contexts: the one that serves it, else the fullest.", highlight=False)


@answers.command()
def invalidate(
    source: Annotated[str | None, typer.Argument(help="A page, or the name of another source.")] = None,
    tenant: Annotated[str | None, typer.Option("--tenant", metavar="NAME", help="All of a tenant's answers.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every answer.")] = False,
    workspace: Workspace = HERE,
    json: AsJson = False,
) -> None:
    """Remove every answer made from a source, of a tenant, or all of them."""
    with _cache(workspace, exact_only=True) as cache:
        gone = cache.invalidate(source, tenant=tenant, everything=everything) if cache else 0
    if json:
        print_json({"schema": 1, "invalidated": gone})
    else:
        notices().print(f"Removed {gone:,} answers.", highlight=False)


@answers.command()
def audit(
    model: Model = None,
    sample: Annotated[int, typer.Option("--sample", min=1, help="Answers to make again.")] = 20,
    max_usd: Annotated[float, typer.Option("--max-usd", min=0.0, help="What that may cost.")] = 1.0,
    tenant: Annotated[str, typer.Option("--tenant", metavar="NAME", help="Whose answers.")] = "",
    workspace: Workspace = HERE,
    json: AsJson = False,
) -> None:
    """Make the answers that were unchecked for longest again, and evict those that no longer agree."""
    from agentmem.config import Config
    from agentmem.runtime.agent import Agent

    named = model or Config.load().model
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
        console().print(f"{one.entry.question!r}: {said}", markup=False, highlight=False, soft_wrap=True)
    notices().print(f"Made {len(checked):,} answers again.", highlight=False)


@answers.command()
def sample(
    log: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="Questions, one a line.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The CSV of pairs to label.")],
    count: Annotated[int, typer.Option("--pairs", min=1, help="Pairs to sample.")] = 400,
    seed: Annotated[int, typer.Option("--seed", help="Which pairs.")] = 0,
    workspace: Workspace = HERE,
) -> None:
    """Sample pairs of questions, at cosines from .80 to .99, for people to label with same or different."""
    from agentmem.memory.answers.kinds import classifier
    from agentmem.memory.answers.parts import all_kinds
    from agentmem.memory.answers.sampling import sample as sampled
    from agentmem.memory.answers.sampling import write_pairs
    from agentmem.memory.embedder import MiniLM

    classify = classifier(MiniLM(), all_kinds(_settings(workspace)))
    lines = log.read_text(encoding="utf-8").splitlines()
    with notices().status("Comparing the questions ..."):
        pairs = sampled(lines, MiniLM(), pairs=count, seed=seed, classify=classify)
    write_pairs(pairs, output)
    notices().print(f"{len(pairs):,} pairs are in {output}: fill in the column label.", markup=False, highlight=False)


@answers.command()
def tune(
    pairs: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="Labelled pairs, as CSV.")],
    cost: Annotated[float, typer.Option("--cost", min=0.0, help="What a wrong answer costs, in hits saved.")] = 125.0,
    limit: Annotated[float, typer.Option("--limit", help="The share of wrong hits to be certified for.")] = 0.008,
    plot: Annotated[
        Path | None, typer.Option("--plot", metavar="FILE", help="Write the curves as an HTML page.")
    ] = None,
    dry: Annotated[bool, typer.Option("--dry", help="Only say what it would be.")] = False,
    workspace: Workspace = HERE,
    json: AsJson = False,
) -> None:
    """Choose the thresholds by labelled pairs, certify them on the half held out, and keep them for the workspace."""
    from agentmem.memory.answers.decision import write_policies
    from agentmem.memory.answers.kinds import left_out
    from agentmem.memory.answers.parts import all_kinds
    from agentmem.memory.answers.plot import page
    from agentmem.memory.answers.scoring import scorer
    from agentmem.memory.answers.tuning import read_pairs, tune_kinds
    from agentmem.memory.embedder import MiniLM

    labelled, kinds = read_pairs(pairs), all_kinds(_settings(workspace))
    with notices().status("Scoring the pairs ..."):
        tuned = tune_kinds(labelled, scorer(MiniLM()), cost=dict.fromkeys(kinds, cost), limit=limit)
        error = left_out(MiniLM(), kinds)
    if plot:
        plot.write_text(page(tuned), encoding="utf-8")
    if not dry:
        write_policies(_folder(workspace), [one.policy for one in tuned.values()])
    rows = [_tuned(name, one) for name, one in tuned.items()]
    told = {"schema": 1, "basis": "measured", "tuned": rows, "classifier": {"wrong": error.wrong, "of": error.of}}
    if json:
        print_json(told)
        return
    for row in rows:
        console().print(_sentence(row, limit), markup=False, highlight=False, soft_wrap=True)
    console().print(f"The classifier of query types was wrong on {error.wrong} of {error.of} examples left out.")


def _tuned(kind: str, one: "Tuned") -> dict[str, Any]:
    certificate = one.policy.certificate
    return {
        "type": kind,
        "threshold": one.policy.threshold,
        "chosen": one.chosen,
        "served": one.held.served,
        "wrong": one.held.wrong,
        "right": one.held.right,
        "upper95": certificate.upper if certificate else None,
        "certified": not one.more,
        "labels_needed": None if one.more < 0 else one.more,
    }


def _sentence(row: dict[str, Any], limit: float) -> str:
    bound = "unknown" if row["upper95"] is None else f"{row['upper95']:.2%}"
    reached = (
        f"{row['type']}: on held-out pairs {row['chosen']:.4f} serves {row['served']} of {row['right']} right ones"
    )
    wrong = f"{reached}, {row['wrong']} of the served are wrong; at most {bound} at 95 %."
    if row["certified"]:
        return f"{wrong} Certified for {limit:.2%}: the threshold is {row['threshold']:.4f}."
    needed = "no number of labels would do" if row["labels_needed"] is None else f"about {row['labels_needed']:,} more"
    used = f"the strict {row['threshold']:.4f} is used"
    return f"{wrong} Not certified for {limit:.2%}, so {used}. Labels needed: {needed}."


@contextmanager
def _cache(workspace: Path, *, exact_only: bool = False) -> "Iterator[AnswerCache | None]":
    """The workspace's cache; None where there is none yet. Nothing is created."""
    from agentmem.memory.answers.database import FILE

    if not (_folder(workspace) / FILE).exists():
        yield None
        return
    with _opened(workspace, exact_only=exact_only) as cache:
        yield cache


@contextmanager
def _opened(workspace: Path, *, exact_only: bool = False) -> "Iterator[AnswerCache]":
    from agentmem.memory.answers.cache import AnswerCache
    from agentmem.pages.workspace import Workspace as Pages

    settings = _settings(workspace)
    with (
        Pages(workspace) as pages,
        AnswerCache(_folder(workspace), workspace=pages, exact_only=exact_only, settings=settings) as cache,
    ):
        yield cache


def _settings(workspace: Path) -> "Settings":
    from agentmem.config import Config
    from agentmem.memory.answers.settings import read

    return read(Config.load(workspace.resolve()).answers)


def _folder(workspace: Path) -> Path:
    return workspace / ".agentmem" / "answers"


def _nothing() -> dict[str, Any]:
    from agentmem.memory.answers.stats import report

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

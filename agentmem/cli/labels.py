"""`agentmem answers sample | tune | judge`: write pairs for people to label, and tune the cache by their labels."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agentmem.cli.answers import NOTHING, home, opened_cache, settings
from agentmem.cli.options import HERE, AsJson, Workspace
from agentmem.cli.output import console, notices, print_json
from agentmem.errors import ConfigError

if TYPE_CHECKING:
    from agentmem.answers.agreement import Errors
    from agentmem.answers.home import AnswersHome
    from agentmem.answers.log_replay import Told
    from agentmem.answers.query_types import KindError
    from agentmem.answers.tuning import Tuned
    from agentmem.answers.values import Kinds, Labelled

Pairs = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="Labelled pairs, as CSV.")]
Labels = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="Labelled pairs, or a log, as CSV.")]
Cost = Annotated[float, typer.Option("--cost", min=0.0, help="What a wrong answer costs, in hits saved; of pairs.")]
Limit = Annotated[float, typer.Option("--limit", help="The share of wrong hits to be certified for.")]
Seconds = Annotated[float, typer.Option("--max-seconds", min=0.0, help="The time for trying thresholds on a log.")]
Plot = Annotated[Path | None, typer.Option("--plot", metavar="FILE", help="Write the curves as an HTML page.")]
NO_ANSWERS = (
    "No labelled pair has both answers, so the judge of answers was not measured: `agentmem answers sample --audits`"
    " writes pairs with the columns served and fresh."
)


def sample(
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The CSV of pairs to label.")],
    log: Annotated[
        Path | None, typer.Argument(exists=True, dir_okay=False, help="Questions, one a line.", show_default=False)
    ] = None,
    audits: Annotated[bool, typer.Option("--audits", help="The audited hits, with both answers, instead.")] = False,
    count: Annotated[int, typer.Option("--pairs", min=1, help="Pairs to sample.")] = 400,
    seed: Annotated[int, typer.Option("--seed", help="Which pairs.")] = 0,
    workspace: Workspace = HERE,
) -> None:
    """Sample pairs of questions, at cosines from .80 to .99, for people to label as same or different."""
    from agentmem.answers.sampling import write_pairs

    if (log is None) is not audits:
        raise ConfigError("say where the pairs come from: a log of questions, or --audits")
    pairs = _audited(workspace, count) if log is None else _near(log, workspace, count, seed)
    write_pairs(pairs, output)
    notices().print(f"{len(pairs):,} pairs are in {output}: fill in the column label.", highlight=False)


def tune(
    pairs: Labels,
    cost: Cost = 125.0,
    limit: Limit = 0.008,
    plot: Plot = None,
    max_seconds: Seconds = 600.0,
    dry: Annotated[bool, typer.Option("--dry", help="Only say what it would be.")] = False,
    workspace: Workspace = HERE,
    json: AsJson = False,
) -> None:
    """Choose the thresholds by labels, certify them on the held-out half, and keep them for the workspace.

    The CSV holds pairs (columns left, right, label), or a log (columns question and answer) that is played through
    an empty cache.
    """
    from agentmem.answers.cache import all_kinds
    from agentmem.answers.logs import is_log
    from agentmem.answers.plot import page
    from agentmem.answers.query_types import left_out
    from agentmem.recall.embedder import MiniLM

    kinds = all_kinds(settings(workspace))
    with notices().status("Trying thresholds ...") as status:
        tuned, judged = _tuned(pairs, kinds, cost, limit, max_seconds, status.update)
        said = _said(judged) if judged or not is_log(pairs) else []
        error = left_out(MiniLM(), kinds)
    if plot:
        plot.write_text(page(tuned), encoding="utf-8")
    if not dry:
        with home(workspace) as place:
            _keep(place, tuned, judged)
    rows = [_row(name, one) for name, one in tuned.items()]
    if json:
        classifier = {"wrong": error.wrong, "of": error.of}
        measured = {"tuned": rows, "classifier": classifier, "judge": _judge_record(judged)}
        print_json({"schema": 1, "basis": "measured", **measured})
    else:
        _print([*(_sentence(row, limit) for row in rows), _classified(error), *said])


def judge(
    pairs: Pairs,
    dry: Annotated[bool, typer.Option("--dry", help="Only say how often it is wrong.")] = False,
    workspace: Workspace = HERE,
    json: AsJson = False,
) -> None:
    """Measure how often the judge of answers is wrong, on labelled pairs with both answers, and correct by it."""
    from agentmem.answers.tuning import read_pairs

    found = _judged(read_pairs(pairs))
    if found is None:
        raise ConfigError(NO_ANSWERS)
    if not dry:
        with home(workspace) as place:
            _remember(place, found)
    if json:
        print_json({"schema": 1, "basis": "measured", "judge": _judge_record(found)})
        return
    _print(_said(found))


def _tuned(
    path: Path, kinds: "Kinds", cost: float, limit: float, seconds: float, told: "Told"
) -> "tuple[dict[str, Tuned], Errors | None]":
    """The thresholds by query type, and the judge's errors on the pairs that have both answers."""
    from agentmem.answers.logs import is_log, scorer
    from agentmem.answers.tuning import read_pairs, tune_kinds
    from agentmem.recall.embedder import MiniLM

    if is_log(path):
        return _by_log(path, kinds, limit, seconds, told), None
    labelled = read_pairs(path)
    if not labelled:
        raise ConfigError(f"no pair in {path} has a label: fill in the column label with same or different")
    tuned = tune_kinds(labelled, scorer(MiniLM()), cost=dict.fromkeys(kinds, cost), limit=limit)
    return tuned, _judged(labelled)


def _by_log(path: Path, kinds: "Kinds", limit: float, seconds: float, told: "Told") -> "dict[str, Tuned]":
    from agentmem.answers.logs import objecting, read_log, tune_log
    from agentmem.answers.query_types import classifier
    from agentmem.recall.embedder import MiniLM

    log, vectors = read_log(path, MiniLM(), classifier(MiniLM(), kinds), told)
    today = {name: kind.threshold for name, kind in kinds.items()}
    return tune_log(
        log, vectors, objecting(), today=today, limit=limit, told=told, seconds=seconds, embedder=MiniLM.name
    )


def _keep(place: "AnswersHome", tuned: "dict[str, Tuned]", judged: "Errors | None") -> None:
    """Keep the thresholds; before them what was learned, without which they are not used."""
    from agentmem.answers.decision import write_policies
    from agentmem.answers.learned import write_learned

    learned = next((one.learned for one in tuned.values() if one.learned), None)
    if learned is not None:
        write_learned(place.records, learned)
    write_policies(place.records, [one.policy for one in tuned.values()])
    _remember(place, judged)


def _audited(workspace: Path, count: int) -> "list[Labelled]":
    """The latest audited hits."""
    with opened_cache(workspace, exact_only=True) as cache:
        if cache is None:
            raise ConfigError(NOTHING)
        found = cache.store.labels()
    if not found:
        raise ConfigError("no hit by meaning was audited yet: `answers.audit` in agentmem.toml is the share that is")
    return found[-count:]


def _near(log: Path, workspace: Path, count: int, seed: int) -> "list[Labelled]":
    """Similar questions of a log, in pairs."""
    from agentmem.answers.cache import all_kinds
    from agentmem.answers.query_types import classifier
    from agentmem.answers.sampling import sample as sampled
    from agentmem.recall.embedder import MiniLM

    classify = classifier(MiniLM(), all_kinds(settings(workspace)))
    lines = log.read_text(encoding="utf-8").splitlines()
    with notices().status("Comparing the questions ..."):
        return sampled(lines, MiniLM(), pairs=count, seed=seed, classify=classify)


def _judged(labelled: "Sequence[Labelled]") -> "Errors | None":
    from agentmem.answers.agreement import default_agrees, judged
    from agentmem.recall.embedder import MiniLM

    return judged(default_agrees(MiniLM()), labelled)


def _remember(place: "AnswersHome", found: "Errors | None") -> None:
    from agentmem.answers.agreement import write_errors

    if found is not None:
        write_errors(place.records, found)


def _judge_record(found: "Errors | None") -> dict[str, Any] | None:
    from agentmem.answers.stats import judge_record

    return judge_record(found)


def _said(found: "Errors | None") -> list[str]:
    from agentmem.meter.answers import judge as sentences

    return sentences(_judge_record(found)) or [NO_ANSWERS]


def _print(lines: Sequence[str]) -> None:
    for line in lines:
        console().print(line, highlight=False, soft_wrap=True)


def _classified(error: "KindError") -> str:
    return f"The classifier of query types was wrong on {error.wrong} of {error.of} examples left out."


def _row(kind: str, one: "Tuned") -> dict[str, Any]:
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
        "exact_only": one.policy.exact_only,
        "labels_needed": None if one.more < 0 else one.more,
        "learned": _learned(one),
    }


def _learned(one: "Tuned") -> dict[str, Any] | None:
    """What was learned from the log, and what is served of the held-out half without it."""
    if one.learned is None or one.without is None:
        return None
    without, bounds = one.without, one.without.precision_band
    return {
        "answers": one.learned.answers,
        "wrong_bounds": [1 - one.held.precision_band[1], 1 - one.held.precision_band[0]],
        "without": {
            "threshold": without.threshold,
            "served": without.served,
            "wrong": without.wrong,
            "wrong_bounds": [1 - bounds[1], 1 - bounds[0]],
        },
    }


def _gained(row: dict[str, Any]) -> str:
    if not (learned := row["learned"]):
        return ""
    without, (low, high), (least, most) = (
        learned["without"],
        learned["wrong_bounds"],
        learned["without"]["wrong_bounds"],
    )
    return (
        f" It holds with what was learned of {learned['answers']} answers, which refuses what it is not sure of: "
        f"{row['served']} served, {low:.2%} to {high:.2%} wrong; without it {without['threshold']:.4f} serves "
        f"{without['served']}, {least:.2%} to {most:.2%} wrong."
    )


def _sentence(row: dict[str, Any], limit: float) -> str:
    bound = "unknown" if row["upper95"] is None else f"{row['upper95']:.2%}"
    reached = (
        f"{row['type']}: on what was held out {row['chosen']:.4f} serves {row['served']} of {row['right']} right ones"
    )
    wrong = f"{reached}, {row['wrong']} of the served wrongly; the certificate says at most {bound} at 95 %."
    if row["certified"]:
        return f"{wrong} Certified for {limit:.2%}: the threshold is {row['threshold']:.4f}.{_gained(row)}"
    if row["exact_only"]:
        return f"{wrong} That is too often, so only exact keys are served from now on."
    needed = "no number of labels would do" if row["labels_needed"] is None else f"about {row['labels_needed']:,} more"
    used = f"{row['threshold']:.4f} is used"
    return f"{wrong} Not certified for {limit:.2%}, so {used}. Labels needed: {needed}."

"""The tester's report: a verdict with its evidence, as the tester files it, and as a page for people."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from agentmem.team.outcomes import Outcome
from agentmem.types import Json

Verdict = Literal["pass", "fail"]


class EvidenceGiven(TypedDict):
    """One piece of evidence, as the model writes it."""

    command: Annotated[str, Field(description="The command, exactly as you ran it.")]
    exit_code: Annotated[int, Field(description="The code that it ended with.")]
    output: Annotated[str, Field(description="The lines of its output that matter, copied exactly.")]
    outcomes: NotRequired[
        Annotated[
            dict[str, Outcome],
            Field(description="For pytest: test id to outcome, every test that did not pass, and others as you like."),
        ]
    ]


class FailingGiven(TypedDict):
    """One failing case, as the model writes it."""

    test: Annotated[str, Field(description="The test's id, or a name for the case.")]
    error: Annotated[str, Field(description="The line that says what went wrong, copied exactly.")]
    reproduce: Annotated[str, Field(description="The least code or command that shows the fault.")]


@dataclass(frozen=True, slots=True)
class Evidence:
    """A command that was run: its exit code, its output, and the outcomes of tests by id."""

    command: str
    exit_code: int
    output: str
    outcomes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Failing:
    """A failing case: the test's id, its error line, and the shortest code or command that reproduces it."""

    test: str
    error: str
    reproduce: str


@dataclass(frozen=True, slots=True)
class Report:
    """A tester's report: verdict, one paragraph, evidence, failing cases, and the parts that were not tested.

    Example:
        >>> report = result.report
        >>> if report and report.verdict == "fail":
        ...     print([one.test for one in report.failing])
    """

    verdict: Verdict
    summary: str
    evidence: tuple[Evidence, ...] = ()
    failing: tuple[Failing, ...] = ()
    untested: tuple[str, ...] = ()


def from_json(value: Json) -> Report:
    """A report from the arguments of the call that filed it, or from a checkpoint."""
    return Report(
        verdict=value["verdict"],
        summary=value["summary"],
        evidence=tuple(_evidence(one) for one in value.get("evidence") or ()),
        failing=tuple(Failing(one["test"], one["error"], one["reproduce"]) for one in value.get("failing") or ()),
        untested=tuple(value.get("untested") or ()),
    )


def _evidence(given: Mapping[str, Any]) -> Evidence:
    outcomes = given.get("outcomes") or {}
    return Evidence(given["command"], given["exit_code"], given["output"], tuple(outcomes.items()))


def to_json(report: Report) -> dict[str, Any]:
    """The report as JSON. `from_json` reads it."""
    return {
        "verdict": report.verdict,
        "summary": report.summary,
        "evidence": [
            {"command": e.command, "exit_code": e.exit_code, "output": e.output, "outcomes": dict(e.outcomes)}
            for e in report.evidence
        ],
        "failing": [{"test": f.test, "error": f.error, "reproduce": f.reproduce} for f in report.failing],
        "untested": list(report.untested),
    }


def page(report: Report, title: str, checked: Sequence[str] = ()) -> str:
    """The report as a markdown page. ``checked`` are the results of running the evidence again."""
    parts = [f"# {title}", f"**Verdict: {report.verdict}.** {report.summary.strip()}"]
    for heading, lines in (
        ("Failing cases", [_failing(one) for one in report.failing]),
        ("Evidence", [_shown(one) for one in report.evidence]),
        ("Not tested", [_listed(report.untested)] if report.untested else []),
        ("Run again by agentmem", [_listed(checked)] if checked else []),
    ):
        parts += [f"## {heading}", *lines] if lines else []
    return "\n\n".join(parts) + "\n"


def _failing(one: Failing) -> str:
    return f"- `{one.test}`: {one.error}\n\n{fenced(one.reproduce)}"


def _shown(one: Evidence) -> str:
    outcomes = "\n".join(f"- `{test}`: {outcome}" for test, outcome in one.outcomes)
    shown = f"`{one.command}` ended with {one.exit_code}:\n\n{fenced(one.output)}"
    return f"{shown}\n\n{outcomes}" if outcomes else shown


def _listed(lines: Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def fenced(text: str) -> str:
    """A text as a code block, even if it has fences in it."""
    longest = max((len(run) for run in _ticks(text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{text.rstrip()}\n{fence}"


def _ticks(text: str) -> list[str]:
    return "".join(one if one == "`" else " " for one in text).split()

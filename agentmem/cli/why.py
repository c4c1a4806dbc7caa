"""`agentmem why`: show where the cache was lost, why, and how to fix it."""

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agentmem.cli.options import HERE, AsJson, Database, Workspace, journal
from agentmem.cli.output import console, notices, print_json
from agentmem.errors import ConfigError, ThreadNotFound

if TYPE_CHECKING:
    from agentmem.integrations.observing import SkippedRequest
    from agentmem.kvcache.why.diagnosis import Finding
    from agentmem.kvcache.why.observed import ObservedRequest


def why(
    run: Annotated[str, typer.Argument(metavar="RUN|LOG", help="A run's thread, or the file of a wire log.")],
    workspace: Workspace = HERE,
    database: Database = None,
    json: AsJson = False,
) -> None:
    """Show why the cache was missed: for each loss its place, its cause, its price and the fix."""
    from agentmem.integrations.observing import passed_over
    from agentmem.kvcache.why.diagnosis import diagnose, summary

    with notices().status("Reading the requests ..."):
        observed, skipped = _read(run, workspace, database)
        findings = diagnose(observed)
    for said in passed_over(skipped):
        notices().print(said, highlight=False)
    if json:
        lines = [{"path": run, "line": one.line, "reason": one.reason} for one in skipped]
        print_json({**summary(run, observed, findings), "skipped": lines})
    else:
        _show(observed, findings)


def _read(
    run: str, workspace: Path, database: str | None
) -> "tuple[Sequence[ObservedRequest], Sequence[SkippedRequest]]":
    from agentmem.integrations.observing import read_run, read_wirelog

    if Path(run).is_file():
        observed, skipped = read_wirelog(Path(run))
        if skipped and not observed:
            raise ConfigError(f"{run} is not a wire log: line {skipped[0].line}: {skipped[0].reason}")
        return observed, skipped
    with journal(workspace, database) as opened:
        names = [thread.name for thread in opened.threads()] if opened else []
        if opened is None or run not in names:
            raise ThreadNotFound(
                f"there is no file and no run {run!r} here: `agentmem runs` lists the runs, and a wire log is written "
                "by agentmem.record"
            )
        return read_run(opened, run), ()


def _show(observed: "Sequence[ObservedRequest]", findings: "Sequence[Finding]") -> None:
    out = console()
    if not findings:
        out.print(f"{len(observed):,} requests, and none read less from the cache than it could have.", highlight=False)
        return
    for _, alike in groupby(findings, key=_kind):
        _explain(list(alike))
    tokens = sum(one.tokens_lost for one in findings)
    lost = {one.request for one in findings}
    out.print(
        f"\n{len(lost):,} of {len(observed):,} requests lost {tokens:,} tokens of cache{_worth(findings)}.",
        highlight=False,
    )


def _kind(finding: "Finding") -> tuple[str | None, str, bool]:
    """Neighbours with the same kind are shown together."""
    return finding.cause, (finding.segment or "").partition(" ")[0], finding.declared


def _explain(alike: "Sequence[Finding]") -> None:
    """Print neighbours of one cause in one place, explained by the first of them."""
    from rich.text import Text

    from agentmem.kvcache.why.texts import one_line

    out, first = console(), alike[0]
    numbers = f"request {first.request}" if len(alike) == 1 else f"requests {first.request} to {alike[-1].request}"
    times = "" if len(alike) == 1 else f" ({len(alike)} times)"
    title = Text.assemble((first.cause or "unexplained", "bold red"), f" · {numbers}{times}")
    title.append(" · declared" if first.declared else "")
    out.print()
    out.print(title)
    if first.segment is not None:
        block = "" if first.block is None else f", block {first.block}"
        out.print(Text(f"  {first.segment}{block}, byte {first.byte:,}, against request {first.previous}"))
        out.print(Text(f"  - {one_line(first.before or '')}", "red"))
        out.print(Text(f"  + {one_line(first.after or '')}", "green"))
    tokens = sum(one.tokens_lost for one in alike)
    out.print(Text(f"  {tokens:,} tokens lost{_worth(alike)}"))
    if first.provider_reason:
        out.print(Text(f"  the provider says: {first.provider_reason}"))
    out.print(Text(f"  {first.fix}", "italic"))


def _worth(findings: "Sequence[Finding]") -> str:
    known = [one.usd_lost for one in findings if one.usd_lost is not None]
    return f", ${sum(known):.4f}" if len(known) == len(findings) else ""

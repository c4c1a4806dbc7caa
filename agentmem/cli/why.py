"""`agentmem why`: show where the cache was lost, why, and how to fix it."""

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agentmem.cli.options import HERE, AsJson, Database, Workspace, journal
from agentmem.cli.output import console, notices, print_json
from agentmem.cli.sources import Project, Session, Since, choice, known_runs, location, name_skipped
from agentmem.errors import ThreadNotFound

if TYPE_CHECKING:
    from agentmem.kvcache.why.diagnosis import Finding
    from agentmem.report.loading import Choice, Diagnosed


def why(
    run: Annotated[
        str,
        typer.Argument(metavar="RUN|PATH", help="A run's thread, a wire log, or any agent's log or folder of logs."),
    ],
    since: Since = None,
    project: Project = None,
    session: Session = None,
    workspace: Workspace = HERE,
    database: Database = None,
    json: AsJson = False,
) -> None:
    """Show why the cache was missed: for each loss its place, its cause, its price and the fix."""
    with notices().status("Reading the requests ..."):
        found = _read(run, workspace, database, choice(since, project, session))
    if json:
        print_json(found.value(run))
    else:
        name_skipped(found.skipped)
        _show(found)


def _read(run: str, workspace: Path, database: str | None, chosen: "Choice") -> "Diagnosed":
    from agentmem.report.loading import diagnose_path, diagnose_run

    with journal(workspace, database) as opened:
        names = known_runs(opened)
        if path := location(run, names):
            return diagnose_path(path, chosen)
        if opened is None or run not in names:
            raise ThreadNotFound(
                f"there is no file and no run {run!r} here: `agentmem runs` lists the runs, and a wire log is written "
                "by `agentmem watch`, `agentmem proxy` or agentmem.record"
            )
        return diagnose_run(opened, run)


def _show(found: "Diagnosed") -> None:
    out = console()
    if not found.losses:
        out.print(
            f"{found.requests:,} requests, and none read less from the cache than it could have.", highlight=False
        )
        return
    several = len({session for session, _ in found.losses}) > 1
    for (session, *_), alike in groupby(found.losses, key=_kind):
        _explain([finding for _, finding in alike], session if several else "")
    findings = [finding for _, finding in found.losses]
    tokens = sum(one.tokens_lost for one in findings)
    lost = {(session, one.request) for session, one in found.losses}
    out.print(
        f"\n{len(lost):,} of {found.requests:,} requests lost {tokens:,} tokens of cache{_worth(findings)}.",
        highlight=False,
    )


def _kind(loss: "tuple[str, Finding]") -> tuple[str, str | None, str, bool]:
    """Neighbours in one session with the same kind are shown together."""
    session, finding = loss
    return session, finding.cause, (finding.segment or "").partition(" ")[0], finding.declared


def _explain(alike: "Sequence[Finding]", session: str) -> None:
    """Print neighbours of one cause in one place, explained by the first of them."""
    from rich.text import Text

    from agentmem.kvcache.why.texts import one_line

    out, first = console(), alike[0]
    numbers = f"request {first.request}" if len(alike) == 1 else f"requests {first.request} to {alike[-1].request}"
    times = "" if len(alike) == 1 else f" ({len(alike)} times)"
    title = Text.assemble((first.cause or "unexplained", "bold red"), f" · {numbers}{times}")
    title.append(" · declared" if first.declared else "")
    title.append(f" · {session}" if session else "")
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

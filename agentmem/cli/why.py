"""`agentmem why`: show where the cache was lost, why, and how to fix it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agentmem.cli.options import HERE, AsJson, Database, Workspace, journal
from agentmem.cli.output import console, notices, print_json
from agentmem.cli.sources import Project, Session, Since, choice, known_runs, location, name_skipped, no_run

if TYPE_CHECKING:
    from agentmem.kvcache.why.groups import FindingGroup
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
            raise no_run(run)
        return diagnose_run(opened, run)


def _show(found: "Diagnosed") -> None:
    from agentmem.kvcache.why.groups import AGAINST_REPORT, dollars_lost, grouped

    out = console()
    if not found.losses:
        out.print(
            f"{found.requests:,} requests, and none read less from the cache than it could have.", highlight=False
        )
        return
    several = len({session for session, _ in found.losses}) > 1
    for group in grouped(found.losses):
        _explain(group, group.session if several else "")
    tokens = sum(one.tokens_lost for _, one in found.losses)
    worth = _worth(dollars_lost([one for _, one in found.losses]))
    lost = {(session, one.request) for session, one in found.losses}
    out.print(
        f"\n{len(lost):,} of {found.requests:,} requests lost {tokens:,} tokens of cache{worth}. {AGAINST_REPORT}",
        highlight=False,
    )


def _explain(group: "FindingGroup", session: str) -> None:
    """Print findings of one cause in one place, explained by the first of them."""
    from rich.text import Text

    from agentmem.kvcache.why.texts import one_line

    out, first = console(), group.findings[0]
    title = Text.assemble((group.cause or "unexplained", "bold red"), f" · {group.span}")
    title.append(" · declared" if group.declared else "")
    title.append(f" · {session}" if session else "")
    out.print()
    out.print(title)
    if first.segment is not None:
        block = "" if first.block is None else f", block {first.block}"
        of = "" if len(group.requests) == 1 else f"request {first.request}: "
        place = f"byte {first.byte:,} of the whole prompt (tools, system, messages)"
        out.print(Text(f"  {of}{first.segment}{block}, {place}, against request {first.previous}"))
        out.print(Text(f"  - {one_line(first.before or '')}", "red"))
        out.print(Text(f"  + {one_line(first.after or '')}", "green"))
    out.print(Text(f"  {group.tokens_lost:,} tokens lost{_worth(group.usd_lost)}"))
    if group.saved:
        out.print(Text(f"  {group.saved}"))
    if first.provider_reason:
        out.print(Text(f"  the provider says: {first.provider_reason}"))
    out.print(Text(f"  {first.fix}", "italic"))


def _worth(usd: float | None) -> str:
    return "" if usd is None else f", ${usd:.4f}"

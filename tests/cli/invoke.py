"""Running the command line in this process, and keeping runs for it to report on."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from agentmem.cli.app import app
from agentmem.meter.ledger import Row, draft
from agentmem.transcript.journal import open_journal


def invoke(*arguments: str | Path, stdin: str | None = None, environ: Mapping[str, str] | None = None) -> Result:
    """What the command prints and ends with; ``environ`` is added to its environment."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments], input=stdin, env=environ)


def invoke_json(*arguments: str | Path, environ: Mapping[str, str] | None = None) -> Any:
    """The JSON that the command prints, with ``--json`` added; it must succeed."""
    result = invoke(*arguments, "--json", environ=environ)
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def keep(workspace: Path, runs: Mapping[str, Sequence[Row]]) -> None:
    """Write runs into the workspace's own database, each with its rows."""
    with open_journal(workspace / ".agentmem" / "agentmem.db") as journal:
        for thread, rows in runs.items():
            journal.append(thread, [draft(row) for row in rows], head=-1)

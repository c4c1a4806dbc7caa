"""agentmem.cli.doctor and agentmem.cli.checks."""

import re
import tomllib

import pytest

from agentmem.cli.doctor import CHECKS, EXTRAS, Check, verdict
from tests.cli.invoke import invoke, invoke_json
from tests.site.order import ROOT


@pytest.mark.parametrize("check", CHECKS)
def test_a_check_says_what_it_found_or_what_to_do(check: object) -> None:
    """None raises, whatever this machine has; what is missing comes with how to mend it."""
    assert callable(check)
    found = check()
    assert isinstance(found, Check)
    assert found.name
    assert found.detail
    assert found.ok or found.mend


def test_every_extra_is_looked_for() -> None:
    """What doctor looks for is what pyproject.toml says of each extra; local, postgres and langchain have own lines."""
    told = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    apart = {"local", "postgres", "langchain", "docs", "bench", "dev"}
    wanted = {
        name: tuple(re.split(r"[\[<>=!;]", one)[0] for one in needs)
        for name, needs in told.items()
        if name not in apart
    }
    assert dict(EXTRAS) == wanted


def test_the_table_fits_a_terminal() -> None:
    """At 80 columns the longest cell is no column of single words."""
    lines = invoke("doctor", environ={"COLUMNS": "80"}).stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert len(lines) < 5 * len(CHECKS)


def test_what_is_needed_is_here() -> None:
    """Where the tests run, agentmem works: doctor succeeds, and its JSON has every check."""
    told = invoke_json("doctor")
    assert told["ok"] is True
    assert {check["name"] for check in told["checks"]} >= {"Python", "SQLite", "Token counts", "Landlock", "git"}


def test_the_table_is_for_people() -> None:
    """Every check stands in it, and a verdict below."""
    text = " ".join(invoke("doctor").stdout.split())
    assert "SQLite" in text
    assert "Everything that agentmem needs is here" in text


def test_something_needed_that_is_missing_is_named() -> None:
    """The verdict names what must be mended, and only that."""
    missing = Check("SQLite", False, "no FTS5", "use another Python", needed=True)
    optional = Check("git", False, "not found", "install git")
    assert "SQLite" in verdict([missing, optional])
    assert "git" not in verdict([missing, optional])
    assert "is here" in verdict([optional])

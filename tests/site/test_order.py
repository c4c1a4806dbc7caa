"""The order of the site, and the reference."""

from tests.site.command_line import command_line
from tests.site.order import COPIED, ROOT, parts
from tests.site.python_reference import left_out, python_reference


def test_pages_from_outside_are_there() -> None:
    """Each page that is copied into the site exists; the first page is the first."""
    assert all((ROOT / name).is_file() for name in COPIED)
    assert next(parts())[1][0] == "index.md"


def test_every_public_name_has_its_place() -> None:
    """Each name of `agentmem` stands on a page of the reference."""
    assert left_out() == []
    assert "::: agentmem.runtime.agent.Agent" in python_reference()["python/agents.md"]


def test_every_command_is_on_the_page() -> None:
    """The page of the command line has each command and its options, also those of groups."""
    page = command_line()
    assert "## agentmem answers tune" in page and "| `--since WHEN` |" in page and "| 130 | interrupted" in page

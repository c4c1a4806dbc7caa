"""A repository to fork, and sandboxes of it in every way and isolation that works here."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from agentmem.sandbox import Sandbox
from agentmem.sandbox.forks import How, available
from agentmem.sandbox.planning import MOUNTING, Isolation
from tests.sandbox.worlds import WORKING, make_repository

Fork = Callable[..., Sandbox]

LAST_FIRST: tuple[Isolation, ...] = ("none", *reversed(WORKING))
WAYS: tuple[tuple[How, Isolation], ...] = tuple(
    (how, isolation)
    for how in available()
    for isolation in [one for one in LAST_FIRST if (one in MOUNTING) == (how == "overlay")][
        -1 if how == "worktree" else 0 :
    ][:1]
)
"""Ways to fork that work here, each with one isolation; the escapes try every isolation."""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "repository")


@pytest.fixture(params=WAYS, ids=lambda way: f"{way[0]}, {way[1]}")
def fork(request: pytest.FixtureRequest, source: Path) -> Iterator[Fork]:
    """Makes a sandbox of ``source`` that is closed at the end. Tests run once for each of WAYS."""
    how, isolation = request.param
    with ExitStack() as opened:

        def make(**named: Any) -> Sandbox:
            return opened.enter_context(Sandbox.fork(source, how=how, isolation=isolation, **named))

        yield make

"""Small projects whose tests run apart from their code."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from agentmem.sandbox import Sandbox
from agentmem.team.forks import PACKAGE
from agentmem.team.proof.apart import ApartBounds, ApartRun, run_apart
from agentmem.team.proof.layout import ProjectLayout, layout_of
from agentmem.team.proof.verdict import verdict_of
from agentmem.team.rights import TESTS

ENVIRONMENT = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}


def written(folder: Path, files: Mapping[str, str]) -> Path:
    """A folder with these files."""
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return folder


@contextmanager
def project(folder: Path, files: Mapping[str, str]) -> Iterator[tuple[Sandbox, ProjectLayout]]:
    """A fork of a project with these files, and its layout."""
    with Sandbox.fork(written(folder / "repo", files), readable=(PACKAGE,)) as fork:
        yield fork, layout_of(fork, "pytest -q", ENVIRONMENT, TESTS)


def apart(
    folder: Path,
    code: Mapping[str, str],
    tests: Mapping[str, str],
    *,
    calls: float = 30.0,
    reverse: bool = False,
    without: Sequence[str] = (),
) -> ApartRun:
    """What these tests do apart from this code."""
    with project(folder, {**code, **tests}) as (fork, layout):
        data = {path: text.encode("utf-8") for path, text in tests.items()}
        files = [path for path in tests if path.rpartition("/")[2].startswith("test_")]
        bounds = ApartBounds(60.0, calls)
        return run_apart(fork, layout, data, files, ENVIRONMENT, reverse=reverse, without=without, bounds=bounds)


def verdicts(run: ApartRun) -> dict[str, str]:
    """Each test's name with its verdict, and for an unproven one the reason."""
    found = {}
    for name, test in run.tests.items():
        verdict, reason, _ = verdict_of(test)
        found[name.rpartition("::")[2]] = f"{verdict} {reason}".strip()
    return found


def of_each(names: Sequence[str], verdict: str) -> dict[str, str]:
    return dict.fromkeys(names, verdict)

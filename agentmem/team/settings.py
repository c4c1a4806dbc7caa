"""The settings of a team: players, repository, check, and limits."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

import platformdirs

from agentmem.checking import FLAG, NOTHING, NUMBER, PATH, TEXT, TEXT_MAP, TEXTS, WHOLE, Wanted, among, of
from agentmem.errors import ConfigError
from agentmem.sandbox.planning import Isolation
from agentmem.team import mutants
from agentmem.team.budget import UNLIMITED, Budget
from agentmem.team.rights import TESTS
from agentmem.team.roles import Role

CHECK = "pytest -q"
DATABASE = Path(".agentmem") / "agentmem.db"
"""The file for runs, relative to the team's place."""
ROUNDS = 5
TRIES = 3
"""Reports that the tester may file in one round until one is accepted."""

WANTED: Mapping[str, Wanted] = {
    "repo": PATH,
    "check": TEXT,
    "rounds": WHOLE,
    "budget": of(Budget, "agentmem.Budget"),
    "tests": TEXTS,
    "tries": WHOLE,
    "mutants": WHOLE,
    "seconds": NUMBER,
    "place": PATH | NOTHING,
    "database": PATH | NOTHING,
    "isolation": among("auto", *get_args(Isolation)),
    "environment": TEXT_MAP | NOTHING,
    "trust_code": FLAG,
}
"""The types of a Team's arguments, without its players."""


@dataclass(frozen=True, slots=True)
class TeamSettings:
    """The settings of a team's work, checked when made. ``tests`` are globs; ``seconds`` limits each command.

    ``place`` is a folder outside the repository for reports, and for the database if none is given. With ``trust_code``
    a pass counts that was only re-run in one process with the code.
    """

    coder: Role
    tester: Role
    repo: Path
    place: Path
    check: str = CHECK
    rounds: int = ROUNDS
    budget: Budget = UNLIMITED
    tests: tuple[str, ...] = TESTS
    tries: int = TRIES
    mutants: int = mutants.MOST
    seconds: float = 600.0
    isolation: Isolation | Literal["auto"] = "auto"
    database: Path | str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    trust_code: bool = False

    def __post_init__(self) -> None:
        if not self.repo.is_dir():
            raise ConfigError(f"there is no folder {self.repo}: give the repository to work on as repo=")
        if not self.check.strip():
            raise ConfigError("check is empty: give the command that the change must pass, for example 'pytest -q'")
        if not self.tests:
            raise ConfigError("tests is empty: the tester could not write anywhere; give globs such as 'tests/**'")
        for name in ("rounds", "tries", "mutants", "seconds"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"{name} is {getattr(self, name)!r}; it must be above 0")
        if self.place.resolve().is_relative_to(self.repo.resolve()):
            raise ConfigError(
                f"{self.place} is inside the repository, which the work must not touch: choose another place"
            )


def place_of(repo: Path) -> Path:
    """The default folder for the reports and runs on a repository."""
    name = hashlib.sha256(str(repo).encode("utf-8", "surrogateescape")).hexdigest()[:8]
    return platformdirs.user_data_path("agentmem") / "teams" / f"{repo.name}-{name}"

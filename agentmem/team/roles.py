"""The two roles: their instructions, tools and rights, and the agents that play them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from agentmem import assets
from agentmem.checking import COUNT, NOTHING, TEXT, Wanted, check_fields, of
from agentmem.compaction.when import Compaction
from agentmem.meter.prices import PRICED
from agentmem.models.objects import ModelLike, as_model
from agentmem.routing.routes import Routes
from agentmem.runtime.agent import BUDGET, Agent
from agentmem.runtime.stops import Limits
from agentmem.team import rights
from agentmem.team.role_tools import Rights, RoleTools
from agentmem.types import Options

Name = Literal["coder", "tester"]
NAMES: tuple[Name, ...] = ("coder", "tester")

ALLOWED: dict[Name, tuple[str, ...]] = {
    "coder": ("read", "edit", "run", "recall"),
    "tester": ("read", "edit", "run", "report", "recall"),
}
"""The tools that each role may use, of the one menu that both have."""


@dataclass(frozen=True, slots=True)
class Role:
    """The player of a role: a model, and instructions in addition to those that every coder or tester gets.

    Args:
        model: a model or its name.
        instructions: added to the role's own.
        budget: tokens of context.
        options: options of the requests.
        limits: limits of each turn of the role, not of the whole team.
        price_as: the model whose prices count for this one.
        routes: where the role's requests may go besides, and by which rules. A tester's work is labelled "tester".

    Example:
        >>> Team(Role("anthropic:claude-sonnet-5-5", "Use type hints."), tester)
    """

    model: ModelLike
    instructions: str = ""
    budget: int = BUDGET
    options: Options = Options()
    limits: Limits = Limits()
    price_as: str | None = None
    routes: Routes | None = None

    def __post_init__(self) -> None:
        check_fields("Role", self, _WANTED)
        if not isinstance(self.model, str):
            object.__setattr__(self, "model", as_model(self.model))


_WANTED: Mapping[str, Wanted] = {
    "instructions": TEXT,
    "budget": COUNT,
    "options": of(Options, "agentmem.Options"),
    "limits": of(Limits, "agentmem.Limits"),
    "price_as": PRICED | NOTHING,
    "routes": of(Routes, "agentmem.Routes") | NOTHING,
}

Player: TypeAlias = "Role | Agent | ModelLike"
"""The values that a team takes for a role. Of an Agent it uses model, instructions, budget, options, limits and routes.
"""


def role_of(player: Player) -> Role:
    """The role of a player."""
    if isinstance(player, Role):
        return player
    if not isinstance(player, Agent):
        return Role(player)
    opening, steps = player.steps.opening(), player.steps
    told = "\n\n".join(opening.system)
    own = "" if told == assets.read("prompts/agent.md").strip() else told
    routes = player.placing.routes if player.placing else None
    return Role(player.model, own, steps.budget, opening.options, steps.limits, steps.meter.price_as, routes)


def agent_of(name: Name, role: Role, model: ModelLike, tools: RoleTools, place: Path, database: Path | str) -> Agent:
    """The agent for a role. Both roles have the same tools and system, so that they share a prefix."""
    return Agent(
        model,
        place,
        name=name,
        tools=tools.menu(),
        budget=role.budget,
        system=assets.read("prompts/team.md").strip(),
        options=role.options,
        limits=role.limits,
        database=database,
        price_as=role.price_as,
        routes=role.routes,
        compaction=Compaction(),
    )


def rights_of(name: Name, tests: Sequence[str]) -> Rights:
    """The rights of a role. ``tests`` are the globs of the test paths."""

    def coder(path: str, there: bool) -> bool:
        return not (rights.matches(path, tests) or rights.steers(path))

    def tester(path: str, there: bool) -> bool:
        return not there and rights.matches(path, tests) and not rights.steers(path)

    if name == "coder":
        return Rights(coder, "The coder changes code, and neither tests nor what steers them.")
    words = f"The tester writes new test files only, with edit, at {', '.join(tests)}; its commands keep no file."
    return Rights(tester, words, ())


def opening_words(name: Name, role: Role, *, task: str, check: str, tests: Sequence[str]) -> str:
    """The first message to a role. It comes after the shared prefix."""
    told = assets.read(f"prompts/{name}.md").strip()
    given = {"{check}": check, "{tests}": ", ".join(f"`{one}`" for one in tests), "{task}": task.strip()}
    for mark, text in given.items():
        told = told.replace(mark, text)
    return f"{role.instructions.strip()}\n\n{told}".strip()


def thread_of(team: str, name: Name) -> str:
    """The name of a role's thread in a team's work."""
    return f"{team}.{name}"

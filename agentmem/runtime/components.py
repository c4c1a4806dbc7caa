"""Makes the components of an agent from the arguments: objects as they are, others from a name or a path."""

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any

from langgraph.checkpoint.base import BaseCheckpointSaver

from agentmem import models
from agentmem.answers.home import checked, home_in
from agentmem.checking import (
    CALLABLE,
    COUNT,
    LIST,
    NAMES,
    NOTHING,
    PATH,
    TEXT,
    TEXTS,
    Wanted,
    among,
    having,
    of,
)
from agentmem.compaction.when import Compaction
from agentmem.distribution import install
from agentmem.errors import ConfigError
from agentmem.menu.menu import ToolLike, default_menu, make_menu
from agentmem.menu.permissions import Reach
from agentmem.menu.tool import Menu
from agentmem.meter import prices
from agentmem.meter.ledger import RequestMeter
from agentmem.models.objects import ModelLike, as_model
from agentmem.object_store import check
from agentmem.objects import in_objects, located
from agentmem.pages.names import HOME
from agentmem.pages.workspace import Workspace
from agentmem.recall.archive import FOLDER, archive_in
from agentmem.routing.routes import Routes
from agentmem.routing.targets import RouteTarget
from agentmem.runtime.delegates import Delegation
from agentmem.runtime.fallbacks import Lineup
from agentmem.runtime.history import History, Sandboxed
from agentmem.runtime.saver import SqliteCheckpoints
from agentmem.runtime.session import Sessions
from agentmem.runtime.shared_pages import SharedPages
from agentmem.runtime.stops import Limits
from agentmem.transcript.attachments import Attachments
from agentmem.transcript.journal import Journal, open_journal
from agentmem.transcript.postgres import open_postgres
from agentmem.transcript.sqlite import open_sqlite
from agentmem.transcript.storage import Storage, locate
from agentmem.types import Archive, Model, Options

if TYPE_CHECKING:
    from agentmem.runtime.postgres_saver import PostgresCheckpoints


def open_saver(url: str | Path) -> "SqliteCheckpoints | PostgresCheckpoints":
    """The saver of the database at ``url`` (as in open_journal). Close it when done.

    Raises ConfigError if the database cannot be used.
    """
    address = locate(url)
    if address.kind == "postgres":
        _import_saver()
    return _saver(open_sqlite(address) if address.kind == "sqlite" else open_postgres(address))


def saver_beside(journal: Journal) -> "SqliteCheckpoints | PostgresCheckpoints":
    """The saver of the journal's database, on the journal's own connections.

    In SQLite two connections that write in turn would make each other read their pages again, which costs more than all
    other work of a turn.
    """
    return _saver(journal.storage, journal.confirm)


def _saver(
    storage: Storage, confirm: Callable[[str], None] = lambda thread: None
) -> "SqliteCheckpoints | PostgresCheckpoints":
    made = SqliteCheckpoints if storage.address.kind == "sqlite" else _import_saver()
    return made(storage, confirm)


def _import_saver() -> "type[PostgresCheckpoints]":
    try:
        from agentmem.runtime.postgres_saver import PostgresCheckpoints
    except ImportError as error:
        raise ConfigError(f"Postgres needs more packages ({error}): {install('postgres')}") from None
    return PostgresCheckpoints


FOLDER_PATH = Wanted('a path ("." is the folder here, "" is none)', lambda given: PATH.fits(given) and given != "")
"""An empty path mostly comes from a variable that is not set, and must not make pages where the program was started."""
WANTED: Mapping[str, Wanted] = {
    "workspace": of(Workspace, "a Workspace") | FOLDER_PATH,
    "model_options": of(Mapping, "a mapping of options") | NOTHING,
    "name": TEXT,
    "tools": LIST | of(Menu, "a Menu") | NOTHING,
    "budget": COUNT,
    "system": TEXT | NOTHING,
    "pinned": TEXTS,
    "options": of(Options, "agentmem.Options"),
    "approve": NAMES,
    "reach": of(Reach, "agentmem.Reach"),
    "limits": of(Limits, "agentmem.Limits"),
    "database": PATH | NOTHING,
    "price_as": prices.PRICED | NOTHING,
    "compaction": of(Compaction, "agentmem.Compaction") | NOTHING,
    "archive": among("workspace")
    | Wanted("an address s3://bucket/prefix", in_objects)
    | NOTHING
    | having("an archive", "keep", "recall", "forget", "close"),
    "attachments": Wanted("an address s3://bucket/prefix", in_objects) | NOTHING,
    "answers": Wanted("an address s3://bucket/prefix", in_objects) | NOTHING,
    "clock": CALLABLE,
    "fallbacks": LIST,
    "skills": TEXT | NOTHING,
    "routes": of(Routes, "agentmem.Routes") | NOTHING,
    "delegation": of(Delegation, "agentmem.Delegation"),
    "sandbox": NOTHING | having("a Sandbox", "snapshot", "rollback", "fork_again"),
}
"""The arguments of an Agent, besides its model."""

AROUND: ContextVar[Callable[[Model], Model] | None] = ContextVar("what goes around the models of agents", default=None)
"""Set where agents are made whose requests go through something else on their way, such as the limits of a fleet."""

_log = logging.getLogger(__name__)


def menu(tools: Sequence[ToolLike] | Menu | None, root: Path, opened: ExitStack) -> Menu:
    """The menu. Its connections end with the agent, unless another one uses them too."""
    made = default_menu() if tools is None else tools if isinstance(tools, Menu) else make_menu(tools, root)
    for source in made.sources:
        source.use()
        opened.callback(source.close)
    return made


def workspace(place: Workspace | Path | str, opened: ExitStack) -> Workspace:
    """The workspace. One made from a path is closed with the agent."""
    if isinstance(place, Workspace):
        return place
    return opened.enter_context(closing(Workspace(place, create=True)))


def ground(
    place: Workspace | Path | str, tools: Sequence[ToolLike] | Menu | None, opened: ExitStack
) -> tuple[Workspace, Menu, Path]:
    """The workspace, the menu of tools that work on it, and its folder."""
    made = workspace(place, opened)
    return made, menu(tools, made.root, opened), made.root


def model(named: ModelLike, options: Mapping[str, Any] | None, opened: ExitStack) -> Model:
    """The model. One made from a name is closed with the agent."""
    if not isinstance(named, str):
        if options:
            raise ConfigError(f"model_options go with a model's name: give them to {type(named).__name__} itself")
        return as_model(named)
    loaded = models.load(named, **(options or {}))
    opened.callback(loaded.close)
    return loaded


def lineup(
    named: Sequence[ModelLike],
    options: Mapping[str, Any] | None,
    opened: ExitStack,
    routes: Routes | None = None,
    folder: Path = Path(),
) -> Lineup:
    """The models, the first choice first; ``options`` are the first one's. Raises ConfigError.

    Of ``routes`` the targets are loaded, unless nothing is sent to them. What they keep is in the workspace's
    ``folder``.
    """
    first, *others = named
    made = (model(first, options, opened), *(model(one, None, opened) for one in others))
    places = routes.targets if routes and routes.mode == "live" else ()
    around = AROUND.get() or _as_it_is
    return Lineup(tuple(map(around, made)), {one.name: _target(one, folder, opened, around) for one in places})


def _as_it_is(one: Model) -> Model:
    return one


def _target(one: RouteTarget, folder: Path, opened: ExitStack, around: Callable[[Model], Model]) -> Model:
    """The model of a target. One of the tier batch goes through the provider's batch API. Raises ConfigError."""
    loaded = model(one.model, None, opened)
    if one.tier != "batch":
        return around(loaded)
    if hasattr(loaded, "pending"):
        return loaded
    from agentmem.models.anthropic import AnthropicModel
    from agentmem.models.batches import BatchModel

    if not isinstance(loaded, AnthropicModel):
        raise ConfigError(f"the target {one.name!r} is a batch, and only Anthropic's batch API is known: name a Claude")
    return BatchModel(loaded, folder / HOME / "batches")


def measured(
    name: str, models: Lineup, wanted: int, options: Options, price_as: str | None
) -> tuple[int, RequestMeter]:
    """The budget of the agent of this name, and what writes its ledger. Raises ConfigError.

    The first model's prices count unless others are named.
    """
    return budget(wanted, models.models, options), RequestMeter(name, models.models[0].profile, price_as)


def budget(wanted: int, models: Sequence[Model], options: Options) -> int:
    """The budget, no larger than what fits into every model's window beside a reply."""
    for one in models:
        fits = prices.room(one.profile, options.max_tokens)
        if fits is not None and fits < wanted:
            _log.info("%s takes %s tokens of context: the budget is lowered to that", one.profile.name, f"{fits:,}")
            wanted = fits
    return wanted


def database(
    url: Path | str, opened: ExitStack, attached: str | None = None
) -> tuple[Journal, BaseCheckpointSaver[Any]]:
    """The journal and LangGraph's checkpoints, in one database; large contents are ``attached`` elsewhere."""
    journal = opened.enter_context(closing(open_journal(url)))
    if attached is not None:
        check(address := located(attached))
        journal.storage.attachments = Attachments(address)
    return journal, opened.enter_context(closing(saver_beside(journal)))


def threads(journal: Journal, root: Path, sandbox: Sandboxed | None) -> tuple[Sessions, History]:
    """What opens threads, and what knows their past."""
    return Sessions(journal, pages=shared_pages(journal, root)), History(journal, root, sandbox)


def shared_pages(journal: Journal, root: Path) -> SharedPages | None:
    """The pages as other hosts see them, for a database that other hosts may use; else None."""
    return SharedPages(journal.storage, root) if journal.storage.address.kind == "postgres" else None


def beside(
    kept: Archive | str | None,
    answers: str | None,
    database: Path | str | None,
    journal: Journal,
    root: Path,
    opened: ExitStack,
) -> tuple[Archive | None, tuple[Path | str, str | None]]:
    """The archive, and the arguments of the AnswerCache of `Agent.ask`, which is opened when it is asked.

    Raises ConfigError for an address that cannot be used.
    """
    made = archive(kept, journal, root, opened)
    if answers is not None:
        checked(answers, database)
    return made, home_in(root, answers, database)


def archive(given: Archive | str | None, journal: Journal, root: Path, opened: ExitStack) -> Archive | None:
    """The archive. The workspace's own, or one at an address, is closed with the agent, before the journal."""
    if not isinstance(given, str):
        return given
    where = root / HOME / FOLDER if given == "workspace" else given
    made = opened.enter_context(closing(archive_in(where, journal)))
    if in_objects(given):
        check(located(given))
    return made


def approved(approve: Sequence[str], menu: Menu) -> frozenset[str]:
    """The tools whose calls wait for a person. Raises ConfigError for a tool that the menu does not have."""
    if unknown := sorted(set(approve) - set(menu.names)):
        raise ConfigError(f"approve names {', '.join(unknown)}, and the menu has only {', '.join(menu.names)}")
    return frozenset(approve)

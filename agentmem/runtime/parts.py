"""What an agent is put together from, as it was given or made from a name."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, Literal

from langgraph.checkpoint.base import BaseCheckpointSaver

from agentmem import models
from agentmem.context.journal import Journal, open_journal
from agentmem.errors import ConfigError
from agentmem.memory.archive import FOLDER, archive_in
from agentmem.pages.names import HOME
from agentmem.pages.workspace import Workspace
from agentmem.runtime.checkpoints import saver_beside
from agentmem.runtime.menu import Menu, ToolLike, default_menu, make_menu
from agentmem.types import Archive, Model


def menu(tools: Sequence[ToolLike] | Menu | None) -> Menu:
    if tools is None:
        return default_menu()
    return tools if isinstance(tools, Menu) else make_menu(tools)


def workspace(place: Workspace | Path | str, opened: ExitStack) -> Workspace:
    """The workspace; one that was made from a path is closed with the agent."""
    if isinstance(place, Workspace):
        return place
    return opened.enter_context(closing(Workspace(place, create=True)))


def model(named: Model | str, options: Mapping[str, Any] | None, opened: ExitStack) -> Model:
    """The model; one that was named is closed with the agent."""
    if not isinstance(named, str):
        if options:
            raise ConfigError(f"model_options go with a model's name: give them to {type(named).__name__} itself")
        return named
    loaded = models.load(named, **(options or {}))
    opened.callback(loaded.close)
    return loaded


def database(url: Path | str, opened: ExitStack) -> tuple[Journal, BaseCheckpointSaver[Any]]:
    """The journal and LangGraph's checkpoints, in one database."""
    journal = opened.enter_context(closing(open_journal(url)))
    return journal, opened.enter_context(closing(saver_beside(journal)))


def archive(
    given: Archive | Literal["workspace"] | None, journal: Journal, workspace: Workspace, opened: ExitStack
) -> Archive | None:
    """The archive; the workspace's own is closed with the agent, and before the journal that it follows."""
    if given != "workspace":
        return given
    return opened.enter_context(closing(archive_in(workspace.root / HOME / FOLDER, journal)))


def approved(approve: Sequence[str], menu: Menu) -> frozenset[str]:
    if unknown := sorted(set(approve) - set(menu.names)):
        raise ConfigError(f"approve names {', '.join(unknown)}, and the menu has only {', '.join(menu.names)}")
    return frozenset(approve)

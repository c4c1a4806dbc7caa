"""Turns a connection's tools off and on in a thread: an entry each time, so that a prefix never breaks unseen.

Off and on are notes at the tail, and what is off follows from them. Only a connection that the thread began without
changes its prefix, by a declared cut.
"""

from dataclasses import replace

from agentmem.errors import ConfigError, MenuError
from agentmem.menu.menu import MOST
from agentmem.menu.tool import Menu
from agentmem.transcript.transcript import Opening, note, reconfigure
from agentmem.types import Draft

OFF = "[Note] {source} is switched off: calls of {tools} are refused until it is switched on again."
ON = "[Note] {source} is switched on: {tools} may be called."
REFUSED = "{name} was not called: {source}, which it belongs to, is switched off in this conversation."
_ABOUT = "switch "
_IS_OFF = " is switched off: "


def after(off: frozenset[str], about: str, text: str) -> frozenset[str]:
    """The connections that are off, after one more note."""
    if not about.startswith(_ABOUT):
        return off
    source = about.removeprefix(_ABOUT)
    return off | {source} if _IS_OFF in text else off - {source}


def drafts(menu: Menu, source: str, on: bool, settings: Opening, off: frozenset[str]) -> tuple[Draft, ...]:
    """The entries of a switch; none if it stands so already. Raises ConfigError and MenuError."""
    tools = [one for one in menu.tools if one.source == source]
    if not tools:
        known = ", ".join(one.name for one in menu.sources) or "none"
        raise ConfigError(f"there is no connection {source!r} among the agent's tools; there is {known}")
    have = {one["name"] for one in settings.tools}
    lacking = tuple(one.definition() for one in tools if one.name not in have)
    if not on:
        return () if source in off or len(lacking) == len(tools) else (_noted(source, menu, on),)
    if len(settings.tools) + len(lacking) > MOST:
        raise MenuError(f"with {source} the thread would have more than {MOST} tools: name fewer with only=[...]")
    cut = (reconfigure(replace(settings, tools=(*settings.tools, *lacking))),) if lacking else ()
    return (*cut, _noted(source, menu, on)) if lacking or source in off else ()


def text(source: str, menu: Menu, on: bool) -> str:
    """The note for the model."""
    names = ", ".join(one.name for one in menu.tools if one.source == source)
    return (ON if on else OFF).format(source=source, tools=names or "its tools")


def about(source: str) -> str:
    """The subject of a connection's notes."""
    return f"{_ABOUT}{source}"


def _noted(source: str, menu: Menu, on: bool) -> Draft:
    return note(about(source), text(source, menu, on))

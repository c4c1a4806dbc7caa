"""Makes menus: the few tools that a model is offered, in an order that never changes while a thread runs."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from typing_extensions import TypeIs

from agentmem.errors import MenuError
from agentmem.menu import builtin, cards
from agentmem.menu import delegating as delegating_module
from agentmem.menu import shell as shell_module
from agentmem.menu.foreign import LangChainTool
from agentmem.menu.making import from_function, tool
from agentmem.menu.tool import Menu, Tool, ToolSource

__all__ = ["MOST", "ToolLike", "built_in", "default_menu", "make_menu", "tool"]

MOST = 12
"""The most tools on a menu: with more, models choose worse, and every request pays for the definitions."""

_BUILT_IN: dict[str, Callable[..., object]] = {
    "read": builtin.read,
    "list": builtin.list_pages,
    "find": builtin.find,
    "write": builtin.write,
    "edit": builtin.edit,
    "recall": builtin.recall,
    "plan": builtin.plan,
    "run": shell_module.run,
    "delegate": delegating_module.delegate,
}
_ASKED_FOR = frozenset({"run", "delegate"})
"""Built-in tools that are on a menu only if somebody asks for them."""

ToolLike = Tool | LangChainTool | Callable[..., object] | str | ToolSource
"""For `make_menu`: a Tool, a LangChain tool, a function, the name of a built-in tool, or a connection with several."""


def default_menu(*, shell: bool = False) -> Menu:
    """The menu of built-in tools; ``run``, the shell, only with ``shell=True``.

        Agent("anthropic:claude-sonnet-5-5", "notes", tools=default_menu(shell=True))

    ``delegate`` joins only by its name: ``tools=[*default_menu().names, "delegate"]``.
    """
    return make_menu([name for name in _BUILT_IN if name not in _ASKED_FOR or (shell and name == "run")])


def make_menu(tools: Sequence[ToolLike], root: Path | None = None) -> Menu:
    """A menu of these tools, in this order.

        make_menu(["read", "find", stock])  # built-in tools by name, and a function of yours

    Connections are opened for it: close them, or give the menu to an agent, which does. ``root`` is the workspace that
    knows their tools. Raises MenuError for more than a dozen tools, or if two have the same name.
    """
    sources = tuple(one for one in tools if _is_source(one))
    try:
        return Menu(_checked([made for one in tools for made in _all(one, root)]), sources)
    except BaseException:
        for source in sources:
            source.close()
        raise


def _checked(made: Sequence[Tool]) -> tuple[Tool, ...]:
    if len(made) > MOST:
        connected = ", ".join(dict.fromkeys(one.source for one in made if one.source))
        advice = f" Of {connected}, name fewer tools with only=[...]." if connected else ""
        raise MenuError(
            f"{len(made)} tools are too many: a model chooses well among {MOST} at most, and every request pays for "
            f"all of them. Merge tools that work on the same thing into one with an `action` parameter.{advice}"
        )
    names = [one.name for one in made]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise MenuError(
            f"two tools are called {twice!r}; give one of them another name with tool(..., name=...), and a "
            f"connection's with only={{{twice!r}: 'another_name'}}"
        )
    return tuple(made)


def _is_source(one: object) -> TypeIs[ToolSource]:
    return callable(getattr(one, "tools", None)) and callable(getattr(one, "differences", None))


def _all(one: ToolLike, root: Path | None) -> Iterable[Tool]:
    return one.tools(root) if _is_source(one) else (_made(one),)


def _made(one: Tool | LangChainTool | Callable[..., object] | str) -> Tool:
    if isinstance(one, Tool):
        return one
    return built_in(one) if isinstance(one, str) else tool(one)


def built_in(name: str) -> Tool:
    """A built-in tool by its name. Raises MenuError for another name."""
    if name not in _BUILT_IN:
        raise MenuError(f"there is no built-in tool {name!r}; there are {', '.join(_BUILT_IN)}")
    return from_function(_BUILT_IN[name], card=cards.load(name))

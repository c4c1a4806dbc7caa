"""The page of the command line, made of the commands themselves."""

import re
from collections.abc import Iterator
from typing import Any, get_args

import typer

from agentmem.cli.app import app
from agentmem.cli.exits import MEANINGS

TITLE = """# The command line

Made of the commands themselves, as `agentmem COMMAND --help` shows them. Every command that reports takes `--json`
([the JSON contract](json.md)).
"""


def command_line() -> str:
    """The page as markdown."""
    root: Any = typer.main.get_command(app)
    parts = [TITLE, "## Exit codes\n", "| code | meaning |\n|---|---|"]
    parts += [f"| {int(code)} | {_cell(meaning)} |" for code, meaning in MEANINGS]
    return "\n".join([*parts, "", *_commands(root, "agentmem"), ""])


def _commands(group: Any, path: str) -> Iterator[str]:
    for name, command in group.commands.items():
        if command.hidden:
            continue
        yield f"## {path} {name}\n"
        yield f"{_plain(command.help or '')}\n"
        yield from _parameters(command)
        if hasattr(command, "commands"):
            yield from _commands(command, f"{path} {name}")


def _parameters(command: Any) -> Iterator[str]:
    rows = [row for one in command.params if not getattr(one, "hidden", False) and (row := _row(one))]
    if rows:
        yield "| | meaning |\n|---|---|"
        yield from rows
        yield ""


def _row(parameter: Any) -> str:
    if parameter.name in ("help", "install_completion", "show_completion"):
        return ""
    argument = parameter.param_type_name == "argument"
    metavar = parameter.metavar or ""
    names = metavar or parameter.name.upper() if argument else " ".join([", ".join(parameter.opts), metavar]).strip()
    said = _plain(getattr(parameter, "help", None) or "")
    choices = [one for one in get_args(parameter.type_descriptor.annotation) if isinstance(one, str)]
    said += f" One of: {', '.join(choices)}." if choices else ""
    return f"| `{_cell(names)}` | {_cell(said)} |"


def _plain(text: str) -> str:
    return re.sub(r"\[/?\w+\]", "", text.replace("\b", "")).strip()


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())

"""Ends commands: with exit codes that scripts can use, and each error as one clear paragraph on stderr."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import Any

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from agentmem.cli.output import complain
from agentmem.errors import AgentmemError, BudgetExceeded, ConfigError, ModelError, ThreadBusy
from agentmem.visible import visible


class Code(IntEnum):
    """A command's exit code."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    BUDGET = 3
    MODEL = 4
    BUSY = 5
    STOPPED = 6
    WAITING = 7
    NOT_PASSED = 8
    INTERRUPTED = 130


MEANINGS: tuple[tuple[Code, str], ...] = (
    (Code.DONE, "done"),
    (Code.FAILED, "failed: the paragraph on stderr says why"),
    (Code.USAGE, "wrong usage or a setting that cannot work"),
    (Code.BUDGET, "the next request would not fit the budget"),
    (Code.MODEL, "the model could not answer, or is not installed or has no key"),
    (Code.BUSY, "another run holds the thread"),
    (Code.STOPPED, "a limit stopped the run (--max-turns, --max-usd, --max-seconds)"),
    (Code.WAITING, "a tool call waits for your approval"),
    (Code.NOT_PASSED, "the team's change did not pass: the report says why"),
    (Code.INTERRUPTED, "interrupted (Ctrl-C)"),
)

_ERRORS: tuple[tuple[type[Exception], Code], ...] = (
    (ConfigError, Code.USAGE),
    (BudgetExceeded, Code.BUDGET),
    (ModelError, Code.MODEL),
    (ThreadBusy, Code.BUSY),
    (AgentmemError, Code.FAILED),
)
"""The first row whose class fits an error gives its code."""

# The backspace tells Typer not to rewrap the paragraph, so that each code keeps its line.
EPILOG = "\b\n" + "\n".join(["Exit codes:", *(f"{code.value:>4}  {meaning}" for code, meaning in MEANINGS)])


class Commands(TyperGroup):
    """A group of commands that print an error as a paragraph, and a traceback only with --debug."""

    def make_context(self, *arguments: Any, **settings: Any) -> Any:
        with _said_visibly():
            return super().make_context(*arguments, **settings)

    def invoke(self, ctx: Any) -> Any:
        with _said_visibly():
            return self._invoke(ctx)

    def _invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            complain("Interrupted. What was written so far is kept; a run goes on with the same --thread.")
            raise typer.Exit(Code.INTERRUPTED) from error
        except (typer.Exit, typer.Abort, TyperException, BrokenPipeError):
            raise  # Typer handles these
        except Exception as error:
            complain(_paragraph(error))
            if ctx.params.get("debug"):
                complain(traceback.format_exc())
            raise typer.Exit(code_of(error)) from error


@contextmanager
def _said_visibly() -> Iterator[None]:
    """Escapes control characters in usage errors: Typer prints them, and a file name may stand in their arguments."""
    try:
        yield
    except TyperException as error:
        error.message = visible(error.message)
        raise


def code_of(error: Exception) -> Code:
    """The exit code for an error."""
    return next((code for kind, code in _ERRORS if isinstance(error, kind)), Code.FAILED)


def _paragraph(error: Exception) -> str:
    if isinstance(error, AgentmemError):
        return str(error)
    if isinstance(error, OSError):
        return f"{error.filename or 'a file or socket'}: {error.strerror or error}"
    named = type(error).__name__
    return f"this is a bug in agentmem ({named}: {error}). `agentmem --debug ...` shows where; please report it."

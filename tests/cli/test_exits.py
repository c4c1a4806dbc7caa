"""agentmem.cli.exits."""

import pytest
import typer
from typer.testing import CliRunner, Result

from agentmem.cli.exits import EPILOG, Code, Commands, code_of
from agentmem.errors import (
    AgentmemError,
    AssetMissing,
    BudgetExceeded,
    ConfigError,
    ModelNotAvailable,
    ModelOverloaded,
    PageNotFound,
    ThreadBusy,
    ThreadNotFound,
)

SECRET = "sk-ant-api03-abcdefghijklmnop"


def ending_with(error: BaseException, *options: str) -> Result:
    """A command that raises ``error``, run."""
    app = typer.Typer(cls=Commands, pretty_exceptions_enable=False)

    @app.callback()
    def top(debug: bool = False) -> None: ...

    @app.command()
    def fail() -> None:
        raise error

    return CliRunner().invoke(app, [*options, "fail"])


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError("x"), 2),
        (AssetMissing("x"), 2),
        (BudgetExceeded(2, 1, ()), 3),
        (ModelNotAvailable("x"), 4),
        (ModelOverloaded("x"), 4),
        (ThreadBusy("x"), 5),
        (ThreadNotFound("x"), 1),
        (PageNotFound("x"), 1),
        (AgentmemError("x"), 1),
        (PermissionError(13, "Permission denied", "/x"), 1),
        (KeyError("x"), 1),
    ],
)
def test_each_kind_of_error_has_its_exit_code(error: Exception, code: int) -> None:
    """Scripts can tell what went wrong."""
    assert code_of(error) == code
    assert ending_with(error).exit_code == code


def test_an_error_is_one_paragraph_on_stderr() -> None:
    """No traceback, nothing on stdout."""
    result = ending_with(ConfigError("budget is 3; it must be 4,000 at least"))
    assert result.stdout == ""
    assert result.stderr == "agentmem: budget is 3; it must be 4,000 at least\n"


def test_an_error_of_the_system_names_the_file() -> None:
    """A file that may not be read is named."""
    assert (
        "/secret/place: Permission denied"
        in ending_with(PermissionError(13, "Permission denied", "/secret/place")).stderr
    )


def test_a_bug_is_no_traceback_either() -> None:
    """It says what it was and how to see more."""
    stderr = ending_with(ZeroDivisionError("division by zero")).stderr
    assert "ZeroDivisionError: division by zero" in stderr
    assert "--debug" in stderr
    assert "Traceback" not in stderr


def test_debug_shows_where_an_error_came_from() -> None:
    """With --debug the traceback follows the paragraph."""
    assert "Traceback" in ending_with(ConfigError("x"), "--debug").stderr


@pytest.mark.parametrize("options", [(), ("--debug",)])
def test_secrets_are_not_printed(options: tuple[str, ...]) -> None:
    """Neither in the paragraph nor in a traceback."""
    stderr = ending_with(ModelNotAvailable(f"the key {SECRET} was refused"), *options).stderr
    assert SECRET not in stderr
    assert "[redacted]" in stderr


def test_an_interrupt_ends_cleanly() -> None:
    """Ctrl-C says that nothing is lost, and ends with 130."""
    result = ending_with(KeyboardInterrupt())
    assert result.exit_code == 130
    assert "Interrupted" in result.stderr


@pytest.mark.parametrize("error", [typer.Exit(6), typer.Abort()])
def test_what_typer_ends_with_is_left_to_typer(error: RuntimeError) -> None:
    """A command's own exit code goes through, and an aborted question is no bug."""
    result = ending_with(error)
    assert result.exit_code == getattr(error, "exit_code", 1)
    assert "this is a bug in agentmem" not in result.stderr


def test_every_code_is_explained() -> None:
    """The help lists each exit code."""
    for code in Code:
        assert f"{code.value} " in EPILOG

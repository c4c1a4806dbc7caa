"""The command line: thin. Each command parses, calls and prints; `agentmem --help` loads nothing heavy."""

import sys


def main() -> None:
    """The `agentmem` command."""
    from agentmem.cli.app import app

    # A terminal that cannot show a character gets its escape, not an error.
    for stream in (sys.stdout, sys.stderr):
        getattr(stream, "reconfigure", lambda **_: None)(errors="backslashreplace")
    app(prog_name="agentmem")

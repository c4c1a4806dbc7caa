"""The command line: thin. Each command parses, calls and prints; `agentmem --help` loads nothing heavy."""

import sys


def main() -> None:
    """The `agentmem` command."""
    try:
        _main()
    except KeyboardInterrupt:  # while modules load; what commands do hears of it by itself
        sys.stderr.write("agentmem: Interrupted.\n")
        sys.exit(130)


def _main() -> None:
    from agentmem.cli.app import app
    from agentmem.cli.output import log_visibly

    # A terminal that cannot show a character gets its escape, not an error.
    for stream in (sys.stdout, sys.stderr):
        getattr(stream, "reconfigure", lambda **_: None)(errors="backslashreplace")
    log_visibly()
    app(prog_name="agentmem")

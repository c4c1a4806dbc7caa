"""The command line. Each command parses, calls and prints; `agentmem --help` loads nothing heavy."""

import sys


def main() -> None:
    """Run the `agentmem` command."""
    try:
        _main()
    except KeyboardInterrupt:  # while modules load; running commands handle it themselves
        sys.stderr.write("agentmem: Interrupted.\n")
        sys.exit(130)


def _main() -> None:
    from agentmem.cli.app import app
    from agentmem.cli.output import log_visibly

    # A terminal that cannot show a character gets an escape in its place instead of an error.
    for stream in (sys.stdout, sys.stderr):
        getattr(stream, "reconfigure", lambda **_: None)(errors="backslashreplace")
    log_visibly()
    app(prog_name="agentmem")

"""`agentmem demo`: an agent at work, with no key and no set-up."""

from agentmem.cli.output import console


def demo() -> None:
    """Watch an agent work on a small workspace, metered by a real engine, and see the table that tells what it cost."""
    from agentmem.demo import main

    main(console())

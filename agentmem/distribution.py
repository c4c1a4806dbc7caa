"""Holds the name of the distribution, and the hints that tell how to install what is missing.

People import and run `agentmem`, but on the Python Package Index that name is another project's. The distribution's own
name stands here and in pyproject.toml only; a test checks that the two agree.
"""

NAME = "agentmem-runtime"
IMPORT = "agentmem"
UPGRADE = f"upgrade {NAME}: install the wheel or the checkout of a later version"


def install(extra: str) -> str:
    """The command that installs an extra beside agentmem."""
    return f"pip install '{NAME}[{extra}]'"

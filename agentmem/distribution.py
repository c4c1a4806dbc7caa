"""What this project is called where packages are installed from, and how people are told to install what is missing.

The name that is imported and run is `agentmem`; on the Python Package Index that name is another project's. Here alone
stands the distribution's own; pyproject.toml agrees with it, which a test holds.
"""

NAME = "agentmem-runtime"
IMPORT = "agentmem"
UPGRADE = f"upgrade {NAME}: install the wheel or the checkout of a later version"


def install(extra: str) -> str:
    """The command that brings what an extra names to where agentmem is installed."""
    return f"pip install '{NAME}[{extra}]'"

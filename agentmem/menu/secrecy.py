"""Which pages tools may show to a model, and so to its provider: not what is hidden, nor keys.

What may not be read may not be changed either: a page that is moved could be read, and a failed edit quotes it.
"""

from collections.abc import Iterable
from fnmatch import fnmatchcase

from agentmem.context.offload import FOLDER
from agentmem.errors import ToolRefused, WorkspaceError
from agentmem.menu.context import ToolContext
from agentmem.pages.address import split
from agentmem.pages.files import Files
from agentmem.pages.names import folded, is_hidden

SECRET = (
    *("*.env", "*.pem", "*.key", "*.p12", "*.pfx", "*.jks", "*.keystore", "*.kdbx", "*.ppk", "*.ovpn", "*.tfstate"),
    *("id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*", "_netrc", "credentials", "credentials.json", "*.credentials"),
    *(
        "client_secret*.json",
        "service-account*.json",
        "service_account*.json",
        "*.tfvars",
        "secrets.y*ml",
        "secrets.json",
        "secrets.toml",
        "*kubeconfig",
    ),
)
"""Names without a dot in front that hold keys by custom. Hidden names are refused in any case."""

SHOWN = (f"{FOLDER}/*",)
"""Hidden names that agentmem itself tells the model of: the pages of long results."""

REFUSED = (
    "'{name}' is {kind}, and what is read goes to the model's provider: it may not be read, nor changed. If the task "
    "needs it, say so: a person can allow it by `hidden` in the settings' [reach]."
)


def readable(context: ToolContext, address: str) -> bool:
    """Whether the page of this address may be shown."""
    return not any(_kind(name, context.reach.hidden) for name in _names(context, address))


def check(context: ToolContext, address: str) -> None:
    """Raises ToolRefused for a page or folder that may not be shown, by the name it is asked by or its real one."""
    for name in _names(context, address):
        if kind := _kind(name, context.reach.hidden):
            raise ToolRefused(REFUSED.format(name=split(address)[0], kind=kind))


def _names(context: ToolContext, address: str) -> set[str]:
    """What the address may name: with its number sign as part of the name, and without; as said, and behind links."""
    asked = {split(address)[0], address.partition("#")[0], address}
    files, real = Files(context.workspace.root), set[str]()
    for name in asked:
        try:
            real.add(files.locate(name))
        except WorkspaceError:  # said better by whoever reads it
            continue
    return asked | real


def _kind(name: str, allowed: Iterable[str]) -> str:
    """What is secret about a name; "" where nothing is."""
    path = "/".join(part for part in folded(name).split("/") if part not in ("", "."))
    if _matches(path, SHOWN) or _matches(path, map(folded, allowed)):
        return ""
    return "hidden" if is_hidden(path) else "a file that holds keys by its name" if _matches(path, SECRET) else ""


def _matches(path: str, globs: Iterable[str]) -> bool:
    leaf = path.rpartition("/")[2]
    return any(fnmatchcase(path, glob) or fnmatchcase(leaf, glob) for glob in globs)

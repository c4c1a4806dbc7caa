"""What a page may be called, and which files of a folder are pages at all."""

import re
import unicodedata
from functools import lru_cache
from typing import Literal

from agentmem.config import FILE
from agentmem.errors import NotAPage, OutsideWorkspace, WorkspaceError

HOME = ".agentmem"
"""The folder inside a workspace in which agentmem keeps what belongs to itself."""

MARKDOWN = (".md", ".markdown", ".mdown", ".mdwn", ".mkd", ".mkdn", ".mdc", ".qmd", ".rmd")
"""Suffixes of pages that are parsed into sections. Every other text file is read and edited as plain text."""

MDX = ".mdx"
"""Markdown with JSX in it: parsed into sections too, by rules of its own."""

Dialect = Literal["", "markdown", "mdx"]
"""How a page is parsed; "" stands for plain text."""

GENERATED = frozenset({"node_modules", "__pycache__"})
"""Folders that programs fill and nobody reads; they are left out of listings, counts and search."""

BINARY = re.compile(
    r"\.(7z|a|avi|bin|bmp|bz2|class|db|dll|docx?|dylib|eot|exe|gif|gz|ico|jar|jpe?g|lance|mov|mp[34]|np[yz]|o|od[ts]"
    r"|og[gv]|otf|parquet|pdf|pkl|png|pptx?|pt|pyc|safetensors|so|sqlite|tar|tgz|tiff?|ttf|wasm|wav|web[mp]|whl|woff2?"
    r"|xlsx?|xz|zip|zst)$",
    re.IGNORECASE,
)
"""Suffixes of files that are never text, so that they need not be opened to know it."""

_IGNORED = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e0fff]")
"""Characters besides Unicode's category Cf that are not seen, and that some file systems pass over."""

_UNPRINTABLE = re.compile("[\x00-\x1f\x7f\u2028\u2029\ud800-\udfff]")


def canonical(name: str) -> str:
    """``name`` without needless ``./`` and slashes. Raises where it could lead out of the workspace."""
    if _UNPRINTABLE.search(name):
        raise WorkspaceError(f"{name!r} is no page's name: it has a control character in it.")
    if name.startswith("/") or ".." in name.split("/"):
        raise OutsideWorkspace(f"'{name}' leads out of the workspace. Give a path inside it, such as 'notes/plan.md'.")
    return "/".join(part for part in name.split("/") if part not in ("", "."))


@lru_cache(maxsize=4096)
def folded(name: str) -> str:
    """What names have in common that one file system or another takes for the same, or an eye does.

    Letter case, Unicode's forms, what is not seen, and spaces and dots at a part's end make no difference.
    """
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    seen = "".join(one for one in _IGNORED.sub("", plain) if unicodedata.category(one) != "Cf")
    return "/".join(part.strip(" ").rstrip(". ") or part.strip(" ") for part in seen.replace("\\", "/").split("/"))


def is_hidden(name: str) -> bool:
    """Whether a part of the name begins with a dot."""
    return any(part.startswith(".") and part not in (".", "..") for part in folded(name).split("/"))


def checked_for_writing(name: str) -> str:
    """``name`` as it is, unless it is empty, hidden or the name of agentmem's settings: those are refused."""
    if not name:
        raise NotAPage("A page needs a name, such as 'notes/plan.md'.")
    if folded(name).rpartition("/")[2] == FILE:
        raise WorkspaceError(f"'{name}' holds agentmem's own settings: a person writes it, and nobody else.")
    if is_hidden(name):
        raise WorkspaceError(f"'{name}' is hidden: names that begin with a dot cannot be written, moved or deleted.")
    return name


def listed(name: str) -> bool:
    """Whether a file or folder of this one name belongs in a listing."""
    return not (name.startswith(".") or name in GENERATED or _UNPRINTABLE.search(name))


def dialect(name: str) -> Dialect:
    """How the page of this name is parsed."""
    lowered = name.lower()
    return "markdown" if lowered.endswith(MARKDOWN) else "mdx" if lowered.endswith(MDX) else ""


def is_markdown(name: str) -> bool:
    """Whether the page is parsed into sections."""
    return dialect(name) != ""


def is_binary(name: str) -> bool:
    """Whether the suffix alone says that this is no text."""
    return BINARY.search(name) is not None

"""Rules for names: which names a page may have, and which files of a folder are pages."""

import re
import unicodedata
from functools import lru_cache
from typing import Literal

from agentmem.checking import shown
from agentmem.config import FILE
from agentmem.errors import NotAPage, OutsideWorkspace, WorkspaceError

HOME = ".agentmem"
"""The folder inside a workspace where agentmem keeps its own files."""

MARKDOWN = (".md", ".markdown", ".mdown", ".mdwn", ".mkd", ".mkdn", ".mdc", ".qmd", ".rmd")
"""Suffixes of pages that are parsed into sections. All other text files are read and edited as plain text."""

MDX = ".mdx"
"""Markdown with JSX. It is parsed into sections too, by its own rules."""

Dialect = Literal["", "markdown", "mdx"]
"""The dialects in which pages are parsed; "" is plain text."""

GENERATED = frozenset({"node_modules", "__pycache__"})
"""Folders of generated files that nobody reads. Listings, counts and search leave them out."""

BINARY = re.compile(
    r"\.(7z|a|avi|bin|bmp|bz2|class|db|dll|docx?|dylib|eot|exe|gif|gz|ico|jar|jpe?g|lance|mov|mp[34]|np[yz]|o|od[ts]"
    r"|og[gv]|otf|parquet|pdf|pkl|png|pptx?|pt|pyc|safetensors|so|sqlite|tar|tgz|tiff?|ttf|wasm|wav|web[mp]|whl|woff2?"
    r"|xlsx?|xz|zip|zst)$",
    re.IGNORECASE,
)
"""Suffixes of files that are never text, so they are not opened to check."""

_IGNORED = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e0fff]")
"""Invisible characters, besides Unicode's category Cf, that some file systems ignore."""

_UNPRINTABLE = re.compile("[\x00-\x1f\x7f\u2028\u2029\ud800-\udfff]")


def canonical(name: str) -> str:
    """``name`` without needless ``./`` and slashes. Raises if it has control characters or leaves the workspace."""
    if not isinstance(name, str):
        raise WorkspaceError(f"a page's name must be a text, and {shown(name)} is not")
    if _UNPRINTABLE.search(name):
        raise WorkspaceError(f"{name!r} is not a page's name: it has a control character in it.")
    if name.startswith("/") or ".." in name.split("/"):
        raise OutsideWorkspace(f"'{name}' leads out of the workspace. Give a path inside it, such as 'notes/plan.md'.")
    return "/".join(part for part in name.split("/") if part not in ("", "."))


@lru_cache(maxsize=4096)
def folded(name: str) -> str:
    """A key that is equal for names that look the same, or that some file system takes for the same.

    It ignores letter case, Unicode's forms, invisible characters, and spaces and dots at the end of a part.
    """
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    seen = "".join(one for one in _IGNORED.sub("", plain) if unicodedata.category(one) != "Cf")
    return "/".join(part.strip(" ").rstrip(". ") or part.strip(" ") for part in seen.replace("\\", "/").split("/"))


def is_hidden(name: str) -> bool:
    """True if a part of the name begins with a dot."""
    return any(part.startswith(".") and part not in (".", "..") for part in folded(name).split("/"))


def own(name: str) -> str:
    """``name``, unchanged, if it is one of agentmem's own files. Raises OutsideWorkspace."""
    if canonical(name) != name or not name.startswith(f"{HOME}/"):
        raise OutsideWorkspace(f"'{name}' is not one of agentmem's own files.")
    return name


def checked_for_writing(name: str) -> str:
    """``name``, unchanged. Raises if it is empty, hidden, or the name of agentmem's settings."""
    if not name:
        raise NotAPage("A page needs a name, such as 'notes/plan.md'.")
    if folded(name).rpartition("/")[2] == FILE:
        raise WorkspaceError(f"'{name}' holds agentmem's own settings: only a person may write it.")
    if is_hidden(name):
        raise WorkspaceError(f"'{name}' is hidden: names that begin with a dot cannot be written, moved or deleted.")
    return name


def listed(name: str) -> bool:
    """True if a file or folder of this name, one part of a path, belongs in a listing."""
    return not (name.startswith(".") or name in GENERATED or _UNPRINTABLE.search(name))


def dialect(name: str) -> Dialect:
    """The dialect that a page of this name is parsed in."""
    lowered = name.lower()
    return "markdown" if lowered.endswith(MARKDOWN) else "mdx" if lowered.endswith(MDX) else ""


def is_markdown(name: str) -> bool:
    """True if a page of this name is parsed into sections."""
    return dialect(name) != ""


def is_binary(name: str) -> bool:
    """True if the suffix alone says that the file is not text."""
    return BINARY.search(name) is not None

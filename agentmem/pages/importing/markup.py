"""Pieces of markdown that importers write: items of lists, quotes, code."""

import re
from collections.abc import Sequence


def hung(blocks: Sequence[str], mark: str) -> str:
    """A list's item: the first block behind its mark, the rest indented below; a list inside stands close."""
    if not any(blocks):
        return mark.rstrip()
    indent = " " * (len(mark) if mark[0].isdigit() else 2)
    text = "".join(("" if not at else "\n" if is_item(one) else "\n\n") + one for at, one in enumerate(blocks))
    return mark + text.replace("\n", f"\n{indent}").replace(f"\n{indent}\n", "\n\n")


def is_item(text: str) -> bool:
    """True for text that begins with the mark of a list's item."""
    return bool(re.match(r"(- |\d+\. )", text))


def quoted(text: str) -> str:
    """The text as a block quote."""
    return "\n".join(f"> {line}".rstrip() for line in text.split("\n"))


def code(text: str, language: str = "") -> str:
    """A fenced block, with marks that are longer than any run of them in the text."""
    marks = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return f"{marks}{language}\n{text}\n{marks}"


def target(url: str) -> str:
    """A link's target, in angle brackets if it has blanks or brackets."""
    return f"<{url}>" if re.search(r"[\s()]", url) else url

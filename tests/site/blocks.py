"""The fenced blocks of a page, each run or checked, or marked why it is not.

```python                      run as it stands, after the blocks before it on the page, in an empty folder
```python given="langchain"    run with what `GIVEN` has by that name: what a reader has already
```python why="needs a key"    not run: it is compiled, and what it imports exists
```console                     each command exists, with its options
```console run="yes"           run as well, in the same folder
```text                        what the block before it prints, exactly
```text why="a picture"        anything else
```toml, ```json               can be read
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

LANGUAGES = ("python", "console", "text", "toml", "json")
_FENCE = re.compile(r'^```([\w-]*)(?: (\w+)="([^"]*)")?[ ]*\n(.*?)^```$', re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block. ``mark`` is its attribute, if it has one; ``line`` is where it begins, from 1."""

    language: str
    mark: Mapping[str, str]
    text: str
    line: int


def blocks(page: str) -> list[Block]:
    """All fenced blocks of a page of markdown, in order."""
    return [
        Block(one[1], {one[2]: one[3]} if one[2] else {}, one[4], page.count("\n", 0, one.start()) + 1)
        for one in _FENCE.finditer(page)
    ]


def unmarked(page: str) -> str:
    """The page with bare fences, as readers get it."""
    return re.sub(r'^(```[\w-]*) \w+="[^"]*"[ ]*$', r"\1", page, flags=re.MULTILINE)


def commands(block: Block) -> list[str]:
    """The commands of a console block, without prompt and comment; a line that ends in a backslash goes on."""
    joined = block.text.replace("\\\n", " ")
    lines = [line[2:] for line in joined.splitlines() if line.startswith("$ ")]
    return [re.sub(r"\s+#\s.*$", "", line).strip() for line in lines]

"""Fenced blocks of a page."""

from tests.site.blocks import blocks, commands, unmarked

PAGE = """# A page

```python why="it needs a key"
print(1)
```

```console run="yes"
$ agentmem report -o page.html --open   # one page
$ agentmem team "Mend it." \\
    --repo DIR
```
"""


def test_a_block_has_its_mark_and_its_line() -> None:
    """Language, mark, text and line are read; the mark is not shown to readers."""
    first, second = blocks(PAGE)
    assert (first.language, first.mark, first.text, first.line) == (
        "python",
        {"why": "it needs a key"},
        "print(1)\n",
        3,
    )
    assert second.mark == {"run": "yes"}
    assert "```python\n" in unmarked(PAGE) and "why=" not in unmarked(PAGE)


def test_commands_lose_prompt_and_comment() -> None:
    """A command that goes on in the next line is one."""
    assert commands(blocks(PAGE)[1]) == [
        "agentmem report -o page.html --open",
        'agentmem team "Mend it."      --repo DIR',
    ]

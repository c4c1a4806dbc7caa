"""Generates markdown that is hard to parse, for property tests."""

from hypothesis import strategies as st

LINES = (
    "# One",
    "## Two",
    "## Two",
    "### Three / with # and [2]",
    "####### seven",
    "#tag",
    "#",
    "##\t tabs \t##",
    "# closed ## ",
    "# a \\#",
    "# [link](x.md#y) and `code`",
    " # indented",
    "   ### three spaces",
    "    # code",
    "\t# tab",
    "Setext",
    "two lines",
    "===",
    "---",
    "  --  ",
    "***",
    "- item",
    "  # in item",
    "- # heading in item",
    "1. one",
    "   ---",
    "> quote",
    "> # quoted",
    ">> deeper",
    "```",
    "````python",
    "  ```",
    "~~~",
    "<div>",
    "</div>",
    "<b>inline</b>",
    "<!-- comment",
    "-->",
    "<script>",
    "</script>",
    "<?php",
    "?>",
    "[ref]: /url",
    "[ref]: /url 'title",
    "| a | b |",
    "| - | - |",
    "a | b",
    "- [ ] task",
    "",
    "",
    " ",
    "\t",
    "\x0c",
    "\u2028# not a line",
    "\u00a0",
    "text \u00e4\U0001f600",
    "> " * 25 + "deep",
    "- " * 15 + "deep",
    "---\ntitle: x\n---",
)

NEWLINES = ("\n", "\r\n", "\r")


@st.composite
def pages(draw: st.DrawFn, newlines: tuple[str, ...] = NEWLINES) -> str:
    """Strategies for pages of such lines, with one kind of line ending or mixed ones, with or without the last."""
    lines = draw(st.lists(st.sampled_from(LINES), max_size=14))
    mixed = draw(st.booleans())
    one = draw(st.sampled_from(newlines))
    ends = [draw(st.sampled_from(newlines)) if mixed else one for _ in lines]
    text = "".join(line.replace("\n", end) + end for line, end in zip(lines, ends, strict=True))
    bom = draw(st.sampled_from(["", "", "", "\ufeff"]))
    return bom + (text if draw(st.booleans()) else text.rstrip("\r\n"))

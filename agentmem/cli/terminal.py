"""A console of rich's on which nothing but rich itself can steer the terminal, and nothing is taken for markup."""

from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from agentmem.visible import visible


class Terminal(Console):
    """Shows control characters of whatever it is given: strings before they are measured, the rest as it is drawn.

    Brackets and colons in a text are that text: markup must be asked for where the text is our own.
    """

    def __init__(self, *, stderr: bool = False) -> None:
        super().__init__(stderr=stderr, markup=False, emoji=False)

    def render_str(self, text: str, **settings: Any) -> Text:
        return super().render_str(visible(text), **settings)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=visible(segment.text))

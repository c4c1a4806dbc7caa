"""A function and its card, which agree, for tests."""

from typing import Annotated, Literal

from pydantic import Field

CARD = """---
name: greet
effect: read
timeout: 5
cap: 100
when cut: Greet fewer people.
---

Greets somebody.

## When to use it

When somebody new comes in.

## Parameters

- `who` (text; needed): The name of
  the person.
- `times` (whole number from 1 to 3; 1 if left out): How often.
- `tone` (one of `warm`, `cool`; `warm` if left out): In which tone.
- `loud` (yes or no; no if left out): Whether to shout.
- `guests` (list of texts; may be left out): Who else is there.
"""


def greet(
    who: str,
    times: Annotated[int, Field(ge=1, le=3)] = 1,
    tone: Literal["warm", "cool"] = "warm",
    loud: bool = False,
    guests: list[str] | None = None,
) -> str:
    """Greets somebody, as the code sees it."""
    return f"{who} {times} {tone} {loud} {guests}"

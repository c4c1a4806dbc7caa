"""Typed results: what `run(task, returns=...)` tells the model, and how its last answer becomes a value.

The schema goes with the task, at the tail, and never into tools, system or options. A tool is a part of the prefix
everywhere, and OpenAI counts a response format as a part of it too, before the system prompt (its guide to prompt
caching), so asking for another type would throw away what a thread has in the cache. An answer that does not fit is
asked for once more, at the tail too.
"""

import inspect
import json
import sys
import types
import typing
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, NotRequired, get_args, get_origin

import typing_extensions
from pydantic import TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError

from agentmem import assets
from agentmem.errors import ConfigError
from agentmem.menu.signature import tidy
from agentmem.runtime.events import Approval, Result
from agentmem.runtime.invocation import Task
from agentmem.runtime.session import Session
from agentmem.scrub import scrub
from agentmem.transcript import transcript
from agentmem.types import Text

ABOUT = "returns"
"""The subject of the note that asks again."""
ROUNDS = 1
"""How often an answer that does not fit is asked for again."""
_MISTAKES = 5  # the most that one note names
_QUOTED = 80  # characters of a wrong value that a note quotes


class Misfit(Exception):
    """An answer is no JSON, or does not fit the type. The text says what is wrong."""


@dataclass(frozen=True, slots=True)
class ReturnType:
    """A type that a run returns: its name, its JSON Schema and the adapter that checks answers."""

    name: str
    schema: Any
    adapter: TypeAdapter[Any]

    def asked(self) -> Text:
        """The block that goes with a task; the same bytes for the same type."""
        schema = json.dumps(self.schema, ensure_ascii=False, separators=(",", ":"))
        return Text(assets.read("prompts/returns.md").strip().replace("{schema}", schema))

    def read(self, text: str) -> Any:
        """The value in an answer: JSON alone, in a fence, or behind words. Raises Misfit."""
        wrong: list[Misfit] = []
        for candidate in _candidates(text):
            try:
                return self.adapter.validate_json(json.dumps(candidate))
            except ValidationError as error:
                wrong.append(Misfit(_said(error)))
        raise wrong[0] if wrong else Misfit("it holds no JSON.")


def return_type(wanted: Any) -> ReturnType:
    """How to ask for a type: a pydantic model, a dataclass, a TypedDict, or what pydantic reads otherwise.

    Raises ConfigError for anything else.
    """
    try:
        if inspect.isroutine(wanted):
            raise TypeError("a function is called, and not returned")
        adapter: TypeAdapter[Any] = TypeAdapter(_known(wanted))
        schema = tidy(adapter.json_schema())
    except (PydanticUserError, TypeError, NameError, AttributeError) as error:
        says = str(getattr(error, "message", error)).partition("\n")[0]
        raise ConfigError(
            f"returns is {wanted!r:.80}, and it must be a pydantic model, a dataclass, a TypedDict or a type with "
            f"a form in JSON: {says}"
        ) from None
    return ReturnType(getattr(wanted, "__name__", str(wanted)), schema, adapter)


@dataclass
class Returns:
    """What one run returns. Without a type, results pass as they are."""

    wanted: ReturnType | None
    rounds: int = field(default=0)

    @classmethod
    def of(cls, wanted: Any) -> "Returns":
        return cls(None if wanted is None else return_type(wanted))

    def task(self, task: Task | Approval | None) -> Task | Approval | None:
        """The task with the schema behind it. A run that goes on was told before."""
        if self.wanted is None or task is None or isinstance(task, Approval):
            return task
        blocks = (Text(task),) if isinstance(task, str) else tuple(task)
        said = isinstance(task, str) and not task.strip()
        return task if said or not blocks else (*blocks, self.wanted.asked())

    def judged(self, session: Session, result: Result) -> Result | None:
        """The result with its value. None: the answer does not fit, and a note in the thread asks for it again."""
        if self.wanted is None or result.status != "done":
            return result
        try:
            return replace(result, value=self.wanted.read(result.text))
        except Misfit as error:
            if self.rounds >= ROUNDS:
                return replace(result, status="stopped", reason=f"returns: no {self.wanted.name}: {error}")
            self.rounds += 1
            again = assets.read("prompts/returns_again.md").strip().replace("{why}", str(error))
            session.append(transcript.note(ABOUT, again, now=True))
            return None


def _candidates(text: str) -> Iterator[Any]:
    """JSON values in a text, the likeliest first: the whole, what stands in a fence, what begins at a bracket."""
    decoder = json.JSONDecoder()
    fenced = text.split("```")[1::2]
    inside = (one.partition("\n")[2] for one in fenced)
    for piece in (text, *inside):
        try:
            yield json.loads(piece)
        except (ValueError, RecursionError):
            continue
    for at, letter in enumerate(text):
        if letter in "{[":
            try:
                yield decoder.raw_decode(text, at)[0]
            except (ValueError, RecursionError):
                continue
            return


def _said(error: ValidationError) -> str:
    """Pydantic's mistakes in one line, the first of them."""
    found = error.errors(include_url=False, include_context=False)
    lines = [f"{'.'.join(map(str, one['loc'])) or 'the answer'}: {one['msg']}{_quoted(one)}" for one in found]
    more = f"; and {len(lines) - _MISTAKES} more" if len(lines) > _MISTAKES else ""
    return scrub("; ".join(lines[:_MISTAKES]) + more + ".")


def _quoted(mistake: Any) -> str:
    given = mistake.get("input")
    return f" (it is {json.dumps(given)[:_QUOTED]})" if isinstance(given, str | int | float | bool | None) else ""


def _known(hint: Any) -> Any:
    """A type in a form that pydantic reads: before Python 3.12 it takes only the TypedDict of typing_extensions."""
    if sys.version_info >= (3, 12):
        return hint
    if typing.is_typeddict(hint):
        hints = typing.get_type_hints(hint, include_extras=True)
        optional: frozenset[str] = getattr(hint, "__optional_keys__", frozenset())
        fields = {name: _field(one, name in optional) for name, one in hints.items()}
        made: Any = typing_extensions.TypedDict
        return made(hint.__name__, fields)
    inside = get_args(hint)
    if not inside or get_origin(hint) is typing.Literal:
        return hint
    known = tuple(map(_known, inside))
    if known == inside:
        return hint
    origin = get_origin(hint)
    return typing.Union[known] if origin in (types.UnionType, typing.Union) else origin[known]  # noqa: UP007


def _field(hint: Any, optional: bool) -> Any:
    bare = get_args(hint)[0] if get_origin(hint) in (NotRequired, typing.Required) else hint
    return NotRequired[_known(bare)] if optional else _known(bare)

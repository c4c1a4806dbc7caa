"""A model that says what a script tells it: for tests, demos and examples, without a key and the same in every run."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from pathlib import Path

from agentmem.errors import ScriptEnded
from agentmem.models.metering import Estimated, ReplyMeter
from agentmem.models.script import Turn, message, read
from agentmem.types import Delta, Frame, Message, ModelProfile, Reply, Request, TextDelta

Script = Sequence[Turn] | Callable[[Request], Turn]
"""Turns in order, or a function that makes the next one from the request."""

SCRIPTED = ModelProfile("scripted", "scripted", "scripted")
_PIECE = re.compile(r"\S*\s*")
_WORDS = 4  # words in one TextDelta
_CALL_ID = re.compile(r"call_(\d+)_\d+")


class ScriptedModel:
    """Answers each request with a turn of ``script``; see agentmem.models.script for what a turn may be.

    The turn is found by the request: the one after the last assistant turn that it holds. So a run that was killed,
    forked or compacted goes on at the right turn, in another process too. With ``sequential`` it is simply the next
    one, whatever the request: for a script that goes on with a thread of another script. ``by_purpose`` answers
    requests of some purposes ("summary", for example) apart from the script. Usage is estimated unless there is a
    ``meter``. ``requests`` keeps every request, in order. Raises ScriptEnded when there is no turn left.
    """

    def __init__(
        self,
        script: Script,
        *,
        sequential: bool = False,
        meter: ReplyMeter | None = None,
        profile: ModelProfile = SCRIPTED,
        by_purpose: Mapping[str, Turn | Callable[[Request], Turn]] | None = None,
    ) -> None:
        self.requests: list[Request] = []
        self._script = script if callable(script) else _Turns(script, sequential)
        self._meter = meter or Estimated()
        self._profile = profile
        self._by_purpose = dict(by_purpose or {})

    @classmethod
    def load(
        cls,
        path: str | Path,
        *,
        sequential: bool = False,
        meter: ReplyMeter | None = None,
        profile: ModelProfile = SCRIPTED,
    ) -> "ScriptedModel":
        """The model of a YAML or markdown script. Raises ConfigError for a file that is none."""
        return cls(read(Path(path)), sequential=sequential, meter=meter, profile=profile)

    @property
    def profile(self) -> ModelProfile:
        return self._profile

    def stream(self, request: Request) -> Iterator[Delta]:
        """The reply's text, a few words at a time, and the Reply."""
        started = time.perf_counter()
        said = self._say(request)
        usage = self._meter.usage(request, said)
        first = time.perf_counter() - started
        yield from _deltas(said)
        stop = "tool_use" if said.calls else "end_turn"
        yield Reply(said, usage, stop, first_token_after=first, seconds=time.perf_counter() - started)

    async def astream(self, request: Request) -> AsyncIterator[Delta]:
        """`stream` for asyncio: the meter works in a thread."""
        for delta in await asyncio.to_thread(lambda: list(self.stream(request))):
            yield delta

    def close(self) -> None:
        """Close the meter."""
        self._meter.close()

    def _say(self, request: Request) -> Message:
        self.requests.append(request)
        answer = self._by_purpose.get(request.purpose, self._script)
        turn = answer(request) if callable(answer) else answer
        if isinstance(turn, Exception):
            raise turn
        return message(turn, place(request))


class _Turns:
    """A list of turns, each with the exceptions that stand before it and have not been raised yet."""

    def __init__(self, script: Sequence[Turn], sequential: bool) -> None:
        self._turns = [turn for turn in script if not isinstance(turn, Exception)]
        self._errors: dict[int, list[Exception]] = {}
        self._sequential = sequential
        self._next = 0
        index = 0
        for turn in script:
            if isinstance(turn, Exception):
                self._errors.setdefault(index, []).append(turn)
            else:
                index += 1

    def __call__(self, request: Request) -> Turn:
        index = self._next if self._sequential else place(request)
        if errors := self._errors.get(index):
            return errors.pop(0)
        if index >= len(self._turns):
            raise ScriptEnded(
                f"the script has {len(self._turns)} turns and turn {index + 1} was asked for; add a turn, or pass "
                "sequential=True if the script goes on with a thread that it did not begin"
            )
        self._next = index + 1
        return self._turns[index]


def place(request: Request) -> int:
    """How many turns of a script a request has behind it.

    The number stands in the ids of a script's calls, so that it is known even where earlier turns have left the
    context; text-only turns after the last such call, or all turns where there is no call, are counted.
    """
    since = 0
    for turn in reversed(request.turns):
        if turn.role == "assistant":
            number = _number(turn.frames)
            if number is not None:
                return number + 1 + since
            since += 1
    return since


def _number(frames: Sequence[Frame]) -> int | None:
    """The place in its script of an assistant's turn, from the id of its first scripted call."""
    found = (_CALL_ID.fullmatch(str(frame.value.get("id", ""))) for frame in frames)
    return next((int(match[1]) for match in found if match), None)


def _deltas(said: Message) -> Iterator[TextDelta]:
    words = _PIECE.findall(said.text)
    pieces = ("".join(words[start : start + _WORDS]) for start in range(0, len(words), _WORDS))
    yield from (TextDelta(piece) for piece in pieces if piece)

"""Finds where two prompts differ: by segment in the order of the key, and by byte of the wire form."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Literal

from agentmem.kvcache.frames import encode, frame
from agentmem.kvcache.rules import Setting
from agentmem.kvcache.why.lineage import RequestPair
from agentmem.kvcache.why.observed import ObservedRequest
from agentmem.kvcache.why.texts import common, shown
from agentmem.types import Frame

Place = Literal["model", "tool", "system", "setting", "message"]


@dataclass(frozen=True, slots=True)
class FrameDifference:
    """The first difference in one place of the prompt.

    ``index`` counts that place's blocks from 0, ``start`` the blocks of the whole prompt before the place. ``before``
    and ``now`` are the blocks, or None. ``setting`` is the name of a changed setting.
    """

    place: Place
    index: int
    start: int
    before: Frame | None = None
    now: Frame | None = None
    setting: Setting | None = None


def differences(pair: RequestPair) -> Iterator[FrameDifference]:
    """The first difference in each place, in the order of the key."""
    before, now = pair.before.prompt, pair.now.prompt
    head = len(now.tools) + len(now.system)
    if before.model != now.model:
        yield FrameDifference("model", 0, 0, _model(pair.before), _model(pair.now))
    yield from _blocks("tool", before.tools, now.tools, 0)
    yield from _blocks("system", before.system, now.system, len(now.tools))
    for setting, segment in pair.now.rules.invalidates.items():
        if before.settings.get(setting) != now.settings.get(setting):
            start = {"system": len(now.tools), "message": head}.get(segment, 0)
            yield FrameDifference("setting", 0, start, _setting(pair.before), _setting(pair.now), setting)
    if pair.gone:
        come = pair.come[0] if pair.come else None
        yield FrameDifference("message", pair.shared_messages, head + pair.shared_messages, pair.gone[0], come)


def _blocks(place: Place, before: Sequence[Frame], now: Sequence[Frame], start: int) -> Iterator[FrameDifference]:
    for index, (one, other) in enumerate(zip_longest(before, now)):
        if one != other:
            yield FrameDifference(place, index, start + index, one, other)
            return


def _model(request: ObservedRequest) -> Frame:
    return frame("model", {"model": request.prompt.model})


def _setting(request: ObservedRequest) -> Frame:
    return frame("options", dict(sorted(request.prompt.settings.items())))


def location(difference: FrameDifference, now: ObservedRequest) -> tuple[str, int | None]:
    """The segment in words, and the block's index in it from 0, both counted as in the request's body."""
    block = difference.now or difference.before
    if difference.place == "tool" and block:
        return f"tool {block.value.get('name', difference.index)}", None
    if difference.place == "system":
        page = now.pages.get(difference.index)
        return (f"page {page}", None) if page else ("system", difference.index)
    if difference.place == "message":
        message, at = _message(now.messages, difference.index)
        return f"message {message}", at
    return str(difference.setting or difference.place), None


def _message(frames: Sequence[Frame], index: int) -> tuple[int, int]:
    """The message of a block and its place in it. Neighbouring messages of one role count as one."""
    roles = [one.role for one in frames[: index + 1]]
    starts = [at for at, role in enumerate(roles) if at == 0 or role != roles[at - 1]]
    return max(0, len(starts) - 1), index - (starts[-1] if starts else 0)


def byte(difference: FrameDifference, now: ObservedRequest) -> int:
    """The first differing byte, counted from 0 in the wire form of the later request (see kvcache/frames.py)."""
    ahead = sum(len(encode(one)) for one in _ahead(difference, now))
    one, other = difference.before, difference.now
    if one is None or other is None:
        return ahead
    header = len(encode(other)) - len(other.data) - 1
    return ahead + header + common(one.data, other.data)


def _ahead(difference: FrameDifference, now: ObservedRequest) -> Iterator[Frame]:
    """The frames before the one that differs."""
    prompt = now.prompt
    ahead: dict[Place, Sequence[Frame]] = {
        "model": (_model(now),),
        "tool": prompt.tools,
        "system": prompt.system,
        "setting": (_options(now),),
        "message": now.messages,
    }
    for place, frames in ahead.items():
        if place == difference.place:
            yield from frames[: difference.index]
            return
        yield from frames


def _options(now: ObservedRequest) -> Frame:
    names: tuple[Setting, ...] = ("thinking", "effort", "tool_choice")
    given: dict[str, object] = {
        name: json.loads(now.prompt.settings[name]) for name in names if name in now.prompt.settings
    }
    return frame("options", given)


def texts(difference: FrameDifference) -> tuple[str, str]:
    """Both sides as text for a person; "" for a missing side."""
    if difference.setting:
        sides = (difference.before, difference.now)
        one, other = (str(side.value.get(difference.setting, "not set")) if side else "" for side in sides)
        return one, other
    one, other = (shown(side) if side else "" for side in (difference.before, difference.now))
    return one, other

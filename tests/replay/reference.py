"""The metrics of calls once more: small, slow, with strings alone, and without the code that is judged by it.

Only the tables of what is no part are shared. Every text is read again for every question.
"""

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from agentmem.replay.call_needs import ENUMERATED, GENERATED, LANGUAGE
from agentmem.types import Frame, Rates

Entries = Sequence[tuple[Sequence[Frame], Sequence[Frame]]]
FAR, BESIDE = 10, 60


@dataclass(frozen=True)
class Wanted:
    """A part: its kind, its text, and of a line whether it is the first and the last of what must be given verbatim."""

    kind: str
    text: str
    first: bool = False
    last: bool = False


def strings(value: Any) -> list[str]:
    """All that a value says."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        unsaid = ("type", "id", "tool_use_id", "signature", "data", "media_type")
        return [one for key, part in value.items() if key not in unsaid for one in strings(part)]
    return [one for part in value for one in strings(part)] if isinstance(value, list | tuple) else []


def said(frame: Frame) -> str:
    value: Any = frame.value
    return "\n".join(strings(value["input"] if value.get("type") == "tool_use" else value))


def is_call(frame: Frame) -> bool:
    return frame.value.get("type") == "tool_use"


def wanted(call: Frame) -> list[Wanted]:
    """The parts of a call whose commands shlex can read."""
    found: list[Wanted] = []
    given: Any = call.value["input"]
    for key, text in given.items():
        if key in GENERATED or key in ENUMERATED or not isinstance(text, str):
            continue
        if key == "old_string":
            lines = text.split("\n")
            for at, line in enumerate(lines):
                if re.search(r"\w", line):
                    begins = at == 0 and line[0] not in " \t"
                    found.append(Wanted("line", line, begins, at == len(lines) - 1))
        elif key == "command":
            for word in shlex.split(text):
                found += [] if word.startswith("-") else words(word)
        elif key == "pattern":
            found += words(re.sub(r"\\\w", " ", text))
        else:
            found += words(text)
    return list(dict.fromkeys(found))


def words(text: str) -> list[Wanted]:
    """Names and paths."""
    found: list[Wanted] = []
    for token in re.findall(r"[\w.~@/-]+", text):
        names = path(token)
        if len(names) > 1:
            found += [Wanted("folder", "/".join(names[:-1])), Wanted("file", "/".join(names[-2:]))]
        elif names:
            for name in re.findall(r"\w+(?:-\w+)*(?:\.\w+(?:-\w+)*)*", names[0]):
                if len(name) >= 3 and name.lower() not in LANGUAGE and set(name) != {"_"}:
                    found.append(Wanted("name", name))
    return found


def path(token: str) -> list[str]:
    return [one for one in token.lstrip("-").rstrip(".").split("/") if one not in ("", ".", "..", "...", "~")]


def stands(one: Wanted, text: str, folders: Sequence[str] = ()) -> bool:
    """Whether a part stands in a text, which lists what is in ``folders``."""
    if one.kind == "name":
        return any(True for line in text.split("\n") for _ in places(one.text, line))
    if one.kind == "line":
        return any(holds(one, line) for line in text.split("\n"))
    tokens = [token for token in re.findall(r"[\w.~@/-]+", text) if "/" in token]
    if any(f"/{one.text}/" in "/" + "/".join(path(token)) + "/" for token in tokens):
        return True
    return one.kind == "file" and any(lists(one.text, line, folders) for line in text.split("\n"))


def places(name: str, line: str) -> Iterator[int]:
    """Where a name stands in a line, nothing that could belong to it beside it."""
    for at in range(len(line)):
        if line.startswith(name, at):
            before, after = line[:at], line[at + len(name) :]
            if not re.search(r"\w-?$", before) and not re.match(r"-?\w", after):
                yield at


def lists(file: str, line: str, folders: Sequence[str]) -> bool:
    """Whether a line has a file's name after its folder, or is in a result that lists its folder."""
    parent, name = file.split("/")
    led = ""
    for token in re.findall(r"[\w.~@/-]+", line):
        names = path(token)
        if names and names[0] == name and parent in (led, *folders):
            return True
        if "/" in token and names:
            led = names[-1]
    return False


def holds(one: Wanted, line: str) -> bool:
    """Whether a text's line is the line that is wanted, or has it where that may begin or end within."""
    if one.first:
        starts = [at for at in range(len(line)) if line.startswith(one.text, at)]
        begun = [at for at in starts if at == 0 or not re.fullmatch(r"\w\w", line[at - 1 : at + 1])]
        return any(ended(one, line, at + len(one.text)) for at in begun)
    return any(line[at:].startswith(one.text) and ended(one, line, at + len(one.text)) for at in heads(line))


def heads(line: str) -> list[int]:
    """Where a line may begin: behind what tools put in front of it."""
    marks = (r"\s*\d+[→\t:-]", r"[^\s:]+?[:-]\d+[:-]", r"[^\s:]+:", r"[+ -]")
    return [0, *(found.end() for mark in marks if (found := re.match(mark, line)))]


def ended(one: Wanted, line: str, end: int) -> bool:
    return end == len(line) or (one.last and not re.fullmatch(r"\w\w", line[end - 1 : end + 1]))


def listed(frame: Frame, entries: Entries) -> list[str]:
    """The last names of the paths that a result's call was given."""
    calls = [one for _, reply in entries for one in reply if is_call(one)]
    mine = [one for one in calls if one.value["id"] == frame.value.get("tool_use_id")]
    return [one.text.split("/")[1] for call in mine[-1:] for one in wanted(call) if one.kind == "file"]


@dataclass(frozen=True)
class Call:
    """A call with its parts that stood before, each with the request where it last did and the frame."""

    request: int
    parts: list[tuple[Wanted, int, Frame]]

    @property
    def far(self) -> bool:
        return any(self.request - at > FAR for _, at, _ in self.parts)

    @property
    def far_lines(self) -> bool:
        return any(self.request - at > FAR for one, at, _ in self.parts if one.kind == "line")


def calls(entries: Entries) -> list[Call]:
    """Every call that has a part which stood before."""
    found = []
    for request, (_, reply) in enumerate(entries):
        for call in filter(is_call, reply):
            stood = [(one, last(one, request, entries)) for one in wanted(call)]
            found.append(Call(request, [(one, *where) for one, where in stood if where]))
    return [one for one in found if one.parts]


def last(one: Wanted, request: int, entries: Entries) -> tuple[int, Frame] | None:
    """Where a part last stood before a call in the reply to ``request``."""
    found = None
    for at, (arrived, reply) in enumerate(entries[: request + 1]):
        sources = [*arrived, *(filter(is_call, reply) if at < request else ())]
        for frame in sources:
            if stands(one, said(frame), listed(frame, entries)):
                found = at, frame
    return found


def missing(call: Call, wire: Sequence[Frame], entries: Entries) -> list[Wanted]:
    """The parts of a call that a request does not show."""
    return [one for one, _, _ in call.parts if not any(shows(one, frame, call, entries) for frame in wire)]


def shows(one: Wanted, frame: Frame, call: Call, entries: Entries) -> bool:
    """Whether a frame shows a part: a name that a policy wrote, only beside what it stood beside in the recording."""
    if not stands(one, said(frame), listed(frame, entries)):
        return False
    recorded = [each for arrived, reply in entries for each in (*arrived, *reply)]
    if one.kind != "name" or any(each.data == frame.data for each in recorded):
        return True
    near = beside(one.text, said(frame))
    before = [each for arrived, _ in entries[: call.request + 1] for each in arrived]
    before += [each for _, reply in entries[: call.request] for each in reply]
    return any(near & beside(one.text, said(each)) for each in before)


def beside(name: str, text: str) -> set[str]:
    """The words of three letters and more that stand near a name; an empty one where none do."""
    found: set[str] = set()
    for line in text.split("\n"):
        for at in places(name, line):
            end = at + len(name)
            spots = [(one.start() + 0, one.end(), one[0]) for one in re.finditer(r"\w{3,}", line[:at])]
            spots += [(one.start() + end, one.end() + end, one[0]) for one in re.finditer(r"\w{3,}", line[end:])]
            found |= {word for start, stop, word in spots if start >= at - BESIDE and stop <= end + BESIDE} or {""}
    return found


def acting(call: Call, gone: list[Wanted], context: int, rates: Rates, reached: bool) -> float:
    """Dollars for one more request that brings back what is not in view; all of it can be recalled, or nothing."""
    sources = {id(frame): frame.tokens for one, _, frame in call.parts if one in gone}
    back = sum(sources.values())
    back = min(8_000, back) if reached else back
    return context * rates.cache_read + back * rates.cache_write_5m + 80 * rates.output


def floor(
    requests: Sequence[tuple[Sequence[Frame], Sequence[Frame], int, Rates | None, bool]],
    warm: Sequence[int],
    head: int,
    budget: int,
) -> float | None:
    """The floor on caches of whole blocks: of each request what has arrived, the reply, its tokens and prices, and
    whether it goes on.
    """
    small = min(1.0, budget / 60_000)
    dollars, known = 0.0, False
    sent: list[bytes] = []
    for at, (arrived, _, output, rates, goes_on) in enumerate(requests):
        new, again = 0 if at else head, head if at else 0
        for frame in [*(requests[at - 1][1] if at and goes_on else ()), *arrived]:
            long = frame.value.get("type") == "tool_result" and frame.tokens > round(8_000 * small)
            tokens = round(600 * small) + round(300 * small) if long else frame.tokens
            tokens = 0 if "thinking" in str(frame.value.get("type")) else tokens
            new, again = (new, again + tokens) if frame.data in sent else (new + tokens, again)
            sent.append(frame.data)
        found = min(new, warm[at])
        if rates:
            known = True
            first = min(rates.uncached, rates.cache_write_5m, rates.cache_write_1h)
            dollars += first * (new - found) + min(first, rates.cache_read) * (again + found) + rates.output * output
    return dollars if known else None

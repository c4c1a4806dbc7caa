"""The summary page: the instruction for a model, the check of its claims, and a page made without a model."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from agentmem.compaction.plan import Plan, Said, names, short
from agentmem.tokens import count

WORDS = 0.6
"""The words asked for a token of a summary's room, so that the model keeps to it."""

_CLAIM = re.compile(r"^\s*(?:[-*]|\d+\.)\s+")
_REFERENCES = re.compile(r"\s*\[((?:[^\s\[\]]*/)?\d+(?:\s*,\s*(?:[^\s\[\]]*/)?\d+)*)\]")
_NUMBER = re.compile(r"(?<![\w.])\d(?:\d|,(?=\d)){3,}(?!\w|\.\d)")
_PARTS = re.compile(r"[:@]|[.,;]$")
_CITED = 3  # the most entries named behind one claim
_LEAST = 4  # the fewest characters of a part of a name that counts


@dataclass(frozen=True, slots=True)
class CheckedSummary:
    """A summary after the check: the text without false claims, and the numbers of claims."""

    text: str
    claims: int
    false: int


def instruction(plan: Plan, prompt: str) -> str:
    """The instruction to the summariser: ``prompt`` with its room, and the entries that leave with their numbers."""
    lines = list(newest((line.text for line in plan.fresh), plan.sizes.index))
    listed = "\n".join(lines) or "- none that has a number: leave the brackets out"
    return prompt.strip().format(words=max(40, round(plan.sizes.summary * WORDS)), entries=listed)


def checked(page: str, plan: Plan) -> CheckedSummary:
    """The page without claims that name what nobody said, and with valid references.

    A claim is a line of a list. Its exact names and its numbers of four digits or more must stand in what leaves or
    stays. Its references must be entries that exist, and if it has names, entries that say them.
    """
    source = _Source(plan)
    lines, claims, false = list[str](), 0, 0
    for line in page.strip().splitlines():
        if not _CLAIM.match(line):
            lines.append(line.rstrip())
            continue
        claims += 1
        if source.invented(line):
            false += 1
        else:
            lines.append(source.cited(line))
    return CheckedSummary("\n".join(lines).strip(), claims, false)


def mechanical(plan: Plan) -> str:
    """A summary made without a model: what people said last, names that were used, errors, and the last words."""
    room = plan.sizes.summary
    sections = (
        ("Goal", _goal(plan), 0.25),
        ("What was known before", _before(plan), 0.35),
        ("Facts", _said_by_model(plan), 0.2),
        ("Files", _files(plan), 0.1),
        ("Errors", _errors(plan), 0.1),
    )
    written = []
    for title, points, share in sections:
        kept = list(newest(points, round(room * share)))
        if kept:
            written.append(f"## {title}\n" + "\n".join(kept))
    return "\n\n".join(written) or "- Nothing was said that the index does not tell."


def newest(lines: Iterable[str], room: int) -> Iterator[str]:
    """The last lines that fit into ``room`` tokens, in order."""
    kept: list[str] = []
    for line in reversed(list(lines)):
        room -= count(line) + 1
        if room < 0:
            break
        kept.append(line)
    yield from reversed(kept)


class _Source:
    """The material that a summary may speak of: all that leaves and all that stays."""

    def __init__(self, plan: Plan) -> None:
        self._last = plan.view.seq
        self._text = "\n".join((*(one.text for one in plan.leaving), plan.kept, *(one.text for one in plan.lines)))
        self._places = plan.said

    def invented(self, claim: str) -> bool:
        """True when the claim names something that was never said."""
        bare = _REFERENCES.sub("", claim)
        return any(not self._known(name) for name in (*names(bare), *_NUMBER.findall(bare)))

    def cited(self, claim: str) -> str:
        """The claim with valid references: its own, or else the entries that say its names."""
        bare = _REFERENCES.sub("", claim).rstrip()
        own = [int(number.rpartition("/")[2]) for found in _REFERENCES.findall(claim) for number in found.split(",")]
        said = {name: self._places[name] for name in names(bare) if name in self._places}
        holders = {seq for seqs in said.values() for seq in seqs}
        valid = [seq for seq in dict.fromkeys(own) if 0 < seq <= self._last and (not holders or seq in holders)]
        valid = valid or sorted({seqs[0] for seqs in said.values()})
        return f"{bare} [{', '.join(map(str, valid[:_CITED]))}]" if valid else bare

    def _known(self, name: str) -> bool:
        parts = [part for part in _PARTS.split(name) if len(part) >= _LEAST]
        return name in self._text or (bool(parts) and all(part in self._text for part in parts))


def _goal(plan: Plan) -> Iterator[str]:
    kept = {part.seq for part in plan.users}
    for one in plan.leaving:
        if one.origin.kind == "user" and one.origin.seq not in kept and one.text.strip():
            yield f"- {_cut(one.text, 400)} [{one.origin.seq}]"


def _before(plan: Plan) -> Iterator[str]:
    for one in plan.leaving:
        if one.origin.kind == "summary":
            yield from (line for line in one.text.splitlines() if _CLAIM.match(line))


def _said_by_model(plan: Plan) -> Iterator[str]:
    for one in plan.leaving:
        if one.origin.kind == "assistant" and one.frame.value["type"] == "text" and one.text.strip():
            yield f"- {_cut(one.text, 240)} [{one.origin.seq}]"


def _files(plan: Plan) -> Iterator[str]:
    paths = [use for use in reversed(plan.uses) if "/" in use.name]
    yield from (f"- {use.name} [{use.source}]" for use in paths)


def _errors(plan: Plan) -> Iterator[str]:
    for one in plan.leaving:
        if one.frame.value.get("is_error"):
            yield f"- {_last_line(one)} [{one.origin.seq}]"


def _last_line(one: Said) -> str:
    lines = [line.strip() for line in one.text.splitlines() if line.strip()]
    return _cut(lines[-1], 240) if lines else short(one.text)


def _cut(text: str, length: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= length else f"{line[: length - 1]}…"

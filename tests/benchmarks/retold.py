"""A year with a user, told between the pages of a handbook: the facts, and questions that use other words.

The sentences and questions stand in ``facts/tuning.yaml`` (constants may be chosen on them) and ``facts/report.yaml``
(other kinds of fact, other names). Every name has facts of several kinds, and every kind is told of several names, so
that neither finds a fact alone. Half of the facts change later. A quarter of the pairs of name and kind is never told.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import yaml

from agentmem.transcript import transcript
from agentmem.transcript.transcript import Opening
from agentmem.types import Draft, Message, Reply, Text, ToolCall, ToolResult, Usage

FACTS = Path(__file__).parent / "facts"
SPLITS = ("tuning", "report")
FIRST = date(2026, 1, 5)
DAYS = 350
BETWEEN = 14
"""Days between a fact and its change, at least."""
WEEKS = (1, 2, 3, 4, 6)
_NUMBERS = {1: "one week", 2: "two weeks", 3: "three weeks", 4: "four weeks", 6: "six weeks"}
_NOISE = 240
"""Characters of a page that stand around a fact in a longer message."""


@dataclass(frozen=True)
class Told:
    """A sentence and the day on which it is said; ``own`` ones are said by the user, never read on a page."""

    day: date
    sentence: str
    own: bool = False


@dataclass(frozen=True)
class Question:
    """What is asked, its group, and the sentences that answer it: the right one, and what it replaced or became."""

    group: str
    text: str
    answer: str = ""
    other: str = ""


@dataclass
class Year:
    """All that is told, and all that is asked."""

    told: list[Told] = field(default_factory=list)
    asked: list[Question] = field(default_factory=list)


Kind = dict[str, Any]


class Teller:
    """Tells a split's facts, in another order and with other words for every seed."""

    def __init__(self, split: str, seed: int) -> None:
        self.random = random.Random(f"{split} {seed}")
        self.source: Kind = yaml.safe_load((FACTS / f"{split}.yaml").read_text(encoding="utf-8"))
        self.year = Year()

    def tell(self) -> Year:
        """The year of this split and seed."""
        for kinds, names in (("people", "names"), ("things", "systems")):
            for kind in self.source[kinds]:
                self._kind(kind, self.source[names])
        for kind in self.source["me"]:
            value = self.random.choice(kind["values"])
            self._fact(kind, "", [value], bool(kind.get("changed")), "me")
        self._events()
        self._linked()
        for text in self.source["absent"]:
            self._ask("never, other topics", text)
        return self.year

    def _kind(self, kind: Kind, names: Sequence[str]) -> None:
        """A kind of fact, told of all names but two; of half of them it changes."""
        values = self.random.sample(kind["values"], len(kind["values"]))
        mixed = self.random.sample(names, len(names))
        for who in mixed[:2]:
            for text in self.random.sample(kind["asked"], 2):
                self._ask("never, same form", text.format(who=who))
        for at, who in enumerate(mixed[2:]):
            self._fact(kind, who, [values.pop(), values.pop()], at % 2 == 0, "named")

    def _fact(self, kind: Kind, who: str, values: Sequence[str], changes: bool, group: str) -> None:
        first = self._day(0, DAYS - 4 * BETWEEN)
        said = self._say(first, self.random.choice(kind["told"]), who, values[0], own=not who)
        now, old = said, ""
        if changes:
            later = self._day((first - FIRST).days + BETWEEN, DAYS)
            now, old = self._say(later, self.random.choice(kind["changed"]), who, values[-1], own=not who), said
            self._ask("before a change", self.random.choice(kind["before"]).format(who=who), old, now)
        for text in self.random.sample(kind["asked"], 2):
            self._ask("after a change" if changes else group, text.format(who=who), now, old)

    def _events(self) -> None:
        """Each kind of event on some days of different months, asked by the month and from another event."""
        anchors = [(self._day(90 + 80 * at, 120 + 80 * at), one) for at, one in enumerate(self.source["anchors"])]
        for day, anchor in anchors:
            self._say(day, anchor["told"], own=True)
        for kind in self.source["events"]:
            months: set[int] = set()
            for value in kind["values"]:
                day, when = self._near(anchors, months)
                months.add(day.month)
                said = self._say(day, self.random.choice(kind["told"]), "", value, own=True)
                for group, words in (("dated, by month", self._month(day)), ("dated, from an event", when)):
                    self._ask(group, self.random.choice(kind["asked"]).format(when=words), said)

    def _near(self, anchors: Sequence[tuple[date, Kind]], months: set[int]) -> tuple[date, str]:
        """A day some weeks before or after an anchor, in a month that is free, and how one says that."""
        while True:
            (day, anchor), weeks = self.random.choice(anchors), self.random.choice(WEEKS)
            before = self.random.random() < 0.5
            found = day + timedelta(weeks=-weeks if before else weeks, days=self.random.choice((-1, 0, 1)))
            if found.month not in months:
                return found, f"{_NUMBERS[weeks]} {'before' if before else 'after'} {anchor['asked']}"

    def _month(self, day: date) -> str:
        return self.random.choice(
            (f"in {day:%B}", f"in {day:%B %Y}", f"on {day.day} {day:%B}", f"on {day:%B} {day.day}")
        )

    def _linked(self) -> None:
        """Who has a role is said once; what is told later has the name, and the question has the role."""
        for role, name in zip(self.source["roles"], self._mixed(self.source["linked_names"]), strict=True):
            first = self._day(0, DAYS // 2)
            self._say(first, role["link"], name, own=True)
            for kind in self.source["linked"]:
                later = self._day((first - FIRST).days + 7, DAYS)
                value = kind["values"][self.source["roles"].index(role)]
                said = self._say(later, kind["told"], name, value, own=True)
                self._ask("linked", kind["asked"].format(role=role["role"]), said)

    def _mixed(self, some: Sequence[str]) -> list[str]:
        return self.random.sample(some, len(some))

    def _day(self, first: int, last: int) -> date:
        return FIRST + timedelta(days=self.random.randrange(first, last))

    def _say(self, day: date, form: str, who: str = "", value: str = "", *, own: bool) -> str:
        text = form.format(who=who, value=value)
        sentence = text[0].upper() + text[1:]
        self.year.told.append(Told(day, sentence, own))
        return sentence

    def _ask(self, group: str, text: str, answer: str = "", other: str = "") -> None:
        self.year.asked.append(Question(group, text[0].upper() + text[1:], answer, other))


def drafts(year: Year, pages: Sequence[tuple[str, str]], seed: int) -> Iterator[Draft]:
    """The year as a transcript: each day's note, what is said on it, and the pages that are read on it."""
    chance = random.Random(seed)
    yield transcript.opening(Opening("none"))
    told = sorted(year.told, key=lambda one: one.day)
    per_day = -(-len(pages) // DAYS)
    for at in range(DAYS + 60):
        day = FIRST + timedelta(days=at)
        said = [one for one in told if one.day == day]
        read = pages[at * per_day : (at + 1) * per_day]
        if said or read:
            yield transcript.note("date", f"[Note] Today is {day:%A}, {day.day} {day:%B %Y}.")
        yield from _spoken(said, read, pages, chance)


def _spoken(
    said: Sequence[Told], read: Sequence[tuple[str, str]], pages: Sequence[tuple[str, str]], chance: random.Random
) -> Iterator[Draft]:
    """A day: facts alone, facts in a longer message, and facts on a line of a page."""
    lines: list[str] = []
    for one in said:
        form = chance.randrange(3)
        if form == 0 and read and not one.own:
            lines.append(one.sentence)
        else:
            yield transcript.user(one.sentence if form == 1 else _within(one.sentence, pages, chance))
    for name, text in read:
        body = text.splitlines(keepends=True)
        while lines:
            body.insert(chance.randrange(len(body) + 1), f"{lines.pop()}\n")
        call = ToolCall(f"c{name}", "read", f'{{"page": "{name}"}}')
        yield transcript.assistant(Reply(Message("assistant", (call,)), Usage("estimated")))
        yield transcript.tool_result(ToolResult(call.id, (Text("".join(body)),)))


def _within(sentence: str, pages: Sequence[tuple[str, str]], chance: random.Random) -> str:
    """The sentence in a message about other things: a few words that stand on some page."""
    noise = []
    for _ in range(2):
        _, text = chance.choice(pages)
        words = " ".join(text.split())
        start = words.find(" ", chance.randrange(max(1, len(words) - _NOISE))) + 1
        noise.append(words[start : start + _NOISE].rsplit(" ", 1)[0])
    return f"{noise[0]} {sentence} {noise[1]}"


def every(pages: Sequence[tuple[str, str]], split: str, seed: int) -> tuple[Year, list[Draft]]:
    """The year of a split and a seed, and its transcript."""
    year = Teller(split, seed).tell()
    return year, list(drafts(year, pages, seed))

"""A day of conversations for the warehouse's benchmarks: coders and testers over two prefixes, forks, later sessions.

It is made of text of this repository, so that a real engine can play it, or of numbers, for a simulator.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count, islice

from agentmem.kvcache.warehouse.blocks import shared
from agentmem.kvcache.warehouse.playing import PlayedTurn


@dataclass(frozen=True, slots=True)
class DayPlan:
    """``conversations`` of ``turns`` each: half are coders over one prefix of ``prefix`` tokens, half testers over
    another. Some of the later half are forks of earlier ones, some go on with an earlier one's second half of the day.
    A turn adds ``new`` tokens and ``reply`` tokens. At most ``live`` conversations are open at a time.
    """

    conversations: int = 8
    turns: int = 4
    prefix: int = 500
    new: int = 100
    reply: int = 16
    live: int = 4
    seed: int = 7


@dataclass(frozen=True, slots=True)
class DayTurn:
    """A request of a conversation that begins with ``parent_turns`` of another one, or with its role's prefix."""

    conversation: int
    role: int
    parent: int | None
    parent_turns: int
    turn: int


def day(plan: DayPlan) -> list[DayTurn]:
    """The requests in their order. The same plan gives the same day."""
    r = random.Random(plan.seed)
    begun: list[tuple[int | None, int]] = []
    for number in range(plan.conversations):
        earlier = number - plan.conversations // 2
        # the second half: by turns a fork in the middle of an earlier one, and a later session of an earlier one
        begun.append((None, 0) if earlier < 0 else (earlier, plan.turns // 2))
    waiting, live, played = list(range(plan.conversations)), list[int](), dict.fromkeys(range(plan.conversations), 0)
    order = list[DayTurn]()
    while waiting or live:
        while len(live) < plan.live and (ready := _ready(waiting, begun, played)) is not None:
            waiting.remove(ready)
            live.append(ready)
        number = r.choice(live)
        for _ in range(r.choice((1, 1, 2))):
            if played[number] < plan.turns:
                order.append(DayTurn(number, number % 2, *begun[number], played[number]))
                played[number] += 1
        if played[number] == plan.turns:
            live.remove(number)
    return order


def _ready(waiting: Sequence[int], begun: Sequence[tuple[int | None, int]], played: dict[int, int]) -> int | None:
    for number in waiting:
        parent, turns = begun[number]
        if parent is None or played[parent] >= turns:
            return number
    return None


class Contexts:
    """The tokens of each conversation while the day is played. ``text`` gives so many tokens for a seed."""

    def __init__(self, plan: DayPlan, text: Callable[[int, int], list[int]]) -> None:
        self._plan, self._text = plan, text
        self._prefixes = [text(plan.prefix, role) for role in range(2)]
        self.ends: dict[int, list[list[int]]] = {}

    def prompt(self, turn: DayTurn) -> list[int]:
        """The prompt of a turn."""
        ends = self.ends.setdefault(turn.conversation, [])
        if ends:
            before = ends[-1]
        elif turn.parent is None:
            before = self._prefixes[turn.role]
        else:
            before = self.ends[turn.parent][turn.parent_turns - 1]
        return before + self._text(self._plan.new, 1000 + 100 * turn.conversation + turn.turn)

    def answered(self, turn: DayTurn, prompt: Sequence[int], reply: Sequence[int]) -> None:
        """Go on with a reply."""
        self.ends[turn.conversation].append([*prompt, *reply])

    @property
    def tokens(self) -> int:
        """Tokens of all conversations as they are now."""
        return sum(len(ends[-1]) for ends in self.ends.values())


class Ceiling:
    """What could be known of each prompt by everything that an engine computed before it."""

    def __init__(self) -> None:
        self._known: list[list[int]] = []
        self.input = self.known = 0

    def asked(self, prompt: list[int]) -> None:
        """Count a prompt. Its last token is always computed: the reply needs it."""
        self.input += len(prompt)
        self.known += min(len(prompt) - 1, max((shared(one, prompt) for one in self._known), default=0))

    def computed(self, tokens: list[int]) -> None:
        """The engine has computed these."""
        self._known.append(tokens)

    @property
    def share(self) -> float:
        """The share of all prompts' tokens that could be known."""
        return self.known / self.input if self.input else 0.0


def pieces(source: Sequence[int]) -> Callable[[int, int], list[int]]:
    """Gives pieces of tokens by their number and a seed, from stretches of ``source``."""

    def text(count: int, seed: int) -> list[int]:
        r = random.Random(seed)
        return list(_stretches(source, count, r))

    return text


def _stretches(source: Sequence[int], count: int, r: random.Random) -> Iterator[int]:
    while count > 0:
        at, size = r.randrange(len(source) - 50), min(count, 50)
        yield from source[at : at + size]
        count -= size


def long_day(conversations: int, new: tuple[int, int], reply: int, seed: int) -> list[PlayedTurn]:
    """A day of conversations that grow to 2,000 to 6,000 tokens, over two prefixes of 1,500. Of those after the eighth,
    two in five begin with the first half or more of an earlier one: forks, and later sessions. Five are open at a time,
    and their turns come in bursts. Each turn brings so many new tokens, from the first of ``new`` to the second, drawn
    evenly. Tokens are numbers.
    """
    r, lengths, fresh = random.Random(seed), random.Random(seed), count()
    prefixes = [tuple(islice(fresh, 1500)) for _ in range(2)]
    waiting: list[list[PlayedTurn]] = []
    for number in range(conversations):
        target, base = r.randint(2000, 6000), prefixes[number % 2]
        if number >= 8 and r.random() < 0.4:
            end = r.choice(waiting)[-1].end
            base = end[: int(len(end) * r.uniform(0.5, 1))]
            target = max(target, len(base) + 800)
        turns, context = list[PlayedTurn](), base
        while len(context) < target:
            prompt = (*context, *islice(fresh, lengths.randint(*new)))
            context = (*prompt, *islice(fresh, reply))
            turns.append(PlayedTurn(prompt, context[:-1]))
        waiting.append(turns)
    return list(_interleaved(waiting, r))


def _interleaved(waiting: list[list[PlayedTurn]], r: random.Random) -> Iterator[PlayedTurn]:
    left, live = [list(reversed(one)) for one in reversed(waiting)], list[list[PlayedTurn]]()
    while left or live:
        while left and len(live) < 5:
            live.append(left.pop())
        one = r.choice(live)
        for _ in range(r.choice((1, 1, 2, 3))):
            if one:
                yield one.pop()
        if not one:
            live.remove(one)

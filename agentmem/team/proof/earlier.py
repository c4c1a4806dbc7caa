"""Answers that the code changes after it has given them, by what the test says later.

The judge runs it by itself, without the rest of agentmem. ``order("a") == Order("a", Money(7))`` asks for an order, and
then makes what it is compared with: code that keeps the order could write the 7 into it, as soon as it is told of it.
So the judge asks for the fields of what the code has given before the code is told of an instance that the test makes,
and they must be the same when the two are compared. A test that calls a method of the instance, or gives it to the
code, means it to change.
"""

import ast
from collections.abc import Iterator, Sequence
from typing import Any

from agentmem.team.proof.agreeing import is_far, same
from agentmem.team.proof.arguments import frames_inside, place_of, tree_of
from agentmem.team.proof.still_used import still_used
from agentmem.team.proof.uses import compares

_MANY = 40  # instances that are asked for, of those that came last
_KEPT = 4  # moments of which each instance's fields are kept
_ROUNDS = 3  # instances in instances of which the fields are asked for
_DEEP = 4  # containers in containers that are looked into


class Earlier:
    """The instances of dataclasses that the code has given in a test, and their fields at moments before now."""

    def __init__(self, link: Any) -> None:
        self.link, self.test, self.moment, self.asked = link, -1, 0, -1
        self.came, self.for_all = list[Any](), list[Any]()
        self.answers = list[Any]()  # containers that the code gave, and has changed since

    def gave(self, made: Any) -> None:
        """The code gives an instance."""
        self._begin()
        self.came = [*self.came[1 - _MANY :], made]
        if self.test == 0:  # while the file is loaded, or by a fixture for many tests
            self.for_all = self.came

    def _begin(self) -> None:
        if self.test != self.link.marks.test:
            self.test, self.came = self.link.marks.test, list(self.for_all)

    def know(self) -> int:
        """Ask for the fields of what has come: the code is told of a value of the test's next. Gives the moment."""
        self._begin()
        if not self.came:
            return 0
        if self.asked != self.link.asked:  # it has been asked for more than to make the test's own
            self.moment += 1
            self._ask()
        self.asked = self.link.asked
        return self.moment

    def _ask(self) -> None:
        known = 0
        for _ in range(_ROUNDS):
            new = [one for one in self.came if self.moment not in one.__dict__.get("_far_before", {})]
            if not new or known > _MANY:
                return
            known += len(new)
            for one, state in zip(new, self._states(new), strict=True):
                before = one.__dict__.setdefault("_far_before", {})
                before[self.moment] = state
                for old in list(before)[:-_KEPT]:
                    del before[old]

    def _states(self, every: Sequence[Any]) -> list[Any]:
        """Their fields; None for those that the code does not tell, which are the same as no others."""
        try:
            found = self.link.ask("copies", ["l", *(list(one.__dict__["_far"]) for one in every)])
        except Exception as error:
            self.link.ends.take(error)
            found = None
        return found if type(found) is list and len(found) == len(every) else [None] * len(every)

    def built(self, made: Any, moment: int) -> None:
        """The test has made something of the code's, of which the code was told after this moment."""
        if moment and is_far(made):
            made.__dict__.setdefault("_far_since", moment)
        self.asked = self.link.asked

    def compared(self, answer: Any, own: Any, now: Any) -> None:
        """Marks a test that compares what the code has given with its own, where that has changed the answer."""
        before = answer.__dict__.get("_far_before", {})
        since = min(_since(own), default=0)
        if since in before and not alike(before[since], now):
            self._mark(answer)

    def gives(self, value: Any) -> None:
        """The test gives an instance back, or calls a method of it: it may change from now on."""
        if (before := value.__dict__.pop("_far_before", None)) is None:
            return
        state = before[max(before)]
        if not alike(state, self.link.ask("copy", list(value.__dict__["_far"]))):
            self._mark(value)
        for one in _parts(state):
            if is_far(one):
                self.gives(one)

    def _mark(self, value: Any) -> None:
        self.link.marks.mark("compares", f"a {type(value).__name__} that it changes after it has given it")

    def settle(self, given: bool) -> None:
        """A class of the code's was called: marks a test that compares what that has changed."""
        answers, self.answers = self.answers, []
        if not given or not answers:
            return
        inside, root = _is_compared(self.link.root), self.link.root
        if inside or any(still_used(one, root) for one in answers):
            self.link.marks.mark("compares", "an answer that is changed by what it is compared with")


def _since(value: Any, depth: int = 0) -> Iterator[int]:
    """The moments since which the code may know of parts of a value of the test's."""
    if is_far(value):
        own = value.__dict__
        if "_far_since" in own:
            yield own["_far_since"]
        value = list((own.get("_far_values") or {}).values()) if "_far_values" in own else value
    if depth < _DEEP and isinstance(value, list | tuple | dict):
        for one in value.values() if isinstance(value, dict) else tuple(value):
            yield from _since(one, depth + 1)


def _parts(value: Any, depth: int = 0) -> Iterator[Any]:
    if depth < _DEEP and type(value) in (list, tuple, dict):
        for one in value.values() if type(value) is dict else value:
            yield from _parts(one, depth + 1)
    else:
        yield value


def alike(one: Any, other: Any, depth: int = 0) -> bool:
    """True if two states are the same, without a question: what the code has stands for itself."""
    if one is other:
        return True
    if is_far(one) and is_far(other):  # one that the test made has another proxy for what the code has made of it
        return "_far" in one.__dict__ and one.__dict__["_far"] == other.__dict__.get("_far")
    if type(one) is not type(other) or is_far(one):
        return False
    if depth < _DEEP and type(one) in (list, tuple):
        return len(one) == len(other) and all(alike(*pair, depth + 1) for pair in zip(one, other, strict=True))
    if depth < _DEEP and type(one) is dict:
        return list(one) == list(other) and all(alike(one[name], other[name], depth + 1) for name in one)
    return same(one, other)


def _is_compared(root: str) -> bool:
    """True if the call that a test makes, by whatever functions of its own, is a part of a comparison."""
    for frame in frames_inside(f"{root}/"):
        tree, place = tree_of(frame.f_code.co_filename), place_of(frame)
        if tree is not None and place is not None and any(compares(one, *place) for one in ast.walk(tree)):
            return True
    return False

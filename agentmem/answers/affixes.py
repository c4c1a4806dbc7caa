"""Gates on parts of words: prefixes and endings that make the opposite, or the other party, of the same word."""

from functools import cache, lru_cache

from agentmem.answers.words import QuestionPair

_PREFIXES = (
    *("un", "dis", "in", "im", "ir", "il", "non", "de", "mis", "anti", "counter"),
    *("re", "pre", "post", "fore", "over", "under", "out", "sub", "super", "inter", "trans", "multi", "micro", "macro"),
)
"""Prefixes that reverse a word, or make another one of it: install and reinstall."""
_MADE_OTHERWISE = frozenset({"unabl", "resourc"})
"""Stems with such a beginning that stand beside their rest: resource and source."""
_FULL = ("ful", "y", "ed")
"""Endings of a word whose opposite ends in -less."""
_CONTRASTS = """
hyper hypo normo
pre post
over under
up down
in out ex
inter intra
intro extro extra
macro micro
mono bi di tri quadri multi poly
homo hetero
endo exo ecto
sub super
pro anti contra
en de
ab ad
brady tachy
eu dys
kilo mega giga milli nano pico
mini maxi
auto allo
"""
"""Prefixes of which one for another makes another word, a group a line."""


def turned(found: QuestionPair) -> str:
    """A word on one side that is the other's with a prefix of reversal."""
    return _turned(found.only_left, found.only_right) or _turned(found.only_right, found.only_left)


def prefixes(found: QuestionPair) -> str:
    """One word with two prefixes of a contrast: hyperglycemia and hypoglycemia, prenatal and postnatal."""
    one, other = (set(each.tokens) for each in (found.left, found.right))
    made = [{split: word for word in words for split in _splits(word)} for words in (one - other, other - one)]
    for group, rest, prefix in made[0]:
        apart = [key for key in made[1] if key[:2] == (group, rest) and key[2] != prefix]
        if apart:
            return f"{made[0][group, rest, prefix]} against {made[1][apart[0]]}"
    return ""


def participants(found: QuestionPair) -> str:
    """The one who does it, and the one to whom it is done: the lessor and the lessee."""
    one, other = ({token.removesuffix("s") for token in each.tokens} for each in (found.left, found.right))
    for here, there in ((one - other, other - one), (other - one, one - other)):
        for word in here:
            base = word.removesuffix("ee")
            if base != word and there & {f"{base}er", f"{base}or", f"{base}r"}:
                return f"{word} against who does it"
    return ""


def _turned(here: frozenset[str], there: frozenset[str]) -> str:
    """A word and the same with a prefix that reverses it: "lock" against "unlock"."""
    for one in here:
        bare = one.removesuffix("less")
        if bare != one and (full := there & {f"{bare}{ending}" for ending in _FULL}):
            return f"{one} against {min(full)}"
        for prefix in _PREFIXES:
            rest = one.removeprefix(prefix)
            if len(rest) > 2 and rest != one and rest in there and one not in _MADE_OTHERWISE:
                return f"{one} against {rest}"
    return ""


@lru_cache(maxsize=65_536)
def _splits(word: str) -> tuple[tuple[int, str, str], ...]:
    """Each prefix of a contrast that a word may begin with: its group, the rest, and the prefix."""
    return tuple(
        (at, word.removeprefix(prefix), prefix)
        for at, group in enumerate(_contrasts())
        for prefix in group
        if word.startswith(prefix) and len(word) > len(prefix) + 2
    )


@cache
def _contrasts() -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(line.split()) for line in _CONTRASTS.strip().splitlines())

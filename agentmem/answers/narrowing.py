"""The gate on words that only one of two questions has, and that make it narrower: an indoor cat, after opening.

A modifier before a noun narrows it, unless it only praises, or says that the thing is there at all; a phrase that opens
with a word such as "after" narrows what is asked. All other words must be matched: where both questions have words of
their own, other gates decide.
"""

from functools import cache

from agentmem.answers.words import QuestionPair, Words, function_words, stem

PLAIN_MODIFIERS = """
good great best better nice cool fun funny awesome amazing interesting favorite favourite weird strange crazy insane
unusual perfect ideal beautiful famous popular worst bad
important main major key primary essential significant common usual typical general normal basic simple easy quick
proper correct right appropriate suitable exact precise specific particular certain respective
various different several multiple many numerous few some other
actual real true genuine legitimate whole entire complete total overall stated
current present existing new latest recent possible potential likely available own personal individual
necessary needed required useful helpful effective efficient reliable detailed additional extra further human people
opinion detail life world society practice short advance mind habit market money
customer consumer user company business client problem issue trouble error type commercial
"""
"""Words before a noun that praise, stress or say nothing: with them a question is about the same things."""

VERBS = """
consider feel keep ask support commit leave think suggest start begin build develop buy check locate obtain receive
request set move look come call seem become remain
"""
"""Verbs that stand before a noun and are no modifiers of it, even behind another noun."""

OPENERS = frozenset("before after during under until since while if unless as despite without except".split())  # noqa: SIM905
"""Words that open a phrase which narrows a question."""

_BEFORE = frozenset(
    "a an the my your our their his her its this that these those some any no every each many much several".split()  # noqa: SIM905
) | {
    *("of", "in", "for", "with", "on", "at", "from", "about", "by", "what", "which"),
}
"""Words behind which a word before a noun is its modifier, and no verb."""
_PLACING = frozenset("in on at for from with by within".split())  # noqa: SIM905
_WHICH = ("which", "what")
_OPENING = frozenset("is are was were do does did can could should will would must may has have".split())  # noqa: SIM905
"""Those behind which it is one if they open the question: are guide dogs allowed."""
_NO_MODIFIERS = frozenset("dur during toward towards per among between behind against both".split())  # noqa: SIM905


def narrower(found: QuestionPair) -> str:
    """Only one of the two has a modifier before a noun of both, or a phrase such as "after opening"."""
    if bool(found.lone_left) == bool(found.lone_right):
        return ""
    one, other = (found.left, found.right) if found.lone_left else (found.right, found.left)
    lone = set(found.lone_left or found.lone_right) - set(found.rare_left or found.rare_right) - set(other.stems)
    named = (lone & one.names) - function_words()
    said = (*sorted(named), *_modifiers(one, other, lone), *_opened(one, other, lone), *_placed(one, lone))
    return f"only one says {said[0]}" if said else ""


def _modifiers(one: Words, other: Words, lone: set[str]) -> list[str]:
    """The lone words before a word with content of both questions, and behind an article or the like."""
    superlative = any(token.endswith("est") for token in other.tokens)
    before = zip(("", *one.tokens), (False, *one.content), strict=False)
    behind = (*zip(one.stems[1:], one.content[1:], strict=True), ("", False))
    return [
        word
        for at, (word, (token, content), (noun, keep)) in enumerate(zip(one.stems, before, behind, strict=False))
        if word in lone
        and word not in _plain()
        and not (superlative and word.endswith("est"))
        and keep
        and word not in _BEFORE
        and noun in other.stems
        and (content or token in _BEFORE or (at == 1 and token in _OPENING))
    ]


def _placed(one: Words, lone: set[str]) -> list[str]:
    """The lone words at the end of a phrase of place, time or purpose: in winter, for a month."""
    found: list[str] = []
    waiting = False
    for token, word, keep, follows in zip(one.tokens, one.stems, one.content, (*one.content[1:], False), strict=False):
        found += [word] if waiting and not follows and word in lone and word not in _plain() else []
        goes_on = token in _BEFORE and token not in _WHICH
        waiting = token in _PLACING or (waiting and (goes_on or keep))
    return found


def _opened(one: Words, other: Words, lone: set[str]) -> list[str]:
    """The phrases of lone words that such a word opens, which the other question lacks."""
    found: list[str] = []
    waiting = ""
    for token, word, content in zip(one.tokens, one.stems, one.content, strict=True):
        if token in OPENERS and token not in other.tokens:
            waiting = token
        elif content:
            found += [f"{waiting} {token}"] if waiting and word in lone else []
            waiting = ""
    return found


@cache
def _plain() -> frozenset[str]:
    return frozenset(map(stem, (*PLAIN_MODIFIERS.split(), *VERBS.split()))) | _NO_MODIFIERS

"""Gates on the form of a question: its question word, its tense, whether it asks for a duty or a leave, and whose."""

from collections.abc import Iterable, Sequence
from itertools import dropwhile, pairwise

from agentmem.answers.quantities import OPENERS
from agentmem.answers.words import QuestionPair, Words

_ASKS = ("when", "where", "why", "who", "whose")
_HOW = ("long", "much", "many", "often", "far", "old", "big", "tall", "deep", "high", "fast", "soon")
_MEASURED = {
    **dict.fromkeys(("wide", "broad"), "wide"), **dict.fromkeys(("large", "big"), "big"),
    **dict.fromkeys(("hard", "difficult", "easy"), "hard"), **dict.fromkeys(("expensive", "much"), "much"),
    **dict.fromkeys(("frequently", "often"), "often"), **dict.fromkeys(("quickly", "fast"), "fast"),
    **{word: word for word in "thick heavy strong hot cold warm loud bright early late safe close sharp small".split()},  # noqa: SIM905
}  # fmt: skip
"""What else how asks for, with its one name."""
_QUESTIONING = frozenset("why when where who what how which whether if".split())  # noqa: SIM905
_NOT_HOW = frozenset({"why", "when", "who"})
_TIMES = frozenset("days hours weeks minutes months years".split())  # noqa: SIM905
_AUXILIARY = frozenset("do does did is are was were will can could should would must may has have to".split())  # noqa: SIM905

_WHOSE = {"my": 1, "our": 1, "your": 2, "ur": 2, "his": 3, "her": 4, "their": 5}
_OWNERS = {"my": ("i",), "our": ("we",), "your": ("you", "u"), "their": ("they", "people", "anyone", "someone", "one")}
"""The speakers whose own it is: "how do you clean your desk" is about a desk of one's own, as "how do I clean my"."""
_OWN = 0

_PAST, _PRESENT = frozenset({"did", "was", "were"}), frozenset("do does is are am".split())  # noqa: SIM905
_FUTURE = frozenset({"will", "shall", "going"})
_PERSONS = frozenset("i you we they he she it people anyone someone anybody somebody".split())  # noqa: SIM905
_DOING = frozenset("do does did can could will would shall should must may".split())  # noqa: SIM905
_ASKING = frozenset("how what when where why which".split())  # noqa: SIM905
_SPEAKERS = frozenset("i me my we us our".split())  # noqa: SIM905
_UNREAL = frozenset({"would", "could", "should", "might", "must"})
_BEEN = frozenset("been done gone had made taken given known got gotten paid won lost kept left sent said".split())  # noqa: SIM905
_PERFECT = frozenset({"have", "has", "had"})

_MODALS: tuple[tuple[str, tuple[tuple[str, ...], ...]], ...] = (
    (
        "a duty",
        (("must",), ("do", "have", "to"), ("do", "need", "to"), ("need",), ("am", "obliged"), ("am", "required")),
    ),
    ("a leave", (("may",), ("can",), ("could",), ("am", "allowed"), ("am", "permitted"))),
    ("advice", (("should",), ("ought",))),
    ("a wish", (("do", "want", "to"),)),
)
"""What a question may ask for, by the words that open it. "Can you" is a request, and is left out."""
_LEAVE = frozenset({"allowed", "permitted", "may"})
"""Words that ask for a leave and for nothing else; "can I" often means "how do I"."""
_OPENING = 6
"""Words in which such a form must be complete."""
_FORMS = {"does": "do", "did": "do", "is": "am", "are": "am", "was": "am", "were": "am"}


_NEAR = 4
"""The verb that opens a question stands before this place."""


def asks(found: QuestionPair) -> str:
    """One asks when, the other where; or how long, and how much."""
    one, other = _asked(found.left), _asked(found.right)
    both = found.left, found.right
    opening = {each.tokens[0] for each in both if each.tokens}
    if (said := opening & _NOT_HOW) and any(map(_manner, both)) and one != other:
        return f"{_list(said)} against how"
    if said and opening & OPENERS and not any(_QUESTIONING.intersection(each.tokens[1:]) for each in both):
        return f"{_list(said)} against whether"
    if any(map(_manner, both)) and (measured := [each.tokens[1] for each in both if _measures(each)]):
        return f"how {measured[0]} against how"
    return f"{_list(one)} against {_list(other)}" if one and other and not one & other else ""


def whose(found: QuestionPair) -> str:
    """My name, and your name."""
    one, other = _owned(found.left), _owned(found.right)
    apart = [word for word in one if word in other and not one[word][0] & other[word][0]]
    return f"{one[apart[0]][1]} {apart[0]} against {other[apart[0]][1]} {apart[0]}" if apart else ""


def tense(found: QuestionPair) -> str:
    """One asks what was, the other what is or will be: "how many have I used" against "how many do I have"."""
    past = [_unreal(one) for one in (found.left, found.right)]
    if past[0] != past[1]:
        return "one is about what would have been"
    past = [_past(one) for one in (found.left, found.right)]
    if past[0] == past[1] or ("ever" in found.left.tokens and "ever" in found.right.tokens):
        return ""
    later = set((found.right if past[0] else found.left).tokens)
    if later & _FUTURE:
        return "one is about the past, the other about the future"
    return "one is about the past, the other about the present" if later & _PRESENT else ""


def modality(found: QuestionPair) -> str:
    """One asks for a duty, the other for a leave or for advice: must I, may I, should I."""
    one, other = _modal(found.left), _modal(found.right)
    if "a leave" in (one, other) and "" in (one, other):
        asked, leave = (found.left, found.right) if other else (found.right, found.left)
        return "how against whether one may" if _manner(asked) and _LEAVE.intersection(leave.tokens) else ""
    if {one, other} == {"a duty", "advice"} and "how" in (found.left.tokens[0], found.right.tokens[0]):
        return ""  # how often must I, how often should I
    return f"one asks for {one}, the other for {other}" if one and other and one != other else ""


def actor(found: QuestionPair) -> str:
    """I do it, or it is done to me: must I tell the landlord, must the landlord tell me."""
    for one, other in ((found.left, found.right), (found.right, found.left)):
        who = _subject(other)
        if _subject(one) in _PERSONS and who and who not in _PERSONS and _both(who, one, other):
            return f"one is about what {who} does, the other about what is done to it"
    return ""


def _subject(one: Words) -> str:
    """The stem of what stands behind the auxiliary that opens a question or follows its question word: I, landlord."""
    triples = list(zip(one.tokens, one.stems, one.content, strict=True))
    at = next((at for at, token in enumerate(one.tokens[:_NEAR]) if token in _DOING), None)
    if at is None or (at and one.tokens[0] not in _ASKING):
        return ""
    behind = triples[at + 1 :]
    return next((stem for token, stem, content in behind if content or token in _PERSONS), "")


def _both(who: str, one: Words, other: Words) -> bool:
    """True if the other also names a speaker, and both name ``who``. A passive has one of them left out."""
    return who in one.stems and bool(_SPEAKERS.intersection(other.tokens)) and "be" not in other.tokens


def _manner(one: Words) -> bool:
    """True if a question asks how it is done."""
    return one.tokens[:1] == ("how",) and one.tokens[1:2] != () and one.tokens[1] in _AUXILIARY


def _measures(one: Words) -> bool:
    """True if a question opens with how often, how much or the like."""
    return one.tokens[:1] == ("how",) and bool({*one.tokens[1:2]} & {*_HOW, *_MEASURED})


def _asked(one: Words) -> set[str]:
    """The question words that ask: "when do", and not the "when" of "when I pay"."""
    follows = (*zip(one.tokens, one.tokens[1:], (*one.tokens[2:], ""), (*one.tokens[3:], "", ""), strict=False),)
    found = {a for a, b, *_ in follows if a in _ASKS and (b in _AUXILIARY or a.startswith("who"))}
    return found | {_how(b, {c, d}, one) for a, b, c, d in follows if a == "how" and (b in _HOW or b in _MEASURED)}


def _how(measure: str, behind: set[str], one: Words) -> str:
    """What a question asks for that opens with how: how many weeks is how long, how long ago is when."""
    if (measure == "many" and behind & _TIMES) or (measure == "much" and "time" in behind):
        return "long"
    return "when" if measure == "long" and "ago" in one.tokens else _MEASURED.get(measure, measure)


def _owned(one: Words) -> dict[str, tuple[set[int], str]]:
    """Each word behind a possessive, with whose it may be."""
    said = frozenset(one.tokens)
    return {
        word: ({_WHOSE[owner], _OWN} if said.intersection(_OWNERS.get(owner, ())) else {_WHOSE[owner]}, owner)
        for owner, word in pairwise(one.tokens)
        if owner in _WHOSE
    }


def _past(one: Words) -> bool:
    """True if a question is about the past alone."""
    tokens = set(one.tokens)
    perfect = any(a in _PERFECT and b in _PERSONS for a, b in pairwise(one.tokens))
    return (bool(tokens & _PAST) or perfect) and not tokens & (_FUTURE | _PRESENT)


def _unreal(one: Words) -> bool:
    """True for what would, could or should have been."""
    behind = one.tokens[next((at for at, token in enumerate(one.tokens) if token in _UNREAL), len(one.tokens)) :]
    return any(a == "have" and (b.endswith("ed") or b in _BEEN) for a, b in pairwise(behind))


def _modal(one: Words) -> str:
    """What the words that open a question ask for. "Need help" is no question."""
    if "you" in one.tokens[:2] or (one.tokens[:1] == ("need",) and not one.text.rstrip().endswith("?")):
        return ""
    behind = one.tokens[1:] if one.tokens[:1] in (("when",), ("who",), ("which",)) else one.tokens
    if one.tokens[:1] == ("how",) and one.tokens[1:2] and one.tokens[1] in _HOW:
        behind = tuple(dropwhile(lambda token: token not in _AUXILIARY, one.tokens))
    opening = [_FORMS.get(word, word) for word in behind[:_OPENING]]
    return next((name for name, forms in _MODALS for form in forms if _opens(form, opening)), "")


def _opens(form: Sequence[str], opening: Sequence[str]) -> bool:
    """True if the first word is the form's, and its other words follow in their order: do visitors have to."""
    rest = iter(opening)
    return opening[:1] == list(form[:1]) and all(word in rest for word in form)


def _list(found: Iterable[str]) -> str:
    return ", ".join(sorted(found)) or "none"

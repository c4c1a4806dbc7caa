"""Slots of a question: what must be the same in two questions of one intent for one answer to be right for both.

They are its digits (an order, an amount), account tiers, and the names of persons, products and places, all in small
letters. Relations (my daughter's account) and months count as well. The words of each kind stand in one table. Further
names are found in the texts themselves: a word that stands with a capital inside a sentence in two texts or more, and
seldom without, is a name in all of them.
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence

TIERS = "free freemium standard pro premium platinum gold silver bronze"
PERSONS = "bride wife husband daughter son mother father fiance fiancee brother sister mr mrs ms"
MONTHS = "january february march april june july august september october november december"
PLACES = """
germany france spain italy england scotland ireland wales portugal poland russia china japan korea india australia
austria canada mexico brazil argentina chile peru cuba egypt kenya nigeria turkey greece sweden norway denmark finland
iceland switzerland belgium netherlands hungary romania ukraine thailand vietnam philippines indonesia malaysia
singapore taiwan israel iran iraq jamaica bahamas colombia ecuador bolivia venezuela salvador guatemala panama haiti
morocco algeria tunisia ethiopia ghana uganda zimbabwe cambodia laos nepal pakistan bangladesh afghanistan syria
lebanon jordan qatar kuwait europe africa asia america usa uk hawaii alaska california texas florida ohio utah
nevada arizona oregon washington virginia georgia michigan illinois colorado montana kansas iowa maine idaho
london paris berlin madrid rome tokyo beijing shanghai dublin munich toronto seattle detroit chicago boston denver
dallas houston miami atlanta phoenix orlando philadelphia valencia liverpool manchester york angeles vegas francisco
diego antonio austin portland cleveland moscow istanbul dubai sydney mumbai delhi cairo lisbon vienna prague
"""
TONGUES = """
english french german spanish italian portuguese russian chinese mandarin japanese korean hindi arabic dutch swedish
norwegian danish finnish polish turkish greek hebrew thai vietnamese hawaiian latin zulu swahili british american
canadian australian mexican indian irish
"""
PRODUCTS = """
visa mastercard amex discover chase paypal bitcoin iphone android apple samsung google amazon honda toyota ford mazda
chevy bmw delta united outback netflix uber lyft applebees wendys mcdonalds starbucks walmart citibank
euro euros pound pounds yen peso pesos rupee rupees yuan rubles usd gbp eur jpy
savings debit diesel unleaded
apple apples banana bananas pizza burger cheeseburger rice pasta lasagna chicken beef pork fish salmon tuna egg eggs
cheese milk butter bread cake cookie cookies chocolate coffee tea beer wine sugar salt potato potatoes tomato tomatoes
soup salad steak bacon turkey yogurt cream vanilla cinnamon lentils broccoli carrots onion onions garlic
"""
_DIGITS = re.compile(r"\d+")
_LETTERS = re.compile(r"[^\W\d_]+")
_NAMED = re.compile(r"(?<=[a-z,] )(?:[A-Z][a-z]+)(?: [A-Z][a-z]+)*")
_OWN = frozenset("i i'm the order account".split())  # noqa: SIM905
_SEEN, _SHARE = 2, 0.3
"""Texts in which a name has a capital, and the least share of them among those that have the word."""

Slots = Callable[[str], frozenset[str]]


def slots_of(texts: Sequence[str]) -> Slots:
    """The extractor for questions of these texts."""
    known = frozenset(" ".join((TIERS, PERSONS, MONTHS, PLACES, TONGUES, PRODUCTS)).split()) | _names(texts)

    def slots(question: str) -> frozenset[str]:
        low = question.lower()
        return frozenset(_DIGITS.findall(low)) | known.intersection(_LETTERS.findall(low))

    return slots


def _names(texts: Sequence[str]) -> frozenset[str]:
    found = Counter(word.lower() for text in texts for name in set(_NAMED.findall(text)) for word in name.split())
    every = Counter(word for text in texts for word in set(_LETTERS.findall(text.lower())))
    named = (word for word, count in found.items() if count >= _SEEN and count >= _SHARE * every[word])
    return frozenset(named) - _OWN

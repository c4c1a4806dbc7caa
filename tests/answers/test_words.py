"""How two questions are aligned: typos, names, slots, and how a question is written."""

import pytest

from agentmem.answers.spelling import amounts, english, letters, symbols
from agentmem.answers.words import pair, same_slots

KNOWN = frozenset("how change email address card is the safe dose invite does live where cookie calorie".split())  # noqa: SIM905


def spells(word: str) -> bool:
    """A small vocabulary."""
    return word in KNOWN


def test_a_typo_has_one_known_side() -> None:
    """A word that nobody knows, near a known one, is a typo. Two unknown words are two names, however near."""
    assert pair("change the adress", "change the address", spells).typos == 1
    medicines = pair("is prednisone safe", "is prednisolone safe", spells)
    assert (medicines.typos, medicines.rare_left, medicines.rare_right) == (0, ("prednison",), ("prednisolon",))


def test_two_names_are_never_a_typo_or_a_part_of_each_other() -> None:
    """Stefan is not Stefanie, although one word continues the other."""
    found = pair("Where does Stefan live?", "Where does Stefanie live?", spells)
    assert found.lone_left and found.lone_right


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("See invoice #85632", "show me invoice 85632", True),
        ("Call the ATM in Lyon", "call the atm in lyon please", True),
        ("See invoice #85632", "see invoice #12588", False),
        ("Ship it to Lyon", "Ship it to Bonn", False),
        ("Ship it to the US", "Ship it to the United States", True),
        ("Ship it to the UK", "Ship it to the United States", False),
        ("Pay $50", "pay 50 dollars", True),
        ("Take 5 mg", "take 5 g", False),
    ],
)
def test_slots(one: str, other: str, same: bool) -> None:
    """Amounts, codes and names make another question; the case of a name does not."""
    assert same_slots(one, other) is same
    assert same_slots(other, one) is same


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a <= b", ("<=",)),
        ("what is i++", ("w++",)),
        ("what is ++i", ("++w",)),
        ("grep -v", ("-v",)),
        ("tar --force", ("--force",)),
        ("a wi-fi card - and/or a well-known one", ()),
        ("My card is lost. Help!", ()),
        ("How do I use sort!", ("w!",)),
        ("is 5 % of it", ()),
        ("see order #123", ()),
        ("what is C#", ("#",)),
    ],
)
def test_symbols(text: str, found: tuple[str, ...]) -> None:
    """Operators and flags are read; signs within words, dashes and marks at the end of prose are not."""
    assert symbols(text) == found


def test_lone_letters_keep_their_case() -> None:
    """C, R and V are names; an article and a speaker are not."""
    assert letters("Is C like R?") == ("C", "R")
    assert letters("A dog and I saw a cat") == ()
    assert letters("is hepatitis A curable") == ("A",)


def test_amounts_have_their_unit() -> None:
    """A unit is part of an amount, however it is spaced; another word is not."""
    assert amounts("5 mg and 5mg") == ("5mg", "5mg")
    assert amounts("5 GB, 5 TB") == ("5GB", "5TB")
    assert amounts("order 1,500 pens for $20") == ("1500", "$20")
    assert amounts("World War II") == ("II",)


@pytest.mark.parametrize(
    ("text", "is_english"),
    [
        ("How do I pay?", True),
        ("change email address", True),
        ("Wie kann ich zahlen?", False),
        ("¿Cómo puedo pagar?", False),
        ("Jak otworzyć konto?", False),
    ],
)
def test_english_is_told_by_its_small_words(text: str, is_english: bool) -> None:
    """Function words decide; without any, at least half of the words must be known."""
    assert english(text, spells) is is_english

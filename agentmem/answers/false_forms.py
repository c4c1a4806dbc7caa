"""Words that look like forms of others and are none: mother of moth, wine of win, policy of police.

A stemmer that cuts endings takes them for one word. They were found by the stemmer over the words of the default
embedder's vocabulary: those whose stem is another's, and that WordNet 3.0 derives from none of them.
"""

from collections.abc import Iterator
from functools import cache

FALSE_FORMS = """
question power center mother sure section officer manner local fine final corner refer reveal summer latter site million
moral former plane flower portion authority university universe career care apartment department pale note notion
several severe station statement inner master mode formal legal wander huge mental mention generation definition sole
basement shame internal conversion conversation supper pole prisoner pipe entity wine passion sober composite
publication fatal fate paste linger precision virtue corporal ponder river rival steer steal hammer convention metal
meter potter marshal ripe dose graduation super contention rome pine informal pope succession rubber diversion billion
portal verse robe robber ladder lane edition plantation tally tale repeal reply spiral cone cater charity cube vanity
banner mute mutter medal clerical spine designation nominal nomination liquidation creed rotation deviation expanse
orientation ordeal donation sire cape charter compassion treasurer fare cute audition watt radial mare badger bunker
dime gage heroine tame pepper dental faction mister maximal seasonal equity spite legion celebrity module cove rune
ledger petite regal cavity animation lame coupe traction springer rapper probe probation plume node miller kite mole
vane billy accordion bladder cote crate crater holly mace mutation potion ranger tribune gene hamburger coronation tore
early theory hate tone rate quite unite unity suite aide scrape tape rage scare cope ride bare barely affection
integrity number shine stripe hope mate stare porter tanker notation dinner sister winter tower shower layer poster
signal total capital hospital animal canal coral oral serial factor professor restore tailor tractor temper senator
pastor ready every story party policy heavy county country factory injury treasury inventory colony mercy destiny sticky
treaty fairy directory armory priory format template threat combat habitat primate relative positive massive passive
archive forgive refugee fiancee nominee portable vegetable probable distance compliance important procession conditional
plant planet plank market event listen heart handle start text texture paint process window sight weight property
opposite formula instrument personnel special specific international
"""
"""In their plain form, in small letters."""

_ENDINGS = ("s", "es", "d", "ed", "ing", "ly")


@cache
def own_forms() -> dict[str, str]:
    """Each of those words, and its forms, with the word."""
    return {form: word for word in FALSE_FORMS.split() for form in _forms(word)}


def _forms(word: str) -> Iterator[str]:
    base = word[:-1] if word[-1] in "ey" else word
    yield word
    yield from (f"{word}{ending}" for ending in _ENDINGS)
    yield from (f"{base}{ending}" for ending in ("ing", "ies", "ied"))

"""What a question looks like, letter by letter: symbols, lone letters, amounts, script and language.

A vector hardly sees these: `<=` and `>=`, C and C++, 5 mg and 50 mg, and most of what is not English.
"""

import re
import unicodedata
from collections.abc import Callable
from functools import cache, lru_cache

from agentmem.answers.lexicon import FUNCTION

Spells = Callable[[str], bool]
"""Tells whether a word is spelt correctly."""

ENGLISH = frozenset(
    """the of and to is are was were be been do does did how what why where when which who whose can could should would
    will shall may might must you your my mine our we they them their he she his her it its this that these those there
    with from about into than then if not i'm don't doesn't can't what's how's i've isn't you're an have has had get
    need want help please some any much many between without after before during because for""".split()  # noqa: SIM905
)
"""English words that show the language, and that few others write alike."""

FOREIGN = """
der die das den dem des ein eine einen einem einer ist sind war wie wo wann warum welche welcher wer ich mich mir mein
  meine meinen meiner nicht kein und oder mit bei von zum zur auf für kann muss darf wird werden hat haben es wir ihr
le la les un une des est sont comment où quand pourquoi quel quelle quels qui que je moi mon ma mes ne pas et ou avec
  chez du au aux pour peut dois puis avez vous nous il elle ce cette ses sur dans
el los las una unos es son cómo como dónde donde cuándo cuando por qué cuál cual quién quien yo mi mis no y o con del al
  para puedo puede debo hay se su sus lo tiene tengo están está
il lo gli un uno è sono come dove quando perché quale chi io mio mia miei mie non e con di del della dei al alla per
  posso può devo ho ha si che nel
o os as um uma é são onde quando porque qual quem eu meu minha meus minhas não com de do da dos das ao à posso pode
  devo tenho está estão em no na
de het een is zijn hoe waar wanneer waarom welke wie ik mijn niet en of met van voor kan moet mag wordt heb hebben op te
en ett är hur var när varför vilken vem jag min mitt mina inte och eller med av för kan måste får har på
jak gdzie kiedy dlaczego który kto mój moja moje nie lub dla jest są czy mogę muszę mam się na
nasıl nerede ne zaman neden hangi kim ben benim bu bir ve veya ile için mi mı mu mü
"""
"""Words of other languages that show that a question is not English."""

MEASURES = """
mg mcg µg ug g kg lb oz st ml cl dl l cc gal pt iu mmol kcal cal kj j
mm cm m km ft yd mi mph kph km/h m/s mg/kg mcg/kg mg/ml g/l
kb mb gb tb pb kib mib gib kbps mbps gbps KB MB GB TB b B bit byte Mbps MB/s
hz khz mhz ghz v kv mv ma w kw kwh mwh wh ohm f c k bar psi pa kpa db rpm
ms s sec second min minute h hr hour day week month year am pm
kilo kilogram gram milligram microgram meter metre kilometer kilometre mile inch foot feet yard litre liter gallon pint
ounce pound stone cup teaspoon tablespoon tsp tbsp degree
dollar cent euro yen usd eur gbp chf jpy cny inr cad aud bitcoin btc eth
percent pct px pt dpi people person passenger seat bedroom gb/s
"""
"""Units: a number with another unit is another amount. Singular, in small letters, except those of bits and bytes."""

CURRENCIES = {
    "dollar": "$", "usd": "$", "buck": "$", "euro": "€", "eur": "€", "gbp": "£", "quid": "£", "yen": "¥", "jpy": "¥",
}  # fmt: skip
"""Names of currencies that have a sign."""

LAST_LATIN = "\u024f"
"""The last letter of Latin Extended-B. The default embedder knows too little of scripts beyond it."""

_TOKENS = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_FLAG = re.compile(r"(?<![\w-])--?[A-Za-z][\w-]*")
_OPERATORS = re.compile(
    r"""[<>=+*&|^~#@\\{}\[\]%]+[!<>=+*&|^~]* | !+[<>=]+ | [-/:]{2,}     # runs
    | (?<=\d)[-/](?=\d) | (?<![\w-])[-/](?=\s?\d) | (?<=\b\w\s)[-/](?=\s\w\b)  # between amounts or letters
    | (?<=\w)\.{2,}(?=\w) | (?<=[\w.])/(?=\s|$)  # ranges, and a folder's end
    | (?<!\w)\$[A-Za-z_]\w*
    | (?<=\w)!(?=\W*$) | ! (?=\w) | (?<=\b\w)! | (?<=\w)!(?=\s[a-z(])
    """,
    re.VERBOSE,
)
_LONE = re.compile(r"(?<![\w'’])[^\W\d_](?![\w'’])")
_ALIKE = re.compile(r"\b(?:and|or|vs|versus)\b|&", re.IGNORECASE)
_AMOUNT = re.compile(
    r"([£$€¥#]?)\s?(\d+(?:[.,:]\d+)*)(\s?[%‰°]\s?[CFK]?\b|[^\W\d_]+(?:/[^\W\d_]+)?|\s[^\W\d_]+(?:/[^\W\d_]+)?)?"
)
_INITIALS = re.compile(r"\b[A-Z](?:\.[A-Z])+\b\.?(?!\w)")
_PLURAL = re.compile(r"(?<=\w)\(e?s\)")
_ENDINGS = ("ing", "ings", "ed", "es", "s", "est", "ly")
"""The endings of a word's forms."""
_THOUSANDS = re.compile(r",(?=\d{3}(?:\D|$))")
_ROMAN = re.compile(r"\b(?:I{2,3}|IV|VI{0,3}|IX|XI{0,3})\b")
_EVERYDAY = re.compile(
    r"[1-9]\d{0,3}(?:%|percent|minute|hour|day|week|month|year|kg|kilo|kilogram|lb|pound|oz|ounce|km|kilometer|kilometre"
    r"|mi|mile|cm|centimeter|centimetre|mm|millimeter|millimetre|meter|metre|liter|litre|inch|inche|ft|feet|foot)?"
)
_MONTH = "jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|"
_MONTH += "nov(?:ember)?|dec(?:ember)?"
_DAY = re.compile(
    rf"\b(\d{{1,2}})(?:st|nd|rd|th)(?=(?: of)?\W+(?:{_MONTH})\b)|(?<=\b)({_MONTH})\b(\W+)(\d{{1,2}})(?:st|nd|rd|th)\b",
    re.IGNORECASE,
)
_QUESTION = re.compile(r"\W*(?:how|what|why|when|where|which|who|do|does|did|is|are|can|should)\b", re.IGNORECASE)
_SIDED = frozenset({"++", "--", "!", "&", "*", "**", "~", "-"})
_SIGNS = frozenset({"Sm", "So", "Sc"})
_ASCII = frozenset("<>=+|~^`$£€¥°#")
"""Signs that other patterns read."""
_BYTES = re.compile(r"[kKMGT]?i?[bB](?:ps|/s)?")


@lru_cache(maxsize=65_536)
def symbols(text: str) -> tuple[str, ...]:
    """Operators, flags, arrows and emoji in their order. A sign within a word (wi-fi, and/or) is none."""
    flags = {one.start(): one[0] for one in _FLAG.finditer(text)}
    found = [(one.start(), _glued(one)) for one in _OPERATORS.finditer(text) if one.start() not in flags]
    found += flags.items()
    found += [(at, one) for at, one in enumerate(text) if unicodedata.category(one) in _SIGNS and one not in _ASCII]
    return tuple(sign for at, sign in sorted(found) if not (_numbering(text, at, sign) or _exclaims(text, at, sign)))


@lru_cache(maxsize=65_536)
def letters(text: str) -> tuple[str, ...]:
    """Single letters that stand alone, in their order and with their case: C, R, vitamin K. Around "and" and "or" the
    order says nothing. An article and a speaker are none."""
    found = _LONE.finditer(joined_initials(text))
    own = [one[0] for one in found if one[0] not in "aiI" and not _article(one)]
    return tuple(sorted(own) if _ALIKE.search(text) else own)


@lru_cache(maxsize=65_536)
def amounts(text: str) -> tuple[str, ...]:
    """Each run of digits with its sign and its unit, as written, in their order; then Roman numerals."""
    plain = _THOUSANDS.sub("", _DAY.sub(lambda one: one[1] or f"{one[2]}{one[3]}{one[4]}", text))
    return (*(_amount(*one) for one in _AMOUNT.findall(plain)), *_ROMAN.findall(text))


@lru_cache(maxsize=65_536)
def foreign_letter(text: str) -> str:
    """The first letter beyond Latin; "" if there is none."""
    return next((one for one in unicodedata.normalize("NFC", text) if one > LAST_LATIN and one.isalpha()), "")


@lru_cache(maxsize=65_536)
def tokens(text: str) -> tuple[str, ...]:
    """The words in their order, in small letters."""
    return tuple(_TOKENS.findall(unicodedata.normalize("NFC", text).lower().replace("’", "'")))


@lru_cache(maxsize=65_536)
def english(text: str, spells: Spells | None = None) -> bool:
    """True if a text is English by its function words, or, if it has none, by half of its words."""
    own = tokens(text)
    here, there = sum(one in ENGLISH for one in own), sum(one in _foreign() for one in own)
    if here or there:
        return here > there
    letters_only = [one for one in own if one.isalpha()]
    return spells is None or 2 * sum(spelt(one, spells) for one in letters_only) >= len(letters_only)


def spelt(word: str, spells: Spells) -> bool:
    """True if a word, or the word that it is a form of, is spelt correctly. Vocabularies leave forms out: deleting."""
    if spells(word):
        return True
    for ending in _ENDINGS:
        base = word.removesuffix(ending)
        if base != word and len(base) > 2:
            doubled = base[:-1] if base[-1] == base[-2] else base
            return any(map(spells, (base, f"{base}e", doubled, f"{base[:-1]}y" if base[-1] == "i" else base)))
    return False


def joined_initials(text: str) -> str:
    """The text with initials as one word, and without an optional plural: U.S. and US, parent(s) and parent."""
    return _PLURAL.sub("", _INITIALS.sub(lambda found: found[0].replace(".", ""), text))


def everyday(amount: str) -> bool:
    """True for a short amount of time, of percent, of a common measure or without any, which people write in words."""
    return bool(_EVERYDAY.fullmatch(amount))


def _amount(sign: str, digits: str, unit: str) -> str:
    """An amount in one spelling: a word after it counts only if it is a unit. # before a number says nothing."""
    name = unit.strip()
    if not _BYTES.fullmatch(name):
        name = name.lower().removesuffix("s") if len(name) > 2 else name.lower()
    if name in CURRENCIES:
        return f"{CURRENCIES[name]}{digits}"
    glued = unit[:1].isalpha()
    return f"{sign.strip('#')}{digits}{name if glued or name in _measures() or name[:1] in tuple('%‰°') else ''}"


def _glued(found: re.Match[str]) -> str:
    """A sign, with a mark on the side on which it touches a word, if that matters: i++ is not ++i."""
    sign, text = found[0], found.string
    if sign not in _SIDED:
        return sign
    before, after = text[: found.start()][-1:], text[found.end() :][:1]
    return f"{'w' if before.isalnum() else ''}{sign}{'w' if after.isalnum() else ''}"


def _exclaims(text: str, at: int, sign: str) -> bool:
    """True for a ! that ends the text, but not a question: there it may be part of a name, as in sort!"""
    last = re.split(r"[.?!]\s", text)[-1]
    rest = text[at + 1 :]
    return sign.endswith("!") and not any(map(str.isalnum, rest)) and ("?" in rest or not _QUESTION.match(last))


def _numbering(text: str, at: int, sign: str) -> bool:
    """True for the # before a number, and for a percent sign, which are parts of amounts."""
    return (sign == "#" and text[at + 1 : at + 2].isdigit()) or (sign == "%" and text[:at].rstrip()[-1:].isdigit())


def _article(found: re.Match[str]) -> bool:
    """True for an A that begins a sentence, or that is one of many words with capitals."""
    before, after = found.string[: found.start()].rstrip(), found.string[found.end() :].lstrip()
    return found[0] == "A" and (not before or before[-1] in ".?!" or after[:1].isupper())


@cache
def _measures() -> frozenset[str]:
    return frozenset(MEASURES.split())


@cache
def _foreign() -> frozenset[str]:
    return frozenset(FOREIGN.split()) - ENGLISH - frozenset(FUNCTION.split()) - _SHARED


_SHARED = frozenset(
    "die war per pour come met hat hay son sur min van ben kim te op o os mi ha ho bu mu es un e y ve mot den".split()  # noqa: SIM905
)
"""Words of other languages that English texts use as well."""

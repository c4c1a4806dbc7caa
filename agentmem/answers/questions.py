"""The normal form of a question: removes only differences that never change its meaning.

Two questions with one normal form get one answer without any further check. So a form may remove only what cannot
change an answer. In doubt two forms differ: the second question is then compared by meaning, or answered.

In prose it changes: Unicode to the composed form, invisible characters, white space, ’ to ' within a word, a pair of
curly quotation marks to straight ones, "¿" at the start and one mark (? or .) at the end, the capital of a word whose
other letters are small, and "I" if it is the person who asks. It keeps words that mean something else with a capital
(Polish), words in capitals (US is not us; nor is a whole question in capitals folded, because nobody could tell),
single letters (C is not c), and words beside signs such as . / $ -.

A text with any sign of code or a quotation (see `_CODE`) keeps its white space and all its capitals: "a  b", an
indented block, print(True) and -R stay as they are.
"""

import re
import unicodedata

_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u2060\ufeff"))
_CODE = re.compile(
    r"""[`{}\[\]=|\\;"“”„«»]          # brackets, assignments, pipes, quotations
    | \w\( | :: | -> | \$\w | <\S | (?<!\w)--?\w | //
    | (?<!\w)['‘] | ['’](?!\w)        # a quotation, where no apostrophe within a word
    | \n[ \t]+\S                      # an indented line
    | [@#%&*/<>+_^~].*\n.*\S | \n.*[@#%&*/<>+_^~]
    """,
    re.VERBOSE | re.DOTALL,
)
_SPACE = re.compile(r"\s+")
_BEFORE = re.compile(r"^[\s¿]+")
_BEHIND = re.compile(r"(?<=[^\W\d_])(?:\s*[?？؟]+|[.。])$")
_ASKED = re.compile(r"(\s[^\W\d_]+)[?？؟]$")
_CURLY = re.compile(r"“([^“”\"]*)”|(?<!\w)‘([^‘’'\n]*)’(?!\w)")
_APOSTROPHE = re.compile(r"(?<=[^\W\d_])’(?=[^\W\d_])")
_WORD = re.compile(r"(?<![\w'./\\$@#&+*~^%-])[^\W\d_]+(?:'[^\W\d_]+)?(?![\w/\\@#&+*~^%-]|\.\w|'\w)")

_APART = frozenset(
    """Polish Turkey China Turkish May March August April June Apple Windows Word Excel Access Teams Go Swift
    Rust Java Python Ruby Dart Julia Spring Flask Chrome Edge Safari Oracle Azure Slack Zoom Target Gap Shell
    Amazon Mercury Mars Earth Sun Moon Job Nice Reading Bath Cork Pole Lent Mass Catholic Bill Mark Will Grace
    Frank Rich Sue Ray Jack Rob Pat Hope Joy Faith Crystal Amber Jasmine Sie Ihnen Ihr Ihre Ihrem Ihren Ihrer""".split()  # noqa: SIM905
)
"""Words that mean something else with a capital. They keep it, except at the start of a sentence."""
_OWN = frozenset(
    """am was have had want wanted need needed would will can cannot could should must may might did do don't
    didn't can't couldn't won't wouldn't haven't hadn't wasn't shouldn't just lost forgot bought paid ordered
    think thought know knew got get like liked wish see saw use used return returned pay made sent received
    tried try cancelled canceled changed moved never always still only already really also accidentally""".split()  # noqa: SIM905
)
"""Words after an "I" that is the speaker."""
_AUXILIARY = frozenset(
    """do did don't didn't can can't could couldn't should shouldn't shall may might must will won't would
    wouldn't am was have haven't had""".split()  # noqa: SIM905
)
"""Words before an "I" that is the speaker, if a plain word follows."""
_NUMBERED = frozenset(
    """chapter type part section act book class phase grade level appendix volume figure element letter variable
    numeral war current stage tier group table row column step unit axis index value""".split()  # noqa: SIM905
)
"""Words after which an "I" is a number or a name."""
_NEVER = frozenset("and or vs versus nor in of is as to equal denote represent exceed approach".split())  # noqa: SIM905
"""Plain words that show that such an "I" is a symbol after all."""


_AROUND = 200
"""Characters beside a word that are looked at, so that a long text takes no longer for each of its words."""


def normalised(question: str) -> str:
    """The normal form of a question. The normal form of a normal form is itself."""
    text = unicodedata.normalize("NFC", question.translate(_INVISIBLE))
    text = _CURLY.sub(_straight, _trimmed(text))
    if _CODE.search(text):
        return _ASKED.sub(r"\1", text)
    text = _APOSTROPHE.sub("'", _BEHIND.sub("", _BEFORE.sub("", _SPACE.sub(" ", text))))
    return _WORD.sub(_folded, text)


def _trimmed(text: str) -> str:
    """Without white space around. The first of several lines keeps its indentation."""
    text = text.replace("\r\n", "\n").rstrip()
    return text.lstrip("\r\n") if "\n" in text.strip() else text.strip()


def _straight(found: re.Match[str]) -> str:
    """A quotation in straight marks. A curly mark without its pair stays: it may be what is asked about."""
    return f'"{found[1]}"' if found[1] is not None else f"'{found[2]}'"


def _folded(found: re.Match[str]) -> str:
    word, text = found[0], found.string
    before = text[max(found.start() - _AROUND, 0) : found.start()]
    if word == "I":
        return "i" if _speaks(before.split(" "), text[found.end() : found.end() + _AROUND].split(" ")) else word
    if word.startswith("I'"):
        return word[0].lower() + word[1:]
    begins = not before.rstrip() or before.rstrip()[-1:] in ".?!"
    if not word[1:].islower() or (word in _APART and not begins):
        return word
    return word[0].lower() + word[1:]


def _speaks(before: list[str], after: list[str]) -> bool:
    """True if an "I" between these words is the speaker, and not a letter, a number or a variable."""
    earlier, later = before[-2].lower() if before[1:] else "", after[1].lower() if after[1:] else ""
    if before[-1] or after[0]:  # it is beside a sign
        return False
    if not later:
        return earlier in ("am", "was") and not after[1:]
    plain = later.replace("'", "").isalpha() and len(later) > 1 and later not in _NEVER
    if earlier in _AUXILIARY:
        return plain
    if later.rstrip(",") in _OWN:
        return True
    return plain and later == after[1] and not later.endswith("s") and earlier not in _NUMBERED

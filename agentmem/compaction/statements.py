"""Finds corrections and standing rules in messages of people, by the words that mark them. No model is asked.

A sentence counts if it has a cue of the table below. Pasted text (logs, code, output) is passed over, since a line of
a log is not an order. The cues are few and certain: a sentence without one is not found, and languages without a row
are not read.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

StatementKind = Literal["rule", "correction"]
"""rule: it holds from now on. correction: something is not as the person wants it."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence in its own words, and in ``before`` the sentence that it answers or continues, if there is one."""

    kind: StatementKind
    text: str
    before: str = ""


LONGEST = 500
"""The most characters of a sentence. Longer text was not typed as one sentence."""
LOADED = 2_000
"""The characters from which a message that opens with a heading counts as a loaded page instead of a typed one."""

_VERB = (
    r"(?:use|touch|edit|change|modify|commit|push|merge|run|delete|remove|write|add|call|skip|create|install|log|print|"
    r"answer|reply|ask|put|keep|make|import|rename|move|format|test|check|start|stop|fix|do|go|rely|assume|guess|"
    r"overwrite|squash|rebase|amend|mock|return|raise|say|include|leave|set|open|send|deploy|apply|squash)"
)
_STATES = "(?:know|think|see|understand|need|have|work|mind|worry|believe|remember|get|like|care|exist|seem|match|want)"
_NAME = r"[\w./\"'`@:-]+"

CUES: tuple[tuple[StatementKind, str, str], ...] = (
    # English. "^" is where a sentence, or its part behind a comma, begins.
    ("rule", "en", rf"^(?:please )?(?:never|always) {_VERB}\b"),
    ("rule", "en", rf"\b(?:we|you|i) (?:\w+ )?(?:never|always) {_VERB}\b"),
    ("rule", "en", rf"^(?:please )?(?:do not|don't|dont) (?!{_STATES}\b)\w+"),
    ("rule", "en", rf"\b(?:must|may|can|should|shall)(?:n't| not| never| always) (?:be |ever )?{_VERB}"),
    ("rule", "en", rf"\byou must {_VERB}\b|\bmust (?:always|never|stay|remain|pass)\b"),
    ("rule", "en", r"^(?:please )?(?:make sure|ensure|be sure|(?:keep|have) in mind|remember to|take care)\b"),
    ("rule", "en", r"^(?:please )?(?:(?:bear in )?mind|note|be aware|remember|don't forget) that\b"),
    ("rule", "en", r"\b(?:from now on|going forward|from here on|under no circumstances)\b|^in (?:the )?future,? "),
    ("rule", "en", rf"^only {_VERB}\b"),
    ("rule", "en", r"\bwe (?:only )?(?:use|require) .{1,60}\b(?:here|only|everywhere|repo|project)\b"),
    ("rule", "en", r"^(?:please )?(?:avoid|stick to|refrain from)\b"),
    ("rule", "en", r"^no (?:new |more |global |other )\w+"),
    ("rule", "en", rf"^leave {_NAME}(?: \w+)? alone\b|\beverywhere[.!]?$"),
    ("rule", "en", r"\bask (?:me )?(?:first|before)\b|\bwithout (?:asking|my)\b"),
    ("rule", "en", r"^(?:every|all|each) (?!time\b)[\w ]{2,40}\b(?:needs?|must|should|has to|have to)\b"),
    ("correction", "en", r"^(?:no|nope|nah|stop|wait|wrong|oops|sorry|actually)(?:[,.:!]| wait| no\b| actually)"),
    ("correction", "en", rf"^(?:no|nope) (?:do not|don't|revert|undo|leave|restore|{_VERB})\b"),
    ("correction", "en", r"^(?:actually|instead),? \w+"),
    ("correction", "en", r"\b(?:that|this|it)(?:'s| is| was) (?:still )?(?:wrong|incorrect)\b"),
    ("correction", "en", r"\b(?:that|this|it)(?:'s| is| was)?(?:n't| not) (?:right|correct|what|the one|the right)\b"),
    ("correction", "en", r"\bi (?:meant|said|asked for|told you|wanted)\b"),
    ("correction", "en", r"\bi (?:did not|didn't|do not|don't) (?:ask|want|mean)\b"),
    ("correction", "en", r"\byou (?:should(?:n't| not)? have|forgot|missed|broke|misunderstood|misread|ignored)\b"),
    ("correction", "en", r"^(?:please )?(?:revert|undo|roll back|restore)\b"),
    ("correction", "en", r"\b(?:change|put|set|move) (?:it|that|this) back\b"),
    ("correction", "en", r"\bshould (?:be|say|read|have been|go|return)\b(?! (?:able|possible|easy|fine|enough))"),
    ("correction", "en", r"\binstead\b|\brather than\b|\bin place of\b"),
    ("correction", "en", rf"{_NAME}, not (?:the |a |an )?{_NAME}|\bnot {_NAME}(?: \w+){{0,3}},? but\b"),
    ("correction", "en", r"\b(?:scratch that|never mind|on second thought|thinking again|change of plan|after all)\b"),
    ("correction", "en", r"\blet's (?:not|drop|abandon|go back|undo|revert)\b|\bmy mistake\b"),
    ("correction", "en", r"\b(?:wrong|other) (?:file|branch|place|folder|name|port|one|function|test|version)\b"),
    ("correction", "en", rf"^(?:\"[^\"]+\"|{_NAME}) (?:->|→|=>) (?:\"[^\"]+\"|{_NAME})$|^rename (?:it|that|this) "),
    # German.
    ("rule", "de", r"\b(?:niemals|auf keinen fall|ab jetzt|künftig|bitte keine|nie wieder)\b"),
    ("rule", "de", r"^(?:bitte )?\w+e? (?:immer|nie)\b"),
    ("correction", "de", r"^nein\b|\b(?:stattdessen|das ist falsch|stimmt nicht|ich meinte)\b"),
    ("correction", "de", r"\bnicht\b.{1,60}\bsondern\b"),
    # French.
    ("rule", "fr", r"\bne\b.{1,30}\bjamais\b|\b(?:désormais|dorénavant|à partir de maintenant)\b|^\w+[sz] toujours\b"),
    ("correction", "fr", r"^non\b|\b(?:plutôt|au lieu d)|ce n'est pas (?:le|la|ce)\b|c'est faux"),
    # Spanish and Portuguese.
    ("rule", "es", r"^(?:nunca|siempre) \w+|\b(?:de ahora en adelante|a partir de ahora)\b"),
    ("correction", "es", r"^no, |\ben (?:lugar|vez) de|\bestá mal\b|\bquería decir\b"),
    ("rule", "pt", r"^(?:nunca|sempre) \w+|\b(?:de agora em diante|a partir de agora)\b"),
    ("correction", "pt", r"^não, |\bem vez d|\bestá errado\b|\bquis dizer\b"),
    # Italian.
    ("rule", "it", r"\b(?:mai più|d'ora in poi)\b|^non \w+ mai\b|\bsempre\b.{1,40}\bprima di\b"),
    ("correction", "it", r"^no, |\binvece\b|\bè sbagliato\b|\bintendevo\b"),
    # Russian.
    ("rule", "ru", r"^(?:никогда не|всегда) |\bотныне\b|\bвпредь\b"),
    ("correction", "ru", r"^нет,|\bвместо\b|\bэто неверно\b|\bне так\b"),
    # Chinese and Japanese, which do not part words.
    ("rule", "zh", r"不要|不准|禁止|务必|以后都|从现在|^(?:请)?(?:总是|必须|始终)"),
    ("correction", "zh", r"^(?:不对|错了|不是)|而不是|应该[用是]|改成"),
    ("rule", "ja", r"絶対に|しないで|必ず|今後は|禁止"),
    ("correction", "ja", r"^(?:違い|いいえ|いや)|ではなく|間違って"),
)
"""The marks of a sentence: its kind, the language, and the words, tried in this order."""
LANGUAGES = tuple(dict.fromkeys(language for _, language, _ in CUES))

_QUESTION = re.compile(r"[?？]\s*$")
_ASKED = re.compile(
    r"^(?:can|could|would|will) (?:you|we)|^(?:is|are|does|do(?! not\b)|did|what|where|why|how|when|which|who)\b",
    re.IGNORECASE,
)
_LINKS = ("and", "but", "so", "also", "then", "please", "und", "aber", "et", "mais", "y", "но")
_BEGINS = "|".join((r"(?:\A[\"'(]?", r"(?<=[,;:—–] )", "(?<=- )", *(rf"(?<=\b{word} )" for word in _LINKS))) + ")"


def _pattern(words: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"(?<!\[)\^", lambda _: _BEGINS, words), re.IGNORECASE)


_CUES = tuple((kind, _pattern(words)) for kind, _, words in CUES)


@lru_cache(maxsize=4_096)
def statements(text: str) -> tuple[Statement, ...]:
    """The corrections and rules in a message, in order, each once."""
    found: dict[str, Statement] = {}
    for paragraph in paragraphs(text):
        before = ""
        for sentence in paragraph:
            if kind := kind_of(sentence):
                found.setdefault(sentence, Statement(kind, sentence, before))
            before = sentence
    return tuple(found.values())


def kind_of(sentence: str) -> StatementKind | None:
    """The kind of a sentence, or None. A question is a correction only if it says what was wrong."""
    if len(sentence) > LONGEST:
        return None
    plain = sentence.replace("’", "'")
    kind = next((kind for kind, cue in _CUES if cue.search(plain)), None)
    asks = _QUESTION.search(sentence) or _ASKED.search(sentence)
    return None if asks and not _WANTS.search(sentence) else kind


_WANTS = re.compile(r"\binstead\b|\brather than\b|^no\b|^wait\b", re.IGNORECASE)
"""Words of a question that wants something else than there is."""


# Prose, without what was pasted.

_MACHINE = re.compile(
    r"^\s*(?:Base directory for this skill:|\[Request interrupted|Operation stopped by hook|Caveat:|Stop hook feedback|"
    r"This session is being continued|<(?:command-|local-command|bash-|task-notification|system-reminder))"
)
"""The beginnings of messages that a client wrote in a person's place."""
_TAGGED = re.compile(r"<(system-reminder|local-command-\w+|command-\w+|bash-\w+)>.*?</\1>", re.DOTALL)
_FENCED = re.compile(r"^(```|~~~).*?(?:^\1|\Z)", re.DOTALL | re.MULTILINE)

PASTED: tuple[tuple[str, str], ...] = (
    ("indented", r"^(?: {4}|\t)"),
    ("quoted, a prompt, a box", r"^\s*(?:[>|$⎿❯✓•│├└┌─═#%]|\+\+\+|---|@@|diff )(?!\s*\w+ing\b)"),
    ("a time first", r"^\s*\[?\(?\d{1,4}[-:/.]\d{1,2}[-:/.]\d{1,4}"),
    ("a level of a log", r"\b(?:INFO|DEBUG|WARN(?:ING)?|ERROR|TRACE|FATAL|CRITICAL)\b[\]:| ]"),
    ("a stack", r"^\s*(?:at \S+\(|File \"|Traceback|goroutine \d|Caused by:|\.\.\. \d+ more)|^\S*(?:Error|Exception):"),
    ("a place in a file", r"^\S+\.\w{1,5}:\d+(?::\d+)?:?(?: |$)"),
    ("data", r"^\s*[\]\[{}()<]|[{};]\s*$|^\s*\w+\s*=\s*\S|^\s*[\w.-]+:\s*[\[{\d\"]"),
)
"""The patterns of pasted lines."""
_PASTED = re.compile("|".join(f"(?:{words})" for _, words in PASTED))
_BULLET = re.compile(r"^\s*(?:[-*+]|\d+[.)])\s+")
_ENDS = re.compile(r"(?<=[.!?])[\"')\]]*\s+(?=\S)|(?<=[。！？])")
_LETTERS = 0.6
"""The share of letters and spaces from which a line counts as words."""
_LINE = 600  # characters of a line for each sentence in it, from which on nobody typed it
_DENSE = 14  # lines without a gap, of which no more than a third end a sentence: pasted


def machine(text: str) -> bool:
    """True if a client wrote the message or loaded it as a page, so that no person typed it."""
    return bool(_MACHINE.match(text)) or (len(text) > LOADED and text.lstrip().startswith("# "))


@lru_cache(maxsize=4_096)
def paragraphs(text: str) -> tuple[tuple[str, ...], ...]:
    """The sentences that a person typed, by paragraphs, without pasted text."""
    if machine(text):
        return ()
    bare = _FENCED.sub("\n\n", _TAGGED.sub("\n\n", text))
    return tuple(tuple(found) for block in re.split(r"\n\s*\n", bare) if (found := list(_sentences(block))))


def _sentences(block: str) -> Iterator[str]:
    lines = block.splitlines()
    ended = sum(bool(re.search(r"[.!?:。！？]\s*$", line)) or bool(_BULLET.match(line)) for line in lines)
    if len(lines) >= _DENSE and ended * 3 < len(lines):
        lines = [line for line in lines if kind_of(line.strip()) and _words(line)][-2:]
    joined = ""
    for line in lines:
        if not _words(line):
            yield from _split(joined)
            joined = ""
        elif _BULLET.match(line):
            yield from _split(joined)
            joined = _BULLET.sub("", line).strip()
        else:
            joined = f"{joined} {line.strip()}".strip()
    yield from _split(joined)


def _words(line: str) -> bool:
    """True if a line is typed words."""
    bare = _BULLET.sub("", line).strip()
    if not bare or _PASTED.search(line) or len(bare) > _LINE * (len(_ENDS.findall(bare)) + 1):
        return False
    return sum(one.isalpha() or one == " " for one in bare) >= _LETTERS * len(bare) or bool(kind_of(bare))


def _split(text: str) -> Iterator[str]:
    yield from (sentence for one in _ENDS.split(text) if (sentence := one.strip()))

"""Questions that are the same when written again, and questions that only look alike."""

import unicodedata
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agentmem import AnswerCache
from agentmem.answers.questions import normalised
from agentmem.answers.values import former_key_of, key_of

SAME = (
    ("How do I return shoes?", "how do i return  shoes"),
    ("How do I return shoes?", "  How do i\treturn\nshoes ?? "),
    ("How do I return a shoe?", "how do I  return a shoe"),
    ("Where am I?", "where am i"),
    ("Can I pay by card?", "can i pay by card"),
    ("Should I've paid?", "should i've paid"),
    ("What if I lost it?", "what if i lost it"),
    ("I want my money back.", "i want my money back"),
    ("I’m late, what now?", "i'm late, what now"),
    ("I don’t know", "i don't know"),
    ("Where is Café Noir?", "Where is Cafe\u0301 noir"),
    ("What is this.", "What is this"),
    ("What can I do when I travel?", "what can i do when i travel"),
    ("Is it true that I need a visa?", "is it true that i need a visa?"),
    ("What does “net 30” mean?", 'What does "net 30" mean?'),
    ("What is ‘la dolce vita’", "What is 'la dolce vita'"),
    ("Wie gebe ich Schuhe zurück?", "wie gebe ich schuhe zurück"),
    ("¿Cómo devuelvo zapatos?", "cómo devuelvo zapatos"),
    ("怎么退鞋？", "怎么退鞋"),
    ("how do I re\u00adturn\u200b shoes", "\ufeffHow do I return shoes"),
    ("how do I return\u00a0shoes", "how do I return shoes"),
    ("Polish the shoes?", "polish the shoes"),
    ("What does print(True) do?", "What does print(True) do"),
    ("def f():\n    return 1\n", "def f():\r\n    return 1"),
)
OTHERS = (
    ("what does rm -R do", "what does rm -r do"),
    ("what is the US limit", "what is the us limit"),
    ("WHAT IS THE US LIMIT", "what is the us limit"),
    ("what is C", "what is c"),
    ("what is 10²", "what is 102"),
    ("what is 5!", "what is 5"),
    ("is it 3.", "is it 3"),
    ("what is $PATH", "what is $Path"),
    ("what is a.Bc", "what is a.bc"),
    ("can I pay", "can I not pay"),
    ("what does I equal", "what does i equal"),
    ("what happens when I increases", "what happens when i increases"),
    ("what is a ” mark", 'what is a " mark'),
    ("what does phase I test", "what does phase i test"),
    ("SELECT 'A' FROM t", "SELECT 'a' FROM t"),
    ("select * from T where x = 'A  b'", "select * from T where x = 'A b'"),
    ("what is chapter I about", "what is chapter i about"),
    ("can I and V differ", "can i and V differ"),
    ("A minor scale", "a minor scale"),
    ("explain cd ..", "explain cd"),
    ("explain git add .", "explain git add"),
    ("what does print(True) do", "what does print(true) do"),
    ("what is x = True", "what is x = true"),
    ("is MyClass a name", "is myClass a name"),
    ("how do I say it in Polish", "how do I say it in polish"),
    ("können Sie gehen", "können sie gehen"),
    ('what is "a  b"', 'what is "a b"'),
    ("what is 'a  b'", "what is 'a b'"),
    ("what is `A b`", "what is `a b`"),
    ("if x:\n    a\n    b", "if x:\n    a\nb"),
    ("a = 1\nb = 2", "a = 1 b = 2"),
    ("a:\n\tb", "a: b"),
    ("  a:\n  b: c", "a:\n  b: c"),
    ("what is 1 2", "what is 12"),
    ("what is --Force", "what is --force"),
    ("what is a|B", "what is a|b"),
    ("what is empty? called on x = []", "what is empty called on x = []"),
    ("don't stop", "dont stop"),
    ("re-sign", "resign"),
    ("is it ok", "is it ok, really"),
)


@pytest.mark.parametrize(("one", "other"), SAME)
def test_what_people_vary_is_left_out(one: str, other: str) -> None:
    """Spaces, capitals of plain words, who asks, the last mark, and the spelling of accents do not matter."""
    assert normalised(one) == normalised(other)


@pytest.mark.parametrize(("one", "other"), OTHERS)
def test_what_may_change_the_answer_stays(one: str, other: str) -> None:
    """Code with its layout, abbreviations, single letters, signs, numbers and words with meaningful capitals stay."""
    assert normalised(one) != normalised(other)


PIECES = (
    *" \t\n.?!'’\"`()[]=-/$¿\u200b\u00ad",
    "I",
    "i",
    "I'm",
    "do",
    "What",
    "Polish",
    "US",
    "return",
    "..",
    "C",
    "é",
    "ß",
)
INVISIBLE = (0xAD, 0x200B, 0x2060, 0xFEFF)
written = st.lists(st.sampled_from(PIECES), max_size=12).map("".join) | st.text(max_size=40)


@given(written)
@example("¿ ¿a ? ?")
@example("\n\n a\n b ?")
def test_normalising_twice_changes_nothing(text: str) -> None:
    """Normalising a normal form changes nothing."""
    assert normalised(normalised(text)) == normalised(text)


@given(written)
def test_only_forms_of_the_same_letters_are_equal(text: str) -> None:
    """Only white space, marks at the ends, invisible characters and letter case can be lost."""

    def bare(one: str) -> str:
        return "".join(letter for letter in one.lower() if letter.isalnum())

    assert bare(normalised(text)) == bare(
        unicodedata.normalize("NFC", text.translate({0xAD: None, 0x200B: None, 0x2060: None, 0xFEFF: None}))
    )


words = st.sampled_from("how do I return my shoes what if we lost a card in May pay by invoice Berlin US".split())  # noqa: SIM905


@given(st.lists(words, min_size=1, max_size=8), st.data())
def test_prose_may_be_spaced_and_ended_as_one_likes(said: list[str], data: st.DataObject) -> None:
    """White space between plain words and around them, and a question mark at the end, do not matter."""
    gaps = data.draw(
        st.lists(st.sampled_from((" ", "  ", "\t", "\n", "\u00a0", " \n")), min_size=len(said), max_size=len(said))
    )
    other = "".join(gap + word for gap, word in zip(gaps, said, strict=True)).lstrip() + data.draw(
        st.sampled_from(("", "?", " ?", " "))
    )
    assert normalised(" ".join(said)) == normalised(other)


code = st.sampled_from(("x = 1", "print(True)", "f(a)", "{A: 1}", "if X:\n    y()", "`Ls  -l`", 'say "A  b"'))


@given(code, code, st.sampled_from(("", " ", "  ", "\n", "\n  ")))
def test_code_is_its_bytes(one: str, other: str, gap: str) -> None:
    """Another capital, space or line in code makes another question."""
    text = f"why {one}{gap}{other}"
    for changed in (text.swapcase(), text.replace(" ", "  "), f"{text} x", text.replace("1", "2")):
        assert (normalised(changed) == normalised(text)) == (changed == text)


def cache(folder: Path) -> AnswerCache:
    return AnswerCache(folder, exact_only=True)


def under(one: AnswerCache, key: str) -> None:
    """Moves the only answer to another key."""
    [entry] = one.store.longest_unchecked(one.store.scopes()[0], float("inf"), 2)
    one.store.evict([entry.n])
    one.store.put(replace(entry, key=key))


def test_the_question_of_the_readme_is_exact(tmp_path: Path) -> None:
    """The README's question, written carelessly, is found by its key."""
    with cache(tmp_path) as one:
        one.put("How do I return shoes?", "in the box")
        found = one.get("how do i return  shoes")
    assert found is not None and (found.how, found.text) == ("exact", "in the box")


def test_answers_kept_under_a_former_key_are_found_and_replaced(tmp_path: Path) -> None:
    """Answers in a database of version 0.1 are served, and new answers replace them."""
    question = "How do I return shoes?"
    with cache(tmp_path) as one:
        one.put(question, "old")
        scope = one.store.scopes()[0]
        former = former_key_of(scope, question)
        assert former != key_of(scope, question)
        under(one, former)
        found = one.get(question)
        assert found is not None and (found.how, found.text) == ("exact", "old")
        one.put(question, "new")
        found = one.get(question)
        assert found is not None and found.text == "new"
        assert one.store.count() == 1


def test_a_former_key_is_believed_only_for_the_same_question(tmp_path: Path) -> None:
    """The former key ignored more differences, so an answer under it is served only for the same question."""
    with cache(tmp_path) as one:
        one.put("how do I say it in Polish", "in Polish")
        scope = one.store.scopes()[0]
        under(one, former_key_of(scope, "how do I say it in Polish"))
        assert one.get("how do I say it in polish") is None
        assert one.get("how do I say it in Polish") is not None

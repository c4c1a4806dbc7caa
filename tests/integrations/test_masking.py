"""agentmem.integrations.masking."""

from hypothesis import given
from hypothesis import strategies as st

from agentmem.integrations.masking import Mask
from agentmem.scrub import scrub

TEXTS = st.one_of(st.text(), st.text(alphabet="sk-pgh_ABab01 :=token\n", max_size=80))


@given(st.lists(TEXTS, max_size=8))
def test_equal_texts_stay_equal(texts: list[str]) -> None:
    """A text reads the same however often it comes back and whatever came between; masked text is left alone."""
    mask = Mask()
    first = mask.value(texts)
    assert mask.value(texts) == first
    assert mask.value(first) == first


@given(TEXTS)
def test_what_scrub_leaves_alone_is_left_alone(text: str) -> None:
    """Only secrets change."""
    assert (Mask().text(text) == text) == (scrub(text) == text)


def test_different_secrets_read_differently() -> None:
    """A changed key shows as a change, without being told."""
    mask = Mask()
    one, two = (mask.text(f"key sk-{letter * 20} here") for letter in "ab")
    assert one == "key [redacted]#1 here"
    assert two == "key [redacted]#2 here"


def test_a_secret_is_known_by_its_name() -> None:
    """A value under a secret's name is masked; a schema that describes one is not."""
    mask = Mask()
    schema = {"properties": {"password": {"type": "string", "description": "The user's password."}}}
    assert mask.value({"api_key": "plain-words"}) == {"api_key": "[redacted]#1"}
    assert mask.value(schema) == schema

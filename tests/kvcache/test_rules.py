"""Providers' cache rules: the table agrees with the documentation, and every model finds its row."""

import dataclasses
import math
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmem.errors import ConfigError
from agentmem.kvcache.claude import CLAUDE
from agentmem.kvcache.rules import SHORTEST, UNKNOWN, rules, rules_for


@pytest.mark.parametrize(
    ("model", "minimum"),
    [
        ("claude-opus-5", 512),
        ("claude-fable-5", 512),
        ("claude-fable-5-1", 512),
        ("claude-mythos-5", 512),
        ("claude-mythos-5-1", 512),
        ("claude-opus-4-8", 1024),
        ("claude-sonnet-5", 1024),
        ("claude-sonnet-4-6", 1024),
        ("claude-sonnet-4-5-20250929", 1024),
        ("claude-opus-4-1-20250805", 1024),
        ("claude-opus-4-7", 2048),
        ("claude-opus-4-6", 4096),
        ("claude-opus-4-5-20251101", 4096),
        ("claude-haiku-4-5-20251001", 4096),
    ],
)
def test_minimum_length(model: str, minimum: int) -> None:
    """The documented minimum lengths, by model."""
    found = rules(model)
    assert (found.minimum, found.documented) == (minimum, True)


@pytest.mark.parametrize(
    ("model", "read"),
    [
        ("claude-opus-5-5", 0.05),
        ("claude-sonnet-5-5", 0.05),
        ("claude-fable-5-1", 0.025),
        ("claude-fable-5-2", 0.025),
        ("claude-haiku-5-5", 0.1),
        ("claude-opus-5", 0.1),
    ],
)
def test_read_multiplier(model: str, read: float) -> None:
    """No multiplier is universal: newer families read cheaper. Writing costs the same everywhere."""
    found = rules(model)
    assert found.read == read
    assert (found.write["5m"], found.write["1h"]) == (1.25, 2.0)


@pytest.mark.parametrize(
    ("model", "strips"),
    [
        ("claude-opus-4-1-20250805", True),
        ("claude-opus-4-5", False),
        ("claude-sonnet-4-5", True),
        ("claude-sonnet-4-6", False),
        ("claude-haiku-4-5", True),
        ("claude-haiku-5-5", False),
        ("claude-opus-5", False),
    ],
)
def test_strips_thinking(model: str, strips: bool) -> None:
    """Opus before 4.5, Sonnet before 4.6 and Haiku up to 4.5 drop thinking at a plain user turn."""
    assert rules(model).strips_thinking is strips


@pytest.mark.parametrize(
    "model",
    ["anthropic.claude-opus-4-1-20250805-v1:0", "claude-opus-4-1@20250805", "us.anthropic.claude-opus-4-1-20250805"],
)
def test_cloud_names(model: str) -> None:
    """A model's name on another cloud finds the same row."""
    assert rules(model).family == "opus 4.1"


def test_a_date_is_no_version() -> None:
    """``claude-opus-4-20250514`` is Opus 4, not Opus 4.20: a date is not a version."""
    assert rules("claude-opus-4-20250514").family == "opus 4"
    assert rules("claude-3-7-sonnet-20250219").family == "sonnet 3.7"


@pytest.mark.parametrize("model", ["claude-sonata-9", "some-proxy-model", "claude-opus-9-9"])
def test_unknown_models_are_marked(model: str) -> None:
    """A model that the table does not know gets the general row and says that it is a guess."""
    found = rules(model)
    assert (found.documented, found.minimum, found.lookback, found.breakpoints) == (False, 1024, 20, 4)


def test_undocumented_families_are_marked() -> None:
    """Values that the provider has not published are marked: for the 5.5 family, Fable 5.2 and Mythos 5.2."""
    silent = {f"{family} {major}.{minor}" for (family, (major, minor)), row in CLAUDE.items() if not row[3]}
    assert silent == {"opus 5.5", "sonnet 5.5", "haiku 5.5", "fable 5.2", "mythos 5.2"}


def test_rows_can_be_overridden() -> None:
    """Any field can be replaced, and the table itself stays as it is."""
    mine = dataclasses.replace(rules("claude-opus-5-5"), minimum=256, documented=True)
    assert (mine.minimum, rules("claude-opus-5-5").minimum) == (256, 1024)
    assert set(mine.everlasting().lifetimes.values()) == {math.inf}
    assert rules("claude-opus-5").lifetimes == {"5m": 300, "1h": 3600}


def test_unknown_provider() -> None:
    """A provider without a row is an error that names those with one."""
    with pytest.raises(ConfigError, match="no cache rules for the provider 'acme'; there are rules for anthropic"):
        rules("m", "acme")


@pytest.mark.parametrize(
    ("provider", "model", "seconds"),
    [
        ("anthropic", "claude-sonnet-4-5", 300.0),
        ("anthropic", "my-gateway-sonnet", 300.0),
        ("openai", "gpt-5.5", 300.0),
        ("openai", "gpt-5.6", 1800.0),
        ("azure", "gpt-5.6", 1800.0),
        ("azure_openai", "gpt-6-sol", 1800.0),
        ("openrouter", "openai/gpt-5.6", 1800.0),
        ("openai", "anthropic/claude-sonnet-4.5", 300.0),
        ("bedrock", "us.anthropic.claude-opus-4-6-v1", 300.0),
        ("amazon_bedrock", "global.openai.gpt-5.6-sol", 1800.0),
        ("google_anthropic_vertex", "claude-opus-5", 300.0),
        ("google_genai", "gemini-2.5-pro", 300.0),
        ("mistralai", "mistral-large-latest", 300.0),
        ("deepseek", "deepseek-chat", 14_400.0),
        ("vllm", "gpt-oss-120b", math.inf),
        ("local", "smollm2", math.inf),
        ("ollama", "gpt-oss:20b", math.inf),
        ("never-heard-of", "x", 300.0),
    ],
)
def test_every_model_has_a_lifetime(provider: str, model: str, seconds: float) -> None:
    """A model finds its lifetime by its provider, by an alias of it, by its own name, or in the cautious row."""
    assert rules_for(provider, model).lifetimes["5m"] == seconds
    assert rules_for(provider, model).lifetimes["1h"] >= seconds


def test_the_unknown_row_says_that_it_is_a_guess() -> None:
    """The unknown row says that it is not documented, and no entry expires before the shortest lifetime."""
    assert rules_for("never-heard-of", "x") is UNKNOWN
    assert not UNKNOWN.documented
    assert SHORTEST == 300.0


@given(st.text(), st.text())
def test_no_name_is_without_rules(provider: str, model: str) -> None:
    """Whatever a provider and a model are called, there is a row, and its lifetimes are positive."""
    assert min(rules_for(provider, model).lifetimes.values()) >= SHORTEST


def test_lifetimes_and_limits_stand_in_one_place() -> None:
    """No other module of the runtime, the context or the models has a lifetime or limit of the cache in it."""
    package = Path(__file__).resolve().parents[2] / "agentmem"
    written = re.compile(r"^\s*(?:LIFETIMES?|MAX_BREAKPOINTS|UNMARKABLE)\b[^=\n]*= ", re.MULTILINE)
    found = [path.name for path in package.rglob("*.py") if written.search(path.read_text(encoding="utf-8"))]
    assert found == ["rules.py"]

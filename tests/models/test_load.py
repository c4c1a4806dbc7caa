"""Models by name. What LangChain makes of a name is tested with its adapter."""

import subprocess
import sys
from pathlib import Path

import pytest

from agentmem.errors import ConfigError
from agentmem.models import load
from agentmem.models.anthropic import AnthropicModel
from agentmem.models.scripted import ScriptedModel


def test_anthropic_with_options() -> None:
    """Options go to the class."""
    model = load("anthropic:claude-haiku-4-5", api_key="k", base_url="http://127.0.0.1:9", max_retries=0)
    assert isinstance(model, AnthropicModel)
    assert (model.name, model.max_retries, model.base_url) == ("claude-haiku-4-5", 0, "http://127.0.0.1:9")
    assert model.profile.plain_turn_strips_thinking
    model.close()


def test_a_script(tmp_path: Path) -> None:
    """``scripted:`` takes a path, with whatever stands in it."""
    path = tmp_path / "a: script.yaml"
    path.write_text("- Hello.\n")
    assert isinstance(load(f"scripted:{path}"), ScriptedModel)


def test_a_script_that_is_not_there(tmp_path: Path) -> None:
    """A missing script is a configuration error that names the file."""
    with pytest.raises(ConfigError, match=r"gone\.yaml"):
        load(f"scripted:{tmp_path / 'gone.yaml'}")


@pytest.mark.parametrize("name", ["", "  ", "gpt", ":", "anthropic:", "scripted: "])
def test_names_that_cannot_be(name: str) -> None:
    """A name without a provider or without a model says what a name looks like."""
    with pytest.raises(ConfigError, match="write provider:name"):
        load(name)


def test_options_that_do_not_fit() -> None:
    """An option that the class does not take is a configuration error that names it."""
    with pytest.raises(ConfigError, match=r"anthropic models do not take this option: .*temprature"):
        load("anthropic:claude-opus-5", temprature=1)


def test_agentmem_toml_reaches_a_model_that_is_named(tmp_path: Path) -> None:
    """Options below its kind go to its class, those given in code before them; other kinds hear nothing of them."""
    (tmp_path / "agentmem.toml").write_text("[models.anthropic]\ncache_control = false\nmax_retries = 7\n")
    script = """
from agentmem.models import load
one = load("anthropic:claude-opus-5", max_retries=1)
print(one.cache_control, one.ttl, one.max_retries)
"""
    ran = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["False", "True", "1"]

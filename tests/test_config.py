"""Settings: their sources, their precedence, and the errors for those that cannot work."""

import dataclasses
from pathlib import Path

import pytest

from agentmem.config import Config, find_file, shell_environment
from agentmem.errors import ConfigError


def load(folder: Path, toml: str | None = None, **environ: str) -> Config:
    if toml is not None:
        (folder / "agentmem.toml").write_text(toml, encoding="utf-8")
    return Config.load(folder, environ)


def test_without_file_and_variables_the_defaults_stand(tmp_path: Path) -> None:
    """An empty folder and an empty environment give a Config of defaults."""
    config = load(tmp_path)
    assert config == Config()
    assert (config.model, config.budget, config.database) == (None, 120_000, None)
    assert (config.max_turns, config.max_usd, config.max_seconds) == (None, None, None)


def test_file_is_read(tmp_path: Path) -> None:
    """agentmem.toml sets the settings that it names; paths in it are relative to it."""
    config = load(
        tmp_path, 'model = "local"\nbudget = 100_000\nmax_usd = 2\ncache_dir = "cache"\ndatabase = "runs/a.db"\n'
    )
    assert (config.model, config.budget, config.max_usd) == ("local", 100_000, 2)
    assert config.cache_dir == tmp_path / "cache"
    assert config.database == str(tmp_path / "runs" / "a.db")


@pytest.mark.parametrize("url", ["postgresql://localhost/agents", "sqlite:////tmp/a.db", ":memory:"])
def test_a_database_url_in_the_file_is_left_alone(tmp_path: Path, url: str) -> None:
    """Only a path is relative to the file."""
    assert load(tmp_path, f'database = "{url}"').database == url


def test_file_of_a_folder_above_is_found(tmp_path: Path) -> None:
    """The nearest agentmem.toml counts, from the folder up."""
    (tmp_path / "agentmem.toml").write_text('model = "local"')
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    assert find_file(below) == tmp_path / "agentmem.toml"
    assert load(below).model == "local"
    assert load(below, 'model = "scripted"').model == "scripted"


def test_variable_wins_over_file_and_what_is_given_over_both(tmp_path: Path) -> None:
    """Code and command line come first, then the environment, then the file."""
    config = load(tmp_path, 'model = "local"\nmax_turns = 5', AGENTMEM_MODEL="scripted", AGENTMEM_BUDGET="90_000")
    assert (config.model, config.budget, config.max_turns) == ("scripted", 90_000, 5)
    given = config.with_given(model="anthropic:claude-opus-4-5", budget=None)
    assert (given.model, given.budget) == ("anthropic:claude-opus-4-5", 90_000)


def test_the_place_of_answers_is_an_address_beside_their_settings(tmp_path: Path) -> None:
    """In the file alone or with the table, and in a variable, which leaves the other settings as they are."""
    assert load(tmp_path, 'answers = "s3://agents/a"').answers == {"place": "s3://agents/a"}
    toml = '[answers]\nplace = "s3://agents/a"\naudit = 0.5'
    assert load(tmp_path, toml).answers == {"place": "s3://agents/a", "audit": 0.5}
    given = load(tmp_path, toml, AGENTMEM_ANSWERS="s3://agents/b").answers
    assert given == {"place": "s3://agents/b", "audit": 0.5}


def test_an_empty_variable_counts_as_not_set(tmp_path: Path) -> None:
    """AGENTMEM_MODEL= leaves the file's model as it is."""
    assert load(tmp_path, 'model = "local"', AGENTMEM_MODEL="").model == "local"


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ("bugdet = 5", "did you mean 'budget'"),
        ("colour = true", "it knows model, budget"),
        ("budget = 10", "4,000 at least"),
        ("budget = true", "whole number of tokens"),
        ('budget = "many"', "whole number of tokens"),
        ("max_turns = 0", "from 1 up"),
        ("max_usd = -1", "above zero"),
        ("max_seconds = nan", "above zero"),
        ("max_seconds = inf", "above zero"),
        ('model = " "', "must name a model"),
        ("model = 3", "must name a model"),
        ("cache_dir = 3", "path of a folder"),
        ('answers = "folder"', "its place is 'folder': it must be the address s3://bucket/prefix"),
        ("answers = 3", "an address s3://bucket/prefix, or a table"),
        ("model = ", "cannot be read"),
        ('anthropic_api_key = "secret"', "does not know"),
    ],
)
def test_a_wrong_file_is_explained(tmp_path: Path, toml: str, words: str) -> None:
    """The error names each setting that cannot work, and says what to write instead."""
    with pytest.raises(ConfigError, match=words):
        load(tmp_path, toml)


def test_a_file_that_is_no_utf8_is_explained(tmp_path: Path) -> None:
    """The error for a file that is not UTF-8 names the file."""
    (tmp_path / "agentmem.toml").write_bytes(b"model = '\xff'")
    with pytest.raises(ConfigError, match=r"agentmem\.toml cannot be read"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("AGENTMEM_BUDGTE", "5", "did you mean 'AGENTMEM_BUDGET'"),
        ("AGENTMEM_BUDGET", "ten", "AGENTMEM_BUDGET is 'ten'; it must be a whole number"),
        ("AGENTMEM_MAX_USD", "ten", "AGENTMEM_MAX_USD is 'ten'; it must be a number"),
        ("AGENTMEM_MAX_TURNS", "0", "from 1 up"),
    ],
)
def test_a_wrong_variable_is_explained(tmp_path: Path, variable: str, value: str, words: str) -> None:
    """The error names each variable that cannot work."""
    with pytest.raises(ConfigError, match=words):
        load(tmp_path, **{variable: value})


def test_keys_come_from_the_environment_alone_and_are_never_printed(tmp_path: Path) -> None:
    """The provider's key and address are passed on; repr shows no key."""
    config = load(tmp_path, ANTHROPIC_API_KEY="sk-ant-very-secret", ANTHROPIC_BASE_URL="http://127.0.0.1:9")
    assert (config.anthropic_api_key, config.anthropic_base_url) == ("sk-ant-very-secret", "http://127.0.0.1:9")
    assert "very-secret" not in repr(config)
    assert load(tmp_path, ANTHROPIC_API_KEY="").anthropic_api_key is None


def test_no_color_is_heard(tmp_path: Path) -> None:
    """NO_COLOR with any value turns colours off (no-color.org); empty or missing leaves them on."""
    assert load(tmp_path, NO_COLOR="1").color is False
    assert load(tmp_path, NO_COLOR="").color is True
    assert load(tmp_path).color is True


def test_shell_commands_see_nothing_secret(tmp_path: Path) -> None:
    """Only the few variables that programs need to run are passed on."""
    environ = {"PATH": "/bin", "HOME": "/root", "ANTHROPIC_API_KEY": "k", "AWS_SECRET_ACCESS_KEY": "k", "LANG": "C"}
    assert shell_environment(environ) == {"PATH": "/bin", "HOME": "/root", "LANG": "C"}
    assert load(tmp_path, **environ).shell_environment == shell_environment(environ)


def test_a_config_is_a_frozen_value() -> None:
    """A Config cannot be changed in place, and a changed copy is checked like a new one."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        Config().budget = 5  # type: ignore[misc]  # the test is that it cannot be set
    with pytest.raises(ConfigError, match="budget is 5"):
        Config().with_given(budget=5)


@pytest.mark.parametrize("option", ["base_url", "api_key", "openai_api_base", "http_client", "default_headers"])
def test_a_file_cannot_say_who_is_asked(tmp_path: Path, option: str) -> None:
    """A folder's file could send all requests elsewhere: such options are refused, and their values never shown."""
    with pytest.raises(ConfigError, match=f"{option} cannot be set in a file") as refused:
        load(tmp_path, f'[models.anthropic]\n{option} = "sk-ant-canary"\n')
    assert "canary" not in str(refused.value)

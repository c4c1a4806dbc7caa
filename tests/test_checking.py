"""Settings of the wrong type: refused where they are given, whichever they are."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import agentmem
from agentmem import Agent, AnswerCache, Budget, Compaction, Limits, Options, Sandbox, SandboxLimits, ScriptedModel
from agentmem.answers import cache as answers
from agentmem.answers import settings as answers_settings
from agentmem.answers.freshness import Checks
from agentmem.answers.settings import AnswerSettings
from agentmem.answers.values import Answer, AnswerScope
from agentmem.checking import Wanted
from agentmem.errors import ConfigError
from agentmem.runtime import parts
from agentmem.sandbox import forks
from agentmem.team import Role, Team
from agentmem.team.settings import WANTED as OF_TEAM

MODEL = ScriptedModel(["x"])


class Anything:
    """An object that no setting is."""


ODD: tuple[Any, ...] = (
    Anything(),
    Anything,
    Options(max_tokens=5),
    Limits(max_seconds=5),
    SandboxLimits(seconds=5),
    Budget(tokens=5),
    Compaction(),
    MODEL,
    b"bytes",
    float("nan"),
    3.5,
    -2,
    True,
    None,
    "words",
    [1],
    [None],
    {"a": 1},
    {1},
    (),
    len,
    object,
)
odd = st.sampled_from(ODD) | st.integers() | st.floats() | st.text(max_size=5) | st.lists(st.integers(), min_size=1)

SMALL: tuple[type[Any], ...] = (
    Limits,
    SandboxLimits,
    Budget,
    Compaction,
    Checks,
    AnswerSettings,
    AnswerScope,
    Answer,
    Role,
)
REQUIRED: Mapping[type[Any], dict[str, Any]] = {Answer: {"text": "a"}, Role: {"model": "local"}}


@given(odd, st.sampled_from([(kind, one.name) for kind in SMALL for one in fields(kind)]))
def test_a_value_takes_a_field_or_refuses_it_as_a_setting(value: Any, place: tuple[type[Any], str]) -> None:
    """No other error comes of it, and what was taken can be compared, shown and used."""
    kind, name = place
    try:
        made = kind(**{**REQUIRED.get(kind, {}), name: value})
    except ConfigError as error:
        assert str(error)
    else:
        assert repr(made)


def agent(name: str, value: Any, folder: Path) -> object:
    return Agent(MODEL, **{"workspace": folder, name: value})


def team(name: str, value: Any, folder: Path) -> object:
    return Team("local", "local", **{"repo": folder, "place": folder / "place", name: value})


def sandbox(name: str, value: Any, folder: Path) -> object:
    return Sandbox.fork(**{"source": folder, "isolation": "none", name: value})


def cache(name: str, value: Any, folder: Path) -> object:
    return AnswerCache(**{"folder": folder, "exact_only": True, name: value})


TAKERS: tuple[tuple[Callable[[str, Any, Path], object], Mapping[str, Wanted]], ...] = (
    (agent, parts.WANTED),
    (team, OF_TEAM),
    (sandbox, forks.WANTED),
    (cache, answers.WANTED),
)
PLACES = [(make, name, wanted) for make, table in TAKERS for name, wanted in table.items()]


@pytest.mark.parametrize(("make", "name", "wanted"), PLACES, ids=[f"{one.__name__}-{name}" for one, name, _ in PLACES])
def test_what_does_not_fit_is_named_with_what_would(
    make: Callable[[str, Any, Path], object], name: str, wanted: Wanted
) -> None:
    """Every setting of Agent, Team, Sandbox.fork and AnswerCache, with everything that it cannot be."""
    refused = [one for one in ODD if not wanted.fits(one)]
    assert refused
    with TemporaryDirectory() as folder:
        for value in refused:
            with pytest.raises(ConfigError, match=rf"^{name} of \w+(\.fork)? must be "):
                make(name, value, Path(folder))
        assert list(Path(folder).iterdir()) == []


def test_the_two_limits_are_told_apart(tmp_path: Path) -> None:
    """Each is refused where the other belongs, by its full name."""
    with pytest.raises(
        ConfigError, match=r"must be agentmem.SandboxLimits or None, and .*runtime\.limits\.Limits is not"
    ):
        Sandbox.fork(tmp_path, limits=Limits(max_seconds=5))  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"must be agentmem.Limits, and .*SandboxLimits is not"):
        Agent(MODEL, tmp_path, limits=SandboxLimits())  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"must be agentmem.Limits, and .*SandboxLimits is not"):
        Role("local", limits=SandboxLimits())  # type: ignore[arg-type]


def test_no_two_public_names_are_one_name() -> None:
    """A class is known by one public name, and a public name is one class."""
    values = [getattr(agentmem, name) for name in agentmem.__all__ if isinstance(getattr(agentmem, name), type)]
    assert len({one.__name__ for one in values}) == len(values)


def test_an_error_never_shows_what_an_object_holds(tmp_path: Path) -> None:
    """Only its class: it may hold a key."""
    with pytest.raises(ConfigError) as caught:
        Agent(MODEL, tmp_path, limits={"api_key": "sk-secret"})  # type: ignore[arg-type]
    assert "secret" not in str(caught.value) and "builtins.dict" in str(caught.value)


@pytest.mark.parametrize(
    "table",
    [{"audit": "much"}, {"hot": "many"}, {"checks": {"most": "few"}}, {"ttl": 5}, {"kinds": [1]}, {"exclude": 5}],
)
def test_a_table_of_answers_that_cannot_be_read_is_a_setting(table: dict[str, Any]) -> None:
    """As it stands in agentmem.toml."""
    with pytest.raises(ConfigError):
        answers_settings.read(table)

"""Tasks of a fleet: files of them, keys, and what is refused."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmem.errors import ConfigError
from agentmem.fleet.tasks import FleetTask, keyed, read_tasks, task_of


def test_a_file_has_a_task_a_line(tmp_path: Path) -> None:
    """Members that agentmem does not know go to the maker of agents; empty lines are passed over."""
    path = tmp_path / "tasks.jsonl"
    path.write_text('{"task": "Check", "key": "a", "prefix": "de", "order": 12}\n\n{"task": "Check"}\n')
    first, second = read_tasks(path)
    assert first == FleetTask("Check", "a", "de", "", {"order": 12})
    assert (first.group, second.group) == ("/de", "/")
    assert len(second.key) == 16


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"task": "a"}\n{"tusk": "b"}', "line 2: a task is an object with its text"),
        ("not json", "line 1, column 1: Expecting value"),
        ("\n", "has no tasks"),
        ('{"task": "a", "key": 7}', "key of a task must be a text"),
        ('{"task": "  "}', "task 1 is empty"),
        ('{"task": "a", "key": "x"}\n{"task": "b", "key": "x"}', "tasks 1 and 2 have the key 'x'"),
        ('{"task": "a", "key": "' + "x" * 200 + '"}', "printable characters"),
    ],
)
def test_a_file_that_cannot_be_is_refused(tmp_path: Path, text: str, says: str) -> None:
    """The error names the line or the tasks."""
    path = tmp_path / "tasks.jsonl"
    path.write_text(text)
    with pytest.raises(ConfigError, match=says):
        read_tasks(path)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_tasks(tmp_path / "none.jsonl")


@given(st.lists(st.sampled_from(["one", "two", "three"]), min_size=1, max_size=12))
def test_keys_are_the_same_each_time_and_never_shared(texts: list[str]) -> None:
    """Also for a text that comes twice; and a task's line reads back as the task."""
    made = keyed(texts)
    assert made == keyed(texts)
    assert len({one.key for one in made}) == len(texts)
    assert [task_of(json.loads(one.line())) for one in made] == made

"""agentmem.ui.changes."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from agentmem.ui.changes import applied, changes

NEAR = st.sampled_from([0, 1, 0.0, 1.0, False, True])
"""Values that Python takes for each other."""
SCALARS = st.none() | NEAR | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.5, 1.0]) | st.text(max_size=3)
VALUES = st.recursive(
    SCALARS,
    lambda inside: st.lists(inside, max_size=5) | st.dictionaries(st.sampled_from("abcd"), inside, max_size=4),
    max_leaves=25,
)


@settings(max_examples=300)
@given(VALUES, VALUES)
def test_the_new_value_is_made_of_the_old_one(old: Any, new: Any) -> None:
    """Whatever the two are, to the type of each number; nothing of the old one is changed."""
    before, change = json.dumps(old), json.loads(json.dumps(changes(old, new)))
    assert json.dumps(applied(old, change), sort_keys=True) == json.dumps(new, sort_keys=True)
    assert json.dumps(old) == before
    assert changes(new, new) is None


def test_what_only_grew_is_told_by_what_is_new() -> None:
    """Columns by their ends, lists of lists by the ends of those that grew, objects by the keys that changed."""
    old = {"turns": {"read": list(range(2_000)), "run": {"names": ["a"]}}, "lists": [[1, 2], [5]], "cost": 1.0}
    new = {"turns": {"read": list(range(2_001)), "run": {"names": ["a"]}}, "lists": [[1, 2, 3], [5], [7]], "cost": 2.0}
    assert changes(old, new) == {
        "keys": {
            "turns": {"keys": {"read": {"keep": 2_000, "add": [2_000]}}, "gone": []},
            "lists": {"at": {"0": {"keep": 2, "add": [3]}}, "add": [[7]]},
            "cost": {"value": 2.0},
        },
        "gone": [],
    }

"""Names of the code's objects that a test may use, and those by which it would reach for its source or its state.

The judge runs it by itself, without the rest of agentmem.
"""

SHOWN = frozenset(
    {"__name__", "__qualname__", "__doc__", "__version__", "__author__", "__notes__", "__cause__", "__annotations__"}
)
"""Special attributes that are read like others."""
SOURCE = frozenset({"__code__", "__globals__", "__closure__", "__file__", "__builtins__", "__loader__", "__dict__"})
"""Special attributes that lead to the source of the code, or to all that it holds."""

PUBLIC = frozenset({"_asdict", "_replace", "_make", "_fields", "_field_defaults", "_value_", "_name_"})
"""Names of named tuples and enums that are public in spite of their underscore."""

PROBED = frozenset({"_mock_name", "_mock_methods", "_pytestfixturefunction", "pytestmark", "_is_coroutine_mark"})
"""Attributes by which pytest and other tools look for things of their own."""


def is_private(name: str) -> bool:
    """True for a name that begins with an underscore and is no special one."""
    return len(name) > 1 and name[0] == "_" != name[1] and name not in PUBLIC


def is_namespace(value: object) -> bool:
    """True for the names of a module, as ``globals()`` gives them."""
    return type(value) is dict and {"__name__", "__spec__"} <= value.keys()

"""Long-term memory items as table rows, and the tests of rows against filters and namespaces."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from langgraph.store.base import Item, MatchCondition, PutOp, SearchItem, get_text_at_path, tokenize_path

from agentmem.recall.tables import IndexPlan, key_field, quoted

if TYPE_CHECKING:
    import pyarrow as pa

Record = dict[str, Any]
"""A row of the items table."""


def key_of(namespace: tuple[str, ...], name: str) -> str:
    """The row's key. It is unique, because labels hold neither periods nor NUL."""
    return f"{'.'.join(namespace)}\0{name}"


def record_of(key: str, put: PutOp, created: float, now: float, fields: Sequence[str]) -> Record:
    """The row for a put. ``ttl`` is in minutes; times are seconds since the epoch."""
    return {
        "key": key,
        "namespace": ".".join(put.namespace),
        "name": put.key,
        "value": json.dumps(put.value, ensure_ascii=False),
        "words": "\n".join(texts_of(put, fields)),
        "created": created,
        "updated": now,
        "expires": None if put.ttl is None else now + put.ttl * 60,
        "ttl": put.ttl,
    }


def item_of(row: Record) -> Item:
    """The item in a row."""
    return Item(
        value=json.loads(row["value"]),
        key=row["name"],
        namespace=tuple(row["namespace"].split(".")),
        created_at=datetime.fromtimestamp(row["created"], UTC),
        updated_at=datetime.fromtimestamp(row["updated"], UTC),
    )


def scored(row: Record, score: float | None) -> SearchItem:
    """The item in a row, as a search result."""
    item = item_of(row)
    return SearchItem(item.namespace, item.key, item.value, item.created_at, item.updated_at, score)


def age(row: Record) -> tuple[float, str]:
    """The sort key of rows, the oldest first."""
    return row["created"], row["key"]


def texts_of(put: PutOp, fields: Sequence[str]) -> list[str]:
    """The texts of an item that search reads: those of its own index fields, if it names some, else the store's."""
    if put.value is None or put.index is False:
        return []
    paths = fields if put.index is None else put.index
    found = (
        text for path in paths for text in get_text_at_path(put.value, path if path == "$" else tokenize_path(path))
    )
    return list(dict.fromkeys(found))


def namespace_where(prefix: tuple[str, ...]) -> str:
    """SQL for the namespaces that begin with ``prefix``."""
    if not prefix:
        return "true"
    joined = ".".join(prefix)
    return f"namespace = {quoted(joined)} OR starts_with(namespace, {quoted(joined + '.')})"


def matches(condition: MatchCondition, namespace: tuple[str, ...]) -> bool:
    """True if a namespace begins or ends as the condition says. ``*`` matches any label."""
    if len(namespace) < len(condition.path):
        return False
    if condition.match_type == "prefix":
        pairs = zip(namespace, condition.path, strict=False)
    elif condition.match_type == "suffix":
        pairs = zip(reversed(namespace), reversed(condition.path), strict=False)
    else:
        raise ValueError(f"Unsupported match type: {condition.match_type}")
    return all(wanted in ("*", label) for label, wanted in pairs)


def fits(row: Record, wanted: Mapping[str, Any] | None) -> bool:
    """True if a row's value matches the filter."""
    if not wanted:
        return True
    value = json.loads(row["value"])
    return all(_has(value.get(name), one) for name, one in wanted.items())


def _has(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, dict):
        if any(name.startswith("$") for name in wanted):
            return all(_compares(value, name, one) for name, one in wanted.items())
        return isinstance(value, dict) and all(_has(value.get(name), one) for name, one in wanted.items())
    if isinstance(wanted, list | tuple):
        alike = isinstance(value, list | tuple) and len(value) == len(wanted)
        return alike and all(_has(one, other) for one, other in zip(value, wanted, strict=True))
    return bool(value == wanted)


def _compares(value: Any, operator: str, other: Any) -> bool:
    if operator in ("$eq", "$ne"):
        return bool(value == other) is (operator == "$eq")
    if operator not in _ORDER:
        raise ValueError(f"Unsupported operator: {operator}")
    return value is not None and _ORDER[operator](float(value), float(other))


_ORDER = {
    "$gt": lambda one, other: one > other,
    "$gte": lambda one, other: one >= other,
    "$lt": lambda one, other: one < other,
    "$lte": lambda one, other: one <= other,
}


def _item_schema() -> "pa.Schema":
    import pyarrow as pa

    texts = [pa.field(name, pa.string()) for name in ("namespace", "name", "value", "words")]
    times = [pa.field(name, pa.float64()) for name in ("created", "updated", "expires", "ttl")]
    return pa.schema([key_field("key"), *texts, *times])


def vector_schema(dimensions: int) -> "pa.Schema":
    """The schema of the vectors: a row for each text of an item."""
    import pyarrow as pa

    texts = [pa.field(name, pa.string()) for name in ("item", "namespace")]
    return pa.schema([key_field("key"), *texts, pa.field("vector", pa.list_(pa.float32(), dimensions))])


ITEMS = IndexPlan(_item_schema, words="words", labels=("namespace",))
"""The table of items."""

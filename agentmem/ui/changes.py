"""What changed between two JSON values, so that a page that has the one can make the other: a session that grew.

    applied(old, changes(old, new)) == new

A change is null where nothing did; {"value"} replaces; {"keys", "gone"} changes some keys of an object; {"keep", "add"}
cuts a list to so many and adds others; {"at", "add"} changes some items of a list, by their places as text, and adds
others.
"""

from typing import Any

Change = dict[str, Any] | None


def changes(old: Any, new: Any) -> Change:
    """What makes ``new`` of ``old``."""
    if isinstance(old, dict) and isinstance(new, dict):
        return _of_objects(old, new)
    if isinstance(old, list) and isinstance(new, list) and old:
        return _of_lists(old, new)
    return None if _same(old, new) else {"value": new}


def _of_objects(old: dict[str, Any], new: dict[str, Any]) -> Change:
    told = {key: changes(old[key], value) if key in old else {"value": value} for key, value in new.items()}
    changed = {key: change for key, change in told.items() if change is not None}
    gone = [key for key in old if key not in new]
    return {"keys": changed, "gone": gone} if changed or gone else None


def _of_lists(old: list[Any], new: list[Any]) -> Change:
    if len(new) >= len(old) and all(isinstance(one, (list, dict)) for one in old):
        found = {str(at): change for at, one in enumerate(old) if (change := changes(one, new[at])) is not None}
        return {"at": found, "add": new[len(old) :]} if found or len(new) > len(old) else None
    pairs = enumerate(zip(old, new, strict=False))
    same = next((at for at, (one, other) in pairs if changes(one, other)), min(len(old), len(new)))
    return None if same == len(old) == len(new) else {"keep": same, "add": new[same:]}


def _same(old: Any, new: Any) -> bool:
    return type(old) is type(new) and bool(old == new)


def applied(old: Any, change: Change) -> Any:
    """What the page makes of ``old``: the same as its script does."""
    if change is None:
        return old
    if "keys" in change:
        kept = {key: value for key, value in old.items() if key not in change["gone"]}
        return kept | {key: applied(old.get(key), one) for key, one in change["keys"].items()}
    if "at" in change:
        changed = [applied(one, change["at"].get(str(at))) for at, one in enumerate(old)]
        return changed + change["add"]
    if "keep" in change:
        return old[: change["keep"]] + change["add"]
    return change["value"]

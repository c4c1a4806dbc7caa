"""NumPy's arrays and scalars as they cross: shape, type of item and bytes, and a structured array field by field.

Both ends run it by themselves, without the rest of agentmem. NumPy is used where the process has it already; what
comes in is read by the table of types here, never by pickle. Arrays of objects do not cross.
"""

import base64
import importlib
import math
import re
import sys
from typing import Any

from agentmem.team.proof.wire import Broken

ITEMS: dict[str, tuple[int, ...] | int] = {
    "b": (1,),
    "i": (1, 2, 4, 8),
    "u": (1, 2, 4, 8),
    "f": (2, 4, 8),
    "c": (8, 16),
    "m": (8,),
    "M": (8,),
    "S": 4096,
    "U": 4096,
}
"""The kinds of items that cross, by NumPy's letter, with their sizes in bytes; of texts the largest size."""

MOST = 2 << 20
"""Bytes of an array that crosses."""
_DIMENSIONS, _FIELDS = 16, 64
_TYPE = re.compile(r"[<>|]([biufcmMSU])(\d{1,4})(\[\d{0,6}[a-zA-Z]{1,2}\])?")


def is_array(value: Any) -> bool:
    """True for an exact array of NumPy's, and for its scalars. NumPy is not loaded for this."""
    numpy = sys.modules.get("numpy")
    array = getattr(numpy, "ndarray", None)
    return array is not None and (type(value) is array or isinstance(value, numpy.generic))  # type: ignore[union-attr]


def encode_array(value: Any) -> list[Any] | None:
    """An array or scalar as JSON; None if its items cannot cross. Raises Broken if it is too large."""
    scalar = type(value).__name__ != "ndarray"
    array = sys.modules["numpy"].asarray(value)
    if array.nbytes > MOST:
        raise Broken(f"an array of {array.nbytes:,} bytes")
    if array.ndim > _DIMENSIONS:
        return None
    if array.dtype.names is None:
        if not _crosses(array.dtype.str):
            return None
        data = base64.b64encode(array.tobytes()).decode("ascii")
        return ["scalar" if scalar else "array", list(array.shape), array.dtype.str, data]
    fields = [[name, encode_array(array[name])] for name in array.dtype.names[:_FIELDS]]
    if scalar or len(fields) != len(array.dtype.names) or any(one is None for _, one in fields):
        return None
    return ["fields", list(array.shape), fields]


def decode_array(given: list[Any]) -> Any:
    """The array or scalar that `encode_array` wrote. Raises Broken for anything else."""
    try:
        numpy: Any = importlib.import_module("numpy")
    except ImportError as error:
        raise Broken("an array came, and NumPy is not installed") from error
    tag, shape = given[0], given[1]
    if type(shape) is not list or len(shape) > _DIMENSIONS or any(type(one) is not int or one < 0 for one in shape):
        raise Broken("an array has no shape")
    if tag == "fields":
        return _structured(numpy, shape, given[2])
    kind, data = given[2], given[3]
    if type(kind) is not str or not _crosses(kind) or type(data) is not str:
        raise Broken("an array's items are of a kind that was not agreed")
    raw = base64.b64decode(data, validate=True)
    dtype = numpy.dtype(kind)
    if len(raw) > MOST or len(raw) != math.prod(shape) * dtype.itemsize:
        raise Broken("an array has not the bytes of its shape")
    array = numpy.frombuffer(raw, dtype).copy() if raw else numpy.empty(0, dtype)
    return array.reshape(shape)[()] if tag == "scalar" else array.reshape(shape)


def _crosses(kind: str) -> bool:
    found = _TYPE.fullmatch(kind)
    if found is None or (found[3] is not None and found[1] not in "mM"):
        return False
    sizes, size = ITEMS[found[1]], int(found[2])
    return size in sizes if isinstance(sizes, tuple) else 0 < size * (4 if found[1] == "U" else 1) <= sizes


def _structured(numpy: Any, shape: list[int], given: Any) -> Any:
    """A structured array of its fields, each an array of the same shape, with the shape of the field behind it."""
    if type(given) is not list or not 0 < len(given) <= _FIELDS:
        raise Broken("an array has no fields")
    parts = {str(name): decode_array(one) for name, one in given}
    if any(list(one.shape[: len(shape)]) != shape for one in parts.values()):
        raise Broken("an array's fields are of another shape")
    kinds = [(name, one.dtype, one.shape[len(shape) :]) for name, one in parts.items()]
    made = numpy.empty(shape, kinds)
    for name, one in parts.items():
        made[name] = one
    return made

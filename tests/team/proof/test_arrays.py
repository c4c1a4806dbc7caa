"""agentmem.team.proof.arrays: NumPy's arrays cross as shape, type of item and bytes; arrays of objects do not."""

import json
from pathlib import Path
from typing import Any

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmem.team.proof.arrays import ITEMS, MOST, decode_array, encode_array, is_array
from agentmem.team.proof.wire import Broken
from tests.team.proof.works import apart, verdicts

KINDS = [
    *(f"<{kind}{size}" for kind, sizes in ITEMS.items() if isinstance(sizes, tuple) for size in sizes if kind != "M"),
    *(">i4", "<M8[ns]", "<m8[25us]", "|S3", "<U5", "|b1"),
]


def crossed(value: Any) -> Any:
    """A value after its way through JSON."""
    return decode_array(json.loads(json.dumps(encode_array(value))))


@given(st.sampled_from(KINDS), st.lists(st.integers(0, 3), max_size=3), st.data())
def test_an_array_comes_as_it_was(kind: str, shape: list[int], data: st.DataObject) -> None:
    """Every kind of item in the table, of any shape, also empty and without dimensions."""
    size = int(numpy.prod(shape)) * numpy.dtype(kind).itemsize
    raw = data.draw(st.binary(min_size=size, max_size=size)) if kind[1] not in "UbMm" else bytes(size)
    value = numpy.frombuffer(raw, kind).reshape(shape) if size else numpy.empty(shape, kind)
    found = crossed(value)
    assert (found.dtype, found.shape, found.tobytes()) == (value.dtype, value.shape, value.tobytes())


def test_scalars_and_structured_arrays_come_as_they_were() -> None:
    """A scalar stays one, with its type; a structured array comes field by field, also with fields of arrays."""
    for one in (numpy.float32(1.5), numpy.int64(3), numpy.bool_(True), numpy.str_("ab")):
        assert crossed(one) == one and type(crossed(one)) is type(one)
    rows = numpy.zeros(2, [("x", "<i4"), ("inner", [("y", "<f8", (2,))])])
    rows["inner"]["y"] = [[1, 2], [3, 4]]
    found = crossed(rows)
    assert found.dtype == rows.dtype and found.tobytes() == rows.tobytes()
    assert is_array(rows) and not is_array([1]) and not is_array(numpy.ma.masked_array([1]))


def test_what_cannot_cross_is_refused() -> None:
    """Objects, long doubles and arrays that are too large."""
    assert encode_array(numpy.array([object()])) is None
    assert encode_array(numpy.array([1], numpy.longdouble)) is None
    assert encode_array(numpy.zeros(2, [("a", object)])) is None
    with pytest.raises(Broken):
        encode_array(numpy.zeros(MOST + 1, numpy.int8))


CODE = """
import numpy


def doubled(values):
    return numpy.asarray(values) * 2


def zero(values):
    values[:] = 0


def mean(values):
    return values.mean()


def things():
    return numpy.array([object()])
"""
TESTS = """
import numpy

import stats


def test_returned():
    numpy.testing.assert_array_equal(stats.doubled([1, 2]), [2, 4])
    assert stats.doubled(numpy.eye(2)).tolist() == [[2, 0], [0, 2]]


def test_changed_in_place():
    values = numpy.ones((2, 2))
    stats.zero(values)
    assert not values.any()


def test_scalar():
    assert stats.mean(numpy.array([1.0, 2.0])) == 1.5


def test_wrong():
    assert (stats.doubled([1, 2]) == [2, 5]).all()


def test_objects():
    assert len(stats.things()) == 1
"""


def test_tests_of_arrays_are_proven(tmp_path: Path) -> None:
    """Arrays that are returned, changed in place and compared in the judge; an array of objects says why not."""
    run = apart(tmp_path, {"stats.py": CODE}, {"tests/test_stats.py": TESTS})
    assert verdicts(run) == {
        **dict.fromkeys(("test_returned", "test_changed_in_place", "test_scalar"), "proven"),
        "test_wrong": "failed",
        "test_objects": "unproven array",
    }, run.tests

"""agentmem.team.proof.reading: what a test does, by the text of its file."""

from pathlib import Path

import pytest

from agentmem.team.proof.reading import asks_code, compared_names, used_names

HEAD = "import helpers\nimport pytest\nimport shop\nfrom shop import Json, assert_same, fee, save\n\n"
TOPS = frozenset({"shop"})


def _file(folder: Path, body: str) -> str:
    file = folder / "test_a.py"
    file.write_text(HEAD + body, encoding="utf-8")
    return str(file)


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ("def test_a(): assert_same(fee(3), 7)\n", "assert_same"),
        ("def test_a():\n    got = fee(3)\n    shop.check(got, 7)\n", "shop.check"),
        ("def test_a(): shop.expect(fee(3)).to_be(7)\n", "shop.expect(fee(3)).to_be"),
        ("def test_a(): shop.check('x')\n", ""),
        ("def test_a():\n    got = shop.Schema()\n    got.check({'a': 1})\n", ""),
        ("def test_a(): shop.near(fee(3), 7)\n", "shop.near"),
        ("def look(one): assert_same(one, 7)\ndef test_a(): look(fee(3))\n", "assert_same"),
        ("def look(one): assert one == 7\ndef test_a():\n    assert_same(1, 1)\n    look(fee(3))\n", ""),
        ("def test_a():\n    assert_same(fee(3), 7)\n    assert fee(3) == 7\n", ""),
        ("def test_a(look):\n    assert_same(fee(3), 7)\n    look(fee(3))\n", ""),
        ("def test_a():\n    assert_same(fee(3), 7)\n    helpers.look(fee(3))\n", ""),
        ("def test_a():\n    with pytest.raises(ValueError): assert_same(fee(3), 7)\n", ""),
        ("def test_a(): save(3, 'x')\n", ""),
        ("def test_a(): fee(3)\n", ""),
    ],
)
def test_a_test_that_lets_the_code_compare_is_found(tmp_path: Path, body: str, wanted: str) -> None:
    """By the name of what it calls, or by an answer of the code's that goes there, if nothing else asserts."""
    assert asks_code(_file(tmp_path, body), "test_a", TOPS) == wanted


def test_names_that_are_compared_as_things_are_found(tmp_path: Path) -> None:
    """By ``is``, ``isinstance``, ``raises``, ``except`` and ``match``, with the module that each is of."""
    body = (
        "def test_a():\n    assert fee(1) is Json\n    assert isinstance(fee(1), (shop.Csv, int))\n"
        "    with pytest.raises(shop.Error): fee(2)\n    assert shop.total() == 3\n"
    )
    file = _file(tmp_path, body)
    assert compared_names(file, "test_a") == ["shop.Csv", "shop.Error", "shop.Json"]
    assert {"isinstance", "Json", "total"} <= used_names(file, "test_a")


def test_a_file_that_is_no_python_says_nothing(tmp_path: Path) -> None:
    """What cannot be read tells of nothing."""
    assert asks_code(_file(tmp_path, "def test_a(:\n"), "test_a", TOPS) == ""
    assert compared_names(str(tmp_path / "none.py"), "test_a") == []

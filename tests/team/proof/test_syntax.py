"""agentmem.team.proof.syntax: whatever text comes, reading it is no error."""

import ast

import pytest

from agentmem.team.inspection import Edited, altered, empty, skipped, steering, strangers
from agentmem.team.mutants import mutants
from agentmem.team.proof.equivalents import equivalent
from agentmem.team.proof.examples import examples, of_docstrings
from agentmem.team.proof.syntax import dotted, named, parsed, same, syntax_of, value_of

DEEP = {
    "sums": "X = " + "+".join(["1"] * 1300),
    "texts": "X = (\n" + "\n".join(["'a' +"] * 700) + "'a')",
    "calls": "X = a" + ".b(1)" * 500,
    "attributes": "X = a" + ".skip" * 700,
    "items": "X = a" + "[0]" * 500,
    "elifs": "if X == 0:\n    Y = 0\n" + "".join(f"elif X == {n}:\n    Y = {n}\n" for n in range(500)),
    "nots": "X = " + "not " * 900 + "a",
    "signs": "X = " + "-" * 5000 + "1",
    "brackets": "X = " + "[" * 150 + "]" * 150,
    "many brackets": "X = " + "(" * 20_000 + ")" * 20_000,
    "lambdas": "X = " + "lambda: " * 500 + "1",
    "choices": "X = " + "1 if a else " * 500 + "2",
    "powers": "X = " + "2 ** " * 500 + "2",
    "unions": "X = " + " | ".join(["a"] * 1300),
    "decorators": "@a" + ".b" * 500 + "\ndef f(): pass",
    "nothing": "\0",
    "other letters": "X = '\ud800'",
}


@pytest.mark.parametrize("text", DEEP.values(), ids=DEEP.keys())
def test_no_depth_is_an_error(text: str) -> None:
    """Other words, mutants, what a tester's file does, and examples: of each text they are made, or there are none."""
    test = f"def test_a():\n    assert f(3) == 7\n{text}\n"
    code = f"def f(n):\n    return n + 4\n{text}\n"
    made = equivalent(code)
    assert made is None or parsed(made) is not None
    assert len(mutants("a.py", "", code)) <= 8
    for change in (Edited("a.py", None, test), Edited("a.py", test, f"{test}\nZ = 1\n")):
        for look in (skipped, steering, altered, empty):
            assert all(isinstance(one, str) for one in look(change))
        assert all(isinstance(one, str) for one in strangers(change, ("a.py",)))
    assert list(of_docstrings(code)) == []
    assert all(isinstance(one, tuple) for one in examples(f"f({text[4:]}) == {text[4:]}"))
    tree = parsed(code)
    for node in ast.walk(tree) if tree is not None else ():
        if isinstance(node, ast.Assign):
            assert same(node, node) and isinstance(dotted(node.value), str) and named(node)


def test_what_steers_is_found_at_any_depth() -> None:
    """A name that ends the run is told of behind a chain that cannot be written, and a text that cannot be read too."""
    chain = "X = " + "+".join(["1"] * 2500)
    found = steering(Edited("tests/test_a.py", None, f"{chain}\nimport os\nos._exit(0)\n"))
    assert any("os._exit" in one for one in found)
    found = skipped(Edited("tests/test_a.py", None, "import pytest\nX = a" + ".b" * 1500 + ".mark.skip\n"))
    assert any("mark.skip" in one for one in found)


def test_parts_are_the_same_by_what_they_do() -> None:
    """Layout does not count; names, values and their types do."""
    texts = ("f(1)", "f( 1 )", "f(1.0)", "g(1)", "f(1, 1)", "f(True)", "f(a=1)", "f(b=1)", "f(*a)", "x = f(1)")
    trees = [parsed(one) for one in texts]
    equal = [
        (a, b) for a in range(len(texts)) for b in range(a) if same(trees[a] or ast.Pass(), trees[b] or ast.Pass())
    ]
    assert equal == [(1, 0)]


def test_a_file_in_another_encoding_is_said_in_other_words() -> None:
    """Its texts stay what they are: the bytes are read as Python reads them. It has no mutants."""
    data = "# -*- coding: latin-1 -*-\nNAME = 'caf\xe9'\ndef fee(n): return n + 4\n".encode("latin-1")
    made = equivalent(data)
    assert made is not None and "'caf\xe9'" in made
    assert mutants("a.py", "", data.decode("utf-8", "replace")) == ()


def test_what_python_mixes_up_between_threads_is_read_again() -> None:
    """Its SystemError says nothing of the text; errors of the text come out."""
    left = [SystemError("AST constructor recursion depth mismatch"), SystemError("again")]

    def parse(text: str, mode: str) -> ast.AST:
        if left:
            raise left.pop()
        return ast.parse(text, mode=mode)

    assert ast.unparse(syntax_of("x = 1", parse=parse)) == "x = 1"
    assert left == []
    with pytest.raises(SyntaxError):
        syntax_of("x =", parse=parse)
    assert value_of(" [1, 'a']") == [1, "a"]

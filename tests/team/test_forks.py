"""agentmem.team.forks: an attempt in the forks of a round."""

import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentmem.sandbox import Sandbox
from agentmem.team.forks import Forks, put

NAMES = ("d", "d/x.txt", "d/e", "d/e/y.txt", "D", "D/x.txt", "shop", "shop/__init__.py", "shop.py", "a", "a/b/c/z.txt")
Tree = Mapping[str, str]


def _stands(path: str, tree: Mapping[str, str]) -> bool:
    """True if nothing in a tree is above or below a path."""
    return not any(one.startswith(f"{path}/") or path.startswith(f"{one}/") for one in tree)


@st.composite
def trees(draw: st.DrawFn) -> Tree:
    """A small tree: files with a text, links as "-> target", programs as "! text"."""
    found: dict[str, str] = {}
    for path in draw(st.lists(st.sampled_from(NAMES), max_size=6, unique=True)):
        if _stands(path, found):
            found[path] = draw(st.sampled_from(("one", "two", "", "! one", "-> a", "-> shop", "-> nowhere")))
    return {path: one for path, one in found.items() if not (one.startswith("-> ") and "/" in path)}


def _made(tree: Tree, litter: bool = False) -> str:
    """A script that makes a tree in the place of what is there, with a cache left in each folder that stays."""
    lines = ["find . -mindepth 1 -maxdepth 1 ! -name .keep -exec rm -rf {} +"]
    for path, said in tree.items():
        name, above = shlex.quote(path), shlex.quote(path.rpartition("/")[0] or ".")
        lines.append(f"mkdir -p {above}")
        if said.startswith("-> "):
            lines.append(f"ln -s {shlex.quote(said[3:])} {name}")
        else:
            lines.append(f"printf %s {shlex.quote(said.removeprefix('! '))} > {name}")
            lines.append(f"chmod {'755' if said.startswith('! ') else '644'} {name}")
        if litter and "/" in path:
            lines.append(f"mkdir -p {above}/__pycache__ && echo > {above}/__pycache__/a.pyc")
    return " && ".join(lines)


def seen(fork: Sandbox) -> Tree:
    """The tree that a command sees in a fork."""
    wanted = "! -name .keep ! -path '*__pycache__*'"
    told = fork.run(
        f"find . {wanted} \\( -type f -o -type l \\) -printf '%P\\t%y\\t%m\\t%l\\n'; "
        f"find . -type f {wanted} | xargs -r grep -H '' || true"
    ).output.splitlines()
    texts = {one.partition(":")[0][2:]: one.partition(":")[2] for one in told if one.startswith("./")}
    found = {}
    for one in (line.split("\t") for line in told if "\t" in line):
        path, kind, mode, target = one
        found[path] = f"-> {target}" if kind == "l" else f"{'! ' if mode == '755' else ''}{texts.get(path, '')}"
    return found


@pytest.mark.parametrize("how", ["overlay", "copy"])
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=trees(), after=trees(), tested=trees(), litter=st.booleans())
def test_any_change_of_a_tree_can_be_put_into_any_fork_again(
    tmp_path_factory: pytest.TempPathFactory, how: str, before: Tree, after: Tree, tested: Tree, litter: bool
) -> None:
    """Files, folders and links in each other's places: the fork is then as after the change, also if it was so."""
    repo = tmp_path_factory.mktemp("repo")
    (repo / ".keep").touch()
    subprocess.run(["/bin/sh", "-c", _made(before, litter)], cwd=repo, check=True)
    with (
        Sandbox.fork(repo, how=how) as base,  # type: ignore[arg-type]  # one of its ways
        base.fork_again() as coder,
        base.fork_again() as fix,
    ):
        assert coder.run(_made(after)).ok
        change = coder.diff()
        for _ in range(2):
            put(fix, change)
            assert seen(fix) == after
        with fix.fork_again() as tester, fix.fork_again() as again:
            assert tester.run(_made(tested)).ok
            for _ in range(2):
                put(again, tester.diff())
                assert seen(again) == tested
            put(again, change)


def test_a_folder_may_become_a_file_and_a_file_a_folder(tmp_path: Path) -> None:
    """What an attempt has turned round is so in each fork that gets it, also in one that has it already."""
    (tmp_path / "repo" / "shop" / "deep").mkdir(parents=True)
    (tmp_path / "repo" / "shop" / "__pycache__").mkdir()
    for path in ("shop/__init__.py", "shop/deep/a.py", "notes", "shop/__pycache__/a.pyc"):
        (tmp_path / "repo" / path).write_text(path, encoding="utf-8")
    forks = Forks(tmp_path / "forks", tmp_path / "repo")
    with Sandbox.fork(tmp_path / "repo") as coder:
        assert coder.run("rm -r shop notes && echo module > shop && mkdir notes && echo one > notes/a").ok
        for _ in range(2):
            fix = forks.fix(1, coder.diff())
            assert fix.files() == ("notes/a", "shop")
            assert fix.run("cat shop notes/a").output == "module\none\n"
        tests = Sandbox.fork(tmp_path / "repo")
        tests.write("notes.d/test_a.py", b"")
        assert "notes.d/test_a.py" in forks.tester(1, coder.diff(), tests.diff()).files()
        tests.close()
    forks.close()

"""agentmem.team.forks: an attempt in the forks of a round."""

from pathlib import Path

import pytest

from agentmem.sandbox import Sandbox
from agentmem.team.forks import put


@pytest.mark.parametrize("how", ["overlay", "copy"])
def test_a_folder_may_become_a_file_and_a_file_a_folder(tmp_path: Path, how: str) -> None:
    """What an attempt has turned round is so in each fork that gets it."""
    (tmp_path / "repo" / "shop" / "deep").mkdir(parents=True)
    for path in ("shop/__init__.py", "shop/deep/a.py", "notes"):
        (tmp_path / "repo" / path).write_text(path, encoding="utf-8")
    with Sandbox.fork(tmp_path / "repo", how=how) as coder, Sandbox.fork(tmp_path / "repo", how=how) as tester:  # type: ignore[arg-type]  # one of its ways
        assert coder.run("rm -r shop notes && echo module > shop && mkdir notes && echo one > notes/a").ok
        put(tester, coder.diff())
        assert tester.files() == ("notes/a", "shop")
        assert tester.read("shop") == b"module\n"
        assert tester.run("cat shop notes/a").output == "module\none\n"

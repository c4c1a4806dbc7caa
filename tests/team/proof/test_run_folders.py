"""The folders of runs apart: none is left, also by a run that was killed."""

import signal
import subprocess
import sys
from pathlib import Path

from agentmem.team.proof.run_folders import PREFIX, new_folder, sweep

HOLDING = """
import sys, time
from pathlib import Path
from agentmem.team.proof.run_folders import new_folder
with new_folder(Path(sys.argv[1])) as folder:
    (folder / "deep" / "er").mkdir(parents=True)
    print(folder.name, flush=True)
    time.sleep(600)
"""


def test_a_folder_is_there_for_as_long_as_it_is_used(tmp_path: Path) -> None:
    """It is new, no sweep takes it, and it is gone afterwards."""
    with new_folder(tmp_path) as one, new_folder(tmp_path) as other:
        assert one != other and one.name.startswith(PREFIX)
        assert sweep(tmp_path) == () and one.is_dir() and other.is_dir()
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_run_leaves_is_swept(tmp_path: Path) -> None:
    """Its process is killed at once; the next sweep removes its folder, and nothing that is somebody else's."""
    (tmp_path / "other").mkdir()
    with subprocess.Popen([sys.executable, "-c", HOLDING, str(tmp_path)], stdout=subprocess.PIPE, text=True) as holds:
        assert holds.stdout is not None
        name = holds.stdout.readline().strip()
        assert sweep(tmp_path) == () and (tmp_path / name / "deep" / "er").is_dir()
        holds.send_signal(signal.SIGKILL)
    assert sweep(tmp_path) == (tmp_path / name,)
    assert [one.name for one in tmp_path.iterdir()] == ["other"]

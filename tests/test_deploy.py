"""The files for deployment parse, name what is there, and give nobody more than is needed. No Docker engine is used."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import yaml

from agentmem.health import PATH

ROOT = Path(__file__).resolve().parents[1]
DEPLOY = ROOT / "deploy"


def test_the_compose_file_is_whole() -> None:
    """Every service has a pinned image or a Dockerfile, and a health check; no password stands in it."""
    made = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    for name, one in made["services"].items():
        assert "healthcheck" in one, name
        image = one.get("image")
        assert image is None or (":" in image and not image.endswith(":latest")), name
        if image is None:
            assert (DEPLOY / one["build"]["context"] / one["build"]["dockerfile"]).is_file()
        for volume in one.get("volumes", ()):
            assert volume.partition(":")[0] in made["volumes"]
        for other in one.get("depends_on", ()):
            assert other in made["services"]
    served = made["services"]["serve"]
    assert PATH in json.dumps(served["healthcheck"])
    assert all(port.startswith("127.0.0.1:") for port in served["ports"])
    assert "PASSWORD: secret" not in (DEPLOY / "compose.yaml").read_text()


def test_the_served_command_is_one_of_ours() -> None:
    """Its options exist."""
    made = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]["serve"]["command"]
    command = [sys.executable, "-m", "agentmem", made[0], "--help"]
    said = subprocess.run(command, capture_output=True, text=True, check=True, env={"COLUMNS": "200"}).stdout
    assert all(option in said for option in made if option.startswith("--"))


def test_the_dockerfile_installs_extras_that_exist_and_runs_as_nobody_special() -> None:
    """A base with a version, a user of its own, and the command as entry point."""
    lines = [line.split(maxsplit=1) for line in (DEPLOY / "Dockerfile").read_text().splitlines() if line[:1].isalpha()]
    known = {"FROM", "RUN", "COPY", "USER", "WORKDIR", "ENTRYPOINT", "CMD"}
    assert {word for word, _ in lines} <= known
    assert lines[0][0] == "FROM"
    assert ":" in lines[0][1]
    assert not lines[0][1].endswith("latest")
    assert dict(lines)["USER"] == "agent"
    assert json.loads(dict(lines)["ENTRYPOINT"]) == ["agentmem"]
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    install = next(rest for word, rest in lines if "pip install" in rest)
    assert set(install.partition("[")[2].partition("]")[0].split(",")) <= extras.keys()


def test_the_graph_of_a_langgraph_server_runs(tmp_path: Path) -> None:
    """langgraph.json names it; a server gives it a thread and a task, and it answers."""
    made = json.loads((DEPLOY / "langgraph.json").read_text())
    file, _, name = made["graphs"]["agent"].partition(":")
    assert (DEPLOY / made["dependencies"][0] / "pyproject.toml").is_file()
    (tmp_path / "script.yaml").write_text("- Good morning.\n")
    program = (
        f"import runpy; graph = runpy.run_path({str(DEPLOY / file)!r})[{name!r}]\n"
        "graph.invoke({'task': 'Greet me.'}, {'configurable': {'thread_id': 'main'}}, durability='sync')\n"
        "from agentmem.transcript.journal import open_journal\n"
        "print([one.kind for one in open_journal('workspace/.agentmem/agentmem.db').entries('main')])\n"
    )
    variables = {"AGENTMEM_MODEL": f"scripted:{tmp_path / 'script.yaml'}", "HOME": str(tmp_path)}
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=variables, capture_output=True, text=True, check=False
    )
    assert "'user', 'assistant'" in ran.stdout, ran.stderr

"""agentmem.sandbox.views: our merged layers are the same as the kernel's overlay."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from agentmem.sandbox import Sandbox
from agentmem.sandbox.forks import available
from agentmem.sandbox.layered import MOST_LAYERS

NAMES = st.sampled_from(["a", "b", "a/x", "a/y", "b/x", "a/d/z", "b/d/z", "c"])
STEPS = st.one_of(
    st.tuples(st.just("write"), NAMES),
    st.tuples(st.just("remove"), NAMES),
    st.tuples(st.just("folder"), NAMES),
    st.tuples(st.just("link"), NAMES),
    st.tuples(st.just("snapshot"), NAMES),
    st.tuples(st.just("host write"), NAMES),
    st.tuples(st.just("host delete"), NAMES),
)
SHELL = {
    "write": 'rm -rf "{0}" 2>/dev/null; mkdir -p "$(dirname "{0}")" 2>/dev/null && echo {1} >"{0}"',
    "remove": 'rm -rf "{0}"',
    "folder": 'rm -rf "{0}"; mkdir -p "{0}" 2>/dev/null && echo {1} >"{0}/inner"',
    "link": 'rm -rf "{0}"; ln -s target{1} "{0}" 2>/dev/null',
}
SHOW = '-exec sh -c \'test -L "$1" || cat "$1"; echo\' _ {} \\;'
LIST = f"find . ! -type d -printf '%P %y %l ' {SHOW}"


@pytest.mark.skipif("overlay" not in available(), reason="no overlay works on this machine")
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEPS, max_size=14))
@example(steps=[("remove", "a"), ("write", "a/x"), ("host delete", "a/x")])
@example(steps=[("remove", "a"), ("write", "a/y"), ("snapshot", "a"), ("host delete", "a/y")])
@example(steps=[("remove", "a"), ("write", "a/y"), ("host write", "c"), ("remove", "a/y")])
def test_what_the_host_sees_is_what_a_command_sees(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, str]]
) -> None:
    """After any steps by either side, with layers between, host and command list the same files and contents.

    So they do in a fork of that fork, in which all layers are one.
    """
    source = tmp_path_factory.mktemp("source")
    for name in ("a/x", "a/d/z", "b", "c"):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text("source\n")
    with Sandbox.fork(source, how="overlay") as sandbox:
        script: list[str] = []
        for number, (step, name) in enumerate(steps):
            if step in SHELL:
                script.append(SHELL[step].format(name, number))
                continue
            sandbox.run("\n".join(script))
            script.clear()
            host_step(sandbox, step, name, number)
        listed = sandbox.run("\n".join([*script, LIST])).output
        assert sorted(line for line in listed.split("\n") if line) == sorted(seen(sandbox))
        first = sandbox.diff().paths
        assert {line.split(" ")[0] for line in seen(sandbox)} == set(after(source, first, sandbox))
        with sandbox.fork_again() as other:
            assert sorted(line for line in other.run(LIST).output.split("\n") if line) == sorted(seen(sandbox))


@pytest.mark.skipif("overlay" not in available(), reason="no overlay works on this machine")
def test_many_layers_become_one_that_shows_the_same(tmp_path: Path) -> None:
    """More snapshots than layers are kept, with a folder made anew and what was in it removed, change nothing seen."""
    (tmp_path / "source" / "a").mkdir(parents=True)
    (tmp_path / "source" / "a" / "x").write_text("source\n")
    with Sandbox.fork(tmp_path / "source", how="overlay") as sandbox:
        sandbox.run("rm -r a; mkdir a; echo made >a/x; echo made >a/y")
        sandbox.snapshot()
        sandbox.delete("a/x")
        for number in range(MOST_LAYERS + 1):
            sandbox.write("c", f"{number}\n".encode())
            sandbox.snapshot()
        sandbox.delete("a/y")
        assert sandbox.files() == ("c",)
        assert sandbox.run(LIST).output.split("\n")[:2] == [f"c f  {MOST_LAYERS}", ""]


def host_step(sandbox: Sandbox, step: str, name: str, number: int) -> None:
    from agentmem.errors import SandboxError

    try:
        if step == "snapshot":
            sandbox.snapshot()
        elif step == "host write":
            sandbox.write(name, f"{number}\n".encode())
        else:
            sandbox.delete(name)
    except SandboxError:
        return  # a folder, a link, or nothing is there


def seen(sandbox: Sandbox) -> list[str]:
    """The host's list, in the form of LIST."""
    view = sandbox._store.present()
    lines = []
    for name, found in view.below():
        text = found.data().decode().strip()
        lines.append(f"{name} l {text} " if found.kind == "link" else f"{name} f  {text}")
    return lines


def after(source: Path, changed: tuple[str, ...], sandbox: Sandbox) -> list[str]:
    """The source's files with the diff's changes made."""
    files = {str(path.relative_to(source)) for path in source.rglob("*") if path.is_file()}
    for change in sandbox.diff().changes:
        (files.discard if change.after is None else files.add)(change.path)
    return sorted(files)

"""README and the pages of docs/ are true: their blocks run and print what they show, their commands and files exist."""

import ast
import contextlib
import io
import json
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import typer

from agentmem.cli.app import app
from agentmem.config import Config
from agentmem.replay.fidelity_items import KINDS
from agentmem.replay.recordings import FORMATS
from agentmem.replay.tally import Tally
from tests.cli.invoke import invoke, invoke_json
from tests.site.blocks import LANGUAGES, Block, blocks, commands
from tests.site.given import GIVEN
from tests.site.order import DOCS, NAVIGATION, ROOT, parts

PAGES = [ROOT / "README.md", *sorted(DOCS.glob("**/*.md"))]
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
TARGETS = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
OTHERS = ("claude", "python", "cd", "export")
"""Programs of others that a page may name."""


def named(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def shown(page: Path) -> list[Block]:
    return blocks(page.read_text(encoding="utf-8"))


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_block_is_run_or_says_why_not(page: Path) -> None:
    """Each fence can be read, and is of a kind that the tests run or check; what is not says why."""
    text = page.read_text(encoding="utf-8")
    fences = re.findall(r"^ *```", text, re.MULTILINE)
    found = shown(page)
    assert len(fences) == 2 * len(found), "a fence is indented, or has marks that cannot be read"
    assert not [f"line {one.line}: {one.language}" for one in found if one.language not in LANGUAGES]
    ran = False
    for one in found:
        if one.language == "text":
            assert ran or one.mark.get("why"), f"line {one.line}: a text that nothing prints, without a why"
        ran = (one.language == "python" and not one.mark.get("why")) or one.mark.get("run") == "yes"


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_the_blocks_run_and_print_what_they_show(page: Path, tmp_path: Path) -> None:
    """A page's programs and marked commands run in order in an empty folder; a text behind one is what it prints."""
    found = shown(page)
    with contextlib.chdir(tmp_path), contextlib.ExitStack() as stack:
        names: dict[str, Any] = {"__name__": "page"}
        for one, after in zip(found, [*found[1:], None], strict=False):
            printed = None
            if one.language == "python" and "why" not in one.mark:
                if given := one.mark.get("given"):
                    names.update(stack.enter_context(GIVEN[given]()))
                printed = ran(one.text, names, f"{page.name}, line {one.line}")
            elif one.mark.get("run") == "yes":
                outputs = [output(command) for command in commands(one)]
                printed = outputs[0]
            if printed is not None and after and after.language == "text" and "why" not in after.mark:
                assert plain(printed) == plain(after.text)


def ran(program: str, names: dict[str, Any], where: str) -> str:
    """What a program prints."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(program, where, "exec"), names)
    return out.getvalue()


def output(command: str) -> str:
    """What a command of agentmem prints; it must end well."""
    words = shlex.split(command)
    assert words[0] == "agentmem"
    done = invoke(*words[1:])
    assert done.exit_code == 0, f"{command}: {done.output}"
    return str(done.stdout)


def plain(text: str) -> list[str]:
    """The lines that have something, without space at their ends."""
    return [line.strip() for line in text.splitlines() if line.strip()]


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_what_is_not_run_can_be_read(page: Path) -> None:
    """Programs that are not run compile, and their imports exist; settings and JSON can be read."""
    for one in shown(page):
        if one.language == "python" and "why" in one.mark:
            tree = ast.parse(one.text)
            for node in ast.walk(tree):
                if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("agentmem"):
                    module = __import__(node.module or "", fromlist=["*"])
                    assert not [alias.name for alias in node.names if not hasattr(module, alias.name)]
        if one.language == "json":
            json.loads(one.text)


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_settings_are_settings(page: Path, tmp_path: Path) -> None:
    """Every TOML block is a whole `agentmem.toml` that is accepted."""
    for one in shown(page):
        if one.language == "toml" and "why" not in one.mark:
            tomllib.loads(one.text)
            (tmp_path / "agentmem.toml").write_text(one.text, encoding="utf-8")
            assert isinstance(Config.load(tmp_path, {}), Config)


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_the_commands_exist(page: Path) -> None:
    """Every command exists with its options: agentmem's, make's, pip's extras, the benchmarks and the tests."""
    text = page.read_text(encoding="utf-8")
    benchmarks = re.findall(r"python -m (tests\.benchmarks\.\w+)", text)
    assert not [name for name in benchmarks if find_spec(name) is None]
    lines = [line for one in shown(page) if one.language == "console" for line in commands(one)]
    lines += re.findall(r"`(agentmem [^`\n]+)`", text)
    assert not [wrong for line in lines for part in line.split("&&") if (wrong := refused(part.strip()))]


def refused(line: str) -> str:
    """Why a command is none; nothing for one that is."""
    if "agentmem" not in line.split()[0]:
        program = line.split()[0]
        if program == "make":
            return "" if line.split()[1] in TARGETS else f"no target: {line}"
        if program in ("pip", ".venv/bin/pip"):
            asked = re.findall(r"\.\[(\w[\w-]*)\]", line)
            return "" if all(one in EXTRAS for one in asked) else f"no extra: {line}"
        return "" if program in (*OTHERS, "pytest") else f"unknown program: {line}"
    words = [word for word in re.split(r"\s+", line) if word][1:]
    command: Any = typer.main.get_command(app)
    options = set(re.findall(r"--[a-z][a-z-]+", " ".join(options_of(command))))
    while words and hasattr(command, "commands"):
        word = words.pop(0)
        if word.startswith("-") or not word.islower() or "/" in word:
            continue
        if word not in command.commands:
            return f"no command {word}: {line}"
        command = command.commands[word]
        options |= set(options_of(command))
    if "--" in words:
        words = words[: words.index("--")]
    used = [one for word in words for one in re.findall(r"^--[a-z][a-z0-9-]*", word)]
    lost = [one for one in used if one not in options and one != "--help"]
    return f"no option {lost}: {line}" if lost else ""


def options_of(command: Any) -> list[str]:
    return [one for each in command.params for one in (*each.opts, *each.secondary_opts)]


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_the_links_lead_somewhere(page: Path) -> None:
    """Every relative link leads to a file of this checkout and to a heading that it has, and so does a test's path."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    links = re.findall(r"\]\((?!http)([^)\s#]*)(?:#([^)\s]+))?\)", text)
    lost = [link for link, _ in links if link and not (page.parent / link.replace("\\_", "_")).exists()]
    lost += [one for line in re.findall(r"`pytest ([^`]+)`", text) for one in without_tests(line.split())]
    for link, heading in links:
        target = page.parent / link if link else page
        if heading and target.suffix == ".md" and target.exists():
            lost += [] if heading in set(headings(target.read_text(encoding="utf-8"))) else [f"{link}#{heading}"]
    assert not lost


def without_tests(given: list[str]) -> list[str]:
    """What is given to pytest and leads to no test: files that are not there, and a word after -k in no test's name."""
    files = given[: given.index("-k")] if "-k" in given else given
    lost = [one for one in files if not (ROOT / one).exists()]
    held = "".join((ROOT / one).read_text(encoding="utf-8") for one in files if (ROOT / one).is_file())
    return lost + [
        one for one in given[len(files) + 1 :] if not re.search(rf"^ *def test_\w*{one}", held, re.MULTILINE)
    ]


def headings(text: str) -> Iterator[str]:
    """The names by which headings are linked."""
    for one in re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S), re.MULTILINE):
        yield re.sub(r"[^\w\- ]", "", one.lower()).strip().replace(" ", "-")


def test_readme_is_one_screen() -> None:
    """README has at most 700 words, and four links where to go on."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(readme.split()) <= 700
    assert readme.partition("## Where to go on")[2].count("](") == 4


def test_a_strangers_agent_has_its_first_figure_after_three_blocks(tmp_path: Path) -> None:
    """README's first three blocks below "You have an agent already" give figures of an agent that is not ours."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    install, program, look = blocks(readme.partition("## You have an agent already")[2])[:3]
    assert [one.partition("'.[")[2].partition("]")[0] for one in commands(install)] == ["langchain"]
    assert "agentmem" in program.text and len(program.text.strip().splitlines()) <= 4
    with contextlib.chdir(tmp_path), GIVEN["langchain"]() as theirs:
        ran(program.text, theirs, "README")
        outputs = [output(command) for command in commands(look)]
    assert re.search(r"cost +\$0\.\d+", outputs[0]) and "cache hit rate" in outputs[0]
    assert "minutes past eight" in outputs[1]


@pytest.mark.parametrize("page", ["README.md", "docs/getting-started.md"])
def test_the_first_program_can_be_run_again(page: str, tmp_path: Path) -> None:
    """The program of an agent prints the same when it is run again, and its thread goes on."""
    text = (ROOT / page).read_text(encoding="utf-8")
    program = next(one.text for one in blocks(text) if one.language == "python" and "Agent(" in one.text)
    with contextlib.chdir(tmp_path):
        first, second = (ran(program, {"__name__": "page"}, page) for _ in range(2))
        [place] = (one for one in tmp_path.iterdir() if one.is_dir())
        [run] = invoke_json("runs", "-w", place)["runs"]
    assert first == second
    assert run["requests"] == 4


def test_every_page_has_its_place() -> None:
    """No page of docs/ is left out of the site, and none of ours is named twice."""
    placed = [page for _, pages in parts() for page in pages]
    assert sorted(placed) == sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md"))
    written = [page for pages in NAVIGATION.values() for page in pages]
    assert len(written) == len(set(written))


def test_every_format_stands_in_the_table() -> None:
    """The page of sources says of each format that is read what it is checked on."""
    page = (DOCS / "sources.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`[a-z-]+`(?:, `[a-z-]+`)*) \|", page, re.MULTILINE)
    assert FORMATS.keys() <= {name for row in rows for name in re.findall(r"`([a-z-]+)`", row)}


def test_the_json_contract_is_kept(tmp_path: Path) -> None:
    """Each command of the page of JSON prints the fields that stand beside it, and those of usage where it has them."""
    page = (DOCS / "json.md").read_text(encoding="utf-8")
    usage = {name for row in re.findall(r"^\| (`.*?) \|", page, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)}
    rows = re.findall(r"^\| `agentmem ([a-z ]+) --json` \| (.*) \|$", page, re.MULTILINE)
    with contextlib.chdir(tmp_path), GIVEN["langchain"]() as theirs:
        ran(PROGRAM, theirs, "recorded")
        for command, fields in rows:
            log = ["run.jsonl"] if command in ("report", "why", "context", "replay") else []
            found = invoke_json(*command.split(), *log, *(["--jobs", "1"] if command == "replay" else []))
            wanted = set(re.findall(r"`(\w+)`", fields)) | ({*usage} - {"agentmem"} if " usage," in fields else set())
            assert wanted <= found.keys(), command
            assert found["schema"] == 1
    assert len(rows) >= 9 and "hit_rate" in usage


PROGRAM = """
from agentmem import record
with record(model, "run.jsonl"):
    agent.invoke({"messages": [("user", "Which parts are low?")]})
"""


def test_the_columns_exist() -> None:
    """Every number that the page of metrics names is one that `agentmem replay --json` gives for a policy."""
    page = (DOCS / "context-metrics.md").read_text(encoding="utf-8")
    told = re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)
    assert {"callable_far", "dollars_to_act_usd", "floor_usd", "excess", "visible_line"} <= set(told)
    assert set(told) <= Tally().numbers().keys()


def test_the_columns_of_fidelity_are_explained() -> None:
    """Every column of the fidelity table stands on its page."""
    page = (DOCS / "fidelity.md").read_text(encoding="utf-8")
    table = page.partition("| column |")[2].partition("\n\n")[0]
    assert re.findall(r"^\| (\w+) \|", table, re.MULTILINE) == list(KINDS)


def test_nothing_is_left_to_fill_in() -> None:
    """No page has a placeholder."""
    pages = [*PAGES, ROOT / "ARCHITECTURE.md", ROOT / "CHANGELOG.md"]
    left = re.compile(r"<!--(?! (?:figures of|end of figures))|TODO|TBD")
    assert not [page.name for page in pages if left.search(page.read_text(encoding="utf-8"))]


def test_the_module_runs_as_a_program() -> None:
    """`python -m agentmem` is the command line that pages call `agentmem`."""
    done = subprocess.run([sys.executable, "-m", "agentmem", "--version"], capture_output=True, text=True, check=True)
    assert re.fullmatch(r"[\d.]+\n", done.stdout)

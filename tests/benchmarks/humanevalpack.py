"""A team on HumanEvalPack's 164 planted bugs: each bug is rejected with evidence, each fix proven, no cheat passes.

What is tested is the plumbing: the players are scripted, so this says nothing about models. The coder hands in the
buggy solution, and after the report the right one. One tester script serves all tasks; it sees its requests only: the
task, its acceptance tests and the change. Two controls: a tester that always passes, and a coder that edits the tests.

    python -m tests.benchmarks.humanevalpack --data DIR [--work DIR]

DIR holds humanevalpack/humanevalpack-python.jsonl.gz. What is finished is kept in --work until all is: after a kill the
same command goes on where it was.
"""

import argparse
import gzip
import json
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from agentmem.models.scripted import ScriptedModel
from agentmem.sandbox import Sandbox
from agentmem.team import Role, Team, TeamResult
from tests.benchmarks import players
from tests.benchmarks.heading import commit, heading, record_figures

FILE = "humanevalpack/humanevalpack-python.jsonl.gz"
TASKS = 164
ARMS = ("team", "always_pass", "test_editor")
STUB = "    raise NotImplementedError\n"


@dataclass(frozen=True, slots=True)
class Given:
    """How the tasks are run: on which commit, with which isolation, how many side by side."""

    commit: str
    isolation: str
    workers: int


@dataclass(frozen=True, slots=True)
class Task:
    """One function: what it is to do, its head, the two bodies and its tests."""

    name: str
    text: str
    head: str
    buggy: str
    right: str
    tests: str
    bug: str

    @property
    def file(self) -> str:
        """A file name for it."""
        return self.name.replace("/", "-")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one task in one arm. ``wrong`` says what is not as it should be, "" where all is."""

    task: str
    arm: str
    bug: str
    wrong: str
    rejected: bool
    passed: bool
    proven: bool
    refused: str
    requests: int
    tokens: int
    seconds: float
    commit: str


def tasks(data: Path) -> list[Task]:
    """The tasks of the file, in its order."""
    with gzip.open(data / FILE, "rt", encoding="utf-8") as lines:
        return [_task(json.loads(line)) for line in lines]


def _task(row: dict[str, str]) -> Task:
    head = row["declaration"].rstrip("\n") + "\n"
    return Task(
        row["task_id"],
        row["instruction"],
        head,
        head + row["buggy_solution"],
        head + row["canonical_solution"],
        row["test"],
        row["bug_type"],
    )


# One task in one arm.


def play(task: Task, arm: str, work: Path, given: Given) -> Outcome:
    """Runs, or goes on with, a team on a task, and looks at what came of it."""
    folder = work / arm / task.file
    repo = folder / "repo"
    repo.mkdir(parents=True, exist_ok=True)
    (repo / "solution.py").write_text(task.head + STUB, encoding="utf-8")
    script = players.coder(task.buggy, task.right) if arm == "team" else players.coder(task.buggy)
    if arm == "test_editor":
        (repo / "tests").mkdir(exist_ok=True)
        (repo / players.TESTS).write_text(players.acceptance(task.tests), encoding="utf-8")
        script = players.editor(task.buggy)
    coder = ScriptedModel(script)
    tester = ScriptedModel(players.always_pass if arm == "always_pass" else players.tester)
    told = Role(tester, f"The acceptance tests of the task:\n\n```python\n{task.tests.strip()}\n```")
    settings: dict[str, Any] = {
        "rounds": players.ROUNDS,
        "tries": 1,
        "place": folder / "place",
        "isolation": players.isolation(given.isolation),
    }
    began = time.monotonic()
    with Team(Role(coder), told, repo, check=players.CHECK, **settings) as team:
        result = team.run(task.text, thread="task")
        wrong = "; ".join(_WRONG[arm](task, result)) or _leaks(task, coder, arm) or _left(folder, repo, arm)
    return Outcome(
        task=task.name,
        arm=arm,
        bug=task.bug,
        wrong=wrong,
        rejected=bool(result.rounds) and result.rounds[0].verdict == "fail" and bool(result.rounds[0].faults),
        passed=result.passed,
        proven=result.proven,
        refused=", ".join(sorted({one.rule for one in result.refusals})),
        requests=result.spent.requests,
        tokens=result.spent.tokens,
        seconds=time.monotonic() - began,
        commit=given.commit,
    )


def _team(task: Task, result: TeamResult) -> Iterator[str]:
    """The bug is rejected in round 1 with evidence, the fix passes in round 2, and the fix is what is kept."""
    verdicts = [one.verdict for one in result.rounds]
    if verdicts != ["fail", "pass"]:
        yield f"the rounds came out {verdicts}: {result.said}"
    if not result.proven:
        yield f"the pass is not proven: {result.proof.why if result.proof else 'there is no proof'}"
    if not result.rounds or not result.rounds[0].failing or not result.report or not result.report.evidence:
        yield "a verdict has no evidence"
    if result.refusals:
        yield f"refused: {result.refusals[0].said}"
    kept = {one.path: one.after for one in result.diff.changes}
    if kept != {"solution.py": task.right.encode()}:
        yield f"what is kept is not the fix: {sorted(kept)}"


def _always_pass(task: Task, result: TeamResult) -> Iterator[str]:
    """Nothing passes, because the evidence does not come out again."""
    if result.passed or [one.role for one in result.refusals] != ["tester"]:
        yield f"the tester's word was taken: {result.verdict}, {result.said}"


def _test_editor(task: Task, result: TeamResult) -> Iterator[str]:
    """Nothing passes, because the tests were changed."""
    if result.passed or {(one.role, one.rule) for one in result.refusals} != {("coder", "tests_edited")}:
        yield f"the tests could be changed: {result.verdict}, {result.said}"


_WRONG: dict[str, Callable[[Task, TeamResult], Iterator[str]]] = {
    "team": _team,
    "always_pass": _always_pass,
    "test_editor": _test_editor,
}


def _leaks(task: Task, coder: ScriptedModel, arm: str) -> str:
    """What the coder saw of the tests: in its fork, or in the requests of its first round."""
    if arm == "test_editor":
        return ""
    said = [players.conversation(request) for request in coder.requests]
    files = {line for _, since in said for text in since if text for line in text.splitlines() if line.startswith("./")}
    if files - {"./solution.py"}:
        return f"the coder's fork holds {sorted(files)}"
    asserts = [line.strip() for line in task.tests.splitlines() if line.strip().startswith("assert")]
    first = "\n".join(texts[0] for texts, _ in said)
    return "the coder was shown the tests" if any(line in first for line in asserts) else ""


def _left(folder: Path, repo: Path, arm: str) -> str:
    """What is left behind: a fork, or a change in the repository."""
    forks = folder / "place/.agentmem/forks"
    if forks.exists() and any(forks.iterdir()):
        return f"forks are left in {forks}"
    wanted = {"solution.py", *([players.TESTS] if arm == "test_editor" else [])}
    found = {str(one.relative_to(repo)) for one in repo.rglob("*") if one.is_file()}
    return f"the repository holds {sorted(found)}" if found != wanted else ""


# All tasks.


def everything(chosen: list[Task], work: Path, given: Given) -> list[Outcome]:
    """The outcomes of all arms; those that this commit had finished before a kill are read again."""
    jobs = [(task, arm) for arm in ARMS for task in chosen]
    _only_of(given.commit, work)
    known = {job: found for job in jobs if (found := _finished(work, *job))}
    for task, arm in known:  # where the kill came just before that; what went wrong is played from its beginning
        shutil.rmtree(work / arm / task.file, ignore_errors=True)
    done = {job: found for job, found in known.items() if not found.wrong}
    print(f"  finished before a kill: {len(done)} of {len(jobs)}", flush=True)
    with ThreadPoolExecutor(given.workers) as pool:  # the work is done by processes in sandboxes
        running = {pool.submit(_kept, *job, work, given): job for job in jobs if job not in done}
        try:
            for number, one in enumerate(as_completed(running), len(done) + 1):
                done[running[one]] = found = one.result()
                if found.wrong or number % 20 == 0:
                    print(f"  {number:>4} of {len(jobs)}  {found.arm} {found.task}  {found.wrong or 'ok'}", flush=True)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return [done[job] for job in jobs]


def _only_of(at: str, work: Path) -> None:
    """Take away what another commit left, finished or not: it says nothing of this one."""
    told = work / "commit"
    if not told.exists() or told.read_text(encoding="utf-8") != at:
        for name in ("outcomes", *ARMS):
            shutil.rmtree(work / name, ignore_errors=True)
    told.write_text(at, encoding="utf-8")


def _kept(task: Task, arm: str, work: Path, given: Given) -> Outcome:
    """Plays a task; its outcome is kept, and its folders are not, where all is well."""
    found = play(task, arm, work, given)
    place = _place(work, task, arm)
    place.parent.mkdir(parents=True, exist_ok=True)
    fresh = place.with_suffix(".new")
    fresh.write_text(json.dumps(asdict(found)), encoding="utf-8")
    fresh.replace(place)
    if not found.wrong:
        shutil.rmtree(work / arm / task.file)
    return found


def _finished(work: Path, task: Task, arm: str) -> Outcome | None:
    place = _place(work, task, arm)
    return Outcome(**json.loads(place.read_text(encoding="utf-8"))) if place.exists() else None


def _place(work: Path, task: Task, arm: str) -> Path:
    return work / "outcomes" / arm / f"{task.file}.json"


def remains(work: Path) -> list[str]:
    """Processes, mounts and forks that have to do with the work and are still there, and folders of tasks."""
    found = [
        f"mount {line.split()[1]}" for line in Path("/proc/self/mounts").read_text().splitlines() if str(work) in line
    ]
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and int(process.name) != os.getpid() and _at_work(process, work):
            found.append(f"process {process.name}")
    forks = (work / "tmp").glob("agentmem-*/forks/*")
    return (
        found + [f"fork {one}" for one in forks] + [f"folder {one}" for arm in ARMS for one in (work / arm).glob("*")]
    )


def _at_work(process: Path, work: Path) -> bool:
    """Whether a process works in the folder, or is a child of ours."""
    try:
        parent = (process / "stat").read_text().rpartition(")")[2].split()[1]
        return int(parent) == os.getpid() or str(work) in str((process / "cwd").readlink())
    except OSError:
        return False  # it is gone, or not ours


def table(outcomes: list[Outcome]) -> None:
    """By kind of bug, then by control."""
    team = [one for one in outcomes if one.arm == "team"]
    print(
        f"  {'kind of bug':<18} {'tasks':>5} {'bugs rejected':>14} {'fixes proven':>13} {'requests':>9} {'s a task':>9}"
    )
    for bug in [*sorted({one.bug for one in team}), "all"]:
        some = [one for one in team if bug in (one.bug, "all")]
        counts = f"{sum(one.rejected for one in some):>14} {sum(one.proven for one in some):>13}"
        requests = sum(one.requests for one in some) / len(some)
        seconds = sum(one.seconds for one in some) / len(some)
        print(f"  {bug:<18} {len(some):>5} {counts} {requests:>9.1f} {seconds:>9.1f}")
    for arm in ARMS[1:]:
        some = [one for one in outcomes if one.arm == arm]
        rules = Counter(one.refused for one in some)
        told = ", ".join(f"{rule} {count}" for rule, count in rules.most_common())
        refused = sum(not one.passed and bool(one.refused) for one in some)
        print(f"  control {arm}: {refused} of {len(some)} refused ({told})")


def _forks(isolation: str) -> str:
    """How forks are made and kept apart here."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "solution.py").write_text(STUB)
        with Sandbox.fork(folder, isolation=players.isolation(isolation)) as fork:
            return f"{fork.how}, isolated by {fork.isolation}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=Path("build/humanevalpack"), help="where what is done is kept")
    parser.add_argument("--tasks", type=int, default=TASKS, help="only the first so many")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--isolation", default="auto", help="as in Team: auto, bubblewrap, namespaces, landlock, none")
    given = parser.parse_args()
    if not (given.data / FILE).is_file():
        print(f"humanevalpack: there is no {given.data / FILE}: give the folder that holds it as --data")
        return 2
    work = given.work.resolve()
    (work / "tmp").mkdir(parents=True, exist_ok=True)
    tempfile.tempdir = str(work / "tmp")  # so that a fork which is left behind can be told from other programs'
    chosen = tasks(given.data)[: given.tasks]
    settings = {
        "rounds": players.ROUNDS,
        "tries": 1,
        "check": players.CHECK,
        "workers": given.workers,
        "forks": _forks(given.isolation),
    }
    heading("humanevalpack", str(given.data / FILE), split="Python, all", seed="none", **settings)
    began = time.monotonic()
    outcomes = everything(chosen, work, Given(commit(), given.isolation, given.workers))
    table(outcomes)
    left, wrong = remains(work), [one for one in outcomes if one.wrong]
    for one in wrong:
        print(f"  WRONG {one.arm} {one.task}: {one.wrong}")
    shutil.rmtree(work / "outcomes")  # the next run begins anew
    print(f"  left behind: {', '.join(left) or 'no process, no mount, no fork'}")
    record_figures(
        outcomes=len(outcomes),
        wrong=len(wrong),
        left_behind=left,
        tasks=len(chosen),
        **{arm: sum(one.arm == arm for one in outcomes) for arm in ARMS},
    )
    met = len(outcomes) - len(wrong)
    ok = not wrong and not left and len(chosen) == given.tasks
    print(f"  {met} of {len(outcomes)} came out as they must (target: all), {time.monotonic() - began:.0f} s: ", end="")
    print("reached" if ok else "MISSED")
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())

"""What is still in view after so many cuts, judged by words, for every policy alike."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from agentmem.errors import ConfigError
from agentmem.kvcache.frames import frame
from agentmem.replay.fidelity import LAST, FidelityCase, measure, row, total
from agentmem.replay.fidelity_folders import fidelity_all
from agentmem.replay.fidelity_items import FidelityItem, items, replaced
from agentmem.replay.fidelity_sight import SeenRequest
from agentmem.replay.layout import Strip
from agentmem.replay.parallel import ReplayPlan
from agentmem.replay.policies import Arrival, Sent
from agentmem.replay.registry import maker
from agentmem.replay.session import Exchange, SessionOpening
from agentmem.types import Frame
from tests.replay.logs import HEAD, Log, call, text, used

WRONG, RULE = "No, the table is called import_runs.", "Never touch the migrations folder."


def said(words: str, role: Any = "user") -> Frame:
    return frame("message", {"type": "text", "text": words}, role)


def asked(identity: str, name: str, **arguments: Any) -> Frame:
    return frame("message", call(identity, name, **arguments), "assistant")


def result(identity: str, words: str, **more: Any) -> Frame:
    value = {"type": "tool_result", "tool_use_id": identity, "content": words, **more}
    return frame("message", value, "user")


def exchanges(*pairs: tuple[Sequence[Frame], Sequence[Frame]]) -> list[Exchange]:
    return [Exchange(10.0 * at, 10.0 * at + 5, "m", tuple(a), tuple(b)) for at, (a, b) in enumerate(pairs)]


def by_kind(found: Sequence[FidelityItem]) -> dict[str, list[tuple[tuple[str, ...], int, int | None]]]:
    kinds: dict[str, list[tuple[tuple[str, ...], int, int | None]]] = {}
    for one in found:
        kinds.setdefault(one.kind, []).append((one.words, one.since, one.until))
    return kinds


def test_what_is_found_in_a_recording() -> None:
    """Corrections, rules, tasks that follow each other, files by state, facts and what was loaded, with their times."""
    found = by_kind(
        items(
            exchanges(
                ([said("Mend the import.")], [asked("a", "Read", file_path="/a.py")]),
                ([result("a", "x")], [asked("b", "Edit", file_path="/a.py")]),
                ([result("b", "ok"), said(f"{WRONG} {RULE}")], [asked("c", "Bash", command="node --version")]),
                ([result("c", "v20.11.1")], [said("Done.", "assistant")]),
                ([said("Now write a test.")], [asked("d", "Skill", skill="style")]),
                ([result("d", "ok")], [said("Done.", "assistant")]),
            )
        )
    )
    assert found["corrections"] == [((WRONG,), 2, None)] and found["rules"] == [((RULE,), 2, None)]
    assert found["artifacts"] == [(("/a.py",), 1, 2), (("/a.py",), 2, None)]
    assert found["facts"] == [(("v20.11.1",), 3, None)] and found["loaded"] == [(("style",), 5, None)]
    assert found["task"][0] == (("Mend the import.",), 0, 2) and found["task"][-1] == (("Now write a test.",), 4, None)


def test_values_that_replace_others() -> None:
    """Only exact values count, the older one first."""
    assert list(replaced("Use pnpm-9 instead of npm-8.")) == [("npm-8", "pnpm-9")]
    assert list(replaced("It is on 9090, not 8080.")) == [("8080", "9090")]
    assert list(replaced("rename load_all -> load_every")) == [("load_all", "load_every")]
    assert list(replaced("Use this instead of that.")) == []


def test_words_are_seen_whatever_the_white_space() -> None:
    """A sentence counts where it stands word for word, in any block but thinking."""
    item = FidelityItem("corrections", (WRONG,), 0)
    assert SeenRequest([said("x\n\nNo, the table\nis called   import_runs.")]).holds(item)
    assert not SeenRequest([said("No, the tables are called import_runs.")]).holds(item)
    hidden = frame("message", {"type": "thinking", "thinking": WRONG}, "assistant")
    assert not SeenRequest([hidden]).holds(item)


STATES: tuple[tuple[str, str, bool], ...] = (
    ("- changed in /repo/src/: b.py a.py [1-9]", "changed", True),
    ("## Files changed\n- /repo/src/a.py", "changed", True),
    ("I updated /repo/src/a.py to stream.", "changed", True),
    ("- read in /repo/src/: a.py", "changed", False),
    ("- changed in /repo/src/deep/: a.py", "changed", False),
    ("- changed in /repo/src/: data.py", "changed", False),
    ("Named most often:\n/repo/src/a.py", "changed", False),
    ("Created /repo/src/a.py\nDeleted /repo/src/a.py", "deleted", True),
    ("Created /repo/src/a.py\nDeleted /repo/src/a.py", "made", False),
    ("Edited /repo/src/a.py\nRead /repo/src/a.py again", "changed", True),
    ("Read /repo/src/a.py\nif x in deleted:\n    /repo/src/a.py", "read", True),
    ("Read /repo/src/a.py\n\t// What was created:\n/repo/src/a.py (entry 3)", "read", True),
    ("Read /repo/src/a.py\n- changed in /home/repo/src/: a.py", "read", True),
    ("Read /repo/src/a.py\n- 7 Looking at the changes, /repo/src/a.py is missing", "read", True),
    ("Changes:\n- /repo/src/a.py", "changed", True),
    ("Changes:\n\n- /repo/src/b.py\n  with a word on it\n- /repo/src/a.py", "changed", True),
    ("Changes:\nsrc/b.py: new\n/repo/src/a.py", "changed", True),
    ("Read /repo/src/a.py\n- Fixed and pushed. The cause was in /repo/src/a.py, see there.", "read", True),
    ("Looked into it. Updated /repo/src/a.py as asked.", "changed", True),
    ("Read /repo/src/a.py\nThis command removes what is left:\n}\n/repo/src/a.py (entry 3)", "read", True),
    ("Read /repo/src/a.py\nThis command removes what is left:\n\n\n/repo/src/a.py (entry 3)", "read", True),
    ("Read /repo/src/a.py\n# Delete the old ones\nfor one in old:\n    one.go()\n/repo/src/a.py", "read", True),
)


@pytest.mark.parametrize(("words", "state", "held"), STATES)
def test_a_files_state_in_words(words: str, state: Any, held: bool) -> None:
    """A line tells of a file by its path, or its folder and name, with the state beside or above; the last one wins."""
    assert SeenRequest([said(words)]).holds(FidelityItem("artifacts", ("/repo/src/a.py",), 0, state=state)) is held


def test_a_files_state_by_its_call() -> None:
    """The call that set the state tells it, once it has a result that is no error."""
    item = FidelityItem("artifacts", ("/a.py",), 0, state="changed")
    edit = asked("a", "Edit", file_path="/a.py")
    assert SeenRequest([edit, result("a", "ok")]).holds(item)
    assert not SeenRequest([edit, result("a", "no such text", is_error=True)]).holds(item)
    assert not SeenRequest([edit]).holds(item)


def test_an_old_value_needs_its_successor() -> None:
    """It is asked only where the old value stands outside of the words that replaced it."""
    item = FidelityItem("superseded", ("9090",), 0, stale="8080", said="It is 9090, not 8080.")
    assert SeenRequest([said("The port is 8080.")]).holds(item) is False
    assert SeenRequest([said("The port is 8080. It is 9090, not 8080.")]).holds(item) is True
    assert SeenRequest([said("It is 9090, not 8080.")]).holds(item) is None


class Forgets:
    """Keeps everything, and every so often drops all but the newest arrival."""

    settings: Mapping[str, Any] = MappingProxyType({})

    def __init__(self, every: int) -> None:
        self._every, self._sent, self._strip = every, 0, Strip()

    def send(self, arrival: Arrival) -> Sequence[Sent]:
        self._sent += 1
        if self._sent % self._every == 0:
            self._strip = Strip()
        self._strip.extend(arrival.frames)
        return (Sent((self._strip.run(),), cut=self._sent % self._every == 0),)

    def reply(self, frames: Sequence[Frame]) -> None:
        self._strip.extend(frames)

    def reaches(self, event: Any, asked: str) -> bool:
        return False

    def close(self) -> None:
        return None


def talk(requests: int) -> FidelityCase:
    """A rule at the start, then work."""
    pairs: list[tuple[list[Frame], list[Frame]]] = [([said(RULE)], [asked("c0", "Bash", command="ls")])]
    for at in range(1, requests):
        pairs.append(([result(f"c{at - 1}", "line " * 50)], [asked(f"c{at}", "Bash", command="ls")]))
    return FidelityCase.found("talk", SessionOpening(()), exchanges(*pairs))


def test_a_policy_is_judged_after_its_cuts() -> None:
    """A policy that forgets has lost the rule after every cut; one that never cuts has none to be judged by."""
    scores = measure(talk(40), lambda terms: Forgets(3), 1_000)
    assert sorted(scores) == [LAST, 1, 3, 10]
    assert all((one.due["rules"], one.held["rules"]) == (1, 0) for one in scores.values())
    assert scores[LAST].cuts == 13 and scores[1].lost[0].text == RULE
    assert measure(talk(40), maker("append-only"), 1_000) == {}


def test_a_cut_where_a_session_begins_counts() -> None:
    """Only the recording's own context is cleared there, by its person; a policy that forgets there is judged."""
    case = replace(talk(6), begins=frozenset({2}))
    assert measure(case, lambda terms: Forgets(3), 1_000)[1].held["rules"] == 0
    assert sorted(measure(case, lambda terms: Forgets(3), 1_000, as_recorded=True)) == [LAST, 1]
    assert measure(case, lambda terms: Forgets(3), 1_000, as_recorded=True)[1].due["rules"] == 0


def test_figures_add_up() -> None:
    """Shares are over all conversations together; where nothing was due there is none."""
    added = total([measure(talk(40), lambda terms: Forgets(3), 1_000)] * 2)
    shown = row("forgets", added)["after"][0]
    assert shown["sessions"] == 2 and shown["rules"] == {"due": 2, "held": 0, "share": 0.0}
    assert shown["facts"]["share"] is None and len(shown["lost"]) == 4


def long_log() -> Log:
    """A log with a rule and a correction at the start, and far more work than fits."""
    log = Log()
    log.prompt(f"Count the totals. {RULE}")
    for at in range(60):
        log.reply(
            f"m{at}", text(f"page {at}"), call(f"c{at}", "Read", file_path=f"/r/p{at}.md"), usage=used(3, 100, HEAD)
        )
        log.result(f"c{at}", "nothing more here " * 700)
        if at == 4:
            log.prompt(WRONG)
    log.reply("end", text("done"), usage=used(3, 100, HEAD))
    return log


def test_ours_keeps_what_must_survive(tmp_path: Path) -> None:
    """On a recorded session far beyond the budget, after every cut."""
    path = long_log().write(tmp_path / "log.jsonl")
    found = fidelity_all(ReplayPlan((path,), ("agentmem",), budget=50_000, jobs=1))
    (ours,) = found["policies"]
    assert ours["after"][0]["sessions"] == 1
    for one in ours["after"]:
        for kind in ("rules", "corrections", "task", "artifacts"):
            assert one[kind]["share"] in (None, 1.0), (one["cuts"], kind, one["lost"])


def test_a_ledger_has_no_words(tmp_path: Path) -> None:
    """Without text there is nothing to look at, and that is said."""
    path = tmp_path / "ledger.jsonl"
    path.write_text('{"ts": 1, "model": "claude-opus-4-6", "inp": 1, "cw": 0, "cr": 0, "out": 1, "session": "s"}\n')
    with pytest.raises(ConfigError):
        fidelity_all(ReplayPlan((path,), ("agentmem",), jobs=1))

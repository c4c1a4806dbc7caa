"""The report: the same from a call and from a checkpoint, and a page that a person can read."""

from agentmem.team.report import Evidence, Failing, Report, from_json, page, to_json

REPORT = Report(
    "fail",
    "Two of three hold.",
    (Evidence("pytest -q", 1, "1 failed\n```\n", (("tests/test_a.py::test_b", "failed"),)),),
    (Failing("tests/test_a.py::test_b", "assert 1 == 2", "f(1)"),),
    ("Windows.",),
)


def test_a_report_reads_back_from_json() -> None:
    """A report reads back from JSON. Fields that a call leaves out have their defaults."""
    assert from_json(to_json(REPORT)) == REPORT
    assert from_json({"verdict": "pass", "summary": "", "evidence": []}) == Report("pass", "")


def test_the_page_has_all_of_it() -> None:
    """The page has verdict, cases, evidence and untested parts. Output with fences stays whole."""
    shown = page(REPORT, "Round 1", ["`pytest -q` ended with 1 again"])
    headings = [line for line in shown.splitlines() if line.startswith("#")]
    assert headings == ["# Round 1", "## Failing cases", "## Evidence", "## Not tested", "## Run again by agentmem"]
    assert "**Verdict: fail.** Two of three hold." in shown
    assert "````text\n1 failed\n```\n````" in shown
    assert page(Report("pass", "All."), "R") == "# R\n\n**Verdict: pass.** All.\n"

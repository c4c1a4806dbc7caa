"""A plan's page in a real browser, on a phone and on a desk, light and dark."""

from pathlib import Path

import pytest

from agentmem.kvcache.tiers.plans import FleetTarget
from agentmem.replay.planner import PlanRequest, planned
from agentmem.replay.workloads import workload
from agentmem.report.capacity import capacity_page
from tests.browser.chromium import Scheme, Tab
from tests.replay.test_workloads import SESSION, written

CUT = """[...document.querySelectorAll('div')].filter(one => one.scrollWidth > one.clientWidth + 1).length"""
WORDS = "[...document.querySelectorAll('svg text')].filter(one => getComputedStyle(one).display != 'none')"
SMALL = f"Math.min(...{WORDS}.map(one => one.getBoundingClientRect().height))"
OUTSIDE = f"""{WORDS}.filter(one => one.getBoundingClientRect().left
    < one.ownerSVGElement.getBoundingClientRect().left - 1).length"""


@pytest.fixture(scope="module")
def plan_page(browser: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of sessions whose tools run, with everything that a plan can have."""
    folder = tmp_path_factory.mktemp("plan")
    work = workload([written(folder / "s.jsonl", [SESSION] * 9)])
    made = planned(work, PlanRequest(target=FleetTarget(0.3, 5.0), compare=("now", "update", "buy", "wait")))
    path = folder / "plan.html"
    path.write_text(capacity_page(made), encoding="utf-8")
    return path


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_cut_off(window: Tab, plan_page: Path, width: int, scheme: Scheme) -> None:
    """Every table fits, and the chart's words can be read and stand inside it."""
    window.open(plan_page, width=width, scheme=scheme)
    assert window.run("document.documentElement.scrollWidth") <= width
    assert window.run(CUT) == 0
    assert window.run(SMALL) >= 10
    assert window.run(OUTSIDE) == 0


def test_a_phone_has_each_number_with_its_name(window: Tab, plan_page: Path) -> None:
    """Where a row does not fit, its cells say what they are."""
    window.open(plan_page, width=390)
    named = "getComputedStyle(document.querySelector('.wide td:nth-child(3)'), '::before').content"
    assert "hit rate" in window.run(named)

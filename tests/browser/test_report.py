"""The report's page in a real browser: what it shows, and what clicks and the mouse do."""

import json
from pathlib import Path

import pytest

from agentmem.meter.tables import dollars
from agentmem.report.data import Data, collect, shown
from agentmem.report.page import page
from agentmem.report.turns import ReportTurn
from agentmem.transcript.journal import open_journal
from agentmem.types import KvSources
from tests.browser.chromium import Scheme, Tab
from tests.meter.rows import row
from tests.report.runs import HOSTILE, eventful, long_run

LONG = 5_000


def written(folder: Path, data: Data) -> Path:
    """The page as a file."""
    path = folder / "report.html"
    path.write_text(page(data), encoding="utf-8", newline="\n")
    return path


@pytest.fixture(scope="module")
def data(browser: str, tmp_path_factory: pytest.TempPathFactory) -> Data:
    """A run in which everything happens."""
    with open_journal(tmp_path_factory.mktemp("run") / "run.db") as journal:
        return collect(journal, [eventful(journal).thread])


@pytest.fixture(scope="module")
def short(data: Data, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its page."""
    return written(tmp_path_factory.mktemp("short"), data)


@pytest.fixture(scope="module")
def long(browser: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page on a run of 5,000 turns."""
    folder = tmp_path_factory.mktemp("long")
    with open_journal(folder / "run.db") as journal:
        found = collect(journal, [long_run(journal, LONG).thread])
    assert found["requests"] >= LONG
    return written(folder, found)


def over(window: Tab, chart: str, turn: float, turns: int) -> tuple[float, float]:
    """A point in the middle of a chart above a turn, counted from 1, of so many."""
    place = window.box(f"#{chart} .u-over")
    share = (turn - 0.4) / (turns + 0.2) if turns <= 150 else (turn - 0.5) / turns
    return place["x"] + place["width"] * share, place["y"] + place["height"] / 2


def test_the_numbers_are_the_ledgers(window: Tab, short: Path, data: Data) -> None:
    """Run, dollars, hit rate and ratio stand on top, as the terminal's report writes them."""
    window.open(short)
    tiles = window.text("#tiles")
    for expected in (
        dollars(data["cost_usd"]),
        dollars(data["cost_uncached_usd"]),
        f"{data['hit_rate']:.1%}",
        f"{data['ratio']:.1f} : 1",
        f"{data['peak_context_tokens']:,}",
        "0 · 3 · 1",
    ):
        assert expected in tiles
    assert window.text("#run") == "Run workshop"
    assert "summary" in window.text("#purposes")


def test_a_mark_is_explained_on_hover(window: Tab, short: Path, data: Data) -> None:
    """Tokens of the turn, the cause, both texts, the loss and the fix; elsewhere only the tokens."""
    window.open(short)
    event = data["events"][2]
    window.hover(*over(window, "cache", event["turn"] + 1, data["requests"]))
    tip = window.text("#tip")
    for expected in ("Turn 17", "Cut · volatile text · system, block 1", "12:01", "12:02", f"{event['tokens']:,}"):
        assert expected in tip
    assert event["said"] in tip
    window.hover(*over(window, "context", 3, data["requests"]))
    plain = window.text("#tip:not([hidden])")
    assert "Turn 3" in plain and "Results" in plain and "tokens lost" not in plain
    window.hover(2, 2)
    assert window.run("document.querySelector('#tip').hidden")


def test_a_click_on_a_bar_shows_its_messages(window: Tab, short: Path, data: Data) -> None:
    """What the turn sent, with the boundary of the cache in it; a click on a row of a loss shows what changed."""
    window.open(short)
    window.press(*over(window, "cache", 12, data["requests"]))
    assert window.text("#panel-title") == "Turn 12"
    window.until("document.querySelector('#panel .block[open] .text *')")
    shown = window.text("#panel-body")
    assert "The cache ends here" in shown and "The lamp of bicycle 3 is new." in shown and "I look at that." in shown
    window.key("Escape")
    assert window.run("document.querySelector('#panel').hidden")
    window.click("#events tbody tr:first-child")
    assert window.text("#events tr.chosen").startswith("Turn 9")
    assert window.text("#range") == f"Turns 1 to 21 of {data['requests']}"
    assert "Turn 9" in window.text("#panel-title")


def test_turns_are_chosen_by_dragging_and_by_buttons(window: Tab, short: Path, data: Data) -> None:
    """All charts follow; a double click or the button shows all again."""
    window.open(short)
    turns = data["requests"]
    assert window.text("#range") == f"All {turns} turns"
    start, height = over(window, "context", 9.5, turns)
    window.drag(start, over(window, "context", 20.5, turns)[0], height)
    assert window.text("#range") == f"Turns 10 to 20 of {turns}"
    scales = "JSON.stringify(Object.values(plots).map(one => Math.round(one.scales.x.min)))"
    assert len(set(json.loads(window.run(scales)))) == 1
    window.click("[data-move=later]")
    assert window.text("#range") == f"Turns 15 to 25 of {turns}"
    window.click("[data-move=in]")
    shown = window.run("(({ low, high }) => [+low, +high])(document.querySelector('#range').dataset)")
    assert 15 <= shown[0] <= shown[1] <= 25
    assert shown[1] - shown[0] <= 6
    window.click("[data-move=all]")
    assert window.text("#range") == f"All {turns} turns"


def test_a_part_can_be_left_out(window: Tab, short: Path) -> None:
    """The stack is as high as what is left, and comes back."""
    window.open(short)
    highest = "Math.max(...plots.context.data[1])"
    before = window.run(highest)
    window.click("[data-key=results]")
    assert window.run(highest) < before / 2
    window.click("[data-key=results]")
    assert window.run(highest) == before


def test_events_are_filtered_by_kind(window: Tab, short: Path) -> None:
    """One kind at a time, or all."""
    window.open(short)
    rows = "document.querySelectorAll('#events tbody tr').length"
    assert window.run(rows) == 5
    window.click("[data-kind=expiry]")
    assert window.run(rows) == 1
    assert "lives for 5 minutes" in window.text("#events")
    window.click("[data-kind=all]")
    assert window.run(rows) == 5


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_it_fits_and_follows_the_scheme(window: Tab, short: Path, pictures: Path, width: int, scheme: Scheme) -> None:
    """Nothing is wider than the window, text stands out from its ground, and the charts have the scheme's colours."""
    window.open(short, width=width, scheme=scheme)
    assert window.run("document.documentElement.scrollWidth") == width
    for selector in ("#run", "#about", ".tile span", "#events td", "#advice"):
        assert contrast(window, selector) >= 4.5, selector
    ink = window.run("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, ink[4:-1].split(","))) < 384) == (scheme == "dark")
    picture = window.picture(pictures / f"report-{width}-{scheme}.png")
    assert picture.startswith(b"\x89PNG")
    drawn = "document.querySelector('#cache canvas').toDataURL()"
    before = window.run(drawn)
    window.paint("light" if scheme == "dark" else "dark")
    window.settle()
    assert window.run(drawn) != before


CONTRAST = """((selector) => {
  const light = (color) => {
    const [r, g, b] = color.match(/[\\d.]+/g).slice(0, 3).map((one) => one / 255)
      .map((one) => (one <= 0.03928 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const element = document.querySelector(selector);
  let ground = element;
  while (getComputedStyle(ground).backgroundColor === "rgba(0, 0, 0, 0)") ground = ground.parentElement;
  const pair = [getComputedStyle(element).color, getComputedStyle(ground).backgroundColor].map(light);
  return (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
})"""


def contrast(window: Tab, selector: str) -> float:
    """The contrast of an element's text with what is behind it, as WCAG 2 defines it."""
    ratio: float = window.run(f"{CONTRAST}({json.dumps(selector)})")
    return ratio


def test_text_of_a_run_cannot_run(window: Tab, short: Path, tmp_path: Path) -> None:
    """Hostile texts are shown as they are, wherever they stand; nothing of them becomes an element or a script."""
    window.open(short)
    assert "</script><script>window.hacked = 1</script>" in window.text("#events")
    named = row(thread=HOSTILE, agent=HOSTILE, purpose=HOSTILE, model=f"x:{HOSTILE}", error=HOSTILE)
    window.open(written(tmp_path, shown([ReportTurn(1, named), ReportTurn(2, row(agent=HOSTILE))], (), HOSTILE)))
    window.hover(*over(window, "cache", 1, 2))
    for selector in ("#run", "#agents", "#purposes", "#tip"):
        assert "<img src=x onerror=" in window.text(selector)
    assert window.run("[typeof window.hacked, document.images.length].join()") == "undefined,0"


def test_the_policy_stops_a_script_that_got_in(browser: str, short: Path, window: Tab) -> None:
    """Neither a script's text nor markup can be put into the page by force, and no other page or picture be loaded."""
    window.open(short)
    stopped = window.run(
        """[(made) => { made.textContent = "window.hacked = 1"; }, (made) => { document.body.innerHTML = "<b>x</b>"; },
        (made) => { made.src = "data:text/javascript,window.hacked=1"; }].map((attempt) => {
          const made = document.createElement("script");
          document.body.append(made);
          try { attempt(made); return "went through"; } catch (error) { return error.constructor.name; }
        }).join()"""
    )
    assert stopped == "TypeError,TypeError,TypeError"
    assert window.run("typeof window.hacked") == "undefined"
    assert window.trouble and all("Trusted" in one or "Content Security Policy" in one for one in window.trouble)
    window.trouble.clear()


def test_five_thousand_turns_stay_usable(window: Tab, long: Path, pictures: Path) -> None:
    """Everything is drawn, the cursor finds a mark among many turns, rows come page by page, and a row zooms in."""
    window.open(long)
    assert window.text("#range") == "All 5,000 turns"
    window.picture(pictures / "long-1280-light.png", whole=False)
    mark = window.run("data.events[40].turn")
    window.hover(*over(window, "cache", mark + 2, LONG))
    assert f"Turn {mark + 1:,}" in window.text("#tip")
    assert "tokens lost" in window.text("#tip")
    rows = "document.querySelectorAll('#events tbody tr').length"
    assert window.run(rows) == 50
    window.click(".more")
    assert window.run(rows) == 100
    window.click(f"[data-turn='{mark}']")
    assert window.text("#range") == f"Turns {mark - 9:,} to {mark + 11:,} of 5,000"


def test_a_run_without_prices_or_without_anything(window: Tab, tmp_path: Path) -> None:
    """The page says what is not known, and an empty run is no error."""
    unpriced = ReportTurn(1, row(cost_usd=None, cost_uncached_usd=None), bound_usd=None)
    window.open(written(tmp_path, shown([unpriced], (), "run-1")))
    assert "Dollars are unknown" in window.text("#money")
    assert "unknown" in window.text("#tiles")
    window.open(written(tmp_path, shown([], (), "run-1")))
    assert "Nothing has been sent yet" in window.text("#context")


def test_a_warehouses_tiers_have_a_chart_of_their_own(window: Tab, short: Path, tmp_path: Path) -> None:
    """Where a local engine says where its KV state came from; other runs' pages have none."""
    warm = ReportTurn(1, row(sources=KvSources(slot=5, ram=20, disk=30, computed=10)))
    window.open(written(tmp_path, shown([warm], (), "warm")))
    assert "From the disk" in window.text('[data-for="tiers"]')
    assert window.box("#tiers .u-over")["width"] > 0
    window.open(short)
    assert window.text('[data-for="tiers"]') == ""

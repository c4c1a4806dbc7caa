"""The served page in a real browser: what people see and do, what hostile texts cannot, and what happens live."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentmem.answers.values import Answer
from agentmem.transcript.journal import open_journal
from agentmem.ui.server import PageServer
from tests.answers.caches import opened
from tests.browser.accessibility import faults
from tests.browser.chromium import Scheme, Tab, tab
from tests.report.runs import eventful
from tests.ui.asking import value
from tests.ui.desk import NOON, PROMPTS, Session, call, clocked, desk, featured, said, wire_log

HOME = Path("/home/ada")
HOSTILE = (
    "</script><script>window.hacked = 1</script>",
    "<img src=x onerror='window.hacked = 1'>",
    "<svg onload='window.hacked = 1'><animate onbegin='window.hacked = 1' attributeName=x dur=1s>",
    "<meta http-equiv=refresh content='0;url=http://127.0.0.1:9/away'>",
    "<iframe srcdoc='<script>parent.hacked = 1</script>'></iframe><base href='http://127.0.0.1:9/'>",
    "<style>@import url(http://127.0.0.1:9/a.css); body { display: none }</style>",
    "<p style='background: url(http://127.0.0.1:9/b)'>x</p>",
    "[click](javascript:window.hacked=1) [or](data:text/html,<script>window.hacked=1</script>)",
    "<a href='javascript:window.hacked=1'>x</a>",
    "![remote](http://127.0.0.1:9/pixel.png?secret) ![svg](data:image/svg+xml,<svg/onload=alert(1)>)",
    "<form action='http://127.0.0.1:9/'><input autofocus onfocus='window.hacked = 1'><button>x</button></form>",
    "<details open ontoggle='window.hacked = 1'><summary>x</summary></details>",
    "<object data='javascript:window.hacked=1'></object><embed src='http://127.0.0.1:9/e'>",
    "`</code><script>window.hacked = 1</script>` \u2028 {{data}} ${window.hacked = 1} <!--",
)


@pytest.fixture(scope="module")
def server(browser: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageServer]:
    """The page on a desk of sessions, and the wire log of an agent that writes the time into its prompt."""
    folder = tmp_path_factory.mktemp("desk")
    wire_log(folder / "wire" / "harbour.jsonl")
    with PageServer([desk(folder / "logs", 24), folder / "wire"], index=folder / "sessions.db", home=HOME) as made:
        assert made.ready(120)
        yield made


@pytest.fixture
def live(browser: str) -> Iterator[Tab]:
    """A page in the browser, which must have been without errors, and have asked nobody but its own server."""
    with tab(browser) as opened:
        yield opened
        assert opened.trouble == []
        hosts = {url.split("/")[2] for url in opened.fetched if url.startswith("http")}
        assert len(hosts) == 1 and hosts.pop().startswith("127.0.0.1:")


def named(server: PageServer, name: str) -> str:
    """The id of a session."""
    return next(family.id for family, _ in server.shelf.families() if family.name == name)


def listed(live: Tab, server: PageServer, width: int = 1280, scheme: Scheme = "light") -> None:
    """Open the list."""
    live.open(server.address, width=width, scheme=scheme)
    live.until("document.querySelector('.row.session a')")


def shown(live: Tab, id: str, rest: str = "") -> None:
    """Go to a session, and wait until it is whole."""
    live.run(f"go('#/s/{id}{rest}')")
    live.until(f"shownId === '{id}' && !data.partial && !document.querySelector('#view-session').hidden")


def test_the_list_shows_what_was_used(live: Tab, server: PageServer) -> None:
    """Totals, days and sessions with the first words that were said; the token is out of sight."""
    listed(live, server)
    found = value(server, "/api/sessions")["sessions"]
    assert f"{len(found['id'])} sessions" in live.text("#list-about")
    live.until(f"document.querySelector('#rows').innerText.includes({json.dumps(PROMPTS[0])})")
    assert server.token not in live.run("location.href")
    assert live.run("getComputedStyle(document.querySelector('.row .number')).fontVariantNumeric") == "tabular-nums"
    live.click("[data-metric=usd]")
    assert live.text("#days-legend") == "Dollars"


def test_filters_narrow_the_list_and_stand_in_the_address(live: Tab, server: PageServer) -> None:
    """By project, by words of the first prompt, and all off again; the address brings them back."""
    listed(live, server)
    rows = "list.shown.length"
    every = live.run(rows)
    live.run(
        "(() => { const one = byId('by-project'); one.value = 'kiosk'; one.dispatchEvent(new Event('change')); })()"
    )
    assert 0 < live.run(rows) < every and "project=kiosk" in live.run("location.hash")
    live.reload()
    live.until(f"typeof list !== 'undefined' && {rows} > 0")
    assert live.run(rows) < every
    live.click("#by-none")
    assert live.run(rows) == every
    live.run("(() => { const one = byId('by-name'); one.value = 'flask'; one.dispatchEvent(new Event('input')); })()")
    live.until(f"{rows} > 0 && {rows} < {every}")
    assert "Move the booking API from Flask" in live.text("#rows")
    live.run("setFilter('name', 'no such words')")
    assert "No session fits these filters." in live.text("#rows")


def test_keys_lead_from_the_list_to_a_message_and_back(live: Tab, server: PageServer) -> None:
    """j, k, Enter, n, Escape, slash and the help, without a mouse."""
    listed(live, server)
    for key in ("j", "j", "k"):
        live.key(key)
    assert live.run("list.chosen") == 0
    live.key("Enter")
    live.until("shownId && !data.partial")
    live.key("j")
    live.until("document.querySelector('#panel-title').innerText.includes('urn 1')")
    live.key("j")
    live.until("panel.at === 1")
    live.key("n")
    live.until("panel.kind === 'event'")
    live.key("Escape")
    live.until("panel.kind === null")
    live.key("?")
    assert live.run("byId('help').open")
    assert faults(live) == []
    live.key("Escape")
    assert not live.run("byId('help').open")
    live.key("/")
    assert live.run("document.activeElement.id") == "words"
    live.key("Escape")
    live.key("Escape")
    live.until("!byId('view-list').hidden")


def test_a_bar_leads_to_the_messages_with_the_boundary_drawn(live: Tab, server: PageServer) -> None:
    """What was cached above, what was processed below as markdown, sizes beside, the ten largest on demand."""
    listed(live, server)
    id = named(server, "0f3c")
    shown(live, id)
    place = live.box("#cache .u-over")
    count = live.run("count")
    live.press(place["x"] + place["width"] * (17 + 0.6) / (count + 0.2), place["y"] + place["height"] / 2)
    live.until("document.querySelector('#panel .block[open] .text table')")
    order = live.run(
        "[...byId('panel-body').querySelectorAll(':scope > h3, :scope > .boundary')].map((one) => one.innerText).join()"
    )
    parts = ("Read from the cache", "The cache ends here", "Processed in this turn", "The reply")
    assert sorted(parts, key=order.index) == list(parts)
    assert live.run("document.querySelectorAll('#panel .cached .block').length") == 4
    assert live.run("document.querySelector('#panel .block[open] strong').innerText") == "Errors"
    live.click("#panel .largest summary")
    assert live.run("document.querySelectorAll('#panel .largest .block').length") == 10
    assert live.run("location.hash") == f"#/s/{id}/turn/18"
    live.click("#panel .cached .more")
    assert live.run("document.querySelectorAll('#panel .cached .block').length") > 40


def test_a_deep_link_opens_in_another_page(live: Tab, server: PageServer) -> None:
    """The token is kept for this origin, so an address of a turn is enough; without a token the page is locked."""
    live.open(server.url)
    live.run("localStorage.clear()")  # another test's token
    live.open(f"{server.url}#/")
    live.until("!byId('view-note').hidden")
    assert "locked" in live.text("#note-title")
    live.trouble.clear()  # the refusals themselves
    listed(live, server)
    live.open(f"{server.url}#/s/{named(server, '0f3c')}/turn/3")
    live.until("document.querySelector('#panel .block')")
    assert live.text("#panel-title").endswith("turn 3")


def test_a_break_is_shown_side_by_side(live: Tab, server: PageServer) -> None:
    """Cause, price, fix, and the line that changed with what changed in it."""
    listed(live, server)
    shown(live, next(f.id for f, _ in server.shelf.families() if f.format == "wire-log"))
    live.click("#events tbody tr:first-child")
    live.until("document.querySelector('.sides mark')")
    text = live.text("#panel")
    for expected in ("Break: volatile text", "tokens lost", "dollars lost", "Take out what changes by itself"):
        assert expected in text
    assert live.run("[...document.querySelectorAll('.sides mark')].map((one) => one.innerText).join()") == "0,1"


def test_a_compaction_is_shown_before_and_after(live: Tab, server: PageServer) -> None:
    """Both contexts by kind, the summary as markdown, what left and what stayed."""
    listed(live, server)
    id = named(server, "0f3c")
    shown(live, id)
    at = live.run("data.events.findIndex((one) => one.kind === 'cut')")
    live.run(f"go(eventPath({at}))")
    live.until("document.querySelector('#panel .halves') && document.querySelector('#panel .block[open] .head')")
    text = live.text("#panel")
    for expected in ("Before and after", "What came in its place", "What left, the largest first", "What is next"):
        assert expected in text


def test_sub_agents_are_lanes(live: Tab, server: PageServer) -> None:
    """One for each, as wide as it worked; its name leads to its first request."""
    listed(live, server)
    shown(live, named(server, "0f3c"))
    assert live.run("document.querySelectorAll('#lanes .lane').length") == 3
    live.click("#lanes .lane:nth-child(2) .name")
    live.until("panel.kind === 'turn'")
    assert "agent-a1f0" in live.text("#panel-title")


def test_everything_said_can_be_searched(live: Tab, server: PageServer) -> None:
    """A place that is found leads to the block, open and in sight."""
    listed(live, server)
    live.key("/")
    live.send("Input.insertText", text="jinja")
    live.key("Enter")
    live.until("document.querySelector('#search-found li a')")
    live.key("j")
    live.key("Enter")
    live.until("document.querySelector('#panel .block.found[open] .text *')")
    assert "Jinja" in live.text("#panel .block.found")


@pytest.mark.parametrize("width", [1920, 1440, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_view_fits_and_can_be_used_by_all(
    live: Tab, server: PageServer, pictures: Path, width: int, scheme: Scheme
) -> None:
    """Nothing is wider than the window, and nothing measured of contrast, headings, names and focus is missing."""
    listed(live, server, width, scheme)
    wire = next(family.id for family, _ in server.shelf.families() if family.format == "wire-log")
    views = {
        "list": ("#/", "!byId('view-list').hidden"),
        "session": (f"#/s/{named(server, '0f3c')}", "shownId && !data.partial && !byId('view-session').hidden"),
        "turn": (f"#/s/{named(server, '0f3c')}/turn/18", "document.querySelector('#panel .block[open] .text table')"),
        "break": (f"#/s/{wire}/event/1", "document.querySelector('.sides mark')"),
        "search": ("#/search/Flask", "document.querySelector('#search-found li')"),
    }
    for name, (hash_, ready) in views.items():
        live.run(f"go('{hash_}')")
        live.until(ready)
        assert live.run("document.documentElement.scrollWidth") <= width, name
        live.picture(pictures / f"ui-{name}-{width}-{scheme}.png", whole=False)
        assert faults(live) == [], name


def test_hostile_texts_stay_texts(live: Tab, tmp_path: Path) -> None:
    """In prompts, replies, results, calls, names of tools, models, agents and files: shown as written, never run.

    Nothing of them is asked for either: the page's own server is the only one that it ever speaks to.
    """
    one = Session("hostile", NOON, 1, "<img src=x onerror=hacked=1>")
    for number, text in enumerate(HOSTILE):
        one.ask(f"Hello {text}")
        one.work(said(text), call(f"h{number}", text, **{text: text}), result=text)
        one.delegate(f"x{number}<script>hacked=1<.script>", text, 1)
    one.compact("\n\n".join(HOSTILE))
    one.work(said("\n\n".join(HOSTILE)))
    one.write(tmp_path / "-<img src=x onerror=hacked=1>")
    with PageServer([tmp_path]) as server:
        assert server.ready(60)
        listed(live, server)
        live.until("list.titles.size")
        assert "</script><script>window.hacked = 1</script>" in live.text("#rows")
        [family] = [family for family, _ in server.shelf.families()]
        shown(live, family.id)
        turns = live.run("count")
        for turn in range(0, turns, 3):
            live.run(f"go(turnPath({turn}))")
            live.until(
                f"panel.kind === 'turn' && panel.at === {turn} && document.querySelector('#panel .block[open] .text *')"
            )
            live.run("document.querySelectorAll('#panel details').forEach((one) => { one.open = true; })")
            live.until("!document.querySelector('#panel details.block[open] > .text:empty')")
        for at in range(live.run("data.events.length")):
            live.run(f"go(eventPath({at}))")
            live.until(f"panel.kind === 'event' && panel.at === {at}")
            live.until("![...byId('panel-body').querySelectorAll('p')].some((one) => one.textContent === '…')")
        live.run("go('#/search/' + encodeURIComponent('<script>'))")
        live.until("document.querySelector('#search-found mark')")
        assert live.run("typeof window.hacked") == "undefined"
        made = "img, iframe, object, embed, base, meta[http-equiv=refresh], link[rel=stylesheet], main svg [onload]"
        assert live.run(f"document.querySelectorAll({json.dumps(made)}).length") == 0
        links = live.run("[...document.querySelectorAll('a')].map((one) => one.getAttribute('href')).filter(Boolean)")
        assert all(link.startswith("#/") for link in links)
        assert live.run("location.origin") == server.url.rstrip("/")
        assert live.run("getComputedStyle(document.body).display") == "block"
        assert not [url for url in live.fetched if url.startswith("http") and not url.startswith(server.url)]


def test_another_site_reads_nothing(live: Tab, server: PageServer, tmp_path: Path) -> None:
    """A page elsewhere can neither fetch, nor frame, nor run what is served here, even with the token."""
    page = tmp_path / "evil.html"
    page.write_text("<!doctype html><title>evil</title><iframe id=f></iframe>")
    live.open(page)
    tried = live.run(
        f"fetch('{server.url}api/sessions', {{ headers: {{ authorization: 'Bearer {server.token}' }} }})"
        ".then((one) => one.text()).catch((error) => 'refused')"
    )
    assert tried == "refused"
    plain = live.run(f"fetch('{server.url}').then((one) => one.text()).catch((error) => 'refused')")
    assert plain == "refused"
    live.run(
        "new Promise((done) => { const frame = document.querySelector('#f'); frame.onload = done; "
        f"frame.src = '{server.url}'; }})"
    )
    assert live.run("document.querySelector('#f').contentDocument") is None
    assert live.trouble and all("127.0.0.1" in one or "chrome-error" in one for one in live.trouble)
    live.trouble.clear()


def test_a_new_line_shows_by_itself(live: Tab, tmp_path: Path) -> None:
    """In the list and in the session that is looked at, whose panel and place stay."""
    log = tmp_path / "wire.jsonl"
    lines = [json.dumps(line) + "\n" for line in clocked(4)]
    log.write_text(lines[0])
    with PageServer([log]) as server:
        assert server.ready(60)
        listed(live, server)
        live.until("document.querySelector('#state').innerText === 'live'")
        live.click(".row.session a")
        live.until("shownId && !data.partial")
        for count, line in enumerate(lines[1:], start=2):
            with log.open("a", encoding="utf-8") as file:
                file.write(line)
            live.until(f"count === {count}")
        assert live.text("#range") == "All 4 turns"
        live.key("Escape")
        live.until("list.all.sessions.requests[0] === 4 && !byId('view-list').hidden")


def test_a_session_that_grew_is_what_a_new_look_at_it_shows(live: Tab, tmp_path: Path) -> None:
    """The page makes it of what it had and what is new: turns, blocks, events and sums are those of the whole."""
    log = featured().write(tmp_path)
    lines = log.read_text().splitlines(keepends=True)
    log.write_text("".join(lines[:40]))
    with PageServer([log]) as server:
        assert server.ready(60)
        listed(live, server)
        live.click(".row.session a")
        live.until("shownId && data.version")
        for end in (60, 75, len(lines)):
            before = live.run("count")
            with log.open("a", encoding="utf-8") as file:
                file.writelines(lines[live.run("window.wrote || 40") : end])
            live.run(f"window.wrote = {end}")
            live.until(f"count > {before}")
        live.until("count === 52")
        told = live.run(
            "(async () => { const whole = await object(`sessions/${shownId}?whole=1`); "
            "const bare = (one) => JSON.stringify({ ...one, events: one.events.map(({ at, ...rest }) => rest) }); "
            "return [whole.version === data.version, bare(whole) === bare(data)]; })()"
        )
        assert told == [True, True]


def test_hits_of_the_answer_cache_are_shown_one_by_one(live: Tab, tmp_path: Path) -> None:
    """With a run: what was asked beside the kept question, how near, how old, and what it saved; words stay words."""
    database = tmp_path / "shop" / ".agentmem" / "agentmem.db"
    database.parent.mkdir(parents=True)
    with open_journal(database) as journal:
        eventful(journal)
    with opened(tmp_path / "answers") as cache:
        cache.put("How do I return shoes?", Answer("By post.", usd=0.25, tokens=41_000))
        for question in ("How do I return shoes?", "return shoes how do I", "return shoes, <b>how do I</b>"):
            cache.get(question)
        answers = {**cache.stats(), "served": [one.value() for one in cache.hits.latest()]}
    with PageServer([database], answers=lambda folder: answers) as server:
        assert server.ready(60)
        listed(live, server)
        live.click(".row.session a")
        live.until("shownId && data.answers && !byId('answered').hidden")
        rows = live.run("[...byId('served').querySelectorAll('tbody tr')].map((row) => row.innerText)")
    assert len(rows) == len(answers["served"]) >= 2
    assert all("41,000" in row and "$0.2500" in row for row in rows)
    assert "How do I return shoes?" in rows[-1] and "equal" in rows[-1] and "the same" in rows[-1]
    assert "0.800" in rows[-2] and "return shoes how do I" in rows[-2]


def test_nothing_there_yet_says_what_to_do(live: Tab, tmp_path: Path) -> None:
    """An empty folder is no error, and a session that comes shows."""
    with PageServer([tmp_path]) as server:
        live.open(server.address)
        live.until("document.querySelector('#rows').innerText.includes('No session was found')")
        assert faults(live) == []
        Session("new", NOON, 1).ask("x")
        one = Session("new", NOON, 1)
        one.ask("A first prompt")
        one.work(said("A reply."))
        one.write(tmp_path)
        live.until("document.querySelector('.row.session')")

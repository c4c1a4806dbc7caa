"""The built site of docs/ in a real browser: headings, contrast, labels, two widths, and nothing from elsewhere."""

from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.browser.chromium import Scheme, Tab, tab
from tests.site.build import build

PAGES = ("index.html", "benchmarks.html", "how-to/langchain-agent.html", "python/agents.html", "command-line.html")
WIDTHS = (390, 1440)
CONTRAST = """
(() => {
  const numbers = color => (color.match(/[\\d.]+/g) || []).map(Number);
  const lit = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    .reduce((sum, v, at) => sum + v * [.2126, .7152, .0722][at], 0);
  const over = (top, below) => {
    const a = top.length > 3 ? top[3] : 1;
    return [0, 1, 2].map(at => top[at] * a + below[at] * (1 - a));
  };
  const ground = element => {
    const layers = [];
    for (let one = element; one; one = one.parentElement) layers.push(numbers(getComputedStyle(one).backgroundColor));
    return layers.reverse().reduce((below, top) => top.length ? over(top, below) : below, [255, 255, 255]);
  };
  const low = new Set();
  for (const element of document.querySelectorAll('.md-content *, .md-nav *, .md-header *')) {
    const texts = [...element.childNodes].filter(one => one.nodeType === 3 && one.textContent.trim());
    const style = getComputedStyle(element), box = element.getBoundingClientRect();
    if (!texts.length || !box.width || style.visibility === 'hidden' || +style.opacity === 0) continue;
    const below = ground(element), above = over(numbers(style.color), below);
    const [one, other] = [lit(above), lit(below)].sort((a, b) => b - a);
    const ratio = (one + .05) / (other + .05), size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.6 && +style.fontWeight >= 700);
    if (ratio < (large ? 3 : 4.5) && !element.closest('.headerlink, [hidden], .md-search'))
      low.add(`${element.tagName} ${element.className} ${ratio.toFixed(1)} ${texts[0].data.trim().slice(0, 24)}`);
  }
  return [...low];
})()
"""
UNNAMED = """
[...document.querySelectorAll('a[href], button, input:not([type=hidden]), img, label.md-header__button')]
  .filter(one => one.getBoundingClientRect().width && !one.matches('[aria-hidden=true] *'))
  .filter(one => !one.textContent.trim() && !one.getAttribute('aria-label') && !one.title && !one.alt
    && !one.placeholder && !one.querySelector('img[alt], svg title') && !(one.labels && one.labels.length))
  .map(one => one.outerHTML.slice(0, 90))
"""
HEADINGS = (
    "[...document.querySelectorAll('.md-content h1, .md-content h2, .md-content h3')].map(one => +one.tagName[1])"
)


@pytest.fixture(scope="module")
def site(browser: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the built site; every link leads somewhere, and no page has an address of others to fetch from."""
    if find_spec("zensical") is None:
        pytest.skip("zensical is not installed here: `make docs` installs it")
    place = tmp_path_factory.mktemp("site")
    assert build(place) == {}
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(place / "site"))) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


class Quiet(SimpleHTTPRequestHandler):
    """Serves files, and says nothing of it."""

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is printed."""


@pytest.fixture
def reader(browser: str, site: str) -> Iterator[Tab]:
    """A page in the browser; when the test ends, it had no errors and fetched nothing but the site's own files."""
    with tab(browser) as opened:
        yield opened
        assert opened.trouble == []
        assert [url for url in opened.fetched if not url.startswith((site, "data:", "blob:"))] == []


def visit(reader: Tab, address: str, width: int = 1440, scheme: Scheme = "light") -> None:
    """Show a page of the site, and wait until it is there."""
    reader.send("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 600)
    reader.paint(scheme)
    reader.send("Page.navigate", url=address)
    reader.run("new Promise(done => document.readyState === 'complete' ? done() : addEventListener('load', done))")
    reader.settle()


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_a_page_can_be_read_by_everybody(reader: Tab, site: str, page: str, pictures: Path) -> None:
    """At two widths, in both schemes: one first heading and no level skipped, contrast, names, no sideways scroll."""
    schemes: tuple[Scheme, ...] = ("light", "dark")
    for scheme in schemes:
        for width in WIDTHS:
            visit(reader, site + page, width, scheme)
            name = page.removesuffix(".html").replace("/", "-")
            assert reader.picture(pictures / f"site-{name}-{width}-{scheme}.png", whole=False)
            levels: list[int] = reader.run(HEADINGS)
            assert levels.count(1) == 1 and levels[0] == 1
            assert all(after - before <= 1 for before, after in pairwise(levels))
            assert reader.run(CONTRAST) == [], (scheme, width)
            assert reader.run(UNNAMED) == []
            assert reader.run("document.documentElement.scrollWidth") <= width
            assert reader.run("document.documentElement.lang") == "en"


@pytest.mark.slow
def test_titles_tell_pages_apart(reader: Tab, site: str) -> None:
    """Each page has a title of its own."""
    titles: list[str] = []
    for page in PAGES:
        visit(reader, site + page)
        titles.append(reader.run("document.title"))
    assert len(set(titles)) == len(PAGES) and all(titles)

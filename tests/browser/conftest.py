"""A browser for the tests of this folder; without one they are skipped."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.chromium import Tab, chromium, program, tab


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running Chromium; skips, with the reason, where none is installed."""
    if program() is None:
        pytest.skip("no Chromium is installed here: `make test-browser` installs it where apt-get can")
    with chromium(tmp_path_factory.mktemp("chromium")) as address:
        yield address


@pytest.fixture
def window(browser: str) -> Iterator[Tab]:
    """A page in it, which must have been without errors when the test ends, and have fetched nothing."""
    with tab(browser) as opened:
        yield opened
        assert opened.trouble == []
        assert [url for url in opened.fetched if not url.startswith(("file:", "data:"))] == []


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots go."""
    return tmp_path_factory.mktemp("pictures")

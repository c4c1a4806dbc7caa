"""Makes the pictures of the page that the documentation shows, from a desk of made-up sessions.

    python -m tests.browser.pictures [FOLDER]

By default they go to docs/pictures. It needs Chromium, and Pillow to make them small.
"""

import io
import sys
import tempfile
from pathlib import Path

from PIL import Image

from agentmem.ui.server import PageServer
from tests.browser.chromium import Scheme, Tab, chromium, program, tab
from tests.ui.desk import desk, wire_log

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "pictures"
LARGEST = 250_000
"""Bytes of a picture."""
WIDTH, HEIGHT = 1440, 900

_LIST = "document.querySelector('.row.session a') && list.titles.size"
_TURN = "document.querySelector('#panel .block[open] .text table')"
_BREAK = "document.querySelector('.sides mark')"


def taken(opened: Tab, address: str, hash_: str, ready: str, scheme: Scheme) -> bytes:
    """A picture of what an address shows."""
    opened.open(address, WIDTH, HEIGHT, scheme)
    opened.until(_LIST)
    opened.run(f"go('{hash_}')")
    opened.until(ready)
    with tempfile.TemporaryDirectory() as folder:
        return opened.picture(Path(folder) / "whole.png", whole=False)


def small(picture: bytes) -> bytes:
    """The same, packed as well as it can be."""
    made = io.BytesIO()
    Image.open(io.BytesIO(picture)).convert("RGB").save(made, "PNG", optimize=True)
    return made.getvalue()


def main(folder: Path = FOLDER) -> int:
    """Write the pictures."""
    if program() is None:
        print("no Chromium is installed here: `make test-browser` installs it where apt-get can")
        return 1
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        wire_log(root / "wire" / "harbour.jsonl")
        with (
            PageServer([desk(root / "logs"), root / "wire"], home=Path("/home/ada")) as server,
            chromium(root / "browser") as devtools,
            tab(devtools) as opened,
        ):
            server.ready()
            ids = {
                family.name if family.format != "wire-log" else "wire": family.id
                for family, _ in server.shelf.families()
            }
            views: tuple[tuple[str, str, str, Scheme], ...] = (
                ("ui-session-light", f"#/s/{ids['0f3c']}/turn/18", _TURN, "light"),
                ("ui-session-dark", f"#/s/{ids['0f3c']}/turn/18", _TURN, "dark"),
                ("ui-list-light", "#/", _LIST, "light"),
                ("ui-break-light", f"#/s/{ids['wire']}/event/1", _BREAK, "light"),
            )
            for name, hash_, ready, scheme in views:
                data = small(taken(opened, server.address, hash_, ready, scheme))
                assert len(data) < LARGEST, f"{name} has {len(data):,} bytes"
                (folder / f"{name}.png").write_bytes(data)
                print(f"{folder / name}.png: {len(data):,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:2])))

"""A real Chromium without a window, driven by the DevTools protocol over its own WebSocket: no driver, no framework."""

import json
import os
import shutil
import subprocess
from base64 import b64decode
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from threading import Thread
from typing import Any, Literal

from websockets.sync.client import ClientConnection, connect

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
)
PATIENCE = 60.0
"""Seconds that the browser gets for one answer."""

Scheme = Literal["light", "dark"]
_TROUBLE = ("Runtime.exceptionThrown", "Log.entryAdded")
_LOUD = ("error", "warning", "assert")


def program() -> str | None:
    """Where Chromium is installed; None where it is not."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


@contextmanager
def chromium(folder: Path) -> Iterator[str]:
    """A running browser whose home and empty profile are in ``folder``: the address of its DevTools."""
    found = program()
    assert found
    process = subprocess.Popen(
        [found, *FLAGS, f"--user-data-dir={folder / 'profile'}", "about:blank"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "XDG_CACHE_HOME": str(folder)},
    )
    assert process.stderr
    log = process.stderr
    line = next((line for line in log if "DevTools listening on " in line), "")
    drained = Thread(target=deque, args=(log, 0), daemon=True)  # or the pipe would fill, and the browser wait
    drained.start()
    try:
        assert line, "Chromium ended before it listened"
        yield line.split("DevTools listening on ")[1].strip()
    finally:
        process.terminate()
        process.wait(timeout=PATIENCE)
        drained.join(timeout=PATIENCE)
        log.close()


@dataclass
class Tab:
    """One page. ``trouble`` are its errors and warnings so far, ``fetched`` the addresses that it asked for."""

    socket: ClientConnection
    session: str = ""
    trouble: list[str] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)
    happened: list[str] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command, and its result."""
        number = next(self.numbers)
        message: dict[str, Any] = {"id": number, "method": method, "params": parameters}
        self.socket.send(json.dumps(message | ({"sessionId": self.session} if self.session else {})))
        while (heard := self._hear()).get("id") != number:
            pass
        assert "error" not in heard, f"{method}: {heard['error']}"
        result: dict[str, Any] = heard["result"]
        return result

    def open(self, path: Path | str, width: int = 1280, height: int = 900, scheme: Scheme = "light") -> None:
        """Show a file, or an address, in a window of that size and scheme, and wait until it is loaded."""
        mobile = width < 600
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=mobile)
        self.paint(scheme)
        self._load("Page.navigate", url="about:blank")  # or an address that differs in its # alone would load nothing
        self._load("Page.navigate", url=path if isinstance(path, str) else path.resolve().as_uri())
        self.settle()

    def reload(self) -> None:
        """Load the page again, and wait until it is there: a script that did so would be lost with its page."""
        self._load("Page.reload")
        self.settle()

    def paint(self, scheme: Scheme) -> None:
        """Prefer light or dark from now on."""
        self.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def settle(self) -> None:
        """Wait until two frames were drawn."""
        self.run("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def until(self, script: str) -> Any:
        """Wait until an expression in the page is true, and give its value."""
        looked = (
            f"new Promise((done, failed) => {{ const end = performance.now() + {1000 * PATIENCE}; const look = () => "
            f"{{ const found = ({script}); if (found) done(found); else if (performance.now() > end) "
            f"failed(new Error('it never came true')); else setTimeout(look, 15); }}; look(); }})"
        )
        found = self.run(looked)
        self.settle()
        return found

    def key(self, name: str) -> None:
        """Press a key, by what it writes or its name."""
        text = {"Enter": "\r"}.get(name, name if len(name) == 1 else "")
        code = {"Enter": 13, "Escape": 27}.get(name, 0)
        self.send("Input.dispatchKeyEvent", type="keyDown", key=name, text=text, windowsVirtualKeyCode=code)
        self.send("Input.dispatchKeyEvent", type="keyUp", key=name, windowsVirtualKeyCode=code)
        self.settle()

    def run(self, script: str) -> Any:
        """The value of an expression in the page."""
        done = self.send("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in done, done["exceptionDetails"]
        return done["result"].get("value")

    def text(self, selector: str) -> str:
        """The text of the first element that fits, as it is shown."""
        shown: str = self.run(f"document.querySelector({json.dumps(selector)}).innerText")
        return shown

    def box(self, selector: str) -> Mapping[str, float]:
        """Where an element is, once it is scrolled into sight."""
        found = f"document.querySelector({json.dumps(selector)})"
        self.run(f"{found}.scrollIntoView({{block: 'center', behavior: 'instant'}})")
        self.settle()
        place: Mapping[str, float] = self.run(f"{found}.getBoundingClientRect().toJSON()")
        return place

    def mouse(self, kind: str, x: float, y: float, **more: Any) -> None:
        self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def hover(self, x: float, y: float) -> None:
        """Move the mouse there."""
        self.mouse("mouseMoved", x, y)
        self.settle()

    def press(self, x: float, y: float) -> None:
        """Click there."""
        self.mouse("mouseMoved", x, y)
        self.mouse("mousePressed", x, y, button="left", clickCount=1)
        self.mouse("mouseReleased", x, y, button="left", clickCount=1)
        self.settle()

    def drag(self, x: float, to: float, y: float) -> None:
        """Press at ``x`` and let go at ``to``."""
        self.mouse("mouseMoved", x, y)
        self.mouse("mousePressed", x, y, button="left", clickCount=1)
        for step in range(1, 6):
            self.mouse("mouseMoved", x + (to - x) * step / 5, y, buttons=1)
        self.mouse("mouseReleased", to, y, button="left", clickCount=1)
        self.settle()

    def click(self, selector: str) -> None:
        """Click in the middle of an element."""
        place = self.box(selector)
        self.press(place["x"] + place["width"] / 2, place["y"] + place["height"] / 2)

    def picture(self, path: Path, whole: bool = True) -> bytes:
        """A screenshot as PNG, of the whole page or of what is in sight."""
        shot = self.send("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        data = b64decode(shot["data"])
        path.write_bytes(data)
        return data

    def _load(self, method: str, **parameters: Any) -> None:
        self.happened.clear()
        self.send(method, **parameters)
        while "Page.loadEventFired" not in self.happened:
            self._hear()

    def _hear(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(self.socket.recv(timeout=PATIENCE))
        method, about = message.get("method", ""), message.get("params", {})
        self.happened.append(method)
        if method in _TROUBLE or (method == "Runtime.consoleAPICalled" and about["type"] in _LOUD):
            self.trouble.append(json.dumps(about))
        if method == "Network.requestWillBeSent":
            self.fetched.append(about["request"]["url"])
        return message


@contextmanager
def tab(address: str) -> Iterator[Tab]:
    """A new page in the browser at ``address``, closed afterwards."""
    with connect(address, max_size=None, proxy=None) as socket:
        made = Tab(socket)
        target = made.send("Target.createTarget", url="about:blank")["targetId"]
        made.session = made.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            made.send(f"{domain}.enable")
        yield made
        made.session = ""
        made.send("Target.closeTarget", targetId=target)

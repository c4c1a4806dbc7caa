"""Builds one self-contained page: markup, style, scripts and data in a single file that fetches nothing.

Text of a run cannot run as a script: the page holds it as JSON without angle brackets and shows it as text only, and
the policy in the page's head allows only the two scripts whose hashes it names.
"""

import html
import json
import re
from base64 import b64encode
from hashlib import sha256
from importlib.resources import files

from agentmem.report.data import Data
from agentmem.report.library import library

SCRIPTS = (
    *("shared.js", "store.js", "nodes.js", "charts.js", "tables.js"),
    *("panel.js", "lanes.js", "list.js", "find.js", "page.js"),
)
_SLOT = re.compile(r"\{\{(\w+)\}\}")


def page(data: Data) -> str:
    """The page on ``data`` (from `agentmem.report.data.collect`). Raises ConfigError without the plotting library."""
    return _filled(html.escape(f"agentmem: {data['run'] or 'all runs'}"), embedded(data))[0]


def live_page() -> tuple[str, str]:
    """The same page without data, which asks the server that it came from, and its content security policy.

    Raises ConfigError without the plotting library.
    """
    return _filled("agentmem", "null", connect="'self'")


def _filled(title: str, data: str, connect: str = "") -> tuple[str, str]:
    script, style = library()
    own = "\n".join(map(_asset, SCRIPTS))
    styles = f"{style}\n{_asset('page.css')}"
    allowed = policy((script, own), styles) + (f"; connect-src {connect}" if connect else "")
    slots = {"policy": allowed, "title": title, "style": styles, "library": script, "data": data, "script": own}
    return _SLOT.sub(lambda slot: slots[slot[1]], _asset("page.html")), allowed


def embedded(data: Data) -> str:
    """``data`` as ASCII JSON that no HTML parser can take for markup."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def policy(scripts: tuple[str, ...], style: str) -> str:
    """The page's content security policy: it allows these scripts and this style, and nothing else."""
    allowed = " ".join(map(_hash, scripts))
    return (
        f"default-src 'none'; script-src {allowed}; style-src {_hash(style)}; img-src data:; "
        "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _asset(name: str) -> str:
    return (files("agentmem.report") / "assets" / name).read_text(encoding="utf-8")

"""The badges of the README, as pictures of this repository: each says what pyproject.toml or the records say.

python -m tests.site.badges      # after `python -m tests.site.benchmarks`
"""

import sys
import tomllib
from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path
from typing import Any

from tests.benchmarks.__main__ import NAMES
from tests.benchmarks.heading import ROOT
from tests.benchmarks.records import GOOD, Record
from tests.site.benchmarks import records
from tests.site.order import DOCS

BADGES = DOCS / "pictures" / "badges"
_PYTHON = "Programming Language :: Python :: 3."
_LETTER, _SPACE, _HEIGHT = 6.6, 6, 20
"""Pixels: of a letter at eleven pixels, beside a text, and of the badge."""
_LABEL, _VALUE = "#444444", "#1f5fa8"
"""White on either has a contrast above 6 to 1."""

SVG = """<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"
  role="img" aria-label="{label}: {value}">
<title>{label}: {value}</title>
<clipPath id="round"><rect width="{width}" height="{height}" rx="3"/></clipPath>
<g clip-path="url(#round)">
<rect width="{left}" height="{height}" fill="{dark}"/>
<rect x="{left}" width="{right}" height="{height}" fill="{colour}"/>
</g>
<g fill="#ffffff" font-family="Verdana, DejaVu Sans, sans-serif" font-size="11" text-anchor="middle">
<text x="{of_label}" y="14">{label}</text>
<text x="{of_value}" y="14">{value}</text>
</g>
</svg>
"""


def said(project: Mapping[str, Any], kept: Mapping[str, Record]) -> Iterator[tuple[str, str]]:
    """A label and what it says for each badge, from the settings of the project and the records of benchmarks."""
    about = project["project"]
    versions = [one.removeprefix(_PYTHON) for one in about["classifiers"] if one.startswith(_PYTHON)]
    yield "python", " | ".join(f"3.{one}" for one in versions)
    yield "license", about["license"]
    if project["tool"]["mypy"]["strict"]:
        yield "types", "mypy --strict"
    met = sum(kept[name].outcome == GOOD[0] for name in NAMES if name in kept)
    yield "benchmarks", f"{met} of {len(NAMES)} met their targets"


def badge(label: str, value: str) -> str:
    """The picture, as SVG."""
    left, right = (round(len(text) * _LETTER) + 2 * _SPACE for text in (label, value))
    return SVG.format(
        width=left + right,
        height=_HEIGHT,
        left=left,
        right=right,
        dark=_LABEL,
        colour=_VALUE,
        label=escape(label),
        value=escape(value),
        of_label=left / 2,
        of_value=left + right / 2,
    )


def badges() -> dict[str, str]:
    """Each badge's SVG by the name of its file."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return {f"{label}.svg": badge(label, value) for label, value in said(project, records())}


def main(into: Path = BADGES) -> int:
    into.mkdir(parents=True, exist_ok=True)
    for name, picture in badges().items():
        (into / name).write_text(picture, encoding="utf-8")
        print(into / name)
    return 0


if __name__ == "__main__":
    sys.exit(main())

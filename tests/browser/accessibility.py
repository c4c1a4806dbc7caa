"""What a page in the browser lacks for those who do not see it, or use no mouse: rules of WCAG 2 that can be measured.

    assert faults(tab) == []

It looks at what is shown now, in the scheme that is set: contrast of all text, headings in order, names of controls and
regions, languages, ids, and that the focus can be seen.
"""

from pathlib import Path

from tests.browser.chromium import Tab

_SCRIPT = (Path(__file__).parent / "accessibility.js").read_text(encoding="utf-8").partition("\n")[2]


def faults(tab: Tab, most: int = 80) -> list[str]:
    """What is wrong with what is shown now; of the first ``most`` controls also whether the focus can be seen."""
    found: list[str] = tab.run(f"{_SCRIPT}.look()")
    found += tab.run(f"{_SCRIPT}.focus({most})")
    return found

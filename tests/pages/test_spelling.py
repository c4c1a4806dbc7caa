"""Names are found in any Unicode form, and new names must suit every system."""

import unicodedata
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmem.errors import OutsideWorkspace, PageNotFound, WorkspaceError
from agentmem.pages.workspace import Workspace


def put(root: Path, name: str, text: str = "# T\n") -> None:
    """A file as somebody else made it."""
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("there", "asked"),
    [
        ("cafe\u0301.md", "caf\u00e9.md"),
        ("caf\u00e9.md", "cafe\u0301.md"),
        ("re\u0301sume\u0301s/cafe\u0301/\ud55c.md", "r\u00e9sum\u00e9s/caf\u00e9/\u1112\u1161\u11ab.md"),
        ("Screenshot at 9.41\u202fAM.md", "Screenshot at 9.41 AM.md"),
        ("a b.md", "a\u00a0b.md"),
        ("\u2699\ufe0f setup.md", "\u2699 setup.md"),
        ("x\u200b1.md", "x1.md"),
    ],
)
def test_a_name_is_found_in_any_form_that_looks_the_same(there: str, asked: str, tmp_path: Path) -> None:
    """Reading, writing, editing and moving find a name in any form that looks the same, and make no second page."""
    put(tmp_path, there, "# T\n\n## U\nx\n")
    workspace = Workspace(tmp_path)
    assert workspace.page(asked).name == workspace.spelled(asked) == there
    assert workspace.text(f"{asked}#u") == "## U\nx\n"
    assert workspace.append(asked, "y").name == there
    assert workspace.write(asked, "new\n").name == there
    assert workspace.names() == (there,)
    assert workspace.move(asked, "z.md").text == "new\n"
    assert workspace.names() == ("z.md",)


@pytest.mark.parametrize(
    ("there", "asked"),
    [("John\u2019s \ufb01le.md", "John's file.md"), ("1\u20132.md", "1-2.md"), ("a b.md", "a%20b.md")],
)
def test_a_name_that_looks_much_alike_is_found_where_a_page_must_be(there: str, asked: str, tmp_path: Path) -> None:
    """Similar quotation marks, dashes, ligatures and percent signs find an existing page. A new page keeps its own."""
    put(tmp_path, there)
    workspace = Workspace(tmp_path)
    assert workspace.append(asked, "y").name == there
    assert workspace.write(asked, "new\n").name == asked
    assert workspace.page(asked).text == "new\n"
    assert workspace.page(there).text == "# T\n\ny\n"


def test_a_name_that_can_mean_several_is_not_guessed(tmp_path: Path) -> None:
    """An ambiguous name is an error that lists the files. Each is found by its own name."""
    put(tmp_path, "caf\u00e9 x.md", "1")
    put(tmp_path, "cafe\u0301 x.md", "2")
    workspace = Workspace(tmp_path)
    assert workspace.text("cafe\u0301 x.md") == "2"
    with pytest.raises(WorkspaceError, match=r"can mean several files .*'cafe\\u0301 x.md'.*'caf\\xe9 x.md'"):
        workspace.text("caf\u00e9\u00a0x.md")


def test_names_lead_nowhere_else(tmp_path: Path) -> None:
    """Links out of the workspace are refused in any form, and hidden files are not found by similar names."""
    outside = tmp_path / "outside"
    put(outside, "caf\u00e9.md", "secret")
    inside = tmp_path / "inside"
    put(inside, ".hid\u00e9.md", "hidden")
    (inside / "lin\u00e9").symlink_to(outside)
    workspace = Workspace(inside)
    with pytest.raises(OutsideWorkspace):
        workspace.text("line\u0301/cafe\u0301.md")
    with pytest.raises(PageNotFound):
        workspace.text(".hide\u0301.md")


def test_links_lead_to_names_in_any_form(tmp_path: Path) -> None:
    """Links find pages, pictures and sections in any form."""
    put(tmp_path, "cafe\u0301/menu\u0308.md", "# Cre\u0300me\n")
    put(tmp_path, "shot 9.41\u202fAM.png")
    workspace = Workspace(tmp_path)
    workspace.write("a.md", "[x](caf\u00e9/men\u00fc.md#cr\u00e8me) [[men\u00fc]] ![s](shot%209.41%20AM.png)\n")
    assert [(link.to, link.section, link.broken) for link in workspace.links("a.md")] == [
        ("cafe\u0301/menu\u0308.md", "Cre\u0300me", False),
        ("cafe\u0301/menu\u0308.md", None, False),
        ("shot 9.41\u202fAM.png", None, False),
    ]
    assert workspace.search("cr\u00e8me")[0].page == "cafe\u0301/menu\u0308.md"


def test_a_page_can_be_given_its_own_name_in_another_form(tmp_path: Path) -> None:
    """A page can be renamed to its own name in another form or letter case. Links follow."""
    put(tmp_path, "cafe\u0301.md", "[me](cafe\u0301.md)\n")
    workspace = Workspace(tmp_path)
    assert workspace.move("caf\u00e9.md", "caf\u00e9.md").name == "caf\u00e9.md"
    assert workspace.move("caf\u00e9.md", "Caf\u00e9.md").text == "[me](Caf\u00e9.md)\n"
    assert workspace.names() == ("Caf\u00e9.md",)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("CON.md", "is the name of a device on Windows"),
        ("notes/aux", "is the name of a device on Windows"),
        ("nul.tar.md", "is the name of a device on Windows"),
        ("Com1/x.md", "is the name of a device on Windows"),
        ("LPT\u00b9.md", "is the name of a device on Windows"),
        ("a:b.md", "has a character in it that Windows forbids"),
        ("what?.md", "has a character in it that Windows forbids"),
        ("notes\\plan.md", "has a character in it that Windows forbids"),
        ("dir./a.md", "ends with a space or a dot"),
        ("a ", "ends with a space or a dot"),
        ("x" * 253 + ".md", "is longer than 255 bytes"),
        ("\u00e9" * 127 + ".md", "is longer than 255 bytes"),
        ("readme.md", "differs from 'README.md', which exists, only in letter case"),
        ("DOCS/new.md", "differs from 'docs', which exists, only in letter case"),
        ("docs/STRASSE.md", "differs from 'docs/stra\u00dfe.md', which exists, only in letter case"),
    ],
)
def test_a_new_name_suits_every_system(name: str, reason: str, tmp_path: Path) -> None:
    """A name that some system cannot hold is refused, for a new page and for a move, and nothing is made."""
    put(tmp_path, "README.md")
    put(tmp_path, "docs/stra\u00dfe.md")
    put(tmp_path, "other.md")
    workspace = Workspace(tmp_path)
    with pytest.raises(WorkspaceError) as error:
        workspace.write(name, "x")
    assert reason in str(error.value)
    with pytest.raises(WorkspaceError) as error:
        workspace.move("other.md", name)
    assert reason in str(error.value)
    assert workspace.names() == ("README.md", "docs/stra\u00dfe.md", "other.md")


@pytest.mark.parametrize("name", ["console.md", "auxiliary/con-1.md", "com.md", "com10.md", "a.b..c.md"])
def test_names_that_only_resemble_forbidden_ones_are_fine(name: str, tmp_path: Path) -> None:
    """A name is allowed if it only contains a device's name."""
    assert Workspace(tmp_path).write(name, "x").name == name


@pytest.mark.parametrize("name", ["CON.md", "q?*|.md", "dot./x.md", "Read.md"])
def test_a_page_of_such_a_name_that_is_there_is_a_page(name: str, tmp_path: Path) -> None:
    """An existing page with such a name can be read, edited and moved away."""
    put(tmp_path, "read.md")
    put(tmp_path, name)
    workspace = Workspace(tmp_path)
    workspace.append(name, "x")
    assert workspace.write(name, "y").text == "y"
    assert workspace.move(name, "fine.md").text == "y"


@given(
    name=st.text(st.sampled_from("ae\u0301\u00e9 \u202f\u200bn"), min_size=1, max_size=6),
    kind=st.sampled_from(["NFC", "NFD"]),
)
def test_every_form_of_a_name_is_one_name(name: str, kind: Literal["NFC", "NFD"]) -> None:
    """All forms of a name are one name, whichever was made first."""
    with TemporaryDirectory() as folder:
        workspace = Workspace(folder)
        made = workspace.write(f"[{name}].md", "x")
        other = unicodedata.normalize(kind, name).replace("\u202f", "\u00a0")
        assert workspace.page(f"[{other}].md").name == made.name
        assert workspace.write(f"[{other}].md", "y").name == made.name

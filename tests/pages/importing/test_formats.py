"""Imports: each format as pages, a second time only what changed, and nothing dropped in silence."""

import json
import zipfile
from pathlib import Path

import pytest

from agentmem.errors import ConfigError
from agentmem.pages.importing.exporting import export_pages
from agentmem.pages.importing.formats import import_pages, source_name
from agentmem.pages.workspace import Workspace
from tests.pages.importing import made


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "pages", create=True)


def unzipped(place: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(place) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.mark.parametrize("inside", ["", "Export-Part-1.zip"])
def test_a_notion_export_becomes_pages_and_goes_back(tmp_path: Path, workspace: Workspace, inside: str) -> None:
    """Every page, database and attachment is there, every link leads somewhere, and the export has the same bytes."""
    files = made.notion_files(100)
    source = made.zipped(tmp_path / "Export.zip", files, inside)
    result = import_pages(workspace, source)
    assert (len(result.created), result.attachments, result.edited, result.broken) == (100, 1, (), {})
    views = [name for name in files if name.endswith(".csv") and not name.endswith("_all.csv")]
    assert sorted(result.refused) == sorted(views)
    names = workspace.names()
    assert not any(made.notion_id("home") in name for name in names)
    assert not [link for name in names for link in workspace.links(name) if link.broken]
    export_pages(workspace, tmp_path / "back.zip", format="notion", source="Export")
    assert unzipped(tmp_path / "back.zip") == files


def test_a_database_is_a_page_with_a_table(tmp_path: Path, workspace: Workspace) -> None:
    """Cells with bars and lines stay in their cells, and the first column leads to the row's page."""
    import_pages(workspace, made.zipped(tmp_path / "e.zip", made.notion_files(60)))
    text = workspace.text("Team Home/Tasks 0.md")
    assert "| Name | Status | Notes \\| more |\n| --- | --- | --- |" in text
    assert "| [Task 0: ship it](Tasks%200/Task%200%20ship%20it.md) | Open | two<br>lines |" in text
    assert len(workspace.links("Team Home/Tasks 0.md")) == 40


def test_again_only_what_changed_is_written(tmp_path: Path, workspace: Workspace) -> None:
    """A changed page is updated, a page that was edited here is left and named, one that is gone stays and is named."""
    files = made.notion_files(60)
    pages = [name for name in files if name.endswith(".md") and "Note" in name]
    import_pages(workspace, made.zipped(tmp_path / "e.zip", files))
    again = import_pages(workspace, tmp_path / "e.zip")
    assert (again.created, again.updated, again.edited, again.gone) == ((), (), (), ())
    mine, theirs, gone = "Team Home/Notes/Note 0.md", "Team Home/Notes/Note 1.md", "Team Home/Notes/Note 2.md"
    workspace.append(mine, "My own line.")
    assert import_pages(workspace, tmp_path / "e.zip").edited == ()
    for name in pages[:2]:
        files[name] += b"\nNew there.\n"
    del files[pages[2]]
    last = import_pages(workspace, made.zipped(tmp_path / "e.zip", files))
    assert (set(last.updated), last.edited, last.gone) == ({theirs, "Team Home.md"}, (mine,), (gone,))
    assert list(last.broken) == ["Team Home.md"]
    assert "My own line." in workspace.text(mine) and "New there." in workspace.text(theirs)
    assert gone in workspace.names()
    forced = import_pages(workspace, tmp_path / "e.zip", overwrite=True)
    assert forced.updated == (mine,) and "My own line." not in workspace.text(mine)


def test_a_page_that_was_there_before_is_not_overwritten(tmp_path: Path, workspace: Workspace) -> None:
    """A page of one's own with the name of an imported one is left, and named."""
    workspace.write("a.md", "mine\n")
    (tmp_path / "vault" / ".obsidian").mkdir(parents=True)
    (tmp_path / "vault" / ".obsidian" / "app.json").write_text("{}")
    (tmp_path / "vault" / "a.md").write_text("theirs\n")
    assert import_pages(workspace, tmp_path / "vault").edited == ("a.md",)
    assert workspace.text("a.md") == "mine\n"


def test_a_vault_is_imported_byte_for_byte(tmp_path: Path, workspace: Workspace) -> None:
    """Pages and attachments of a vault have the same bytes here and after the export; wiki links lead to pages."""
    files = made.vault(tmp_path / "vault", 40)
    result = import_pages(workspace, tmp_path / "vault", into="second brain")
    assert len(result.created) == 41 and list(result.refused) == [".obsidian/app.json"]
    links = workspace.links("second brain/Area 1/Page 1.md")
    assert [link.to for link in links][:2] == ["second brain/Area 2/Page 2.md", "second brain/Page 3.md"]
    export_pages(workspace, tmp_path / "back", source="vault")
    back = {name: (tmp_path / "back" / name).read_bytes() for name in files if (tmp_path / "back" / name).exists()}
    assert back == {name: data for name, data in files.items() if not name.startswith(".obsidian")}


def test_blocks_of_the_api_become_markdown(tmp_path: Path, workspace: Workspace) -> None:
    """Nested lists, toggles, callouts, tables, mentions and links are markdown; the rest is fenced and counted."""
    other = made.page("Other (page)")
    table = made.block("table", has_column_header=True)
    table["children"] = [
        {"type": "table_row", "table_row": {"cells": [made.rich("a|b"), made.rich("c")]}},
        {"type": "table_row", "table_row": {"cells": [made.rich("1"), made.rich("2\n3")]}},
    ]
    odd = {"object": "block", "type": "ai_block", "ai_block": {"x": 1}}
    mention = {"type": "mention", "plain_text": "Other", "mention": {"type": "page", "page": {"id": other["id"]}}}
    body = [
        made.block("heading_2", "Head"),
        made.block("paragraph", "*not* emphasis"),
        made.block(
            "bulleted_list_item",
            "one",
            [made.block("numbered_list_item", "two", [made.block("to_do", "x", checked=True)])],
        ),
        made.block("bulleted_list_item", "next"),
        made.block("numbered_list_item", "first"),
        made.block("numbered_list_item", "second"),
        made.block("toggle", "Open me", [made.block("paragraph", "inside")]),
        made.block("callout", "Mind", icon={"emoji": "💡"}),
        made.block("code", "a = `1`\n```", language="python"),
        table,
        odd,
        {"type": "paragraph", "paragraph": {"rich_text": [mention, *made.rich(" and "), *made.rich("b", bold=True)]}},
        {"type": "divider", "divider": {}},
    ]
    done = {
        "Done": {"type": "checkbox", "checkbox": True},
        "Tags": {"type": "multi_select", "multi_select": [{"name": "x"}]},
    }
    (tmp_path / "all.json").write_text(json.dumps([made.page("First", *body, properties=done), other]))
    result = import_pages(workspace, tmp_path / "all.json")
    assert result.fenced == {"notion ai_block": 1} and not result.broken
    assert workspace.text("First.md") == (
        "# First\n\nDone: yes\nTags: x\n\n## Head\n\n\\*not\\* emphasis\n\n- one\n  1. two\n     - [x] x\n"
        "- next\n\n"
        "1. first\n2. second\n\n"
        "<details>\n<summary>Open me</summary>\n\ninside\n\n</details>\n\n> [!note] 💡\n> Mind\n\n"
        "````python\na = `1`\n```\n````\n\n| a\\|b | c |\n| --- | --- |\n| 1 | 2<br>3 |\n\n"
        '```as-imported notion ai_block\n{\n "object": "block",\n "type": "ai_block",\n "ai_block": {\n  "x": 1\n }'
        "\n}\n"
        "```\n\n"
        "[Other](Other%20%28page%29.md) and **b**\n\n---\n"
    )


def test_a_database_of_the_api_is_a_page_with_a_table(tmp_path: Path, workspace: Workspace) -> None:
    """Rows of a database stand in its table with their properties, and lead to their pages."""
    base = {"object": "database", "id": made.notion_id("base"), "title": made.rich("Base")}
    rows = [
        made.page(f"Row {n}", parent={"database_id": base["id"]}, properties={"N": {"type": "number", "number": n}})
        for n in range(2)
    ]
    (tmp_path / "all.json").write_text(json.dumps({"results": [base, *rows]}))
    import_pages(workspace, tmp_path / "all.json")
    table = "| Name | N |\n| --- | --- |\n| [Row 0](Row%200.md) | 0 |\n| [Row 1](Row%201.md) | 1 |\n"
    assert workspace.text("Base.md") == f"# Base\n\n{table}"


def test_documents_become_pages_and_stay_as_they_are(tmp_path: Path, workspace: Workspace) -> None:
    """A docx and a pdf are pages with their text and attachments; a document that cannot be read is named."""
    from tests.pages.importing.office import docx, pdf

    folder = tmp_path / "papers"
    folder.mkdir()
    (folder / "plan.docx").write_bytes(docx("The plan", "Ship it in May."))
    (folder / "note.pdf").write_bytes(pdf("Sell the boat in June."))
    (folder / "torn.pdf").write_bytes(b"%PDF-1.7 torn")
    result = import_pages(workspace, folder)
    assert result.created == ("note.pdf.md", "plan.docx.md") and list(result.refused) == ["torn.pdf"]
    assert "Ship it in May." in workspace.text("plan.docx.md")
    assert "Sell the boat in June." in workspace.text("note.pdf.md")
    assert workspace.file("plan.docx") == (folder / "plan.docx").read_bytes() and workspace.file("torn.pdf")


def test_no_name_of_a_source_leads_out_or_is_hidden(tmp_path: Path, workspace: Workspace) -> None:
    """Names that climb, hide, clash or that some system cannot hold become plain ones, or are refused with a reason."""
    files = {
        "../../evil.md": b"x",
        "/abs.md": b"x",
        ".ssh/key.md": b"x",
        "con.md": b"x",
        "a:b?.md": b"x",
        "A.md": b"1",
        "a.md": b"2",
        "agentmem.toml": b"model = 'x'",
        f"{'n' * 300}.md": b"x",
        f"Page {made.notion_id('p')}.md": b"x",
    }
    result = import_pages(workspace, made.zipped(tmp_path / "e.zip", files), format="notion")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["e.zip", "pages"]
    assert set(result.refused) == {"con.md", "agentmem.toml"}
    assert {"evil.md", "abs.md", "ssh/key.md", "a-b-.md", "Page.md"} <= set(workspace.names()) | {"a-b.md"}
    assert len(workspace.names()) == 8 and max(map(len, workspace.names())) <= 120


WRONG = [("word", "no format 'word'"), (None, "looks like nothing"), ("html", "nothing to import")]


@pytest.mark.parametrize(("format", "said"), WRONG)
def test_what_cannot_be_imported_is_named(tmp_path: Path, workspace: Workspace, format: str | None, said: str) -> None:
    """An unknown format, an unknown source and an empty one are errors that say what there is."""
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match=said):
        import_pages(workspace, tmp_path / "empty", format=format)
    with pytest.raises(ConfigError, match="no file or folder"):
        import_pages(workspace, tmp_path / "nothing")


def test_an_import_is_remembered_by_its_sources_name(tmp_path: Path) -> None:
    """The name of a source is made of allowed characters."""
    assert source_name(tmp_path / "My Export (1)") == "My-Export--1-"


def test_an_export_never_overwrites(tmp_path: Path, workspace: Workspace) -> None:
    """A folder with files in it, an unknown import and an unknown format are refused."""
    workspace.write("a.md", "# A\n\n[b](b.md#B)\n")
    for place, settings, said in (
        (tmp_path, {}, "exists already"),
        (tmp_path / "new", {"source": "x"}, "nothing was imported"),
        (tmp_path / "new", {"format": "pdf"}, "no format 'pdf'"),
    ):
        with pytest.raises(ConfigError, match=said):
            export_pages(workspace, place, **settings)
    export_pages(workspace, tmp_path / "site", format="html")
    assert '<a href="b.html#B">b</a>' in (tmp_path / "site" / "a.html").read_text()

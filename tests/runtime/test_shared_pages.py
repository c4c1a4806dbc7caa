"""Pages in the database: another host has them as they were at the last entry, and nothing is lost between the two."""

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentmem.pages.workspace import Workspace
from agentmem.runtime.agent import Agent
from agentmem.transcript import kept_pages
from tests.postgres import new_database
from tests.runtime.agents import agent, call
from tests.transcript.databases import sql

WRITE = call("write", '{"page":"notes/a.md","text":"# A\\n\\nfirst\\n"}')


def pages(folder: Path) -> Mapping[str, tuple[bytes, int]]:
    """All files of a folder that are not hidden: their bytes and their permissions."""
    found = (path for path in folder.rglob("*") if path.is_file() and ".agentmem" not in path.parts)
    return {str(one.relative_to(folder)): (one.read_bytes(), one.stat().st_mode) for one in found}


def kept(one: Agent) -> dict[str, str]:
    """The pages in the database: names and contents' beginnings."""
    assert one.sessions.pages
    found = kept_pages.read(one.journal.storage, one.sessions.pages.workspace)
    return {name: row.page.revision[:8] for name, row in found.items() if row.page}


def test_another_host_goes_on_with_the_pages(tmp_path: Path, postgres_url: str) -> None:
    """A run that was cut off goes on in an empty folder with every page, byte for byte; the first folder follows."""
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    (here / "by hand.md").write_bytes(b"\xef\xbb\xbf# By hand\r\n")
    (here / "by hand.md").chmod(0o640)
    with (
        agent(here, [[WRITE], RuntimeError("the host dies")], database=postgres_url) as one,
        pytest.raises(RuntimeError),
    ):
        one.run("Write.", thread="t")
    was = pages(here)
    assert set(was) == {"by hand.md", "notes/a.md"}
    turns = [[WRITE], [call("write", '{"page":"notes/a.md","text":"second","overwrite":true}', "c2")], "Done."]
    with agent(there, turns, database=postgres_url) as two:
        two.sessions.pages.pull("t")  # type: ignore[union-attr]
        assert pages(there) == was
        assert two.run(thread="t").text == "Done."
    with agent(here, ["Hello."], database=postgres_url) as one:
        assert one.run("Hi.", thread="u").text == "Hello."
    assert pages(here) == pages(there)
    assert b"second" in pages(here)["notes/a.md"][0]


def test_pages_stand_with_their_entry(tmp_path: Path, postgres_url: str) -> None:
    """A page that a tool wrote is in the database once its result is, and not before; so is what others wrote."""
    seen: list[dict[str, str]] = []

    def look(request: object) -> object:
        seen.append(kept(one))
        if len(seen) == 2:
            (tmp_path / "outside.md").write_text("by another program")
            (tmp_path / "notes/a.md").unlink()
        return {1: WRITE, 2: call("ls")}.get(len(seen), "Done.")

    with agent(tmp_path, look, database=postgres_url) as one:  # type: ignore[arg-type]
        one.run("Write.", thread="t")
    assert [set(names) for names in seen] == [set(), {"notes/a.md"}, {"outside.md"}]


def test_an_edit_that_was_not_seen_is_kept_beside(tmp_path: Path, postgres_url: str) -> None:
    """What a person changed here while another host wrote the same page is not lost."""
    here, there = tmp_path / "here", tmp_path / "there"
    with agent(here, [[WRITE], "Done."], database=postgres_url) as one:
        one.run("Write.", thread="t")
    with agent(
        there,
        [[call("write", '{"page":"notes/a.md","text":"theirs","overwrite":true}')], "Done."],
        database=postgres_url,
    ) as two:
        two.sessions.pages.pull("t")  # type: ignore[union-attr]
        two.run("Write again.", thread="u")
    (here / "notes/a.md").write_text("mine")
    with agent(here, ["Hello."], database=postgres_url) as one:
        one.run("Hi.", thread="v")
    contents = {name: data for name, (data, _) in pages(here).items()}
    assert contents.pop("notes/a.md") == b"theirs"
    assert list(contents.values()) == [b"mine"]


def test_going_back_is_seen_elsewhere(tmp_path: Path, postgres_url: str) -> None:
    """A rollback changes the pages for other hosts too, at once."""
    here, there = tmp_path / "here", tmp_path / "there"
    with agent(here, [[WRITE], "Done."], database=postgres_url) as one:
        one.run("Write.", thread="t")
        before = next(point for point in one.checkpoints("t") if point.label == "before a run")
        one.rollback(before)
    assert pages(here) == {}
    with agent(there, ["Hello."], database=postgres_url) as two:
        two.sessions.pages.pull("t")  # type: ignore[union-attr]
        assert pages(there) == {}


def test_a_folder_with_pages_stays_its_own(tmp_path: Path, postgres_url: str) -> None:
    """A thread that goes on in a folder with other pages changes none of them."""
    here, other = tmp_path / "here", tmp_path / "other"
    with agent(here, [[WRITE], "Done."], database=postgres_url) as one:
        one.run("Write.", thread="t")
    other.mkdir()
    (other / "b.md").write_text("b")
    with agent(other, ["", "", "Hello."], database=postgres_url) as two:
        two.run("Hi.", thread="t")
    assert set(pages(other)) == {"b.md"}


def test_settings_stay_where_they_are(tmp_path: Path, postgres_url: str) -> None:
    """agentmem.toml is a person's, and does not go to other hosts."""
    (tmp_path / "agentmem.toml").write_text("")
    (tmp_path / "a.md").write_text("a")
    with agent(tmp_path, ["Hello."], database=postgres_url) as one:
        one.run("Hi.", thread="t")
        assert set(kept(one)) == {"a.md"}


def test_pages_go_with_the_last_thread(tmp_path: Path, postgres_url: str) -> None:
    """Forgetting a thread leaves the pages to the others; forgetting the last one leaves nothing in the database."""
    with agent(tmp_path, [[WRITE], "Done."], database=postgres_url) as one:
        one.run("Write.", thread="t")
        one.run("Write.", thread="u")
        one.forget("t")
        assert set(kept(one)) == {"notes/a.md"}
        one.forget("u")
        assert kept(one) == {}
    for table in ("blobs", "workspaces", "workspace_pages", "workspaces_of_threads"):
        assert sql(postgres_url, f"SELECT count(*) FROM {table}") == [(0,)]


def test_a_file_keeps_no_pages(tmp_path: Path) -> None:
    """With SQLite in the workspace itself there is nothing to share."""
    with agent(tmp_path, [[WRITE], "Done."]) as one:
        one.run("Write.", thread="t")
        assert one.sessions.pages is None


edits = st.lists(
    st.tuples(st.sampled_from(["a.md", "b.md", "in/c.md"]), st.none() | st.text("xyz\n", max_size=5)), max_size=4
)


@settings(max_examples=5)
@given(st.lists(edits, min_size=1, max_size=3))
def test_any_edits_arrive(
    tmp_path_factory: pytest.TempPathFactory, postgres: str, rounds: list[list[tuple[str, str | None]]]
) -> None:
    """Property: what is written and deleted between runs, by turns on two hosts, both have after the next run."""
    url, base = new_database(postgres), tmp_path_factory.mktemp("pages")
    places = (base / "here", base / "there")
    for number, round in enumerate(rounds):
        folder = places[number % 2]
        with agent(folder, ["Hello."] * 9, database=url) as one:
            one.sessions.pages.pull("t")  # type: ignore[union-attr]
            for name, text in round:
                if text is None:
                    (folder / name).unlink(missing_ok=True)
                else:
                    Workspace(folder).write(name, text)
            one.run(f"Go {number}.", thread="t")
        wanted = pages(folder)
        empty = base / f"empty {number}"
        with agent(empty, [], database=url) as other:
            other.sessions.pages.pull("t")  # type: ignore[union-attr]
        assert pages(empty) == wanted
        shutil.rmtree(empty)

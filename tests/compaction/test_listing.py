"""Lists of files, paths and commands: one list serves for the trail of files and for what calls named."""

from agentmem.compaction.artifacts import Artifact
from agentmem.compaction.listing import commands_listed, files_listed, trail_tokens
from agentmem.tokens import count


def test_lists_keep_their_room() -> None:
    """Those used last come first, and what does not fit is left out."""
    paths = {f"/w/folder_{at % 7}/file_{at}.py": at for at in range(200)}
    listed = files_listed((), paths, 300, 300)
    assert "file_199.py" in listed.text and "file_0.py" not in listed.text
    assert 20 < len(listed.paths) < 200
    assert "run 99" in commands_listed({f"run {at}": at for at in range(100)}, 120)
    assert commands_listed({"run": 1}, 0) == files_listed((), paths, 300, 0).text == ""


def test_the_trail_keeps_to_its_room() -> None:
    """Files that were changed come before those that were read; the rest is counted by state and folder."""
    read = tuple(Artifact(f"src/part_{at % 5}/module_{at}.py", "read", at) for at in range(1, 200))
    said = files_listed((Artifact("src/main.py", "changed", 2), *read), {}, 300, 300).text
    assert "- changed in src/: main.py [2]" in said and "more read in" in said
    assert count(said) < 400
    assert "module_199.py" in said and "module_1.py" not in said


def test_the_room_of_a_whole_trail() -> None:
    """In as many tokens as are said all files stand with their states, and not in half of them."""
    files = tuple(Artifact(f"src/part_{at % 5}/module_{at}.py", "read", at) for at in range(1, 60))
    need = trail_tokens(files)
    assert trail_tokens(()) == 0
    assert "more read" not in files_listed(files, {}, need, 0).text
    assert "more read" in files_listed(files, {}, need // 2, 0).text


def test_a_file_stands_once() -> None:
    """A path that calls named too is not listed again beside its state, also where one is the end of the other."""
    files = (Artifact("/w/src/a.py", "changed", 3), Artifact("lib/b.py", "read", 4), Artifact("a.py", "made", 5))
    listed = files_listed(files, {"src/a.py": 3, "/w/lib/b.py": 4, "/w/lib": 4, "/w/other/b.py": 5}, 500, 500)
    assert "- /w/other: b.py" in listed.text and "- /w: lib" in listed.text
    assert listed.text.count("b.py") == 2 and listed.text.count("a.py") == 2
    assert sorted(listed.paths) == ["/w/lib", "/w/other/b.py", "/w/src/a.py", "a.py", "lib/b.py"]


def test_what_the_trail_has_no_room_for_is_named() -> None:
    """A file whose state is only counted still stands among the paths that were named."""
    files = tuple(Artifact(f"/w/module_{at}.py", "read", at) for at in range(100))
    listed = files_listed(files, {one.path: one.seq for one in files}, 60, 100)
    assert "more read in /w/" in listed.text
    assert len(listed.paths) == len(set(listed.paths)) > 10

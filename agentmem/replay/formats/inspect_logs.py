"""Logs of Inspect: .json, or .eval, a zip archive with a file for each sample.

Each model event of a sample is a whole request. Samples without events have their messages, and usage for the last
reply alone. Texts that are kept as attachments are put back.
"""

import json
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from agentmem.kvcache.frames import frame
from agentmem.kvcache.reported import tokens_of
from agentmem.replay.formats.contents import moment_of, sent, usage_or_odd
from agentmem.replay.formats.message_list import RESULTS, Growth, said
from agentmem.replay.formats.telling import counted
from agentmem.replay.session import Exchange, RecordedSession, SkippedLine
from agentmem.replay.source import RecordingSource, Spool, parsed, values
from agentmem.types import Frame, Usage

Value = Mapping[str, Any]
_ZIP = b"PK\x03\x04"
_REFERENCES = ("attachment://", "tc://")


class Inspect:
    """Reads a log of either kind."""

    name = "inspect"

    def accepts(self, first: Any) -> bool:
        """A log says what was evaluated and by which plan; an archive is looked into later."""
        if isinstance(first, bytes):
            return first.startswith(_ZIP)
        return isinstance(first, dict) and isinstance(first.get("eval"), dict) and "plan" in first

    def sources(self, path: Path, spool: Spool) -> Iterator[RecordingSource | SkippedLine]:
        """One source for each sample."""
        with path.open("rb") as file:
            packed = file.read(len(_ZIP)) == _ZIP
        if packed:
            yield from self._archived(path, spool)
            return
        for line in values(path):
            if isinstance(line, SkippedLine):
                yield line
                continue
            model = str((line.value.get("eval") or {}).get("model") or "")
            for sample in line.value.get("samples") or ():
                yield self._source(path, line.number, {**sample, "_model": model}, spool)
            if not line.value.get("samples"):
                yield SkippedLine(str(path), line.number, "a log of Inspect without samples")

    def sessions(self, source: RecordingSource) -> Iterator[RecordedSession | SkippedLine]:
        """The sample's conversation. Requests that share nothing are conversations of their own."""
        sample, odd = parsed(source.data()), list[str]()
        try:
            session = _session(sample, source, odd)
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
            yield SkippedLine(source.path, source.line, f"{source.name} lacks what it should have: {error!r}")
            return
        yield from (SkippedLine(source.path, source.line, f"{source.name}: {one}") for one in odd)
        yield session or SkippedLine(source.path, source.line, f"{source.name}: no request in it, for nobody replied")

    def _archived(self, path: Path, spool: Spool) -> Iterator[RecordingSource | SkippedLine]:
        if not zipfile.is_zipfile(path):
            yield SkippedLine(str(path), 0, "a zip archive that is broken or cut off")
            return
        with zipfile.ZipFile(path) as archive:
            names = sorted(
                name for name in archive.namelist() if name.startswith("samples/") and name.endswith(".json")
            )
            if "header.json" not in archive.namelist() and not names:
                yield SkippedLine(str(path), 0, "a zip archive that is no .eval log of Inspect: unpack it first")
                return
            for name in names:
                try:
                    sample = json.loads(archive.read(name))
                except (ValueError, zipfile.BadZipFile, NotImplementedError, OSError) as error:
                    yield SkippedLine(str(path), 0, f"{name} cannot be read: {error}")
                    continue
                yield self._source(path, 0, sample, spool)

    def _source(self, path: Path, line: int, sample: Value, spool: Spool) -> RecordingSource:
        name = f"{path.name.partition('.')[0]}/{sample.get('id')}/{sample.get('epoch', 1)}"
        return spool.source(self.name, path, line, json.dumps(sample).encode(), name)


def _session(sample: Value, source: RecordingSource, odd: list[str]) -> RecordedSession | None:
    kept = sample.get("attachments") or {}
    events = [event for event in sample.get("events") or () if event.get("event") == "model"]
    requests = [_of_event(event) for event in events] or list(_of_messages(sample))
    growth = Growth()
    head: tuple[Frame, ...] = ()
    for at, (model, messages, reply, used) in enumerate(requests):
        frames = [_frames(message, kept) for message in messages]
        system = tuple(one for sort, found in frames if sort == "system" for one in found)
        head = head or system
        talk = [one for sort, found in frames if sort != "system" for one in found]
        when = next((moment_of(events[at][key]) for key in ("timestamp",) if events and events[at].get(key)), None)
        moment = (growth.exchanges[-1].at + 10.0 if growth.exchanges else 0.0) if when is None else when
        replied = tuple(_frames(reply, kept)[1]) if reply else ()
        own = system if system != head else None
        growth.add(talk, Exchange(moment, moment, model, (), replied, usage_or_odd(_usage, used, odd), head=own))
    if not growth.exchanges:
        return None
    provider = str(requests[0][0]).partition("/")[0] if "/" in str(requests[0][0]) else "unknown"
    return RecordedSession(source.name, source.path, tuple(growth.exchanges), head=head, provider=provider)


Asked = tuple[str, list[Any], Any, Any]
"""The model, the messages that it was sent, its reply and what it used, as the log has it."""


def _of_event(event: Value) -> Asked:
    output = event.get("output") or {}
    choices = output.get("choices") or ()
    reply = choices[0].get("message") if choices else None
    return (
        str(event.get("model") or output.get("model") or ""),
        list(event.get("input") or ()),
        reply,
        output.get("usage"),
    )


def _of_messages(sample: Value) -> Iterator[Asked]:
    """A request for each reply among the messages; what was used is told of the last."""
    messages = list(sample.get("messages") or ())
    output = sample.get("output") or {}
    model = str(sample.get("_model") or output.get("model") or "")
    places = [at for at, one in enumerate(messages) if isinstance(one, Mapping) and one.get("role") == "assistant"]
    for at in places:
        yield model, messages[:at], messages[at], output.get("usage") if at == places[-1] else None


def _frames(message: Value, kept: Value) -> tuple[str, list[Frame]]:
    """Whether a message is of the system or the conversation, and its blocks."""
    whole = _put_back(message, kept)
    role = str(whole.get("role") or "user")
    if role in ("system", "developer"):
        return "system", [frame("system", block) for block in sent(whole.get("content"))]
    if role == "assistant":
        calls = [
            {"id": call.get("id"), "function": {"name": call.get("function"), "arguments": call.get("arguments")}}
            for call in whole.get("tool_calls") or ()
        ]
        return "talk", [frame("message", block, "assistant") for block in said({**whole, "tool_calls": calls})]
    made = RESULTS.get(role)
    return "talk", [
        frame("message", block, "user") for block in ([made(whole)] if made else sent(whole.get("content")))
    ]


def _put_back(value: Any, kept: Value) -> Any:
    """The value with texts in place of references to them."""
    if isinstance(value, str):
        found = next((value.removeprefix(one) for one in _REFERENCES if value.startswith(one)), None)
        return value if found is None else kept.get(found, value)
    if isinstance(value, Mapping):
        return {key: _put_back(part, kept) for key, part in value.items()}
    return [_put_back(part, kept) for part in value] if isinstance(value, list) else value


def _usage(used: Any) -> Usage | None:
    """Input has the cached tokens in it for some providers, and not for others: the sum of all tells."""
    if not isinstance(used, Mapping):
        return None
    whole, output = tokens_of(used.get("input_tokens")), tokens_of(used.get("output_tokens"))
    read, written = (tokens_of(used.get(f"input_tokens_cache_{kind}")) for kind in ("read", "write"))
    apart = tokens_of(used.get("total_tokens")) >= whole + output + read + written
    return counted(whole, read, output, written, apart=apart)

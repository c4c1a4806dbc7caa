"""Blocks as a provider takes them, where an entry holds what it would refuse. Pure, so that a view stays so.

What a thread says is kept in its entries; here is decided how it is shown: empty text is left out, a picture that is
too large becomes a reference, ids and names are put into characters that are allowed.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from hashlib import sha256

from agentmem import images
from agentmem.transcript.transcript import Opening
from agentmem.types import Block, Image, Json, Opaque, Text, ToolCall, ToolResult

ID = re.compile(r"[a-zA-Z0-9_-]{1,40}")
"""Ids of calls that every provider takes: Anthropic's characters, OpenAI's length."""
CLAUDE_ID = re.compile(r"[a-zA-Z0-9_-]+")
NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
OF_ONE_MODEL = frozenset({"thinking", "redacted_thinking", "reasoning"})
"""Types of blocks that only the model which wrote them takes back."""
UNSHOWN = "[{what} is not shown because it {why}. It is kept as {reference}.]"
THOUGHT = "[What another model thought stood here.]"


def fitted(block: Block, settings: Opening, reference: str) -> Block | None:
    """A block as the model of ``settings`` takes it; None where nothing is to be shown of it."""
    match block:
        case Text(text):
            return block if text.strip() else None
        case Image():
            return sendable(block, reference) if settings.is_claude else block
        case ToolResult(call_id, content):
            shown = tuple(_inside(content, settings, reference))
            return replace(block, call_id=shown_id(call_id, settings), content=shown)
        case ToolCall(id, name):
            return replace(block, id=shown_id(id, settings), name=shown_name(name))
        case Opaque():
            return block


def _inside(
    content: Iterable[Text | Image | Opaque], settings: Opening, reference: str
) -> Iterable[Text | Image | Opaque]:
    for one in content:
        if isinstance(one, Image):
            yield sendable(one, reference) if settings.is_claude else one
        elif isinstance(one, Opaque) or one.text:
            yield one


def sendable(picture: Image, reference: str) -> Image | Text:
    """A picture that Claude takes, of the type that its bytes say; else a sentence that says why not."""
    media_type, data = images.mended(picture.media_type, picture.data)
    why = images.fault(media_type, data)
    if why is None:
        return Image(media_type, data)
    what = images.described(media_type, data).capitalize()
    return Text(UNSHOWN.format(what=what, why=why, reference=reference))


def shown_id(id: str, settings: Opening) -> str:
    """An id of a call that the model's provider takes."""
    return id if CLAUDE_ID.fullmatch(id) or not settings.is_claude else safe_id(id)


def safe_id(id: str, about: object = "") -> str:
    """An id that every provider takes, always the same for the same id and what it is ``about``."""
    return f"call_{sha256(f'{id} {about}'.encode('utf-8', 'replace')).hexdigest()[:24]}"


def shown_name(name: str) -> str:
    """A name of a tool that providers take. No tool has one of another form: a model made it up."""
    return name if NAME.fullmatch(name) else re.sub(r"[^a-zA-Z0-9_-]", "_", name)[:128] or "unnamed"


class Move:
    """What was said under ``before``, as the model of ``after`` takes it: frame by frame, in order.

    What only the provider or only the model before could read is left out. Under another provider every call has
    another id, made of what is known of the call alone: so ids come once, and a view is the same from wherever it is
    folded.
    """

    def __init__(self, before: Opening, after: Opening) -> None:
        self._after = after
        same = before.provider == after.provider or (not before.provider and before.is_claude)
        self._related = same and before.is_claude == after.is_claude and bool(before.provider or before.is_claude)
        self._counts: Counter[int] = Counter()
        self._calls: dict[str, str] = {}

    def begins(self) -> None:
        """The next frames are another reply's: the results after it are those of its calls."""
        self._calls = {}

    def shown(self, value: Json, seq: int, reference: str) -> Json | None:
        """A frame's value as it is from now on; None where it is left out."""
        match value:
            case {"type": "text", "text": str(text)}:
                return value if self._related else Text(text).wire()
            case {"type": "image"}:
                return self._picture(value, reference)
            case {"type": "tool_use"}:
                return {**value, "id": self._called(value["id"], seq)}
            case {"type": "tool_result", "tool_use_id": id, "content": content}:
                inner = [self._picture(one, reference) if one["type"] == "image" else one for one in content]
                return {**value, "tool_use_id": self._calls.get(id, id), "content": inner}
            case {"type": kind} if self._related and kind not in OF_ONE_MODEL:
                return value
            case {"type": "refusal", "refusal": str(text)} if text.strip():
                return Text(text).wire()
        return None

    def _called(self, id: str, seq: int) -> str:
        self._counts[seq] += 1
        kept = self._related and ID.fullmatch(id)
        self._calls[id] = id if kept else safe_id(id, (seq, self._counts[seq]))
        return self._calls[id]

    def _picture(self, value: Json, reference: str) -> Json:
        if not self._after.is_claude:
            return value
        source = value["source"]
        return sendable(Image(source["media_type"], source["data"]), reference).wire()

"""Real agents on recorded work: LangChain's and deepagents', with the real client over HTTP.

The recording's replies are the model's, and its results are the tools'. So every agent does the same work, and what
differs is what it sends. `AgentPolicy` gives that to the replay, which counts and judges it like any other policy.
"""

import json
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from queue import Queue
from tempfile import TemporaryDirectory
from typing import Any

from langchain_anthropic import ChatAnthropic
from langchain_core.messages import HumanMessage, SystemMessage
from langchain_core.tools import InjectedToolCallId, StructuredTool
from langgraph.checkpoint.memory import InMemorySaver
from pydantic import ConfigDict as Settings
from pydantic import SecretStr, create_model
from typing_extensions import Annotated  # noqa: UP035

from agentmem.compaction.when import Compaction
from agentmem.kvcache.frames import Frames
from agentmem.kvcache.prompts import body_prompt
from agentmem.replay.extractor import LIMIT, extract
from agentmem.replay.layout import Strip
from agentmem.replay.needed import NeededEvent, identity, spoken
from agentmem.replay.policies import Arrival, Sent, Terms
from agentmem.replay.run import Chain
from agentmem.replay.session import SessionOpening
from agentmem.testing import MessagesServer, ServerAnswer
from agentmem.tokens import value_tokens
from agentmem.types import Frame

ASKED = "This is not part of the task"
"""How our instruction for a summary begins."""
THREAD: Any = {"configurable": {"thread_id": "work"}, "recursion_limit": 1_000_000}
LOST = "[The recording has no result for this call.]"
PROMPT = "You work on a repository with the tools that you have. Be exact, and say what you do before you do it."

MODEL = "claude-opus-4-6"
Reach = Callable[[NeededEvent, str, str], bool]
"""Whether an agent brings a string back: the event, what was said before, what the last request shows."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What an agent is made of. ``clock`` tells the recording's time."""

    model: Any
    tools: Sequence[Any]
    prompt: SystemMessage
    saver: Any
    folder: Path
    budget: int
    clock: Callable[[], float]


Build = Callable[[Parts], tuple[Any, Reach]]
"""Makes an agent."""


def prompt_of(opening: SessionOpening) -> SystemMessage:
    """A system prompt in two blocks: one as long as the recording's tools and prompt, one as its reminders."""
    head = sum(one.tokens for one in opening.head)
    return SystemMessage([_lines(PROMPT, head), _lines("What holds here:", opening.tokens - head)])


def _lines(title: str, tokens: int) -> dict[str, Any]:
    line = "When you change a file, read the part that you change first, and say what the change is for.\n"
    many = max(0, round(tokens / value_tokens({"type": "text", "text": line * 100}) * 100))
    return {"type": "text", "text": f"{title}\n{line * many}"}


def warm(work: Chain, build: Build, budget: int) -> Chain:
    """The same work, whose sessions find an agent's tools and prompt in the cache where the recording's found theirs.

    An agent's own tools make its prompt longer, so what was found is as much longer.
    """
    head = sum(one.tokens for one in work.opening.head)
    first = work.exchanges[0]
    policy = AgentPolicy(Terms(work.opening, budget, work.provider, work.ttl), work, build)
    try:
        policy.send(Arrival(first.at, work.model_of(first), first.arrived))
        more = policy.head_tokens - head
    finally:
        policy.close()
    return replace(work, begins={at: found + more if found >= head else found for at, found in work.begins.items()})


class Work:
    """The tools of a recording: each call waits until its recorded result is handed in."""

    def __init__(self, names: Iterable[str]) -> None:
        self._results: dict[str, Any] = {}
        self._ready = threading.Condition()
        self.tools = [self._tool(name) for name in sorted(names)]

    def hand_in(self, results: Mapping[str, Any]) -> None:
        """Gives results, by the ids of their calls."""
        with self._ready:
            self._results.update(results)
            self._ready.notify_all()

    def _wait(self, call_id: str) -> Any:
        with self._ready:
            self._ready.wait_for(lambda: call_id in self._results)
            return self._results.pop(call_id)

    def _tool(self, name: str) -> StructuredTool:
        def run(tool_call_id: Annotated[str, InjectedToolCallId], **_given: Any) -> Any:
            return self._wait(tool_call_id)

        schema = create_model(
            name, __config__=Settings(extra="allow"), tool_call_id=(Annotated[str, InjectedToolCallId], ...)
        )
        return StructuredTool.from_function(run, name=name, description=f"The tool {name}.", args_schema=schema)


class AgentPolicy:
    """An agent as a policy of the replay: its requests are those that arrived at the server."""

    def __init__(self, terms: Terms, work: Chain, build: Build) -> None:
        self.settings: Mapping[str, Any] = {}
        self.bodies: list[Any] = []
        self.summaries: list[tuple[int, int]] = []
        self._budget = terms.budget
        self._known = {_key(one): one for each in work.exchanges for one in (*each.arrived, *each.reply)}
        self._folder = TemporaryDirectory(prefix="agentmem-work-", ignore_cleanup_errors=True)
        names = {one.value["name"] for each in work.exchanges for one in each.reply if one.value["type"] == "tool_use"}
        self._work = Work(names)
        self._asked: Queue[Any] = Queue()
        self._answers: Queue[ServerAnswer] = Queue()
        self._tasks: Queue[HumanMessage | None] = Queue()
        self._server = MessagesServer(self._reply, told=self._told).__enter__()
        model = ChatAnthropic(
            model_name=MODEL, base_url=self._server.url, api_key=SecretStr("x"), max_retries=0,
            timeout=600, stop=None, max_tokens_to_sample=8_000, profile={"max_input_tokens": terms.budget},
        )  # fmt: skip
        self._now = work.exchanges[0].at
        folder, saver, prompt = Path(self._folder.name), InMemorySaver(), prompt_of(terms.opening)
        parts = Parts(model, self._work.tools, prompt, saver, folder, terms.budget, lambda: self._now)
        self.agent, self._reach = build(parts)
        self._open: list[str] = []
        self._make, self._strip, self._shown = Frames(), Strip(), ""
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def send(self, arrival: Arrival) -> Sequence[Sent]:
        """Hands in what arrived, and gives the requests that it led to."""
        self._now = arrival.at
        self._hand_in(arrival.frames)
        sent: list[Sent] = []
        while True:
            asked = self._asked.get()
            if isinstance(asked, BaseException):
                raise asked
            body, summary = asked
            sent.append(self._sent(body, summary))
            if summary is None:
                return sent

    def reply(self, frames: Sequence[Frame]) -> None:
        """The recorded reply becomes the model's."""
        blocks = [dict(one.value) for one in frames if one.value["type"] in ("text", "tool_use") and _whole(one)]
        self._open = [one["id"] for one in blocks if one["type"] == "tool_use"]
        self._answers.put(ServerAnswer(blocks or [{"type": "text", "text": "Well."}]))

    def reaches(self, event: NeededEvent, asked: str) -> bool:
        return self._reach(event, asked, self._shown)

    @property
    def head_tokens(self) -> int:
        """The tokens of the last request's tools and of its prompt's first block."""
        prompt = body_prompt(self.bodies[-1], self._make)
        return sum(one.tokens for one in (*prompt.tools, *prompt.system[:1]))

    def close(self) -> None:
        """Ends the agent where it stands."""
        self._work.hand_in(dict.fromkeys(self._open, LOST))
        self._tasks.put(None)
        self._answers.put(ServerAnswer.text("The end."))
        self._thread.join(60)
        self._server.close()
        self._folder.cleanup()

    # What arrives.

    def _hand_in(self, frames: Sequence[Frame]) -> None:
        results = {one.value["tool_use_id"]: one.value for one in frames if one.value.get("type") == "tool_result"}
        said = [_said(one) for one in frames if one.value.get("tool_use_id") not in self._open]
        if not self._open:
            self._tasks.put(HumanMessage([block for blocks in said for block in blocks] or "Go on."))
            return
        given = {call_id: _content(results[call_id]) if call_id in results else LOST for call_id in self._open}
        last = self._open[-1]
        for block in (block for blocks in said for block in blocks):
            before = given[last] if isinstance(given[last], list) else [{"type": "text", "text": given[last]}]
            given[last] = [*before, block]
        self._work.hand_in(given)

    def _run(self) -> None:
        try:
            while (task := self._tasks.get()) is not None:
                self.agent.invoke({"messages": [task]}, THREAD, durability="exit")
        except BaseException as error:
            self._asked.put(error)

    # What is sent.

    def _reply(self, body: Any) -> ServerAnswer:
        self.bodies.append(body)
        last = body["messages"][-1]["content"]
        ours = not isinstance(last, str) and ASKED in str(last[-1].get("text", ""))
        if ours or not body.get("tools"):
            texts = [spoken(one) for one in body_prompt(body, self._make).messages]
            room = Compaction().sized(self._budget).summary if ours else LIMIT
            summary = extract(texts[:-1] if ours else texts, room)
            self._asked.put((body, summary))
            return ServerAnswer.text(summary)
        self._asked.put((body, None))
        return self._answers.get()

    def _told(self, path: str, status: int, value: Any) -> None:
        if status != 200:
            self._asked.put(RuntimeError(json.dumps(value)))
        elif self.bodies and (not self.bodies[-1].get("tools") or ASKED in json.dumps(self.bodies[-1]["messages"][-1])):
            used = value["usage"]
            whole = used["input_tokens"] + used["cache_read_input_tokens"] + used["cache_creation_input_tokens"]
            self.summaries.append((used["cache_read_input_tokens"], whole))

    def _sent(self, body: Any, summary: str | None) -> Sent:
        prompt = body_prompt(body, self._make)
        head = (*prompt.tools, *prompt.system)
        frames = [self._known.get(_key(one), one) for one in prompt.messages]
        made = None if summary is None else len(summary) // 4
        if summary is not None:
            return Sent((Strip(frames).run(),), summary=made, marks=prompt.breakpoints, own_head=head)
        known, cut = len(self._strip), False
        if known <= len(frames) and self._strip.frames == frames[:known]:
            self._strip.extend(frames[known:])
        else:
            self._strip, cut = Strip(frames), True
        if cut:
            self._shown = "\n".join(str(one.value) for one in frames if one.role == "user")
        return Sent((self._strip.run(),), cut=cut, marks=prompt.breakpoints, own_head=head)


def _key(one: Frame) -> object:
    """What is the same of a frame in the recording and in a request: blocks' keys may stand in another order."""
    value = one.value
    if value.get("type") == "tool_use":
        return ("tool_use", value["id"], json.dumps(value["input"], sort_keys=True))
    if value.get("type") == "text":
        return (one.role, value["text"])
    return identity(one)


def _whole(one: Frame) -> bool:
    return one.value["type"] != "text" or bool(str(one.value.get("text", "")).strip())


def _said(one: Frame) -> list[dict[str, Any]]:
    """What a person said in a frame: text as it is, and anything else by its name."""
    value = one.value
    if value.get("type") == "text":
        return [{"type": "text", "text": value["text"]}] if value["text"].strip() else []
    if value.get("type") == "tool_result":
        return [{"type": "text", "text": spoken(one)}] if spoken(one).strip() else []
    return [_named(value)]


def _content(value: Mapping[str, Any]) -> Any:
    """A result's content as a tool returns it: texts, and pictures without their bytes by name."""
    content = value.get("content") or ""
    if isinstance(content, str):
        return content or "(nothing)"
    parts = [dict(one) if one.get("type") == "text" else _named(one) for one in content]
    return [one for one in parts if one.get("text")] or "(nothing)"


def _named(value: Mapping[str, Any]) -> dict[str, Any]:
    """A block that is no text, by its name: a recording has no bytes of it."""
    return {"type": "text", "text": f"[{value.get('type', 'something')}]"}

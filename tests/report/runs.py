"""Runs for the report's tests: real entries and rows of the ledger, their usage from the cache simulator."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from agentmem.context.cut import Cut, Part, compaction
from agentmem.context.view import request
from agentmem.context.window import View, extend
from agentmem.kvcache.prompts import request_prompt
from agentmem.kvcache.rules import claude_rules
from agentmem.kvcache.simulated.simulator import Simulator
from agentmem.meter import ledger
from agentmem.meter.ledger import RequestMeter, Row
from agentmem.models.meters import output_tokens
from agentmem.transcript import transcript
from agentmem.transcript.journal import Journal
from agentmem.transcript.transcript import Opening, PinnedPage
from agentmem.types import Block, Draft, Message, ModelProfile, Reply, Text, ToolCall, ToolResult, Usage

MODEL = "claude-opus-5-5"
PROFILE = ModelProfile("anthropic", MODEL, "cloud")
TOOL = {"name": "read", "description": "Reads a page. " * 60, "input_schema": {"type": "object", "properties": {}}}
OPENING = Opening(
    MODEL,
    tools=(TOOL,),
    system=("You keep the pages of a bicycle workshop. " * 80,),
    pinned=(PinnedPage("Team.md", "r1", "# Team\n\nAda leads the team. " * 60),),
)
NOON = 1_764_158_400.0  # a Wednesday in November 2025


@dataclass
class Story:
    """A run that is being written: its thread, its clock, and the cache that its requests go to."""

    journal: Journal
    thread: str = "workshop"
    agent: str = "agent"
    opening: Opening = OPENING
    now: float = NOON
    cache: Simulator = field(default_factory=lambda: Simulator(claude_rules(MODEL)))
    view: View = field(default_factory=View)
    sent: View | None = None
    last: Row | None = None
    said: int = 0
    asked: str = ""

    def __post_init__(self) -> None:
        self.append(transcript.opening(self.opening))

    def append(self, *drafts: Draft) -> None:
        """Write entries."""
        for entry in self.journal.append(self.thread, drafts, head=self.view.seq):
            self.view = extend(self.view, entry)

    def user(self, text: str) -> None:
        """Somebody says something."""
        self.asked = text
        self.append(transcript.user(text))

    def work(self, result: str, turns: int = 1, pause: float = 20.0) -> None:
        """The model calls a tool, which gives ``result``, so many times."""
        for _ in range(turns):
            call = f"call_{self.said}"
            self.reply((Text("I look at that."), ToolCall(call, "read", '{"page": "Team.md"}')), pause=pause)
            self.append(transcript.tool_result(ToolResult(call, (Text(f"{call}: {result}"),))))

    def reply(self, blocks: Sequence[Block], pause: float = 20.0, break_: ledger.Break | None = None) -> Row:
        """One request, answered and metered."""
        self.now += pause
        row = self._metered(Message("assistant", tuple(blocks)))
        row = replace(row, break_=break_) if break_ else row
        view = self.view
        self.append(transcript.assistant(Reply(Message("assistant", tuple(blocks)), row.usage)), ledger.draft(row))
        self.sent, self.last, self.said = view, row, self.said + 1
        return row

    def fail(self, error: Exception) -> None:
        """A request that gets no reply."""
        asked = request(self.view, estimate=0, limit=1, thread=self.thread)
        self.append(ledger.draft(self._meter.failure(self.thread, asked, error, self.view, self.now)))

    def summarise(self, text: str) -> None:
        """A summariser's request, and the compaction that it was made for: all but the last turn leaves."""
        usage = Usage("simulated", cache_read_tokens=self.view.tokens, uncached_tokens=40, output_tokens=300)
        row = replace(self._metered(Message("assistant", (Text(text),))), purpose="summary", usage=usage, digest="s")
        last = self.view.starts[-2] - 1
        parts = (
            Part("user", 1, Text(self.asked)),
            Part("summary", 2, Text(text)),
            Part("result", 3, Text(f"Kept of {last}.")),
        )
        self.append(ledger.draft(row), compaction(Cut(last, parts, cuts=self.view.cuts + 1)))

    def reconfigure(self, opening: Opening) -> None:
        """A cut by other settings."""
        self.opening = opening
        self.append(transcript.reconfigure(opening))

    @property
    def _meter(self) -> RequestMeter:
        return RequestMeter(self.agent, PROFILE)

    def _metered(self, said: Message) -> Row:
        asked = request(self.view, estimate=0, limit=1, thread=self.thread)
        used = self.cache.send(request_prompt(asked), self.now, 1.0).usage
        reply = Reply(said, replace(used, output_tokens=output_tokens(said)), seconds=2.0, first_token_after=1.0)
        return self._meter.row(self.thread, asked, reply, self.view, self.sent, self.last, self.now)


HOSTILE = (
    "</script><script>window.hacked = 1</script><img src=x onerror='window.hacked = 1'>{{data}} & \u2028 \U0001f600"
)


def eventful(journal: Journal, thread: str = "workshop") -> Story:
    """A run in which everything happens: work, an expiry, a time in the system prompt, a compaction, a failure."""
    story = Story(journal, thread)
    story.user("What changed in the workshop since last week? " + HOSTILE)
    story.work("The chain of bicycle 12 was oiled. " * 60, turns=8)
    story.work("The brakes of bicycle 7 were mended. " * 50, pause=900.0)
    story.work("The lamp of bicycle 3 is new. " * 40, turns=4)
    for minute in (1, 2):
        story.reconfigure(replace(OPENING, system=(*OPENING.system, f"It is 12:0{minute}. {HOSTILE}")))
        story.work("The saddle of bicycle 9 is worn. " * 40, turns=3)
    story.summarise("Summary: bicycles 12, 7, 3 and 9 were looked at. " + "All is well. " * 60)
    story.work("The bell of bicycle 5 rings. " * 40, turns=5)
    story.fail(TimeoutError(f"no answer {HOSTILE}"))
    story.reply((Text("Nothing is left to do."),))
    return story


def long_run(journal: Journal, turns: int, thread: str = "long") -> Story:
    """So many turns, compacted every 60; the prefix changes at each compaction and expires now and then."""
    story = Story(journal, thread)
    story.user("Look after all bicycles.")
    for turn in range(turns - turns // 60):
        story.work(
            f"Bicycle {turn} has {turn % 7} faults. " * (5 + turn % 40), pause=700.0 if turn % 97 == 96 else 20.0
        )
        if turn % 59 == 58:
            seen = " ".join(f"Bicycle {one} has {one % 7} faults." for one in range(turn - 50, turn))
            story.summarise(f"Summary so far: {turn} bicycles were looked at. {seen}")
    return story

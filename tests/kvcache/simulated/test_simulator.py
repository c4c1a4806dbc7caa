"""The cache simulator: results computed by hand for every rule, and properties of any traffic."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from agentmem.kvcache.prompts import Prompt, body_prompt, request_prompt
from agentmem.kvcache.rules import CacheRules, Setting, rules
from agentmem.kvcache.simulated.simulator import Simulator
from agentmem.kvcache.why.fingerprints import CacheMiss
from agentmem.types import Frame, Mark, Options, Request, Role, Turn, Usage
from tests.kvcache.prompting import Block, block, prompt, text

RULES = replace(rules("claude-opus-5"), minimum=100)


def numbers(usage: Usage) -> tuple[int, int, int, int]:
    """(uncached, read, written for 5 min, written for 1 h)."""
    return (usage.uncached_tokens, usage.cache_read_tokens, usage.cache_write_5m_tokens, usage.cache_write_1h_tokens)


def run(*requests: tuple[float, Prompt], by: CacheRules = RULES) -> list[tuple[int, int, int, int]]:
    """Sends timed requests through a new cache, each answered at once."""
    simulator = Simulator(by)
    return [numbers(simulator.send(one, at).usage) for at, one in requests]


def conversation(count: int, tokens: int = 100) -> list[Frame]:
    """Alternating blocks of ``tokens`` each."""
    roles: tuple[Role, Role] = ("user", "assistant")
    return [text(f"block {index}", tokens, roles[index % 2]) for index in range(count)]


def test_without_breakpoints_nothing_is_cached() -> None:
    """Without breakpoints all input is plain, also the second time."""
    one = prompt(*conversation(3))
    assert run((0, one), (1, one)) == [(300, 0, 0, 0), (300, 0, 0, 0)]


def test_write_then_read() -> None:
    """The first request writes up to the marker, the second reads that and pays for the rest."""
    blocks = conversation(4)
    assert run((0, prompt(*blocks[:3], marks={1: "5m"})), (1, prompt(*blocks, marks={1: "5m"}))) == [
        (100, 0, 200, 0),
        (200, 200, 0, 0),
    ]


def test_a_growing_conversation_reads_all_but_its_tail() -> None:
    """A marker on the last block: each request reads what the one before wrote."""
    blocks = conversation(5)
    requests = [(index, prompt(*blocks[: index + 1], marks={index: "5m"})) for index in (0, 2, 4)]
    assert run(*requests) == [(0, 0, 100, 0), (0, 100, 200, 0), (0, 300, 200, 0)]


def test_below_the_minimum_nothing_happens_silently() -> None:
    """99 tokens up to the marker are not cached; 100 are."""
    short, enough = prompt(text("a", 99), marks={0: "5m"}), prompt(text("b", 100), marks={0: "5m"})
    assert run((0, short), (1, short), (2, enough), (3, enough)) == [
        (99, 0, 0, 0),
        (99, 0, 0, 0),
        (0, 0, 100, 0),
        (0, 100, 0, 0),
    ]


def test_a_marker_below_the_minimum_leaves_the_later_ones_alone() -> None:
    """Only the marker with enough tokens before it is written."""
    one = prompt(text("a", 60), text("b", 60), marks={0: "5m", 1: "5m"})
    other = prompt(text("a", 60), text("c", 60), marks={0: "5m", 1: "5m"})
    assert run((0, one), (1, other)) == [(0, 0, 120, 0), (0, 0, 120, 0)]


@pytest.mark.parametrize(("position", "read"), [(34, 0), (30, 0), (29, 1100)])
def test_lookback_of_twenty_positions_the_marker_counted(position: int, read: int) -> None:
    """An entry at block 11 (from 1) is found from a marker at block 30, whose look-back ends at 11, not from later."""
    blocks = conversation(40)
    first, second = prompt(*blocks[:11], marks={10: "5m"}), prompt(*blocks, marks={position: "5m"})
    assert run((0, first), (1, second))[1][1] == read


def test_the_documented_lookback_example() -> None:
    """Written at blocks 10 and 15; a marker at 35 checks 35 to 16: a miss. One at 34 finds the entry at 15."""
    blocks = conversation(40)
    writes = prompt(*blocks[:15], marks={9: "5m", 14: "5m"})
    assert run((0, writes), (1, prompt(*blocks[:35], marks={34: "5m"})))[1] == (0, 0, 3500, 0)
    assert run((0, writes), (1, prompt(*blocks[:34], marks={33: "5m"})))[1] == (0, 1500, 1900, 0)


def test_only_writes_are_found_not_what_lies_between() -> None:
    """A prefix without an entry at its end is not read: entries are only at breakpoints."""
    blocks = conversation(6)
    changed = [*blocks[:4], text("other", 100)]
    assert run((0, prompt(*blocks, marks={5: "5m"})), (1, prompt(*changed, marks={4: "5m"})))[1] == (0, 0, 500, 0)


def test_an_earlier_marker_saves_what_the_last_one_cannot_find() -> None:
    """With a marker on the stable part too, the changed tail costs only itself."""
    blocks = conversation(6)
    changed = [*blocks[:4], text("other", 100)]
    requests = (0, prompt(*blocks, marks={3: "5m", 5: "5m"})), (1, prompt(*changed, marks={3: "5m", 4: "5m"}))
    assert run(*requests)[1] == (0, 400, 100, 0)


@pytest.mark.parametrize(("ttl", "alive", "dead"), [("5m", 299.0, 300.0), ("1h", 3599.0, 3600.0)])
def test_lifetimes(ttl: str, alive: float, dead: float) -> None:
    """An entry lives 5 minutes or 1 hour from the start of the request that wrote it."""
    one = prompt(text("a", 100), marks={0: "1h" if ttl == "1h" else "5m"})
    assert run((0, one), (alive, one))[1][1] == 100
    assert run((0, one), (dead, one))[1][1] == 0


def test_a_read_refreshes_free_of_charge() -> None:
    """A read every 4 minutes keeps a 5-minute entry alive for an hour. Each lifetime counts from a request's start."""
    one = prompt(text("a", 100), marks={0: "5m"})
    reads = run(*((240.0 * index, one) for index in range(16)))
    assert reads == [(0, 0, 100, 0)] + [(0, 100, 0, 0)] * 15


def test_lifetime_runs_from_the_start_of_the_request_not_from_its_answer() -> None:
    """A response that begins after 4 minutes leaves its entry 1 minute to live."""
    simulator = Simulator(RULES)
    one = prompt(text("a", 100), marks={0: "5m"})
    simulator.send(one, 0, first_token_after=240)
    assert simulator.send(one, 299).usage.cache_read_tokens == 100
    simulator = Simulator(RULES)
    simulator.send(one, 0, first_token_after=240)
    assert simulator.send(one, 301).usage.cache_read_tokens == 0


def test_billing_with_both_lifetimes() -> None:
    """A = 200 read, B = the 1 h marker at 300, C = the 5 min marker at 500: 100 for 1 h, 200 for 5 min, 100 plain."""
    blocks = conversation(6)
    first = prompt(*blocks[:2], marks={1: "1h"})
    second = prompt(*blocks, marks={2: "1h", 4: "5m"})
    assert run((0, first), (1, second)) == [(0, 0, 0, 200), (100, 200, 200, 100)]


def test_billing_when_the_long_marker_lies_before_the_hit() -> None:
    """No 1 h marker after A: B is A, and only 5 min tokens are written."""
    blocks = conversation(5)
    first = prompt(*blocks[:3], marks={0: "1h", 2: "5m"})
    second = prompt(*blocks, marks={0: "1h", 4: "5m"})
    assert run((0, first), (1, second)) == [(0, 0, 200, 100), (0, 300, 200, 0)]


def test_the_long_entry_outlives_the_short_one() -> None:
    """After 10 idle minutes the tail has expired; tools and system, marked for 1 h, are read."""
    tools: tuple[Block, ...] = (("read", 300),)
    blocks = conversation(3)
    one = prompt(*blocks, tools=tools, marks={0: "1h", 3: "5m"})
    assert run((0, one), (600, one)) == [(0, 0, 300, 300), (0, 300, 300, 0)]


def test_parallel_cold_requests_all_miss() -> None:
    """Others can read what a request writes once its response has begun. Until then they write it again."""
    simulator = Simulator(RULES)
    one = prompt(text("a", 100), marks={0: "5m"})
    first, second = simulator.begin(one, 0.0), simulator.begin(one, 0.1)
    simulator.respond(first, 2.0)
    simulator.respond(second, 3.0)
    early, late = simulator.begin(one, 1.9), simulator.begin(one, 2.0)
    assert [numbers(each.usage) for each in (first, second, early, late)] == [
        (0, 0, 100, 0),
        (0, 0, 100, 0),
        (0, 0, 100, 0),
        (0, 100, 0, 0),
    ]


def test_prewarming_lets_a_fan_out_read() -> None:
    """One warm request, then ten at once: all ten read."""
    warm = prompt(text("shared", 500), marks={0: "5m"})
    fan = [(1.0, prompt(text("shared", 500), text(f"task {index}", 50), marks={0: "5m"})) for index in range(10)]
    assert run((0.0, warm), *fan)[1:] == [(50, 500, 0, 0)] * 10


LAYERS = prompt(
    text("a", 100),
    tools=(("read", 100),),
    system=(("be kind", 100),),
    marks={0: "5m", 1: "5m", 2: "5m"},
)


@pytest.mark.parametrize(
    ("changed", "read"),
    [
        (replace(LAYERS, model="claude-opus-5-1"), 0),
        (replace(LAYERS, tools=prompt(tools=(("write", 100),)).tools), 0),
        (replace(LAYERS, system=prompt(system=(("be rude", 100),)).system), 100),
        (replace(LAYERS, settings={"speed": '"fast"'}), 100),
        (replace(LAYERS, settings={"web_search": "true"}), 100),
        (replace(LAYERS, settings={"citations": "true"}), 100),
        (replace(LAYERS, settings={"tool_choice": '{"type":"any"}'}), 200),
        (replace(LAYERS, settings={"images": "true"}), 200),
        (replace(LAYERS, settings={"thinking": '{"type":"adaptive"}'}), 200),
        (replace(LAYERS, settings={"effort": '"low"'}), 200),
    ],
)
def test_what_a_change_invalidates(changed: Prompt, read: int) -> None:
    """Changed model or tools lose all. System, speed, web search and citations keep tools. Others lose messages."""
    assert run((0, LAYERS), (1, changed))[1] == (0, read, 300 - read, 0)


def test_settings_come_back() -> None:
    """A setting that is changed and changed back finds the old entry, because the key is content, not history."""
    plain = prompt(text("a", 100), marks={0: "5m"})
    changed = replace(plain, settings={"effort": '"low"'})
    assert [each[1] for each in run((0, plain), (1, changed), (2, plain))] == [0, 0, 100]


def thought(tokens: int, signature: str) -> Frame:
    """A thinking block."""
    return block("message", {"type": "thinking", "thinking": "hm", "signature": signature}, tokens, "assistant")


def call(identity: str) -> Frame:
    """A tool call."""
    return block("message", {"type": "tool_use", "id": identity, "name": "read", "input": {}}, 100, "assistant")


def result(identity: str) -> Frame:
    """A tool result."""
    return block("message", {"type": "tool_result", "tool_use_id": identity, "content": "ok"}, 100, "user")


def test_a_plain_user_turn_strips_thinking_on_older_models() -> None:
    """Thinking before the last plain user turn is neither sent nor counted, and the cache is lost from there."""
    before = [text("go", 100), thought(500, "s1"), call("t1"), result("t1")]
    after = [*before, text("fine", 100, "assistant"), text("more", 100)]
    requests = (0, prompt(*before, marks={3: "5m"})), (1, prompt(*after, marks={0: "5m", 5: "5m"}))
    assert run(*requests) == [(0, 0, 800, 0), (0, 800, 200, 0)]
    old = replace(RULES, strips_thinking=True)
    assert run(*requests, by=old) == [(0, 0, 800, 0), (0, 0, 500, 0)]


def test_a_tool_result_turn_keeps_thinking_on_older_models() -> None:
    """Within a tool loop thinking stays, also with a note beside the result."""
    before = [text("go", 100), thought(500, "s1"), call("t1"), result("t1")]
    after = [*before, text("note", 100), thought(500, "s2"), call("t2"), result("t2")]
    requests = (0, prompt(*before, marks={3: "5m"})), (1, prompt(*after, marks={7: "5m"}))
    assert run(*requests, by=replace(RULES, strips_thinking=True)) == [(0, 0, 800, 0), (0, 800, 800, 0)]


def test_reasons_of_a_miss() -> None:
    """Each reason for a miss is named, in the order of the key, with the tokens lost."""
    simulator = Simulator(RULES)
    base = prompt(text("a", 100), tools=(("read", 100),), system=(("kind", 100),), marks={2: "5m"}, diagnose=True)
    first = simulator.send(base, 0)
    other = prompt(text("b", 100), tools=(("write", 100),), system=(("rude", 100),), marks={2: "5m"})
    settings: dict[Setting, str] = {"effort": '"low"'}
    changes = [
        (replace(base, model="claude-opus-5-1"), CacheMiss("model_changed", 300)),
        (replace(base, tools=other.tools, system=other.system), CacheMiss("tools_changed", 300)),
        (replace(base, system=other.system), CacheMiss("system_changed", 300)),
        (replace(base, settings=settings), CacheMiss("unavailable")),
        (replace(base, messages=other.messages), CacheMiss("messages_changed", 300)),
        (replace(base, messages=()), CacheMiss("messages_changed", 300)),
        (replace(base, messages=base.messages + other.messages), None),
    ]
    for changed, expected in changes:
        marks = tuple(mark for mark in base.breakpoints if mark.position < len(changed.frames))
        sent = simulator.send(replace(changed, breakpoints=marks, previous_id=first.id), 1)
        assert sent.miss == expected


def test_reasons_need_an_earlier_request_that_asked_too() -> None:
    """Without an earlier fingerprint there is nothing to compare. The first request in a row asks with None."""
    simulator = Simulator(RULES)
    silent = simulator.send(prompt(text("a", 100)), 0)
    asked = prompt(text("a", 100), diagnose=True, previous_id=silent.id)
    assert simulator.send(asked, 1).miss == CacheMiss("previous_message_not_found")
    assert simulator.send(replace(asked, previous_id=None), 2).miss is None


def test_expiry_has_no_reason() -> None:
    """Reasons compare requests, not entries: an expired entry is not read, and there is no reason."""
    simulator = Simulator(RULES)
    one = prompt(text("a", 100), marks={0: "5m"}, diagnose=True)
    first = simulator.send(one, 0)
    later = simulator.send(replace(one, previous_id=first.id), 301)
    assert (later.usage.cache_read_tokens, later.miss) == (0, None)


def test_models_do_not_share_and_keep_their_own_minimum() -> None:
    """One simulator serves all models, each by its own rules."""
    simulator = Simulator(rules)
    opus, haiku = (
        prompt(text("a", 1000), marks={0: "5m"}, model=model) for model in ("claude-opus-5", "claude-haiku-4-5")
    )
    assert [numbers(simulator.send(one, 0).usage) for one in (opus, haiku, opus, haiku)] == [
        (0, 0, 1000, 0),
        (1000, 0, 0, 0),
        (0, 1000, 0, 0),
        (1000, 0, 0, 0),
    ]


def test_expired_entries_are_forgotten() -> None:
    """A long run of single prompts keeps no expired entries."""
    simulator = Simulator(RULES)
    for index in range(5000):
        simulator.send(prompt(text(f"{index}", 100), marks={0: "5m"}), float(index))
    assert simulator.stored <= 2048


# A body and a Request are read alike.


def body() -> dict[str, object]:
    """A body with breakpoints everywhere that they can be."""
    return {
        "model": "claude-opus-5",
        "max_tokens": 10,
        "tools": [{"name": "read", "input_schema": {"type": "object"}, "cache_control": {"type": "ephemeral"}}],
        "system": [{"type": "text", "text": "be kind", "cache_control": {"type": "ephemeral", "ttl": "1h"}}],
        "output_config": {"effort": "low"},
        "tool_choice": {"type": "auto"},
        "messages": [
            {"role": "user", "content": "go"},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "read", "input": {"a": 1}}]},
            {
                "role": "user",
                "content": [
                    {
                        "type": "tool_result",
                        "tool_use_id": "t",
                        "content": [{"type": "text", "text": "ok", "cache_control": {"type": "ephemeral"}}],
                    },
                    {"type": "text", "text": "and?"},
                ],
            },
        ],
    }


def test_breakpoints_of_a_body() -> None:
    """Breakpoints are found on tools, system and blocks inside tool results. The top-level one is on the last block."""
    found = body_prompt(body())
    assert [(mark.position, mark.ttl) for mark in found.breakpoints] == [(0, "5m"), (1, "1h"), (4, "5m")]
    automatic = body_prompt({**body(), "cache_control": {"type": "ephemeral", "ttl": "5m"}})
    assert [(mark.position, mark.ttl) for mark in automatic.breakpoints][3:] == [(5, "5m")]


def test_automatic_breakpoint_skips_thinking() -> None:
    """The top-level breakpoint is on the last block that can carry one. Beside an explicit one it adds none."""
    messages = [
        {"role": "user", "content": [{"type": "text", "text": "go"}]},
        {"role": "assistant", "content": [{"type": "thinking", "thinking": "", "signature": "s"}]},
    ]
    automatic = {"model": "m", "messages": messages, "cache_control": {"type": "ephemeral"}}
    assert [mark.position for mark in body_prompt(automatic).breakpoints] == [0]
    marked = {"role": "user", "content": [{"type": "text", "text": "go", "cache_control": {"type": "ephemeral"}}]}
    assert [mark.position for mark in body_prompt({**automatic, "messages": [marked]}).breakpoints] == [0]


def test_settings_of_a_body() -> None:
    """Effort and tool choice are read from their fields; images, citations and web search from the blocks."""
    assert body_prompt(body()).settings == {"effort": '"low"', "tool_choice": '{"type": "auto"}'}
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": ""}}
    content = [
        {"type": "tool_result", "tool_use_id": "t", "content": [picture]},
        {"type": "document", "source": {}, "citations": {"enabled": True}},
    ]
    search = {"type": "web_search_20250305", "name": "web_search"}
    other = {"model": "m", "tools": [search], "messages": [{"role": "user", "content": content}]}
    assert body_prompt(other).settings == {"images": "true", "citations": "true", "web_search": "true"}


def test_a_request_is_read_like_the_body_it_becomes() -> None:
    """`request_prompt` gives the positions that the server will find in the body."""
    tools = (block("tool", {"name": "read"}, 1),)
    system = (block("system", {"type": "text", "text": "s"}, 1),)
    turns = (
        Turn("user", (text("a", 1), text("b", 1))),
        Turn("assistant", (text("c", 1, "assistant"),)),
        Turn("user", (text("d", 1), text("e", 1))),
    )
    marks = (Mark("message", 2, 1, "5m"), Mark("tool", 0, 0, "1h"), Mark("system", 0, 0, "1h"))
    request = Request("claude-opus-5", tools, system, turns, Options(effort="low"), marks, previous_id="msg_1")
    found = request_prompt(request)
    assert [(mark.position, mark.ttl) for mark in found.breakpoints] == [(0, "1h"), (1, "1h"), (6, "5m")]
    assert found.settings == {"effort": '"low"'}
    assert (len(found.frames), found.previous_id) == (7, "msg_1")


# Invariants, over any traffic.

Timed = tuple[float, list[int], list[int]]
"""Seconds since the request before, the identities of its blocks, and the markers' places as shares of its length."""

timed = st.tuples(
    st.floats(0, 400),
    st.lists(st.integers(0, 2), min_size=1, max_size=40),
    st.lists(st.integers(0, 99), min_size=1, max_size=4),
)
traffic = st.lists(timed, min_size=1, max_size=12)


def sent(requests: Sequence[Timed], extra: int | None = None) -> list[tuple[float, Prompt]]:
    """The traffic as timed prompts of 100 tokens a block, each with one more breakpoint at ``extra`` if given."""
    now, made = 0.0, []
    for gap, blocks, places in requests:
        now += gap
        marks = {place * len(blocks) // 100 for place in [*places, *([] if extra is None else [extra])]}
        messages = (text(f"{identity}", 100) for identity in blocks)
        made.append((now, prompt(*messages, marks=dict.fromkeys(marks, "5m"))))
    return made


def common(one: Prompt, others: Sequence[Prompt]) -> int:
    """Tokens of the longest prefix that ``one`` shares with any of ``others``."""
    longest = 0
    for other in others:
        shared = 0
        for mine, theirs in zip(one.frames, other.frames, strict=False):
            if mine != theirs:
                break
            shared += mine.tokens
        longest = max(longest, shared)
    return longest


@given(traffic)
def test_a_hit_never_exceeds_the_common_prefix(requests: list[Timed]) -> None:
    """Nothing is read that no earlier request sent, and every token is billed exactly once."""
    prompts = sent(requests)
    for index, usage in enumerate(run(*prompts)):
        assert usage[1] <= common(prompts[index][1], [one for _, one in prompts[:index]])
        assert sum(usage) == sum(frame.tokens for frame in prompts[index][1].frames)


@given(traffic, st.integers(0, 99))
def test_more_breakpoints_never_read_less(requests: list[Timed], extra: int) -> None:
    """One more marker on each request: no request reads less, as long as nothing expires.

    A read keeps the entry alive that it read, and no shorter one.
    """
    assume(sum(gap for gap, _, _ in requests) < 300)
    fewer, more = run(*sent(requests)), run(*sent(requests, extra))
    assert all(richer[1] >= poorer[1] for poorer, richer in zip(fewer, more, strict=True))


@given(traffic)
def test_an_endless_lifetime_never_reads_less(requests: list[Timed]) -> None:
    """Entries that never expire are read at least as often."""
    prompts = sent(requests)
    mortal, endless = run(*prompts), run(*prompts, by=RULES.everlasting())
    assert all(longer[1] >= shorter[1] for shorter, longer in zip(mortal, endless, strict=True))

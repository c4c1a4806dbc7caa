"""Caches of other providers: results computed by hand for each way of matching, and properties of all."""

from array import array
from collections import OrderedDict
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentmem.kvcache.frames import frame
from agentmem.kvcache.prompts import Breakpoint, Prompt
from agentmem.kvcache.rules import (
    DEEPSEEK,
    GPT_AUTOMATIC,
    GPT_BREAKPOINTS,
    LLAMA_CPP,
    LMCACHE,
    SGLANG,
    VLLM,
    CacheRules,
    rules,
)
from agentmem.kvcache.simulated.simulators import BlockStore, Units, block_keys, common, prompt_ids, simulate
from agentmem.types import Frame, Role
from tests.kvcache.prompting import text


def words(*counts: tuple[str, int], role: Role = "user") -> Frame:
    """A block of one id for itself and one for each word: ("a", 9) is nine words "a"."""
    return frame("message", {"type": "text", "text": "".join(f" {word}" * count for word, count in counts)}, role)


def prompt(*blocks: Frame, marks: tuple[int, ...] = (), model: str = "m") -> Prompt:
    """A prompt of messages."""
    return Prompt(model, (), (), blocks, breakpoints=tuple(Breakpoint(place, "5m") for place in marks))


def reads(by: CacheRules, *requests: tuple[float, Prompt]) -> list[int]:
    """The tokens that each of these timed requests reads from a new cache."""
    simulator = simulate(by)
    return [simulator.send(one, at).usage.cache_read_tokens for at, one in requests]


def test_a_block_of_words_is_as_long_as_it_says() -> None:
    """The results below count on this: a block is one id in front and one id for each word."""
    assert len(prompt_ids(prompt(words(("a", 9))))) == 10
    assert len(prompt_ids(prompt(words(("a", 5), ("b", 6)), words(("c", 7), role="assistant")))) == 20


# OpenAI up to 5.5: any prefix, from 1024 tokens, in steps of 128.


@pytest.mark.parametrize(
    ("shared", "read"),
    [(1022, 0), (1023, 1024), (1150, 1024), (1151, 1152), (1300, 1280)],
)
def test_gpt_steps(shared: int, read: int) -> None:
    """1023 shared words and their head are 1024 ids, the first step that is cached; then each 128."""
    first, second = (prompt(words(("a", shared), (tail, 500))) for tail in "bc")
    assert reads(GPT_AUTOMATIC, (0, first), (1, second)) == [0, read]


def test_gpt_lifetime_and_free_writes() -> None:
    """An entry unused for 5 minutes is gone, each use renews it, and writing costs nothing."""
    one = prompt(words(("a", 1279)))
    assert reads(GPT_AUTOMATIC, (0, one), (299, one), (598, one), (898, one)) == [0, 1280, 1280, 0]
    usage = simulate(GPT_AUTOMATIC).send(one, 0).usage
    assert (usage.uncached_tokens, usage.cache_write_5m_tokens, usage.cache_write_1h_tokens) == (1280, 0, 0)


# OpenAI from 5.6: at breakpoints only.


def gpt(*blocks: Frame, marks: tuple[int, ...] = ()) -> Prompt:
    """A prompt whose blocks have these token counts."""
    return prompt(*blocks, marks=marks, model="gpt-5.6")


def test_gpt_56_reads_a_growing_conversation() -> None:
    """The automatic breakpoint at the last user message is found by the next request, however many blocks later."""
    blocks = [text(f"{n}", 600, "user" if n % 2 == 0 else "assistant") for n in range(61)]
    assert reads(GPT_BREAKPOINTS, (0, gpt(*blocks[:3])), (1, gpt(*blocks[:5])), (2, gpt(*blocks))) == [0, 1800, 3000]


def test_gpt_56_reads_nothing_of_a_changing_tail_without_a_breakpoint() -> None:
    """A large stable block with a changing question in one message is not read, until the block has a breakpoint."""
    stable = text("rules", 5000)
    first, second = gpt(stable, text("a", 100)), gpt(stable, text("b", 100))
    assert reads(GPT_BREAKPOINTS, (0, first), (1, second)) == [0, 0]
    marked = [gpt(stable, text(tail, 100), marks=(0,)) for tail in "ab"]
    assert reads(GPT_BREAKPOINTS, (0, marked[0]), (1, marked[1])) == [0, 5000]


def test_gpt_56_bills_its_writes_and_lives_for_half_an_hour() -> None:
    """Written once at 1.25 times the price, read for 30 minutes."""
    one = gpt(text("a", 2000))
    simulator = simulate(GPT_BREAKPOINTS)
    assert simulator.send(one, 0).usage.cache_write_5m_tokens == 2000
    assert reads(GPT_BREAKPOINTS, (0, one), (1799, one), (3598, one), (5398, one)) == [0, 2000, 2000, 0]
    assert GPT_BREAKPOINTS.write["5m"] == 1.25


def test_gpt_56_writes_at_four_breakpoints_at_most() -> None:
    """The automatic breakpoint and the latest three are written: the first of four explicit ones is not."""
    blocks = [text(f"{n}", 1100) for n in range(6)]
    first = gpt(*blocks, marks=(0, 1, 2, 3))
    assert reads(GPT_BREAKPOINTS, (0, first), (1, gpt(blocks[0], text("x", 10)))) == [0, 0]
    assert reads(GPT_BREAKPOINTS, (0, first), (1, gpt(*blocks[:2], text("x", 10), marks=(1,)))) == [0, 2200]


def test_gpt_versions() -> None:
    """The rules changed with 5.6; a name without a version gets the older ones, as a guess."""
    matching = {name: rules(name, "openai").matching for name in ("gpt-4o", "gpt-5.5", "gpt-5.6-mini", "gpt-6", "o7")}
    assert matching == {
        "gpt-4o": "blocks",
        "gpt-5.5": "blocks",
        "gpt-5.6-mini": "breakpoints",
        "gpt-6": "breakpoints",
        "o7": "blocks",
    }
    assert not rules("o7", "openai").documented


# DeepSeek: whole units.


def test_deepseek_reads_a_conversation_to_the_end_of_its_reply() -> None:
    """The documentation's first example: A + B, then A + B + C. The reply in between is a unit as well."""
    a, b, c = words(("a", 99)), words(("b", 49), role="assistant"), words(("c", 9))
    assert reads(DEEPSEEK, (0, prompt(a)), (1, prompt(a, b, c))) == [0, 150]
    edited = words(("x", 49), role="assistant")
    assert reads(DEEPSEEK, (0, prompt(a)), (1, prompt(a, b, c)), (2, prompt(a, edited, c)))[2] == 150 - 50 + 50


def test_deepseek_finds_a_common_prefix_the_third_time() -> None:
    """The second example: A + B, A + C reads nothing, and A + D reads A."""
    requests = [(float(n), prompt(words(("a", 99), (tail, 50)))) for n, tail in enumerate("bcd")]
    assert reads(DEEPSEEK, *requests) == [0, 0, 100]


def test_deepseek_lifetime() -> None:
    """Units live for hours."""
    a = prompt(words(("a", 99)))
    assert reads(DEEPSEEK, (0, a), (3 * 3600, a), (8 * 3600, a)) == [0, 100, 0]


# Engines of one's own.


@pytest.mark.parametrize(
    ("by", "read"),
    [(VLLM, 592), (SGLANG, 600), (LMCACHE, 512), (LLAMA_CPP, 600)],
    ids=["vllm", "sglang", "lmcache", "llama.cpp"],
)
def test_engines_read_what_prompts_have_in_common(by: CacheRules, read: int) -> None:
    """600 ids in common: 37 blocks of 16, 2 chunks of 256, or each of them."""
    first, second = (prompt(words(("a", 599), (tail, 100))) for tail in "bc")
    assert reads(by, (0, first), (1e9, second)) == [0, read]


@pytest.mark.parametrize(
    ("by", "read"), [(VLLM, 144), (SGLANG, 159), (LLAMA_CPP, 159)], ids=["vllm", "sglang", "llama"]
)
def test_engines_process_the_last_token_again(by: CacheRules, read: int) -> None:
    """A prompt that is stored in full still needs its last token processed. In vLLM that costs the whole last block."""
    one = prompt(words(("a", 159)))
    assert reads(by, (0, one), (1, one)) == [0, read]


def test_generated_tokens_are_stored_too() -> None:
    """An assistant turn after a known prompt was generated here, so its tokens are stored. After another it was not."""
    ask, said, more = words(("a", 159)), words(("b", 159), role="assistant"), words(("c", 79))
    assert reads(VLLM, (0, prompt(ask)), (1, prompt(ask, said, more))) == [0, 320]
    assert reads(VLLM, (0, prompt(ask, words(("x", 9)))), (1, prompt(ask, said, more))) == [0, 160]


def test_capacity_evicts_the_least_recently_used() -> None:
    """Room for 320 tokens: a third prompt of 160 pushes out the one that was not used since."""
    a, b, c = (prompt(words((name, 160))) for name in "abc")
    small = replace(VLLM, capacity=320)
    assert reads(small, (0, a), (1, b), (2, a), (3, c), (4, a), (5, b)) == [0, 0, 160, 0, 160, 0]


def test_a_slot_holds_its_last_prompt_only() -> None:
    """Two conversations that take turns in one slot of llama.cpp keep only the prefix that they share."""
    a, b = (prompt(words(("s", 9), (name, 90))) for name in "ab")
    assert reads(LLAMA_CPP, (0, a), (1, b), (2, a)) == [0, 10, 10]


def test_models_do_not_share() -> None:
    """The same words sent to another model read nothing."""
    one = prompt(words(("a", 159)))
    assert reads(VLLM, (0, one), (1, replace(one, model="other"))) == [0, 0]


def test_what_is_not_processed_yet_cannot_be_read() -> None:
    """Two equal requests at once both process everything."""
    simulator = simulate(VLLM)
    one = prompt(words(("a", 160)))
    first, second = simulator.begin(one, 0), simulator.begin(one, 0)
    simulator.respond(first, 1)
    simulator.respond(second, 1)
    third = simulator.send(one, 2)
    assert [each.usage.cache_read_tokens for each in (first, second, third)] == [0, 0, 160]


# Invariants.

ALL = [GPT_AUTOMATIC, DEEPSEEK, VLLM, replace(VLLM, capacity=64), SGLANG, LLAMA_CPP]
texts = st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 40)), min_size=1, max_size=4)
traffic = st.lists(st.tuples(st.floats(0, 400), texts), min_size=1, max_size=10)


@settings(deadline=None)
@pytest.mark.parametrize("by", ALL, ids=lambda by: f"{by.family} {by.capacity or ''}")
@given(requests=traffic)
def test_a_hit_never_exceeds_the_common_prefix(
    by: CacheRules, requests: list[tuple[float, list[tuple[str, int]]]]
) -> None:
    """Nothing is read that was not sent before, and every token is counted once."""
    easy = replace(by, minimum=0, block=min(by.block, 16))
    simulator, now, before = simulate(easy), 0.0, list[Prompt]()
    for gap, parts in requests:
        now += gap
        one = prompt(words(*parts))
        usage = simulator.send(one, now).usage
        assert usage.input_tokens == len(prompt_ids(one))
        assert usage.cache_read_tokens <= max((common(prompt_ids(one), prompt_ids(old)) for old in before), default=0)
        before.append(one)


@settings(deadline=None)
@pytest.mark.parametrize("by", ALL, ids=lambda by: f"{by.family} {by.capacity or ''}")
@given(requests=traffic)
def test_an_endless_lifetime_never_reads_less(
    by: CacheRules, requests: list[tuple[float, list[tuple[str, int]]]]
) -> None:
    """Entries that never expire are read at least as often."""
    easy = replace(by, minimum=0, block=min(by.block, 16))
    now, timed = 0.0, list[tuple[float, Prompt]]()
    for gap, parts in requests:
        now += gap * 50
        timed.append((now, prompt(words(*parts))))
    mortal, endless = reads(easy, *timed), reads(easy.everlasting(), *timed)
    assert all(longer >= shorter for shorter, longer in zip(mortal, endless, strict=True))


def test_only_leading_blocks_count() -> None:
    """A stored block after a missing one is of no use."""
    store = BlockStore()
    store.store([1, 2, 3])
    assert [store.read(keys) for keys in ([1, 2, 3], [1, 2, 9, 3], [9, 1, 2], [])] == [3, 2, 0, 0]


def test_the_least_recently_used_leaves_tail_first() -> None:
    """With room for four, the chain 1-2-3 loses its tail when two more come. Blocks that were read stay longer."""
    store = BlockStore(capacity=4)
    store.store([1, 2, 3])
    store.store([7, 8])
    assert (store.read([1, 2, 3]), len(store)) == (2, 4)
    store.store([9])
    assert (store.read([7, 8]), store.read([1, 2])) == (1, 2)


def test_lifetime_from_the_last_use() -> None:
    """A block lives ten seconds after it was stored or read."""
    store = BlockStore(lifetime=10)
    store.store([1], 0)
    assert [store.read([1], at) for at in (9, 18, 28)] == [1, 1, 0]
    store.store([2], 50)
    assert len(store) == 1


def test_block_keys_stand_for_all_that_comes_before() -> None:
    """Full blocks only; one id changed changes its block's key and all later ones."""
    ids = array("I", range(10))
    keys = block_keys(ids, 3)
    assert len(keys) == 3
    ids[4] = 99
    changed = block_keys(ids, 3)
    assert [one == other for one, other in zip(keys, changed, strict=True)] == [True, False, False]


@given(st.lists(st.lists(st.integers(0, 3), max_size=8), max_size=20), st.integers(1, 6))
def test_more_room_never_reads_less(chains: list[list[int]], room: int) -> None:
    """Least recently used: what a small store reads, a larger one reads too. No store is over its capacity."""
    keys = [[hash(tuple(chain[: end + 1])) for end in range(len(chain))] for chain in chains]
    small, large = BlockStore(room), BlockStore(room + 3)
    for one in keys:
        assert small.read(one) <= large.read(one)
        small.store(one)
        large.store(one)
        assert len(small) <= room


class _PlainUnits:
    """Units as they are documented, each looked at by itself."""

    def __init__(self) -> None:
        self.units: OrderedDict[tuple[int, ...], float] = OrderedDict()
        self.prompts: list[tuple[int, ...]] = []

    def read(self, ids: tuple[int, ...], now: float) -> int:
        longest = max((one for one, until in self.units.items() if until > now and ids[: len(one)] == one), key=len)
        self.keep(longest, now)
        return len(longest)

    def store(self, ids: tuple[int, ...], now: float) -> None:
        shared = max((common(array("I", ids), array("I", one)) for one in self.prompts), default=0)
        for unit in (ids, ids[:shared]) if shared else (ids,):
            self.keep(unit, now)
        self.prompts = [one for one in self.prompts if one != ids] + [ids]

    def keep(self, unit: tuple[int, ...], now: float) -> None:
        self.units[unit] = max(self.units.get(unit, 0.0), now + DEEPSEEK.lifetimes["5m"])


rows = st.lists(st.sampled_from((0, 1, 255, 256, 65_536, 1 << 24)), max_size=6).map(tuple)
turns = st.tuples(rows, st.sampled_from((1.0, 9_000.0, 20_000.0)), st.booleans())


@settings(max_examples=200, deadline=None)
@given(st.lists(turns, min_size=1, max_size=25))
def test_units_are_found_as_if_each_were_looked_at(asked: list[tuple[tuple[int, ...], float, bool]]) -> None:
    """The longest living prefix and the longest shared part, whatever else is stored and whatever has expired."""
    units, plain, now = Units(DEEPSEEK), _PlainUnits(), 0.0
    plain.units[()] = float("inf")
    for row, later, stored in asked:
        now += later
        assert units.read(array("I", row), now) == plain.read(row, now)
        if stored:
            units.store(array("I", row), now)
            plain.store(row, now)


def test_units_that_go_on_from_each_other_are_not_all_looked_at() -> None:
    """A long conversation: each request looks at a few of what is stored, however much that is."""
    units, looked, row = Units(DEEPSEEK), [0], array("I")

    class Watched(dict[bytes, float]):
        def __getitem__(self, unit: bytes) -> float:
            looked[0] += 1
            return float(super().__getitem__(unit))

    for turn in range(600):
        row = row + array("I", [turn] * 5)
        units.read(row, float(turn))
        units.store(row, float(turn))
    units._units = Watched(units._units)  # type: ignore[assignment]
    assert units._longest(row.tobytes(), 600.0) == row.tobytes()
    assert units._longest(row[:-1].tobytes() + b"\xff" * 8, 600.0) == row[:-5].tobytes()
    assert looked[0] <= 4

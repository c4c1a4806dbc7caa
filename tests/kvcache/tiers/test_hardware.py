"""Chips, models and what an engine of them does."""

from dataclasses import replace

import pytest

from agentmem.errors import ConfigError
from agentmem.kvcache.tiers.hardware import CHIPS, MODELS, VERSIONS, EngineSpec


def test_every_row_says_where_it_comes_from() -> None:
    """Chips, models and versions have a source, chips and versions a date, and a maker's word is marked as a claim."""
    dated = [(one.source, one.dated, one.claim) for one in CHIPS.values()]
    dated += [(one.source, one.dated, one.claim) for one in VERSIONS.values()]
    assert all(source and len(month) == 7 for source, month, _ in dated)
    assert all(claim for source, _, claim in dated if "NVIDIA" in source or "blog" in source)
    assert all(one.source for one in MODELS.values())


def test_an_engine_takes_the_chips_that_it_needs() -> None:
    """The fewest, in powers of two, that hold the weights and as many bytes of KV."""
    made = EngineSpec.named("H100", "llama-3.3-70b")
    assert made.chips == 2
    assert made.kv_tokens * made.model.kv_bytes == pytest.approx(2 * 72e9 - 70.6e9, rel=1e-3)


@pytest.mark.parametrize(
    ("chip", "model", "chips"), [("H101", "qwen3-32b", None), ("H100", "x", None), ("LPU", "deepseek-r1", 1)]
)
def test_what_cannot_be_is_said(chip: str, model: str, chips: int | None) -> None:
    """An unknown name lists the known ones; a model that does not fit says so."""
    with pytest.raises(ConfigError, match=r"there are|take more chips"):
        EngineSpec.named(chip, model, chips)


def test_time_grows_with_work() -> None:
    """Later tokens cost more than early ones, half the chips take twice as long, a factor divides."""
    engine = EngineSpec.named("H100", "llama-3.3-70b")
    assert engine.prefill_seconds(50_000, 1_000) > engine.prefill_seconds(0, 1_000) > 0
    assert engine.prefill_seconds(0, 1_000) == pytest.approx(2 * replace(engine, chips=4).prefill_seconds(0, 1_000))
    faster = replace(engine, factor=2.8)
    assert faster.decode_seconds(1_000, 100, 8) == pytest.approx(engine.decode_seconds(1_000, 100, 8) / 2.8)
    assert engine.prefill_seconds(0, 900) + engine.prefill_seconds(900, 100) == pytest.approx(
        engine.prefill_seconds(0, 1_000)
    )


def test_a_batch_is_what_fits() -> None:
    """At least one request, at most 256."""
    engine = EngineSpec.named("H100", "llama-3.3-70b")
    assert [engine.batch(tokens) for tokens in (10, 56_000, 10_000_000)] == [256, 3, 1]

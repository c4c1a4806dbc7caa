"""Usage that providers report, in the shapes of their APIs."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentmem.kvcache.reported import merged, read_extras, read_usage, response_extras
from agentmem.types import NO_EXTRAS, Extras, Usage

COUNTS = st.dictionaries(
    st.sampled_from(["input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"]),
    st.none() | st.integers(0, 10**6),
)


@pytest.mark.parametrize(
    ("report", "usage"),
    [
        ({}, Usage("measured")),
        ({"input_tokens": 5, "output_tokens": None}, Usage("measured", 5)),
        (
            {"input_tokens": 1, "cache_read_input_tokens": 2, "cache_creation_input_tokens": 3},
            Usage("measured", 1, 2, 3),
        ),
        (
            {"cache_creation_input_tokens": 9, "cache_creation": {"ephemeral_1h_input_tokens": 9}},
            Usage("measured", 0, 0, 0, 9),
        ),
        (
            {"cache_creation_input_tokens": 9, "cache_creation": {"ephemeral_5m_input_tokens": 4}},
            Usage("measured", 0, 0, 9),
        ),
        ({"cache_creation": {"ephemeral_5m_input_tokens": 4}}, Usage("measured", 0, 0, 4)),
        (
            {
                "prompt_tokens": 1500,
                "completion_tokens": 600,
                "prompt_tokens_details": {"cached_tokens": 1024, "cache_write_tokens": 128},
            },
            Usage("measured", 348, 1024, 128, 0, 600),
        ),
        (
            {"input_tokens": 1500, "output_tokens": 6, "input_tokens_details": {"cached_tokens": 1024}},
            Usage("measured", 476, 1024, 0, 0, 6),
        ),
        ({"prompt_tokens": 7, "completion_tokens": 1}, Usage("measured", 7, output_tokens=1)),
    ],
)
def test_a_report_is_read_field_by_field(report: dict[str, Any], usage: Usage) -> None:
    """Nothing is counted twice, and the sums are the provider's own."""
    assert read_usage(report) == usage


@given(st.lists(COUNTS))
def test_of_partial_reports_the_highest_counts(reports: list[dict[str, int | None]]) -> None:
    """Parts of a reply report what is known so far, in any order, with zeros or nothing. The highest count is used."""
    whole = read_usage(merged(*reports))
    read = [read_usage(one) for one in reports]
    for name in ("uncached_tokens", "cache_read_tokens", "cache_write_5m_tokens", "output_tokens"):
        assert getattr(whole, name) == max((getattr(one, name) for one in read), default=0)


def test_nested_reports_are_merged_too() -> None:
    """Nested reports are merged too: the split of writes comes first, the count of searches last."""
    first = {"cache_creation": {"ephemeral_1h_input_tokens": 5}, "server_tool_use": None, "speed": "fast"}
    last = {"server_tool_use": {"web_search_requests": 2}, "output_tokens": 3}
    assert merged(first, last) == {
        "cache_creation": {"ephemeral_1h_input_tokens": 5},
        "server_tool_use": {"web_search_requests": 2},
        "speed": "fast",
        "output_tokens": 3,
    }


@pytest.mark.parametrize(
    ("report", "extras"),
    [
        ({}, NO_EXTRAS),
        ({"speed": "standard", "service_tier": "standard"}, NO_EXTRAS),
        ({"speed": "fast", "service_tier": "standard"}, Extras("fast")),
        ({"service_tier": "batch"}, Extras("batch")),
        ({"service_tier": "priority", "iterations": None, "server_tool_use": None}, NO_EXTRAS),
        ({"server_tool_use": {"web_search_requests": 4, "web_fetch_requests": 9}}, Extras(web_searches=4)),
        (
            {
                "iterations": [
                    {"type": "message", "input_tokens": 10, "output_tokens": 50},
                    {"type": "fallback_message", "model": "claude-opus-5", "input_tokens": 10},
                    {"type": "advisor_message", "model": "claude-opus-4-6", "input_tokens": 8000, "output_tokens": 700},
                    {"type": "compaction", "input_tokens": 5, "output_tokens": 6},
                ]
            },
            Extras(
                others=(
                    ("claude-opus-4-6", Usage("measured", 8000, output_tokens=700)),
                    ("", Usage("measured", 5, output_tokens=6)),
                ),
                edits=(("compaction", 5),),
            ),
        ),
    ],
)
def test_what_is_billed_beside_the_tokens(report: dict[str, Any], extras: Extras) -> None:
    """Speed, tier, searches, and the tokens of iterations that the report's own counts leave out, are billed beside."""
    assert read_extras(report) == extras


@pytest.mark.parametrize(
    ("response", "extras"),
    [
        ({"service_tier": "flex", "usage": {"input_tokens": 5}}, Extras("flex")),
        ({"service_tier": "default", "output": [{"type": "message"}]}, NO_EXTRAS),
        (
            {"service_tier": "priority", "output": [{"type": "web_search_call"}, {"type": "message"}] * 2},
            Extras("priority", 2),
        ),
        ({"usage": {"service_tier": "batch", "server_tool_use": {"web_search_requests": 3}}}, Extras("batch", 3)),
    ],
)
def test_a_response_tells_tier_and_searches_beside_its_usage(response: dict[str, Any], extras: Extras) -> None:
    """OpenAI names the tier of the whole response, and each search is an item of it."""
    assert response_extras(response) == extras

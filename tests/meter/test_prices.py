"""agentmem.meter.prices."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from genai_prices import Usage as Counted
from genai_prices import calc_price
from hypothesis import given
from hypothesis import strategies as st

from agentmem.meter.own_prices import own_prices, use
from agentmem.meter.price_row import PriceRow
from agentmem.meter.prices import Cost, cost, listed, rates
from agentmem.types import Extras, ModelProfile, Usage

OPUS = ModelProfile("anthropic", "claude-opus-5-5", "cloud")
SCRIPTED = ModelProfile("scripted", "demo", "scripted")
COUNTS = st.integers(0, 400_000)


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("claude-opus-5-5", 0.05),
        ("claude-sonnet-5-5", 0.05),
        ("claude-fable-5-1", 0.025),
        ("claude-fable-5-2", 0.025),
        ("claude-opus-5", 0.1),
        ("claude-haiku-4-5", 0.1),
    ],
)
def test_cache_multipliers_are_the_providers(name: str, read: float) -> None:
    """A write costs 1.25 (5 min) and 2 times plain input; a read what Anthropic documents for the model."""
    found = rates("anthropic", name)
    assert found is not None
    assert found.cache_read / found.uncached == pytest.approx(read)
    assert found.cache_write_5m / found.uncached == pytest.approx(1.25)
    assert found.cache_write_1h / found.uncached == pytest.approx(2.0)


def test_a_dated_name_has_the_price_of_its_model() -> None:
    """`claude-opus-4-5-20251101` costs what `claude-opus-4-5` costs."""
    assert rates("anthropic", "claude-opus-4-5-20251101") == rates("anthropic", "claude-opus-4-5") is not None


@pytest.mark.parametrize(
    ("provider", "name"),
    [
        ("anthropic", "claude-unheard-of"),
        ("ollama", "gpt-oss:20b"),
        ("openai", "my-local-model"),
        ("local", "smollm2"),
        ("anthropic", ""),
    ],
)
def test_what_is_not_in_the_tables_has_no_price(provider: str, name: str) -> None:
    """An unknown model or provider has unknown dollars, not zero."""
    assert rates(provider, name) is None


def test_a_model_without_cache_prices_pays_for_plain_input() -> None:
    """A provider that prices no cache charges reads and writes as input."""
    found = rates("openai", "gpt-4")
    assert found is not None
    assert found.cache_read == found.cache_write_5m == found.cache_write_1h == found.uncached > 0


def test_a_large_request_is_charged_at_its_tier() -> None:
    """Above the threshold every token costs more; at it, not yet."""
    base = rates("anthropic", "claude-sonnet-4-5", input_tokens=200_000)
    long = rates("anthropic", "claude-sonnet-4-5", input_tokens=200_001)
    assert base is not None
    assert long is not None
    assert base == rates("anthropic", "claude-sonnet-4-5")
    assert long.uncached == pytest.approx(2 * base.uncached)


def test_the_price_is_that_of_the_day() -> None:
    """A request made before a price changed costs what it cost then."""
    before, after = (datetime(2026, 3, day, tzinfo=UTC).timestamp() for day in (1, 20))
    early = rates("anthropic", "claude-opus-4-6", input_tokens=300_000, at=before)
    late = rates("anthropic", "claude-opus-4-6", input_tokens=300_000, at=after)
    assert early is not None
    assert late is not None
    assert early.uncached == pytest.approx(2 * late.uncached)


@given(COUNTS, COUNTS, COUNTS, COUNTS, st.sampled_from(("claude-opus-5-5", "claude-sonnet-4-5", "claude-haiku-5-5")))
def test_costs_agree_with_genai_prices(plain: int, read: int, written: int, out: int, name: str) -> None:
    """Our sum is genai-prices' own, whose input includes cached tokens, to a thousandth of a cent."""
    usage = Usage("measured", plain, read, written, written // 2, out)
    theirs = calc_price(
        Counted(
            input_tokens=usage.input_tokens,
            cache_read_tokens=read,
            cache_write_tokens=written + written // 2,
            cache_write_1h_tokens=written // 2,
            output_tokens=out,
        ),
        name,
        provider_id="anthropic",
    )
    ours = cost(ModelProfile("anthropic", name, "cloud"), usage).usd
    assert ours is not None
    assert abs(Decimal(ours) - theirs.total_price) < Decimal("0.00001")


def test_without_a_cache_all_input_is_plain() -> None:
    """The comparison prices every input token as uncached."""
    spent = cost(OPUS, Usage("measured", 10, 900_000, 90, 0, 1_000))
    found = rates("anthropic", "claude-opus-5-5")
    assert found is not None
    assert spent.uncached_usd == pytest.approx(900_100 * found.uncached + 1_000 * found.output)
    assert spent.usd is not None and spent.uncached_usd is not None
    assert spent.usd < 0.1 * spent.uncached_usd


def test_a_scripted_model_costs_nothing_known() -> None:
    """Without a lender its dollars are unknown."""
    assert cost(SCRIPTED, Usage("measured", 100)) == Cost(None, None, "")


def test_a_lent_price_is_named() -> None:
    """With a lender the dollars are those of the lender, and say whose they are."""
    usage = Usage("measured", 100, 0, 0, 0, 10)
    lent = cost(SCRIPTED, usage, price_as="anthropic:claude-opus-5-5")
    assert lent.usd == cost(OPUS, usage).usd is not None
    assert lent.priced_as == "anthropic:claude-opus-5-5"


def test_any_model_may_be_priced_as_another() -> None:
    """What was asked for wins over the model's own price, and is named; what only lends does not."""
    usage, haiku = Usage("measured", 100), ModelProfile("anthropic", "claude-haiku-4-5", "cloud")
    other = cost(OPUS, usage, price_as="anthropic:claude-haiku-4-5")
    assert (other.usd, other.priced_as) == (cost(haiku, usage).usd, "anthropic:claude-haiku-4-5")
    assert cost(OPUS, usage, price_as="anthropic:claude-haiku-4-5", lends=True) == cost(OPUS, usage)


@pytest.mark.parametrize(
    "lender", ["anthropic:claude-unheard-of", "my-local-model", "", "x:", "ollama:claude-opus-5-5"]
)
def test_an_unknown_lender_lends_nothing(lender: str) -> None:
    """Dollars stay unknown when the lender's price is."""
    assert cost(SCRIPTED, Usage("measured", 100), price_as=lender) == Cost()


@pytest.mark.parametrize(
    ("provider", "name", "like"),
    [
        (
            "anthropic",
            "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            "aws:us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        ),
        ("bedrock", "global.anthropic.claude-opus-4-6-v1", "aws:global.anthropic.claude-opus-4-6-v1:0"),
        (
            "anthropic",
            "arn:aws:bedrock:us-east-1:123456789012:inference-profile/global.anthropic.claude-opus-4-6-v1",
            "anthropic:claude-opus-4-6",
        ),
        ("openai", "bedrock/converse/us.anthropic.claude-opus-4-6-v1:0", "aws:us.anthropic.claude-opus-4-6-v1:0"),
        ("amazon_bedrock", "amazon.nova-pro-v1:0", "aws:amazon.nova-pro-v1:0"),
        ("google_anthropic_vertex", "claude-sonnet-4-5@20250929", "google:claude-sonnet-4-5"),
        ("openai", "vertex_ai/claude-sonnet-4-5@20250929", "google:claude-sonnet-4-5"),
        ("google_genai", "gemini-2.5-pro", "google:gemini-2.5-pro"),
        ("azure_openai", "gpt-5", "azure:gpt-5"),
        ("openrouter", "anthropic/claude-sonnet-4.5:nitro", "openrouter:anthropic/claude-sonnet-4.5"),
        ("openai", "openrouter/anthropic/claude-sonnet-4.5", "openrouter:anthropic/claude-sonnet-4.5"),
        ("openai", "anthropic/claude-sonnet-4.5", "anthropic:claude-sonnet-4-5"),
        ("anthropic", "databricks-claude-opus-4-6", "anthropic:claude-opus-4-6"),
        ("anthropic", "claude-opus-4-6[1m]", "anthropic:claude-opus-4-6"),
        ("litellm_proxy", "gpt-5.6", "openai:gpt-5.6"),
        ("anthropic", "glm-4.6", "zai:glm-4.6"),
        ("openrouter", "z-ai/glm-4.6", "openrouter:z-ai/glm-4.6"),
        ("xai", "grok-4", "x-ai:grok-4"),
    ],
)
def test_clouds_and_gateways_names_find_their_price(provider: str, name: str, like: str) -> None:
    """One model has many names: each finds the row of the cloud that bills it, or of whoever makes it."""
    theirs, _, row = like.partition(":")
    assert rates(provider, name) == rates(theirs, row) is not None


@given(st.text(), st.text())
def test_any_name_may_be_asked_for(provider: str, name: str) -> None:
    """Names come from logs: none of them is an error."""
    found = rates(provider, name)
    assert found is None or found.uncached >= 0


@pytest.mark.parametrize(
    ("name", "speed", "times"),
    [
        ("anthropic:claude-opus-5", "fast", 2.0),
        ("anthropic:claude-opus-4-6", "fast", 6.0),
        ("anthropic:claude-opus-5", "", 1.0),
        ("anthropic:claude-opus-5", "batch", 0.5),
        ("openai:gpt-5", "flex", 0.5),
        ("openai:gpt-5", "priority", 2.0),
        ("openai:gpt-5-mini", "priority", 1.8),
        ("openai:gpt-4.1", "priority", 1.75),
        ("openai:gpt-4o-2024-11-20", "priority", 1.7),
    ],
)
def test_a_speed_has_its_own_price(name: str, speed: str, times: float) -> None:
    """All of a request's tokens cost so many times the usual price."""
    provider, _, model = name.partition(":")
    usage = Usage("measured", 10, 20, 30, 40, 50)
    profile = ModelProfile(provider, model, "cloud")
    usual, other = cost(profile, usage), cost(profile, usage, extras=Extras(speed=speed))
    assert usual.usd is not None
    assert other.usd == pytest.approx(times * usual.usd)


def test_a_speed_without_a_price_has_none() -> None:
    """Dollars of a fast mode that no table has are unknown, not those of the usual one."""
    assert cost(OPUS, Usage("measured", 10), extras=Extras(speed="fast")) == Cost()
    assert cost(OPUS, Usage("measured", 10), extras=Extras(speed="unheard of")) == Cost()
    old = ModelProfile("openai", "gpt-3.5-turbo", "cloud")
    assert cost(old, Usage("measured", 10), extras=Extras(speed="priority")) == Cost()


def test_what_is_billed_beside_the_tokens_is_added() -> None:
    """Web searches by the piece, and an advisor's tokens at its own model's prices."""
    sonnet = ModelProfile("anthropic", "claude-sonnet-4-5", "cloud")
    usage, advised = Usage("measured", 10, 0, 8000, 0, 100), Usage("measured", 8000, output_tokens=700)
    plain = cost(sonnet, usage).usd
    extras = Extras(web_searches=3, others=(("claude-opus-4-6", advised), ("", advised)))
    added = [cost(ModelProfile("anthropic", name, "cloud"), advised).usd for name in ("claude-opus-4-6", sonnet.name)]
    assert plain is not None and None not in added
    assert cost(sonnet, usage, extras=extras).usd == pytest.approx(plain + 0.03 + sum(one or 0.0 for one in added))
    assert cost(sonnet, usage, extras=Extras(others=(("unheard-of", advised),))) == Cost()


def test_any_model_without_a_price_can_be_lent_one() -> None:
    """A cloud's model that the tables do not know is no other than a local one."""
    usage, gateway = Usage("measured", 100, 5, 6, 7, 10), ModelProfile("anthropic", "my-gateway-sonnet", "cloud")
    assert cost(gateway, usage) == Cost()
    lent = cost(gateway, usage, price_as="anthropic:claude-sonnet-4-5")
    assert lent.usd == cost(ModelProfile("anthropic", "claude-sonnet-4-5", "cloud"), usage).usd
    assert lent.priced_as == "anthropic:claude-sonnet-4-5"
    assert cost(gateway, usage, price_as="claude-sonnet-4-5").usd == lent.usd


def test_a_dollar_names_its_row() -> None:
    """The table with its version, the model as the table calls it, a day, and the speed."""
    row = cost(ModelProfile("openai", "gpt-4.1", "cloud"), Usage("measured", 100), extras=Extras("batch")).row
    assert row is not None
    assert row.table.startswith("genai-prices ") and row.model == "openai:gpt-4.1" and row.tier == "batch"
    assert row.dated >= "2026-10-12"
    assert cost(OPUS, Usage("measured", 100), extras=Extras("unheard of")).row is None


def test_the_day_of_a_row_is_that_from_which_it_holds() -> None:
    """A price that changed is dated by its change; a time before there were models counts as none."""
    names = ("claude-opus-4-6", 300_000)
    then, now, none = (
        listed("anthropic", names[0], input_tokens=names[1], at=at)
        for at in (datetime(2026, 3, 1, tzinfo=UTC).timestamp(), None, 12.0)
    )
    assert then is not None and now is not None
    assert then.rates != now.rates and now == none
    assert now.row.dated > "2026-03-01"


def test_openais_writes_cost_more_from_5_6_on() -> None:
    """A write to the cache is no plain input there: 1.25 times the price."""
    old, new = rates("openai", "gpt-5.5"), rates("openai", "gpt-5.6")
    assert old is not None and new is not None
    assert old.cache_write_5m == old.uncached
    assert new.cache_write_5m == pytest.approx(1.25 * new.uncached)


def test_a_clouds_write_for_an_hour_costs_twice_the_input() -> None:
    """Also where the cloud's row has only the price of the short one."""
    for name in ("bedrock:us.anthropic.claude-sonnet-4-5-20250929-v1:0", "vertex_ai:claude-opus-4-6"):
        found = rates(*name.split(":", 1))
        assert found is not None
        assert found.cache_write_1h == pytest.approx(2 * found.uncached)


def test_a_tier_that_a_row_has_is_taken_as_it_is() -> None:
    """Batch leaves the price of a cached token as it was, where the provider's list says so."""
    usual, batch = (rates("openai", "gpt-4.1", speed=speed) for speed in ("", "batch"))
    assert usual is not None and batch is not None
    assert batch.output == pytest.approx(usual.output / 2)
    assert batch.cache_read == usual.cache_read


@pytest.fixture
def own() -> Iterator[None]:
    """Prices of one's own, until the test is over."""
    table = {
        "claude-opus-5-5": {
            "input": 1.0,
            "output": 2.0,
            "cache_read": 0.5,
            "web_search": 0.02,
            "tiers": {"batch": 0.25},
        },
        "litellm:prod-*": {"price_as": "anthropic:claude-sonnet-4-5"},
        "smollm2": {"input": 0.1, "output": 0.1, "dated": date(2026, 11, 1)},
    }
    use(own_prices(table))
    yield
    use()


@pytest.mark.usefixtures("own")
def test_prices_of_ones_own_win() -> None:
    """Over the table's, for names of a gateway, and for one's own engine; what is left out costs as input."""
    usage = Usage("measured", 1_000_000, 1_000_000, 1_000_000)
    assert cost(OPUS, usage).usd == pytest.approx(1.0 + 0.5 + 1.0)
    assert cost(OPUS, usage, extras=Extras("batch")).usd == pytest.approx(0.25 * 2.5)
    assert cost(OPUS, usage, extras=Extras(web_searches=1)).usd == pytest.approx(2.52)
    assert cost(OPUS, usage, extras=Extras("flex")) == Cost()
    local = cost(ModelProfile("local", "smollm2", "local"), usage)
    assert local.usd == pytest.approx(0.3) and not local.priced_as
    assert local.row == PriceRow("agentmem.toml", "smollm2", "2026-11-01")
    gateway = cost(ModelProfile("litellm", "prod-eu", "cloud"), usage)
    assert gateway.usd == cost(ModelProfile("anthropic", "claude-sonnet-4-5", "cloud"), usage).usd
    assert gateway.row is not None and gateway.row.model == "anthropic:claude-sonnet-4-5"


def test_without_ones_own_the_tables_count(own: None) -> None:
    """`use` without prices takes them back."""
    use()
    assert cost(ModelProfile("local", "smollm2", "local"), Usage("measured", 1)) == Cost()

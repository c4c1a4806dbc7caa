"""agentmem.routing.labels and agentmem.routing.history."""

from collections.abc import Mapping

import pytest

from agentmem.errors import ConfigError
from agentmem.routing.history import RouteHistory, history_of
from agentmem.routing.labels import LABELS, RequestFacts, labels
from tests.routing.rows import NOON, row

NEW = RouteHistory()


def values(facts: RequestFacts, history: RouteHistory = NEW) -> Mapping[str, str]:
    return {name: label.value for name, label in labels(facts, history).items()}


def test_every_label_has_a_value_and_a_why() -> None:
    """All labels of the table are given, each explained, each with an allowed value."""
    found = labels(RequestFacts("summary", 90_000, image=True, private="said so"), RouteHistory())
    assert list(found) == list(LABELS)
    for name, label in found.items():
        assert label.why
        assert not LABELS[name][0] or label.value in LABELS[name][0]


@pytest.mark.parametrize(
    ("facts", "wanted"),
    [
        (RequestFacts(), {"phase": "decode", "context": "short", "urgency": "interactive", "size": "large"}),
        (RequestFacts("summary", 90_000), {"phase": "prefill", "context": "long", "size": "small"}),
        (RequestFacts("audit", 9_000), {"context": "medium", "urgency": "batch", "size": "small"}),
        (RequestFacts(agent="tester"), {"purpose": "tester", "size": "small"}),
        (RequestFacts(image=True, private="said so"), {"modality": "image", "privacy": "private"}),
        (RequestFacts(hard=0.7), {"size": "large"}),
        (RequestFacts(hard=0.2), {"size": "small"}),
        (
            RequestFacts("audit", given={"urgency": "interactive", "size": "large"}),
            {"urgency": "interactive", "size": "large"},
        ),
    ],
)
def test_labels_follow_from_the_facts(facts: RequestFacts, wanted: Mapping[str, str]) -> None:
    """Labels are a pure function of the facts, and a person's own label wins."""
    found = values(facts)
    assert {name: found[name] for name in wanted} == wanted


def test_the_ledger_predicts_the_phase() -> None:
    """With enough requests of a purpose, its mean of processed input to output decides."""
    writes = history_of([row(NOON + at, read=90_000, written=500, output=900) for at in range(6)])
    reads = history_of([row(NOON + at, written=50_000, output=300) for at in range(6)])
    assert values(RequestFacts(), writes)["phase"] == "decode"
    assert values(RequestFacts(), reads)["phase"] == "prefill"
    assert "50,000" in labels(RequestFacts(), reads)["phase"].why


@pytest.mark.parametrize("given", [{"phase": "hot"}, {"colour": "red"}])
def test_an_unknown_label_is_refused(given: Mapping[str, str]) -> None:
    """A label that there is not, or a value of one, is a ConfigError."""
    with pytest.raises(ConfigError):
        labels(RequestFacts(given=given), RouteHistory())


def test_survival_is_the_mean_of_longer_stretches() -> None:
    """After ``made`` requests, those stretches count that were longer; too few of them promise nothing."""
    history = RouteHistory(stretches={2: 50, 10: 20, 30: 20})
    assert history.remaining(0) == pytest.approx((2 * 50 + 10 * 20 + 30 * 20) / 90)
    assert history.remaining(5) == pytest.approx((5 * 20 + 25 * 20) / 40)
    assert history.remaining(10) == 20
    assert history.remaining(30) == 1.0


def test_a_stretch_ends_at_a_free_moment() -> None:
    """Cuts, breaks and expiries end a stretch; summaries and failures are none of its requests."""
    made = [row(NOON, relation="first"), row(NOON + 1), row(NOON + 2), row(NOON + 2.5, purpose="summary")]
    history = history_of([*made, row(NOON + 3, relation="cut"), row(NOON + 4), row(NOON + 400, relation="expiry")])
    assert dict(history.stretches) == {3: 1, 2: 1}
    assert dict(history.runs) == {"main": 1}

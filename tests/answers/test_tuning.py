"""Tuning thresholds on labelled pairs."""

import csv
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentmem.answers.plot import page
from agentmem.answers.sampling import sample, write_pairs
from agentmem.answers.tuning import (
    Scored,
    TooFewLabels,
    at_most,
    certify,
    curve,
    halves,
    interval,
    lower_bound,
    needed,
    reach,
    read_pairs,
    tune,
    tune_kinds,
    upper_bound,
)
from agentmem.answers.values import DEFAULT, Labelled
from agentmem.errors import ConfigError
from agentmem.recall.embedder import MiniLM


def pairs(same: int, different: int, kind: str = "") -> list[Labelled]:
    """Labelled pairs. The number in the text is their score."""
    right = [
        Labelled(f"{kind} r{at} asked", f"{0.80 + 0.19 * at / same:.5f} r{at} {kind}", True, kind) for at in range(same)
    ]
    wrong = [
        Labelled(f"{kind} w{at} asked", f"{0.50 + 0.35 * at / different:.5f} w{at} {kind}", False, kind)
        for at in range(different)
    ]
    return right + wrong


def score(kept: str, asked: str) -> float | None:
    """The number in the kept question."""
    return float(kept.split()[0])


def test_a_threshold_is_chosen_by_cost_and_certified_on_other_pairs() -> None:
    """With enough pairs the held-out half carries the certificate, and no pair is in both halves."""
    tuned = tune(pairs(2000, 400), score)
    assert 0.84 <= tuned.chosen <= 0.87
    assert tuned.policy.threshold == tuned.chosen
    assert tuned.policy.certificate is not None
    assert tuned.policy.certificate.upper <= tuned.limit
    assert tuned.more == 0
    assert tuned.held.served > 373


def test_what_is_not_certified_is_no_more_lenient_and_says_how_many_labels_are_missing() -> None:
    """Sixty pairs of each label are too few for 0.8 %: today's setting holds, and the missing number is named."""
    tuned = tune(pairs(120, 120), score)
    assert tuned.policy.threshold >= DEFAULT
    assert not tuned.policy.exact_only
    assert tuned.more > 100


def test_pairs_on_which_todays_setting_errs_leave_exact_keys() -> None:
    """If a fifth of what is served today is labelled different, only exact keys are served."""
    tuned = tune([replace(one, same=one.same and at % 5 > 0) for at, one in enumerate(pairs(400, 60))], lambda *_: 0.99)
    assert tuned.policy.exact_only


def test_a_dearer_error_asks_for_a_higher_threshold() -> None:
    """The threshold rises with the cost of a wrong answer."""
    mixed = pairs(300, 300)
    assert tune(mixed, score, cost=0.5).chosen < tune(mixed, score, cost=500).chosen


def test_too_few_labels_are_refused_with_how_many_are_needed() -> None:
    """The error counts the labels that exist and those that are missing."""
    with pytest.raises(TooFewLabels, match=r"more same and \d+ more different.*373"):
        tune(pairs(10, 10), score)


def test_a_type_with_few_labels_shares_a_threshold_with_the_others() -> None:
    """Each type with enough labels is tuned by itself. The others get the threshold of all pairs."""
    tuned = tune_kinds([*pairs(300, 300, "faq"), *pairs(90, 90, "support"), *pairs(4, 4, "search")], score, limit=0.05)
    assert {kind: one.policy.kind for kind, one in tuned.items()} == {
        kind: kind for kind in ("faq", "support", "search")
    }
    assert tuned["search"].held.right > tuned["support"].held.right


def test_several_labels_count_by_majority(tmp_path: Path) -> None:
    """Rows and columns are votes. Ties and empty cells are left out, and an unknown word is an error with its line."""
    path = tmp_path / "pairs.csv"
    path.write_text("left,right,label_a,label_b\na,b,same,\na,b,no,yes\nc,d,1,0\ne,f,different,n\n", encoding="utf-8")
    assert [(one.left, one.same) for one in read_pairs(path)] == [("a", True), ("e", False)]
    path.write_text("left,right,label\na,b,perhaps\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"line 2.*perhaps"):
        read_pairs(path)
    path.write_text("question,label\na,1\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="left, right and label"):
        read_pairs(path)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_columns_may_be_divided_as_programs_write_them(tmp_path: Path, delimiter: str) -> None:
    """By commas, or by semicolons or tabs where the header has no comma; questions keep theirs."""
    path = tmp_path / "pairs.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerows([("left", "right", "label"), ("a, b; c", "d", "same")])
    assert [(one.left, one.right) for one in read_pairs(path)] == [("a, b; c", "d")]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "question and answer if it is a log; it is empty"),
        (b"a:b\n1:2\n", "it has a:b"),
        ("left,right,label\nSchl\u00fcssel,b,1\n".encode("latin-1"), "save it as CSV in UTF-8"),
        ("left,right,label\na,b,1\n".encode("utf-16"), "save it as CSV in UTF-8"),
    ],
)
def test_a_file_that_cannot_be_read_says_what_to_do(tmp_path: Path, data: bytes, said: str) -> None:
    """An empty one, other columns, and other encodings."""
    (tmp_path / "pairs.csv").write_bytes(data)
    with pytest.raises(ConfigError, match=said):
        read_pairs(tmp_path / "pairs.csv")


def test_pairs_with_a_question_in_common_fall_on_one_half() -> None:
    """Pairs with a question in common are in the same half, so the choice cannot influence the measurement."""
    chain = [Labelled(f"q{at}", f"q{at + 1}", True) for at in range(40)]
    choose, hold = halves(chain + pairs(60, 60))
    assert not {one.left for one in choose} & {one.left for one in hold}
    assert all(one in choose for one in chain) or all(one in hold for one in chain)


@settings(max_examples=50)
@given(st.lists(st.tuples(st.none() | st.floats(0, 1), st.booleans()), max_size=60))
def test_a_curve_agrees_with_what_each_of_its_thresholds_reaches(found: list[tuple[float | None, bool]]) -> None:
    """Each point counts what its threshold serves, recall rises along the curve, and bands contain their values."""
    scored = [Scored(value, right) for value, right in found]
    points = curve(scored)
    served = [point.served for point in points]
    assert served == sorted(served)
    for point in points[1:]:
        assert point == reach(scored, point.threshold)
        low, high = point.precision_band
        assert point.precision is None or low - 1e-9 <= point.precision <= high + 1e-9


def test_the_plot_is_a_page_that_fetches_nothing() -> None:
    """The plot has curves, bands and a table, and neither scripts nor addresses."""
    text = page({"faq <b>": tune(pairs(120, 120), score)})
    assert text.count("<polyline") == 2
    assert text.count("<polygon") == 2
    assert "faq &lt;b&gt;" in text
    assert "<script" not in text
    assert "http://" not in text
    assert "https://" not in text


def test_pairs_are_sampled_across_the_band_from_a_log(tmp_path: Path) -> None:
    """Sampled pairs are between the cosines, no question is in more than three, and labels in the file are read."""
    things = ("card", "phone", "bike", "key", "ticket", "parcel")
    log = [
        f"{ask} my {thing}?"
        for thing in things
        for ask in ("Where is", "How do I replace", "I lost", "Who has", "Where was")
    ]
    found = sample(log, MiniLM(), pairs=20, low=0.6, high=0.95, seed=3)
    assert 0 < len(found) <= 20
    assert all(0.6 <= (one.similarity or 0) <= 0.95 for one in found)
    assert found == sample(log, MiniLM(), pairs=20, low=0.6, high=0.95, seed=3)
    write_pairs(found, tmp_path / "pairs.csv")
    text = (tmp_path / "pairs.csv").read_text(encoding="utf-8").replace(",,", ",same,", 1)
    (tmp_path / "pairs.csv").write_text(text, encoding="utf-8")
    assert [one.same for one in read_pairs(tmp_path / "pairs.csv")] == [True]
    with pytest.raises(ConfigError, match="no two at cosines"):
        sample(["bread", "quantum chromodynamics"], MiniLM(), low=0.9)


def test_the_bounds_are_those_of_clopper_and_pearson() -> None:
    """The bounds have known values: 3 of 100 one-sided at 95 %, 0 of 373, and the rule of three."""
    assert upper_bound(3, 100) == pytest.approx(0.075711, abs=1e-5)
    assert lower_bound(3, 100) == pytest.approx(0.008226, abs=1e-5)
    assert upper_bound(0, 373) == pytest.approx(1 - 0.05 ** (1 / 373), abs=1e-9)


def test_a_limit_says_how_many_hits_it_takes() -> None:
    """A limit of 0.8 % needs 373 hits without an error, and more with one."""
    assert needed(0.008) == 373
    assert upper_bound(0, 372) > 0.008 >= upper_bound(0, 373)
    assert needed(0.008, wrong=1) > needed(0.008)


def test_without_a_hit_nothing_is_known() -> None:
    """Without hits the bound is 1. Impossible counts are refused."""
    assert certify(0, 0).upper == 1.0
    with pytest.raises(ValueError, match="wrong among"):
        upper_bound(3, 2)
    with pytest.raises(ValueError, match="limit"):
        needed(0)


@settings(max_examples=40)
@given(st.integers(1, 300).flatmap(lambda hits: st.tuples(st.integers(0, hits), st.just(hits))))
def test_the_interval_holds_the_share_and_covers_what_it_says(counted: tuple[int, int]) -> None:
    """The interval contains the share. At its upper bound so few errors have a chance of 2.5 %."""
    wrong, hits = counted
    low, high = interval(wrong, hits)
    assert low <= wrong / hits <= high
    if wrong < hits:
        assert at_most(wrong, hits, high) == pytest.approx(0.025, abs=1e-6)

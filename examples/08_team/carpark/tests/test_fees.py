"""What stays cost."""

from parking.fees import fee


def test_ten_minutes_are_free():
    assert fee(10) == 0


def test_two_hours():
    assert fee(120) == 500


def test_a_started_hour_counts():
    assert fee(90) == 500


def test_a_long_day_costs_the_day_price():
    assert fee(10 * 60) == 2000

"""How long stays are."""

from parking.times import minutes_of, stay


def test_minutes_since_midnight():
    assert minutes_of("08:30") == 510


def test_a_stay_within_a_day():
    assert stay("08:30", "10:00") == 90


def test_a_stay_past_midnight():
    assert stay("22:00", "01:00") == 180

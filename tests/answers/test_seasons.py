"""The weather of a month is the same every year; the weather of this month, or of a day, is not."""

import pytest

from agentmem.answers.exclusions import excluded

TIMELESS = """
What's the weather like in Spain in July?
What is the temperature in Oslo in winter?
How hot is it in Cairo in August usually?
Wie wird das Wetter auf Kreta im Oktober normalerweise?
Quel temps fait-il à Nice en janvier ?
¿Qué tiempo hace en Lima en julio?
Che tempo fa a Roma in inverno?
Como está o tempo em Lisboa em janeiro?
Какая погода в Сочи в октябре?
北京十月的天气怎么样
東京の8月の天気はどうですか
서울의 1월 날씨는 어때요
"""
PASSING = """
What's the weather like in Spain?
What's the weather like in Spain this July?
What's the weather in Spain in July 2026?
What's the weather like today in winter sports areas?
Wie wird das Wetter morgen?
Quel temps fait-il à Nice ?
北京今天天气怎么样
今年8月東京の天気は
"""


@pytest.mark.parametrize("question", TIMELESS.strip().splitlines())
def test_the_climate_may_be_kept(question: str) -> None:
    """A month or a season without a year makes no question about this moment."""
    assert excluded(question, "question") is None


@pytest.mark.parametrize("question", PASSING.strip().splitlines())
def test_the_weather_may_not(question: str) -> None:
    """Without a month, or with a year, the answer passes."""
    found = excluded(question, "question")
    assert found is not None and found.name == "time-bound"

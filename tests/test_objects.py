"""Addresses of object storage, what its errors mean, and patience with it."""

import pytest

from agentmem import objects
from agentmem.errors import ConfigError
from agentmem.objects import FAULTS, located

KEYS = {"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret-of-mine"}


def test_an_address_is_read_with_the_variables_of_aws() -> None:
    """Bucket and prefix from the address; keys, region and endpoint from the environment; no key shows."""
    made = located("s3://agents/one/two/", {**KEYS, "AWS_ENDPOINT_URL": "http://127.0.0.1:9/", "AWS_REGION": "eu-1"})
    assert (made.bucket, made.prefix, made.endpoint, made.region) == ("agents", "one/two", "http://127.0.0.1:9", "eu-1")
    assert made.options["aws_secret_access_key"] == "secret-of-mine"
    assert made.options["allow_http"] == "true"
    assert "secret-of-mine" not in f"{made} {made!r}"


def test_an_endpoint_in_the_address_wins() -> None:
    """So a file of settings can name it."""
    made = located("s3://agents/a?endpoint=https://s3.example&region=eu-2", {"AWS_ENDPOINT_URL": "http://other"})
    assert (made.endpoint, made.region, str(made)) == ("https://s3.example", "eu-2", "s3://agents/a")


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("s3://", "write s3://bucket/prefix"),
        ("s3:///prefix", "write s3://bucket/prefix"),
        ("s3://Not_A_Bucket/x", "write s3://bucket/prefix"),
        ("s3://bucket/x?secret=abc", r"\?secret= is not known"),
        ("s3://bucket/x?endpoint=localhost:1", "must begin with http"),
    ],
)
def test_an_address_that_cannot_be_is_refused(url: str, says: str) -> None:
    """The error says what to write."""
    with pytest.raises(ConfigError, match=says) as caught:
        located(url, {})
    assert "abc" not in str(caught.value)


@pytest.mark.parametrize("fault", FAULTS)
def test_every_mark_of_a_fault_is_known_by_it(fault: objects.ObjectFault) -> None:
    """No row of the table hides a later one: each mark by itself gives its own row's sentence."""
    for mark in fault.marks:
        assert objects.fault_of(f"the client says {mark}") == fault


def test_a_store_that_is_busy_is_asked_again_with_longer_pauses(caplog: pytest.LogCaptureFixture) -> None:
    """Its answer is given in the end, and the log says what happened, once, and when it is over."""
    answers, paused = ["503", "500 Internal", "SlowDown", ""], list[float]()

    def work() -> str:
        if said := answers.pop(0):
            raise OSError(said)
        return "done"

    assert objects.patient(located("s3://agents/x", {}), work, pause=paused.append) == "done"
    assert paused == [0.25, 0.5, 1.0]
    assert [one.message for one in caplog.records] == [
        "s3://agents/x is busy: it is asked again for 90 s, and nothing is lost meanwhile",
        "s3://agents/x answers again: the work goes on",
    ]


def test_patience_ends() -> None:
    """After the given seconds of pauses the client's own error comes out."""
    paused = list[float]()

    def work() -> None:
        raise OSError("503")

    with pytest.raises(OSError, match="503"):
        objects.patient(located("s3://agents/x", {}), work, patience=60.0, pause=paused.append)
    assert 60 <= sum(paused) < 60 + objects.LONGEST


def test_a_fault_that_does_not_pass_is_not_asked_again() -> None:
    """A missing right is not waited for."""

    def work() -> None:
        raise OSError("AccessDenied")

    with pytest.raises(OSError, match="AccessDenied"):
        objects.patient(located("s3://agents/x", {}), work, pause=lambda seconds: pytest.fail("it paused"))

"""agentmem.closing: an object with a close is closed at the end of a `with`."""

import pytest

from agentmem.closing import Closing


class Door(Closing):
    open = True

    def close(self) -> None:
        self.open = False


def test_it_is_closed_at_the_end() -> None:
    """The block gets the object itself, and the object is closed after the block."""
    door = Door()
    with door as entered:
        assert entered is door
        assert door.open
    assert not door.open


def test_it_is_closed_after_an_error_that_goes_on() -> None:
    """An error inside the block closes the object too, and is raised."""
    door = Door()
    with pytest.raises(LookupError), door:
        raise LookupError
    assert not door.open

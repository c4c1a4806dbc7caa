"""What users hold does not change by accident."""

from tests.api_surface import SNAPSHOT, surface


def test_public_names_and_signatures_are_those_of_the_snapshot() -> None:
    """A change of a public name or signature is a change of tests/api_surface.txt, which a person reads.

    Write it anew with `python -m tests.api_surface > tests/api_surface.txt`.
    """
    assert surface() == SNAPSHOT.read_text(encoding="utf-8")

"""Generated cheats: none gets a proven pass, and without the split many do. The benchmark runs thousands of them."""

from pathlib import Path

from tests.team.proof.batches import wrong_passes
from tests.team.proof.cheats import CODER, TESTER, generated

COUNT, SEED = 24, 20


def test_no_generated_cheat_is_proven(tmp_path: Path) -> None:
    """Of a small, seeded part of the compositions none is proven, and with the split switched off some pass."""
    found = wrong_passes(tmp_path, generated(COUNT, SEED))
    assert [one.name for one in found["apart"]] == []
    assert len(found["in process"]) >= 0.2 * COUNT


def test_the_generator_knows_every_kind() -> None:
    """Both sides cheat, and each kind of cheat has parts; a seed gives the same compositions again."""
    kinds = {one.kind for one in (*CODER, *TESTER)}
    wanted = {"patch", "shadow", "forge", "exit", "detect", "rewrite", "link", "entry points", "import hooks"}
    assert kinds == wanted | {"equality", "threads", "wire messages", "arguments", "identity", "runs"}
    first, again = generated(300, 1), generated(300, 1)
    assert [one.name for one in first] == [one.name for one in again]
    assert len({(one.name, one.form) for one in first}) == 300
    assert {part.kind for one in first for part in one.parts} == kinds

"""The tables of an archive: which index each column has."""

from pathlib import Path

from agentmem.recall.shelf import PIECES
from agentmem.recall.tables import Tables


def _kinds(tables: Tables) -> dict[str, str]:
    return {index.columns[0]: index.index_type for index in tables.table("pieces", PIECES).list_indices()}


def _row(at: int) -> dict[str, object]:
    numbers = dict.fromkeys(("seq", "place", "part", "lead"), at)
    texts = dict.fromkeys(("day", "speaker", "kind", "sha256"), "")
    return {"key": f"k{at}", "thread": f"t{at % 3}", "words": f"word{at}", **numbers, **texts}


def test_names_are_found_without_reading_all_of_them(tmp_path: Path) -> None:
    """Threads are many: their column has an index that is read in parts, also in tables that an older agentmem made,
    once they are maintained. What is there is found before and after.
    """
    from lancedb.index import Bitmap

    tables = Tables(tmp_path)
    table = tables.table("pieces", PIECES)
    assert _kinds(tables)["thread"] == "BTree"
    tables.add(table, [_row(at) for at in range(30)])
    table.create_index("thread", config=Bitmap(), name="thread_idx", replace=True)
    older = Tables(tmp_path)
    assert _kinds(older) == {"key": "BTree", "thread": "Bitmap", "words": "FTS"}
    assert older.table("pieces", PIECES).count_rows("thread = 't1'") == 10
    older.maintain("pieces", PIECES)
    assert _kinds(older) == {"key": "BTree", "thread": "BTree", "words": "FTS"}
    assert older.table("pieces", PIECES).count_rows("thread = 't1'") == 10
    tables.add(table, [_row(at) for at in range(30, 33)])
    assert older.table("pieces", PIECES).count_rows("thread = 't1'") == 11

"""Sources in the forms of other programs, of any size: an export of Notion, a vault, blocks of Notion's API."""

import csv
import io
import zipfile
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote

PNG = bytes.fromhex("89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489")


def notion_id(name: str) -> str:
    return sha256(name.encode()).hexdigest()[:32]


def notion_files(pages: int) -> dict[str, bytes]:
    """The files of an export with about this many pages: two of three stand in databases, with tables and links."""
    made, home = dict[str, bytes](), f"Team Home {notion_id('home')}"
    databases, row = max(1, pages // 60), 0
    lines = ["# Team Home", ""]
    for n in range(databases):
        base, rows = f"{home}/Tasks {n} {notion_id(f'base {n}')}", [["Name", "Status", "Notes | more"]]
        for _ in range(40):
            title = f"Task {row}: ship it"
            page = f"{base}/{title.replace(':', '')} {notion_id(title)}.md"
            other = f"Task {max(0, row - 1)} ship it {notion_id(f'Task {max(0, row - 1)}: ship it')}.md"
            before = f"[the one before]({quote(other)})" if row % 40 else "none"
            body = f"# {title}\n\nStatus: {'Done' if row % 2 else 'Open'}\n\n{_body(row)}\n\nAfter {before}.\n"
            made[page] = body.encode()
            rows.append([title, "Done" if row % 2 else "Open", "two\nlines" if row % 5 == 0 else "a | b"])
            row += 1
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows(rows)
        made[f"{base}.csv"] = made[f"{base}_all.csv"] = b"\xef\xbb\xbf" + out.getvalue().encode()
        lines.append(f"[Tasks {n}]({quote(f'{base}.csv')})")
    for n in range(pages - row - databases - 1):
        page = f"{home}/Notes/Note {n} {notion_id(f'note {n}')}.md"
        made[page] = f"# Note {n}\n\n![a dot](dot.png)\n\n{_body(n)}\n\n[home](../../{quote(home)}.md)\n".encode()
        lines.append(f"- [Note {n}]({quote(page)})")
    made[f"{home}/Notes/dot.png"] = PNG
    made[f"{home}.md"] = ("\n".join(lines) + "\n").encode()
    return made


def _body(n: int) -> str:
    return (
        f"- one\n    - two {n}\n        - three\n- [ ] to do\n\n<aside>\n💡 A callout of {n}.\n\n</aside>\n\n"
        f"- A toggle\n    \n    inside it\n    \n\n| a | b |\n| --- | --- |\n| {n} | x |\n\n"
        "```python\n[x](not-a-link.md)\n```\n" + f"\nWords about subject {n % 17} and its number {n}. " * 12
    ).strip()


def zipped(place: Path, files: dict[str, bytes], inside: str = "") -> Path:
    """The files in a zip; with ``inside`` in a zip of this name in a zip, as Notion packs large exports."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    if inside:
        return zipped(place, {inside: packed.getvalue()})
    place.write_bytes(packed.getvalue())
    return place


def vault(folder: Path, pages: int) -> dict[str, bytes]:
    """A vault with this many pages, written to a folder."""
    files = {".obsidian/app.json": b"{}", "assets/dot.png": PNG, "Board.canvas": b'{"nodes": []}'}
    for n in range(pages):
        text = (
            f"---\ntags: [a, b{n % 7}]\n---\n# Page {n}\n\nSee [[Page {(n + 1) % pages}]] and [[Page {(n + 2) % pages}#"
            f"Below|that]], ![[dot.png]].\n\n> [!warning]- Folded\n> text {n}\n\n## Below\n\n"
            f"%% a comment %%\n- [x] done ^id{n}\n\n" + f"Words about {n}.\r\n" * 20
        )
        files[f"{'Area ' + str(n % 9) + '/' if n % 3 else ''}Page {n}.md"] = text.encode()
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return files


def rich(text: str, **marks: Any) -> list[dict[str, Any]]:
    href = marks.pop("href", None)
    return [{"type": "text", "plain_text": text, "text": {"content": text}, "annotations": marks, "href": href}]


def block(kind: str, text: str = "", children: list[Any] | None = None, **more: Any) -> dict[str, Any]:
    return {"object": "block", "type": kind, kind: {"rich_text": rich(text), **more}, "children": children or []}


def page(title: str, *blocks: Any, **more: Any) -> dict[str, Any]:
    name = {"type": "title", "title": rich(title)}
    properties = {"Name": name, **more.pop("properties", {})}
    return {"object": "page", "id": notion_id(title), "properties": properties, "children": list(blocks), **more}

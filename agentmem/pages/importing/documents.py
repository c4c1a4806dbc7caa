"""Reads docx, pdf and other documents through markitdown, an extra; the documents themselves stay as attachments."""

from io import BytesIO
from pathlib import Path
from typing import Any

from agentmem.distribution import install
from agentmem.errors import ConfigError
from agentmem.pages.importing.sources import Names, Read, SourceFile, SourcePage, entries, safe_name

SUFFIXES = (".docx", ".pdf", ".pptx", ".xlsx", ".epub")


def read(place: Path) -> Read:
    """A page for each document of a file, folder or zip. Raises ConfigError without the extra."""
    converter, made, names = _converter(), Read(), Names()
    for path, data in entries(place):
        name = names.take(safe_name(path))
        if not path.lower().endswith(SUFFIXES):
            made.files.append(SourceFile(path, name, data))
            continue
        made.files.append(SourceFile(f"{path} (itself)", name, data))
        try:
            text = converter.convert_stream(BytesIO(data), file_extension=Path(path).suffix.lower()).markdown
        except Exception as error:  # whatever a converter of a foreign format raises, the other files go on
            made.refused[path] = f"markitdown cannot read it: {type(error).__name__}"
            continue
        if text.strip() == data.decode("utf-8", "replace").strip():
            made.refused[path] = "it is damaged, or no document of its kind"
        elif text.strip():
            made.pages.append(SourcePage(path, names.take(f"{name}.md"), f"{text.strip()}\n"))
        else:
            made.refused[path] = "it has no text, perhaps because its pages are pictures"
    return made


def _converter() -> Any:
    try:
        from markitdown import MarkItDown
    except ImportError as error:
        raise ConfigError(f"docx and pdf need more packages ({error}): {install('import')}") from None
    return MarkItDown(enable_plugins=False)

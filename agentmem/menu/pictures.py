"""Pictures in a workspace, as blocks that a model can see."""

import base64
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from agentmem import images
from agentmem.errors import NotAPage
from agentmem.menu.scaling import scaled
from agentmem.pages.files import Files
from agentmem.types import Image

KINDS = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
}
LARGEST = 50_000_000
"""Bytes of a picture's file that is opened at all. What a model takes is less: such are scaled down."""


def is_picture(name: str) -> bool:
    """Whether the name is that of a picture."""
    return PurePosixPath(name).suffix.lower() in KINDS


def picture(root: Path, name: str, scale: Callable[[Image], Image | None] = scaled) -> Image:
    """The picture of that name in the workspace, made smaller by ``scale`` where it is too large for a model.

    Raises WorkspaceError where there is none, or it cannot be shown.
    """
    real = Files(root).locate(name)
    data, _ = Files(root).raw(real, LARGEST)
    if len(data) > LARGEST:
        raise NotAPage(f"'{name}' is too large to be shown: pictures have at most {LARGEST // 1_000_000} MB.")
    if images.size(data) is None:
        raise NotAPage(f"'{name}' is not a picture, or a broken one.")
    kind = images.kind(data) or KINDS[PurePosixPath(real).suffix.lower()]
    whole = Image(kind, base64.b64encode(data).decode())
    why = images.fault(whole.media_type, whole.data)
    shown = whole if why is None else scale(whole)
    if shown is None:
        raise NotAPage(f"'{name}' cannot be shown: it {why}. Make a smaller copy of it, and read that.")
    return shown

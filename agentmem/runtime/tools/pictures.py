"""Pictures in a workspace, as blocks that a model can see."""

import base64
from pathlib import Path, PurePosixPath

from agentmem.errors import NotAPage
from agentmem.images import size
from agentmem.pages.files import Files
from agentmem.types import Image

KINDS = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
}
LARGEST = 5_000_000
"""Bytes of a picture: Anthropic's limit for one image (its vision documentation)."""


def is_picture(name: str) -> bool:
    """Whether the name is that of a picture."""
    return PurePosixPath(name).suffix.lower() in KINDS


def picture(root: Path, name: str) -> Image:
    """The picture of that name in the workspace. Raises WorkspaceError where there is none, or it cannot be shown."""
    real = Files(root).locate(name)
    data, _ = Files(root).raw(real, LARGEST)
    if len(data) > LARGEST:
        raise NotAPage(f"'{name}' is too large to be shown: pictures have at most {LARGEST // 1_000_000} MB.")
    if size(data) is None:
        raise NotAPage(f"'{name}' is not a picture, or a broken one.")
    return Image(KINDS[PurePosixPath(real).suffix.lower()], base64.b64encode(data).decode())

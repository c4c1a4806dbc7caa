"""Pictures that are too large are scaled down where Pillow is installed, so that a model sees them all the same."""

import base64
import io
import logging
from importlib import import_module
from typing import Any

from agentmem import images
from agentmem.distribution import install
from agentmem.types import Image

SIDES = (images.LONGEST_OF_MANY, 1_500, 1_000, 500)
"""Pixels of the longest side, tried in this order until the picture is light enough."""
LARGEST = 80_000_000
"""Pixels that are decoded, at most: they take 320 MB. Above it Pillow warns of bombs."""
_FORMATS: dict[str, tuple[tuple[str, str], ...]] = {
    "image/jpeg": (("JPEG", "image/jpeg"),),
    "image/webp": (("WEBP", "image/webp"), ("JPEG", "image/jpeg")),
}
_OTHERS = (("PNG", "image/png"), ("JPEG", "image/jpeg"))
_log = logging.getLogger(__name__)


def scaled(picture: Image) -> Image | None:
    """The picture, small enough for every provider; None without Pillow, or where it cannot be read."""
    data = images.decoded(picture.data) or b""
    width, height = images.size(data) or (0, 0)
    if not 0 < width * height <= LARGEST:
        return None
    try:
        pillow, operations = import_module("PIL.Image"), import_module("PIL.ImageOps")
    except ModuleNotFoundError:
        _log.warning("a picture is too large for a model: %s has such scaled down", install("images"))
        return None
    try:
        with pillow.open(io.BytesIO(data)) as opened:
            whole = operations.exif_transpose(opened)
            return _light_enough(whole, _FORMATS.get(images.kind(data) or "", _OTHERS))
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        _log.warning("a picture could not be scaled down: %s", error)
        return None


def _light_enough(whole: Any, formats: tuple[tuple[str, str], ...]) -> Image | None:
    for side in SIDES:
        small = whole.copy()
        small.thumbnail((side, side))
        for name, media_type in formats:
            encoded = _encoded(small, name)
            if len(encoded) <= images.MOST_ENCODED:
                return Image(media_type, encoded)
    return None


def _encoded(picture: Any, name: str) -> str:
    file = io.BytesIO()
    (picture.convert("RGB") if name == "JPEG" else picture).save(file, name)
    return base64.b64encode(file.getvalue()).decode()

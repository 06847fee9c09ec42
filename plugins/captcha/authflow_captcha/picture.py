"""A code as a picture: a PNG of bent letters and digits, noise and nothing else.

The file holds pixels and a palette of greys: no text, no time, no seed. The package `captcha` draws
its noise from the operating system's randomness.
"""

import io
from typing import Final

from captcha.image import ImageCaptcha
from PIL import ImageOps

_GREYS: Final = 8
# The package uses the ink's lightness as its opacity, so that only a middle grey is opaque.
# Stretching the contrast afterwards makes it black.
_INK: Final = (128, 128, 128)
_PAPER: Final = (255, 255, 255)


class _Drawer(ImageCaptcha):
    """The package's picture with letters farther apart, so that a terminal can show it."""

    word_space_probability = 1.0
    """The bound for random numbers above which the package adds a space; it squeezes the rest."""
    word_offset_dx = 0.1
    """The part of a letter that its neighbour may cover."""


def draw(code: str, *, width: int, height: int) -> bytes:
    """Draw a code. It takes about 12 ms: call it in a thread.

    Args:
        code: ASCII letters and digits.
        width: The picture's width, in pixels.
        height: The picture's height, in pixels.

    Returns:
        The PNG file's content.
    """
    # One drawer for each picture, since several threads draw at once; it costs a third of a
    # millisecond.
    drawer = _Drawer(
        width=width,
        height=height,
        font_sizes=tuple(height * percent // 100 for percent in (60, 70, 80)),
    )
    picture = drawer.generate_image(code, bg_color=_PAPER, fg_color=_INK).convert("L")
    file = io.BytesIO()
    ImageOps.autocontrast(picture).quantize(_GREYS).save(file, "PNG", optimize=True)
    return file.getvalue()

"""Pictures for the terminal, drawn with characters: each shows two pixels, one above the other.

It needs Pillow, which comes with what needs pictures to be seen at a terminal.
"""

import io
import shutil
from typing import Final

from PIL import Image, ImageFilter, ImageOps, ImageStat

BLOCKS: Final = " ▀▄█"
"""The characters for no pixel, the upper one, the lower one and both."""
ASCII: Final = " '.#"
"""The same for terminals without block characters; these are harder to read."""

LARGEST_PICTURE: Final = 1_000_000
"""The most pixels, since a small file can unpack to a picture that fills the memory."""
_MIDDLE: Final = 128
_COLUMNS: Final = range(40, 101)
"""The widths of a drawn picture, in characters: as wide as the terminal, within these bounds."""


def drawn_for(picture: bytes, encoding: str) -> str | None:
    """Draw a picture for a terminal. It takes some milliseconds: call it in a thread.

    Args:
        picture: A PNG or JPEG file's content.
        encoding: What the terminal's output is encoded in.

    Returns:
        None if it is no picture that can be drawn.
    """
    try:
        BLOCKS.encode(encoding)
        characters = BLOCKS
    except (UnicodeEncodeError, LookupError):
        characters = ASCII
    columns = min(max(shutil.get_terminal_size().columns - 1, _COLUMNS[0]), _COLUMNS[-1])
    try:
        return draw(picture, columns=columns, characters=characters)
    except ValueError:
        return None


def draw(picture: bytes, *, columns: int, characters: str = BLOCKS) -> str:
    """Draw a picture as lines of text: all that differs from its background, in one colour.

    It reads well on dark and on light terminals alike, since only the shape is drawn.

    Args:
        picture: A PNG or JPEG file's content.
        columns: How many characters a line may have; there are at most half as many lines.
        characters: `BLOCKS` or `ASCII`.

    Raises:
        ValueError: It is no such picture, is damaged, or has more pixels than `LARGEST_PICTURE`.
    """
    pixels = ImageOps.autocontrast(_flat(picture))
    if ImageStat.Stat(pixels).mean[0] < _MIDDLE:
        pixels = ImageOps.invert(pixels)
    # A median removes noise that is thinner than the strokes of letters; coarse squares would make
    # it as thick. Characters are about twice as high as wide, so half a character is a square.
    pixels = pixels.filter(ImageFilter.MedianFilter(3))
    scale = columns / max(pixels.size)
    width = max(1, round(pixels.width * scale))
    height = max(1, round(pixels.height * scale / 2)) * 2
    squares = pixels.resize((width, height), Image.Resampling.BOX).tobytes()
    ink = [value < _MIDDLE for value in squares]
    rows = [ink[start : start + width] for start in range(0, len(ink), width)]
    return "\n".join(
        "".join(characters[up + 2 * low] for up, low in zip(upper, lower, strict=True)).rstrip()
        for upper, lower in zip(rows[::2], rows[1::2], strict=True)
    )


def _flat(picture: bytes) -> Image.Image:
    """Unpack a picture to greys; transparent pixels become white."""
    try:
        with Image.open(io.BytesIO(picture), formats=("PNG", "JPEG")) as opened:
            small = opened.width * opened.height <= LARGEST_PICTURE
            whole = opened.convert("RGBA") if small else None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError, Warning) as error:
        # Pillow only warns about some pictures, and a program may turn warnings into errors.
        msg = f"the picture cannot be read: {type(error).__name__}"
        raise ValueError(msg) from error
    if whole is None:
        msg = f"the picture has more than {LARGEST_PICTURE:,} pixels"
        raise ValueError(msg)
    paper = Image.new("RGBA", whole.size, "white")
    return Image.alpha_composite(paper, whole).convert("L")

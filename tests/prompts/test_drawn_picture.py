"""Pictures out of characters, and at the terminal."""

import io
import struct
import sys
import zlib
from pathlib import Path

import pytest
from authflow_captcha.picture import draw as draw_code
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from authflow.prompts import TerminalPrompt
from authflow.prompts.drawn_picture import ASCII, BLOCKS, LARGEST_PICTURE, draw


def file_of(picture: Image.Image, kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    picture.save(file, kind)
    return file.getvalue()


def stairs(paper: str = "white", ink: str = "black") -> Image.Image:
    """A picture of 80 by 40 whose ink begins lower, the further to the right one looks."""
    picture = Image.new("L", (80, 40), paper)
    pencil = ImageDraw.Draw(picture)
    pencil.rectangle((0, 0, 9, 39), fill=ink)
    pencil.rectangle((10, 10, 19, 39), fill=ink)
    pencil.rectangle((20, 30, 29, 39), fill=ink)
    return picture


STAIRS = ["█▄", "██▄"]


def test_dark_shapes_are_drawn_and_light_ground_is_not() -> None:
    assert draw(file_of(stairs()), columns=8).splitlines() == STAIRS


def test_each_half_of_a_character_is_a_pixel() -> None:
    picture = Image.new("L", (80, 20), "white")
    pencil = ImageDraw.Draw(picture)
    pencil.rectangle((10, 0, 19, 9), fill="black")
    pencil.rectangle((20, 10, 29, 19), fill="black")
    pencil.rectangle((30, 0, 39, 19), fill="black")
    assert draw(file_of(picture), columns=8) == " ▀▄█"
    assert draw(file_of(picture), columns=8, characters=ASCII) == " '.#"


def test_light_shapes_on_dark_ground_look_the_same() -> None:
    inverted = file_of(stairs(paper="black", ink="white"))
    assert draw(inverted, columns=8).splitlines() == STAIRS


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA"])
def test_every_kind_of_png_looks_the_same(mode: str) -> None:
    assert draw(file_of(stairs().convert(mode)), columns=8).splitlines() == STAIRS


def test_a_jpeg_looks_like_the_png() -> None:
    assert draw(file_of(stairs(), "JPEG"), columns=8).splitlines() == STAIRS


def test_what_is_transparent_is_ground() -> None:
    clear = Image.new("RGBA", (80, 40), (0, 0, 0, 0))
    ImageDraw.Draw(clear).rectangle((0, 0, 19, 39), fill=(0, 0, 0, 255))
    lines = draw(file_of(clear), columns=8).splitlines()
    assert lines == ["██"] * 2


def test_thin_lines_are_taken_for_noise() -> None:
    picture = Image.new("L", (80, 40), "white")
    pencil = ImageDraw.Draw(picture)
    pencil.line((0, 20, 79, 20), fill="black")
    assert draw(file_of(picture), columns=80).strip() == ""
    pencil.line((0, 20, 79, 20), fill="black", width=5)
    assert "█" in draw(file_of(picture), columns=80)


@pytest.mark.parametrize("size", [(220, 80), (10, 400), (1000, 1000), (1, 1), (3, 1), (1, 3)])
@pytest.mark.parametrize("columns", [1, 40, 79, 100])
def test_it_never_takes_more_room_than_it_was_given(size: tuple[int, int], columns: int) -> None:
    lines = draw(file_of(Image.new("L", size, "white")), columns=columns).split("\n")
    assert max(map(len, lines)) <= columns
    assert len(lines) <= columns // 2 + 1


@pytest.mark.parametrize("characters", [BLOCKS, ASCII])
def test_a_captcha_is_drawn_with_nothing_but_the_four_characters(characters: str) -> None:
    text = draw(draw_code("KXSA7F", width=220, height=80), columns=79, characters=characters)
    assert set(text) == {*characters, "\n"}
    assert len(text.splitlines()) > 8


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def claiming(width: int, height: int) -> bytes:
    """A tiny PNG that says it is large."""
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = zlib.compress(b"\0" * 1000)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("side", [LARGEST_PICTURE // 1000 + 1, 10_000, 60_000])
def test_a_small_file_that_unpacks_to_a_huge_picture_is_refused(side: int) -> None:
    with pytest.raises(ValueError, match=r"more than 1,000,000 pixels|Decompression"):
        draw(claiming(side, side), columns=80)


@pytest.mark.parametrize("file", [b"", b"GIF89a", b"\x89PNG\r\n\x1a\n", b"<svg/>", claiming(0, 9)])
def test_what_is_no_picture_is_refused(file: bytes) -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        draw(file, columns=80)


def test_a_picture_of_another_format_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        draw(file_of(stairs(), "BMP"), columns=80)


PNG = file_of(stairs().convert("RGB"))
JPEG = file_of(stairs().convert("RGB"), "JPEG")


@given(
    file=st.sampled_from([PNG, JPEG]),
    cut=st.integers(0, 2_000),
    place=st.integers(0, 2_000),
    put=st.binary(max_size=8),
)
def test_a_damaged_file_is_drawn_or_refused_and_nothing_else(
    file: bytes, cut: int, place: int, put: bytes
) -> None:
    damaged = (file[:place] + put + file[place + len(put) :])[: max(cut, 20)]
    try:
        assert isinstance(draw(damaged, columns=40), str)
    except ValueError as error:
        assert "the picture" in str(error)  # noqa: PT017  # either outcome is right


def terminal(folder: Path, encoding: str = "utf-8") -> tuple[TerminalPrompt, io.BytesIO]:
    screen = io.BytesIO()
    output = io.TextIOWrapper(screen, encoding=encoding)
    return TerminalPrompt(image_folder=folder, output=output, input=io.StringIO()), screen


@pytest.mark.parametrize(
    ("encoding", "characters"),
    [("utf-8", BLOCKS), ("cp437", BLOCKS), ("ascii", ASCII), ("latin-1", ASCII)],
)
async def test_at_a_terminal_a_picture_is_a_file_and_is_drawn_as_its_encoding_can(
    tmp_path: Path, encoding: str, characters: str
) -> None:
    picture = draw_code("KXSA7F", width=220, height=80)
    prompt, screen = terminal(tmp_path, encoding)
    await prompt.show_image(picture, "image/png", "The CAPTCHA")
    (file,) = tmp_path.iterdir()
    assert file.read_bytes() == picture
    first, _, drawing = screen.getvalue().decode(encoding).partition("\n")
    assert first == f"The CAPTCHA: {file}"
    assert set(drawing) == {*characters, "\n"}


@pytest.mark.parametrize(("width", "columns"), [(20, 40), (80, 79), (500, 100)])
async def test_the_drawing_fits_the_terminal_and_stays_readable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, width: int, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    picture = draw_code("KXSA7F", width=220, height=80)
    prompt, screen = terminal(tmp_path)
    await prompt.show_image(picture, "image/png", "It")
    assert draw(picture, columns=columns) in screen.getvalue().decode()


@pytest.mark.parametrize("file", [b"", b"x", b"\x89PNG\r\n\x1a\n", b"<svg/>"])
async def test_what_cannot_be_drawn_is_a_file_all_the_same(tmp_path: Path, file: bytes) -> None:
    prompt, screen = terminal(tmp_path)
    await prompt.show_image(file, "image/png", "It")
    assert screen.getvalue().decode() == f"It: {tmp_path / '1.png'}\n"
    assert (tmp_path / "1.png").read_bytes() == file


async def test_without_pillow_a_picture_is_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "authflow.prompts.drawn_picture", None)
    prompt, screen = terminal(tmp_path)
    await prompt.show_image(PNG, "image/png", "It")
    assert screen.getvalue().decode() == f"It: {tmp_path / '1.png'}\n"

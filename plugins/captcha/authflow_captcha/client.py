"""The client half: shows the picture and asks what stands in it.

What the user pool sends is not trusted: the picture comes inside the challenge or not at all, and
nothing is fetched. A link is told to the person, who can decide to open it.
"""

import base64
import binascii
import re
import shutil
import sys
from typing import ClassVar, Final
from urllib.parse import urlsplit

import anyio.to_thread

from authflow.client.prompt import Prompt
from authflow.errors import PluginFailedError
from authflow.results import Challenge

LARGEST_FILE: Final = 256 * 1024
"""In bytes. Cognito's API allows 131,072 characters for a challenge parameter, so no picture that
came through Cognito is larger."""
LONGEST_LINK: Final = 2048

_CAPTCHA_URL: Final = "captchaUrl"
_DATA_URL: Final = re.compile(r"data:(image/(?:png|jpeg));base64,([A-Za-z0-9+/]+={0,2})")
_LINK: Final = re.compile(r"https?://[!-~]+", re.IGNORECASE)
_BEGINNINGS: Final = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}
_COLUMNS: Final = range(40, 101)
"""How wide a picture is drawn in a terminal, which is asked for its own width first."""


class CaptchaPrompter:
    """Answers a CAPTCHA by asking a person."""

    name: ClassVar[str] = "captcha"
    interface: ClassVar[int] = 1

    async def answer(self, challenge: Challenge, prompt: Prompt) -> str:
        """Show the picture, as a file and out of characters, and ask what stands in it.

        Raises:
            PluginFailedError: The challenge is not a CAPTCHA that can be shown.
        """
        url = challenge.parameters.get(_CAPTCHA_URL)
        if url is None:
            msg = f"captcha: the challenge lacks the parameter {_CAPTCHA_URL}"
            raise PluginFailedError(msg)
        if challenge.is_retry:
            await prompt.tell(_retry(challenge))
        if url.lower().startswith(("http:", "https:")):
            await prompt.tell(f"The CAPTCHA is at {_link(url)}")
        else:
            media_type, picture = _picture(url)
            output = getattr(prompt, "output", sys.stdout)
            encoding = getattr(output, "encoding", None) or "ascii"
            drawing = await anyio.to_thread.run_sync(_drawing, picture, encoding)
            await prompt.show_image(picture, media_type, "The CAPTCHA")
            await prompt.tell(drawing)
        return await prompt.ask("Which characters does the picture show?")


def _retry(challenge: Challenge) -> str:
    of = "" if challenge.attempts is None else f" of {challenge.attempts}"
    return f"That was not right, try again (attempt {challenge.attempt}{of})."


def _link(url: str) -> str:
    """Check that a link is one, and that telling it cannot steer a terminal."""
    try:
        sound = len(url) <= LONGEST_LINK and _LINK.fullmatch(url) and urlsplit(url).hostname
    except ValueError:
        sound = None
    if not sound:
        msg = f"captcha: {_CAPTCHA_URL} is a malformed link"
        raise PluginFailedError(msg)
    return url


def _picture(url: str) -> tuple[str, bytes]:
    """Read a data: URL (RFC 2397) of a PNG or JPEG file."""
    parts = _DATA_URL.fullmatch(url)
    if parts is None:
        msg = f"captcha: {_CAPTCHA_URL} is neither a base64 data: URL of a PNG or JPEG, nor a link"
        raise PluginFailedError(msg)
    media_type, text = parts.groups()
    try:
        picture = base64.b64decode(text)
    except binascii.Error:
        msg = f"captcha: {_CAPTCHA_URL} is not valid base64"
        raise PluginFailedError(msg) from None
    if len(picture) > LARGEST_FILE:
        msg = f"captcha: the picture is larger than {LARGEST_FILE:,} bytes"
        raise PluginFailedError(msg)
    if not picture.startswith(_BEGINNINGS[media_type]):
        msg = f"captcha: {_CAPTCHA_URL} holds something else than {media_type}"
        raise PluginFailedError(msg)
    return media_type, picture


def _drawing(picture: bytes, encoding: str) -> str:
    """Draw the picture out of characters that an encoding has. It is run off the event loop."""
    # Imported here, for this alone needs Pillow: a client that only gets links does without.
    from authflow_captcha import terminal  # noqa: PLC0415

    try:
        terminal.BLOCKS.encode(encoding)
        characters = terminal.BLOCKS
    except (UnicodeEncodeError, LookupError):
        characters = terminal.ASCII
    columns = min(max(shutil.get_terminal_size().columns - 1, _COLUMNS[0]), _COLUMNS[-1])
    try:
        return terminal.draw(picture, columns=columns, characters=characters)
    except ValueError as error:
        msg = f"captcha: {_CAPTCHA_URL}: {error}"
        raise PluginFailedError(msg) from error

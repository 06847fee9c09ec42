"""The client half: shows the picture or plays the sound, and asks what it says.

What the user pool sends is not trusted: the file comes inside the challenge or not at all, and
nothing is fetched. A link is shown to the person, who can decide to open it.

Cognito's documented sample does not say what its challenges are: `AuthClient(assume="captcha")`.
"""

import base64
import binascii
import re
import shutil
import sys
from collections.abc import Mapping
from typing import ClassVar, Final

import anyio.to_thread
from attrs import field, frozen

from authflow.plugins import Challenge, ConfigError, PluginFailedError, Prompt
from authflow.safe_url import safe_url

LARGEST_FILE: Final = 256 * 1024
"""In bytes. Cognito's API allows 131,072 characters for a challenge parameter, so no file that came
through Cognito is larger."""
LONGEST_LINK: Final = 4096
"""Signed links to Amazon S3 hold a session token of up to 2,000 characters."""

CAPTCHA_URL: Final = "captchaUrl"
AUDIO_URL: Final = "audioUrl"
PICTURE: Final = "picture"
SOUND: Final = "sound"

_DATA_URL: Final = re.compile(r"data:([a-z]+/[a-z]+);base64,([A-Za-z0-9+/]+={0,2})")
_RELATIVE: Final = re.compile(r"[A-Za-z0-9._~/-]+")
"""Cognito's sample gives "url/123.jpg": what it stands for, the person may know."""
_BEGINNINGS: Final[Mapping[str, Mapping[str, re.Pattern[bytes]]]] = {
    CAPTCHA_URL: {
        "image/png": re.compile(rb"\x89PNG\r\n\x1a\n"),
        "image/jpeg": re.compile(rb"\xff\xd8\xff"),
    },
    AUDIO_URL: {"audio/wav": re.compile(rb"RIFF.{4}WAVE", re.DOTALL)},
}
_COLUMNS: Final = range(40, 101)
"""How wide a picture is drawn in a terminal, which is asked for its own width first."""


@frozen(kw_only=True)
class _File:
    """A picture or a sound that came with the challenge."""

    media_type: str
    content: bytes = field(repr=False)


@frozen
class _Link:
    """Where a picture or a sound is."""

    url: str


class CaptchaPrompter:
    """Answers a CAPTCHA by asking a person."""

    name: ClassVar[str] = "captcha"
    interface: ClassVar[int] = 1
    conformance: ClassVar[str] = "authflow_captcha.conformance:CaptchaClientSuite"

    async def answer(self, challenge: Challenge, prompt: Prompt) -> str:
        """Show the picture or play the sound, as the person wishes, and ask what it says.

        Raises:
            PluginFailedError: The challenge is not a CAPTCHA that can be shown.
        """
        parameters = challenge.parameters
        found = {
            form: _found(name, parameters[name])
            for form, name in ((PICTURE, CAPTCHA_URL), (SOUND, AUDIO_URL))
            if name in parameters
        }
        if not found:
            msg = f"captcha: the challenge lacks the parameter {CAPTCHA_URL} or {AUDIO_URL}"
            raise PluginFailedError(msg)
        drawing = await _drawn(found.get(PICTURE), prompt)
        if challenge.is_retry:
            await prompt.tell(_retry(challenge))
        form = next(iter(found))
        if len(found) > 1:
            form = await prompt.choose("Which CAPTCHA do you want?", tuple(found))
        if form == SOUND:
            await _play(found[form], prompt)
            return await prompt.ask("Which digits do you hear?")
        await _show(found[form], drawing, prompt)
        return await prompt.ask("Which characters does the picture show?")


async def _play(sound: _File | _Link, prompt: Prompt) -> None:
    if isinstance(sound, _Link):
        await prompt.show_link(sound.url, "The CAPTCHA, spoken")
    else:
        await prompt.play_audio(sound.content, sound.media_type, "The CAPTCHA, spoken")


async def _show(picture: _File | _Link, drawing: str, prompt: Prompt) -> None:
    if isinstance(picture, _Link):
        await prompt.show_link(picture.url, "The CAPTCHA")
    else:
        await prompt.show_image(picture.content, picture.media_type, "The CAPTCHA")
        await prompt.tell(drawing)


def _retry(challenge: Challenge) -> str:
    of = "" if challenge.attempts is None else f" of {challenge.attempts}"
    return f"That was not right, try again (attempt {challenge.attempt}{of})."


def _found(name: str, url: str) -> _File | _Link:
    if url.lower().startswith(("http:", "https:")):
        return _Link(_checked(name, url))
    if _RELATIVE.fullmatch(url) and len(url) <= LONGEST_LINK:
        return _Link(url)
    return _file(name, url)


def _checked(name: str, url: str) -> str:
    """Check that a link is one, and that showing it can neither steer a terminal nor mislead."""
    msg = f"captcha: {name} is a malformed link"
    if len(url) > LONGEST_LINK:
        raise PluginFailedError(msg)
    try:
        safe_url(url, name, base=False, insecure=True)
    except ConfigError:
        raise PluginFailedError(msg) from None
    return url


def _file(name: str, url: str) -> _File:
    """Read a data: URL (RFC 2397) of a file that can be shown or played."""
    parts = _DATA_URL.fullmatch(url)
    beginnings = _BEGINNINGS[name]
    if parts is None or parts[1] not in beginnings:
        known = " or ".join(beginnings)
        msg = f"captcha: {name} is neither a base64 data: URL of {known}, nor a link"
        raise PluginFailedError(msg)
    media_type, text = parts.groups()
    try:
        content = base64.b64decode(text)
    except binascii.Error:
        msg = f"captcha: {name} is not valid base64"
        raise PluginFailedError(msg) from None
    if len(content) > LARGEST_FILE:
        msg = f"captcha: the file is larger than {LARGEST_FILE:,} bytes"
        raise PluginFailedError(msg)
    if beginnings[media_type].match(content) is None:
        msg = f"captcha: {name} holds something else than {media_type}"
        raise PluginFailedError(msg)
    return _File(media_type=media_type, content=content)


async def _drawn(picture: _File | _Link | None, prompt: Prompt) -> str:
    """Draw a picture out of characters that the prompt's output has; so it is known to be one."""
    if not isinstance(picture, _File):
        return ""
    output = getattr(prompt, "output", sys.stdout)
    encoding = getattr(output, "encoding", None) or "ascii"
    return await anyio.to_thread.run_sync(_drawing, picture.content, encoding)


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
        msg = f"captcha: {CAPTCHA_URL}: {error}"
        raise PluginFailedError(msg) from error

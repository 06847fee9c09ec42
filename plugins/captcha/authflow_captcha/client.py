"""The client half: shows the picture or plays the sound, and asks for its text.

What the user pool sends is not trusted: the file comes inside the challenge or not at all, and
nothing is fetched. A link is shown to the person, who can decide to open it.

Cognito's documented sample does not say what its challenges are: `AuthClient(assume="captcha")`.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import ClassVar, Final

from attrs import field, frozen

from authflow.plugins import (
    Challenge,
    ChoiceField,
    ConfigError,
    Field,
    Filled,
    Form,
    PluginFailedError,
    Shown,
    ShownAudio,
    ShownIf,
    ShownImage,
    ShownLink,
    ShownText,
    TextField,
)
from authflow.safe_url import safe_url

LARGEST_FILE: Final = 256 * 1024
"""The most bytes. Cognito's API allows 131,072 characters for a challenge parameter, so no file
that came through Cognito is larger."""
LONGEST_LINK: Final = 4096
"""The most characters; signed links to Amazon S3 hold a session token of up to 2,000."""

CAPTCHA_URL: Final = "captchaUrl"
AUDIO_URL: Final = "audioUrl"
PICTURE: Final = "picture"
SOUND: Final = "sound"

_DATA_URL: Final = re.compile(r"data:([a-z]+/[a-z]+);base64,([A-Za-z0-9+/]+={0,2})")
_RELATIVE: Final = re.compile(r"[A-Za-z0-9._~/-]+")
"""The pattern of relative links: Cognito's sample has "url/123.jpg", which a person may know."""
_BEGINNINGS: Final[Mapping[str, Mapping[str, re.Pattern[bytes]]]] = {
    CAPTCHA_URL: {
        "image/png": re.compile(rb"\x89PNG\r\n\x1a\n"),
        "image/jpeg": re.compile(rb"\xff\xd8\xff"),
    },
    AUDIO_URL: {"audio/wav": re.compile(rb"RIFF.{4}WAVE", re.DOTALL)},
}
_CHOICE: Final = "form"
_LABELS: Final[Mapping[str, str]] = {
    PICTURE: "Which characters does the picture show?",
    SOUND: "Which digits do you hear?",
}


@frozen(kw_only=True)
class _File:
    """A picture or a sound that came with the challenge."""

    media_type: str
    content: bytes = field(repr=False)


@frozen
class _Link:
    """A link to a picture or a sound."""

    url: str


class CaptchaPrompter:
    """Answers a CAPTCHA by asking a person."""

    name: ClassVar[str] = "captcha"
    interface: ClassVar[int] = 2
    conformance: ClassVar[str] = "authflow_captcha.conformance:CaptchaClientSuite"

    def form(self, challenge: Challenge) -> Form:
        """Return the form with the picture or the sound that is chosen, and a field for its text.

        Who types nothing gets another one, at the cost of an attempt.

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
        parts: list[Shown | Field] = []
        if challenge.is_retry:
            parts.append(ShownText(text=_retry(challenge)))
        if len(found) > 1:
            parts.append(
                ChoiceField(name=_CHOICE, label="Which CAPTCHA do you want?", options=found)
            )
        for form, file in found.items():
            chosen = ShownIf(choice=_CHOICE, option=form) if len(found) > 1 else None
            parts.append(_shown(form, file, chosen))
            asked = TextField(
                name=form, label=_LABELS[form], required=False, autocomplete="off", shown_if=chosen
            )
            parts.append(asked)
        return Form(parts=tuple(parts))

    def read(self, _challenge: Challenge, filled: Filled) -> str:
        """Return the typed text unchanged: the trigger half knows what people type."""
        return next(filled[name] for name in filled if name != _CHOICE)


def _shown(form: str, file: "_File | _Link", chosen: ShownIf | None) -> Shown:
    description = "The CAPTCHA, spoken" if form == SOUND else "The CAPTCHA"
    if isinstance(file, _Link):
        return ShownLink(url=file.url, description=description, shown_if=chosen)
    kind = ShownAudio if form == SOUND else ShownImage
    return kind(
        content=file.content, media_type=file.media_type, description=description, shown_if=chosen
    )


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
    """Refuse a text that is not a link, or that would control a terminal or mislead if shown."""
    msg = f"captcha: {name} is a malformed link"
    if len(url) > LONGEST_LINK:
        raise PluginFailedError(msg)
    try:
        safe_url(url, name, base=False, insecure=True)
    except ConfigError:
        raise PluginFailedError(msg) from None
    return url


def _file(name: str, url: str) -> _File:
    """Read a data: URL (RFC 2397) with a file that can be shown or played."""
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

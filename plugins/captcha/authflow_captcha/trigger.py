"""The trigger half: draws a code, makes a picture of it, and compares the answer.

The code is random and kept in the private parameters alone. What is public is the picture, and
the picture's file holds pixels and a palette of greys: no text, no time, no seed. The package
`captcha` draws its noise from the operating system's randomness, as the code itself is drawn.

Source: the names `captchaUrl`, `answer` and `CAPTCHA_CHALLENGE` are those of the samples in "Create
auth challenge Lambda trigger" of the Amazon Cognito developer guide, so that clients written for
them work.
"""

import base64
import hmac
import io
import secrets
import string
from collections.abc import Callable
from typing import ClassVar, Final

import anyio.to_thread
from attrs import Attribute, field, frozen
from captcha.image import ImageCaptcha
from PIL import ImageOps

from authflow.errors import ConfigError, PluginFailedError
from authflow.triggers.challenges import CreateContext, Issued, VerifyContext

UNMISTAKABLE: Final = "ACEFHJKNPRTUWXY3679"
"""Letters and digits that look like no other when they are bent. Left out: 0 O Q D, 1 I L, 2 Z,
5 S, 8 B, and G, M, V, 4 beside 6, N, U, A."""

LEAST_BITS: Final = 20
"""ASVS 5.0, 6.5.4: what a code must hold at least."""
LENGTHS: Final = range(4, 13)
WIDTHS: Final = range(120, 401)
HEIGHTS: Final = range(50, 151)
"""With these, the largest picture stays far below the 131,072 characters that Cognito's API allows
for a challenge parameter, even if nothing of it could be compressed."""

_CAPTCHA_URL: Final = "captchaUrl"
_ANSWER: Final = "answer"
_GREYS: Final = 8
# The package uses the ink's own lightness as its opacity, so that only a middle grey comes out
# solid. Stretching the contrast afterwards makes it black.
_INK: Final = (128, 128, 128)
_PAPER: Final = (255, 255, 255)


class _Drawer(ImageCaptcha):
    """The package's picture, its letters less pushed together, so that a terminal can show it."""

    word_space_probability = 1.0
    """The package puts in a space where a random number exceeds this, and squeezes the rest."""
    word_offset_dx = 0.1
    """How much of a letter its neighbour may cover."""


def _within(allowed: range) -> Callable[[object, "Attribute[int]", int], None]:
    """Make the validator of a setting that is a whole number."""

    def check(_settings: object, setting: "Attribute[int]", value: int) -> None:
        if type(value) is not int or value not in allowed:
            msg = f"captcha: {setting.name} must be a whole number of {allowed[0]} to {allowed[-1]}"
            raise ConfigError(msg)

    return check


def _alphabet_is_usable(_settings: object, _field: object, alphabet: object) -> None:
    """Allow only what the font has, and what stays distinct when case is ignored."""
    usable = frozenset(string.ascii_letters + string.digits)
    if not isinstance(alphabet, str) or not usable.issuperset(alphabet):
        msg = "captcha: alphabet must be a text of ASCII letters and digits"
        raise ConfigError(msg)
    if len(set(alphabet.upper())) != len(alphabet):
        msg = "captcha: alphabet holds a character twice; a and A are the same to the reader"
        raise ConfigError(msg)


@frozen(kw_only=True)
class Captcha:
    """A picture of a few letters and digits, to be typed by whoever can read it.

    A CAPTCHA slows programs down. It proves nothing about who the user is, so a policy must not
    rest on it alone.

    Args:
        length: How many characters the code has.
        alphabet: What they are drawn from; case is ignored in answers.
        width: The picture's width, in pixels.
        height: The picture's height, in pixels.

    Raises:
        ConfigError: A setting is out of bounds, or the code would hold less than `LEAST_BITS`.
    """

    name: ClassVar[str] = "captcha"
    metadata: ClassVar[str] = "CAPTCHA_CHALLENGE"
    interface: ClassVar[int] = 1

    length: int = field(default=6, validator=_within(LENGTHS))
    alphabet: str = field(default=UNMISTAKABLE, validator=_alphabet_is_usable)
    width: int = field(default=220, validator=_within(WIDTHS))
    height: int = field(default=80, validator=_within(HEIGHTS))

    def __attrs_post_init__(self) -> None:
        if len(self.alphabet) ** self.length < 2**LEAST_BITS:
            msg = (
                f"captcha: {self.length} characters out of {len(self.alphabet)} are a code of less"
                f" than {LEAST_BITS} bits; raise length, or add to alphabet"
            )
            raise ConfigError(msg)

    async def create(self, context: CreateContext) -> Issued:  # noqa: ARG002  # all users are asked the same
        """Make a picture of a new code, off the event loop."""
        code = "".join(secrets.choice(self.alphabet) for _ in range(self.length))
        picture = await anyio.to_thread.run_sync(self._draw, code)
        url = f"data:image/png;base64,{base64.b64encode(picture).decode()}"
        return Issued(public={_CAPTCHA_URL: url}, private={_ANSWER: code})

    async def verify(self, context: VerifyContext) -> bool:
        """Compare the answer in constant time, ignoring case and the white space around it.

        Raises:
            PluginFailedError: The private parameters are not those of this plugin.
        """
        code = context.private.get(_ANSWER)
        if not code:
            msg = f"captcha: the private challenge parameters lack {_ANSWER!r}"
            raise PluginFailedError(msg)
        answer = context.answer.reveal().strip()
        # Outside ASCII there are signs that become letters with their case: the long s, for one.
        answered = answer.upper().encode() if answer.isascii() else b""
        right = hmac.compare_digest(answered, code.upper().encode())
        return right and not context.user_not_found

    def _draw(self, code: str) -> bytes:
        # One drawer per picture, since several threads draw at once; it costs a third of a
        # millisecond.
        drawer = _Drawer(
            width=self.width,
            height=self.height,
            font_sizes=tuple(self.height * percent // 100 for percent in (60, 70, 80)),
        )
        picture = drawer.generate_image(code, bg_color=_PAPER, fg_color=_INK).convert("L")
        file = io.BytesIO()
        ImageOps.autocontrast(picture).quantize(_GREYS).save(file, "PNG", optimize=True)
        return file.getvalue()

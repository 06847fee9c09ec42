"""The trigger half: draws a code, makes a picture or a sound of it, and compares the answer.

The code is random and kept in the private parameters alone. What is public is the picture or the
sound, and nothing else that depends on the code.

Source: the names `captchaUrl`, `answer` and `CAPTCHA_CHALLENGE` are those of the samples in "Create
auth challenge Lambda trigger" of the Amazon Cognito developer guide, so that clients written for
them work.
"""

import base64
import hmac
import string
from collections.abc import Callable
from typing import ClassVar, Final, Literal, get_args

import anyio.to_thread
from attrs import field, frozen

from authflow.plugins import (
    ConfigError,
    CreateContext,
    Issued,
    Outcome,
    PluginFailedError,
    VerifyContext,
    checked_settings,
    typed_code,
)
from authflow_captcha.publisher import Publisher
from authflow_captcha.settings import documented, whole

UNMISTAKABLE: Final = "ACEFHJKNPRTUWXY3679"
"""Letters and digits that look like no other when they are bent. Left out: 0 O Q D, 1 I L, 2 Z,
5 S, 8 B, and G, M, V, 4 beside 6, N, U, A."""

LEAST_BITS: Final = 20
"""The fewest bits of a code: ASVS 5.0, 6.5.4."""
LENGTHS: Final = range(4, 13)
WIDTHS: Final = range(120, 401)
HEIGHTS: Final = range(50, 151)
"""Heights with which the largest picture stays far below the 131,072 characters that Cognito allows
for a challenge parameter, even if nothing of it could be compressed."""
DIGITS: Final = range(4, 9)
"""The numbers of digits with which the longest sound stays below that limit, too."""
LIFETIMES: Final = range(30, 901)
"""Lifetimes in seconds. In Cognito a challenge can be answered for 15 minutes at most."""

Form = Literal["image", "audio", "both"]

_CAPTCHA_URL: Final = "captchaUrl"
_AUDIO_URL: Final = "audioUrl"
_ANSWER: Final = "answer"
_SPOKEN: Final = "spoken"
_EXPIRES: Final = "expires"


def _form_is_known(_settings: object, _field: object, form: object) -> None:
    if form not in get_args(Form):
        msg = f"captcha: form is one of {', '.join(get_args(Form))}"
        raise ConfigError(msg)


def _is_yes_or_no(_settings: object, _field: object, value: object) -> None:
    if not isinstance(value, bool):
        msg = "captcha: case_sensitive is True or False"
        raise ConfigError(msg)


def _can_publish(_settings: object, _field: object, publisher: Publisher | None) -> None:
    if publisher is not None and not callable(getattr(publisher, "publish", None)):
        msg = "captcha: a publisher has a method publish(data, media_type, seconds)"
        raise ConfigError(msg)


@checked_settings
@frozen(kw_only=True)
class Captcha:
    """A few letters and digits as a picture, or digits as sound, to be typed by a person.

    A CAPTCHA slows programs down. It proves nothing about who the user is, so a policy must not
    rest on it alone.

    Args:
        form: What is made: "image", "audio", or "both", each of a code of its own; then the answer
            to either is right.
        length: How many characters the picture's code has.
        alphabet: What they are drawn from.
        case_sensitive: Whether an answer must have the case of the picture's letters.
        width: The picture's width, in pixels.
        height: The picture's height, in pixels.
        digits: How many digits the sound's code has.
        lifetime: For how long an answer is taken, in seconds.
        publisher: Puts pictures and sounds at a URL; by default they travel in the challenge.

    Raises:
        ConfigError: A setting is out of bounds, or the picture's code would hold less than
            `LEAST_BITS`.
    """

    name: ClassVar[str] = "captcha"
    metadata: ClassVar[str] = "CAPTCHA_CHALLENGE"
    interface: ClassVar[int] = 2
    sends_to: ClassVar[tuple[str, ...]] = ()
    suffices: ClassVar[bool] = False
    conformance: ClassVar[str] = "authflow_captcha.conformance:CaptchaSuite"

    form: Form = field(
        default="image",
        validator=_form_is_known,
        metadata=documented("a picture, a sound, or one of each: then either answer is right"),
    )
    length: int = whole(6, LENGTHS, "captcha", "characters in a picture's code")
    alphabet: str = field(
        default=UNMISTAKABLE,
        metadata=documented(
            "what a picture's code is drawn from: ASCII letters and digits, none twice; the"
            " default has no look-alikes"
        ),
    )
    case_sensitive: bool = field(
        default=False,
        validator=_is_yes_or_no,
        metadata=documented("whether an answer must have the case of the picture's letters"),
    )
    width: int = whole(220, WIDTHS, "captcha", "the picture's width in pixels")
    height: int = whole(80, HEIGHTS, "captcha", "the picture's height in pixels")
    digits: int = whole(6, DIGITS, "captcha", "digits in a sound's code")
    lifetime: int = whole(300, LIFETIMES, "captcha", "seconds for which an answer is taken")
    publisher: Publisher | None = field(
        default=None,
        validator=_can_publish,
        metadata=documented("puts pictures and sounds at a URL, where `data:` URLs will not do"),
    )

    def __attrs_post_init__(self) -> None:
        usable = frozenset(string.ascii_letters + string.digits)
        if not isinstance(self.alphabet, str) or not usable.issuperset(self.alphabet):
            msg = "captcha: alphabet must be a text of ASCII letters and digits"
            raise ConfigError(msg)
        if len(set(self._cased(self.alphabet))) != len(self.alphabet):
            msg = (
                "captcha: alphabet holds a character twice; a and A are the same unless"
                " case_sensitive"
            )
            raise ConfigError(msg)
        if len(self.alphabet) ** self.length < 2**LEAST_BITS:
            msg = (
                f"captcha: {self.length} characters out of {len(self.alphabet)} are a code of less"
                f" than {LEAST_BITS} bits; raise length, or add to alphabet"
            )
            raise ConfigError(msg)

    async def create(self, context: CreateContext) -> Issued:
        """Make a picture or a sound of a new code, in a thread.

        Raises:
            PublishError: It cannot be put at its URL.
        """
        public: dict[str, str] = {}
        private = {_EXPIRES: str(int(context.now) + self.lifetime)}
        if self.form != "audio":
            private[_ANSWER] = code = context.randomness.text(self.alphabet, self.length)
            public[_CAPTCHA_URL] = await self._address(self._picture, code, "image/png")
        if self.form != "image":
            private[_SPOKEN] = code = context.randomness.digits(self.digits)
            public[_AUDIO_URL] = await self._address(self._sound, code, "audio/wav")
        return Issued(public=public, private=private)

    async def verify(self, context: VerifyContext) -> Outcome:
        """Compare the answer in constant time, however people type and paste it (`typed_code`).

        Raises:
            PluginFailedError: The private parameters are not those of this plugin.
        """
        picture, sound = (context.private.get(name, "") for name in (_ANSWER, _SPOKEN))
        expires = context.private.get(_EXPIRES, "")
        if not (picture or sound) or not (expires.isascii() and expires.isdigit()):
            msg = f"captcha: the private challenge parameters lack {_ANSWER!r} or {_EXPIRES!r}"
            raise PluginFailedError(msg)
        if context.now >= int(expires):
            return Outcome.retry("expired")
        # Anybody can read a picture, so unknown users are judged like known ones.
        answer = typed_code(context.answer)
        # Some characters outside ASCII become letters when their case changes: the long s, for one.
        answered = answer if answer.isascii() else ""
        right = _same(self._cased(answered), self._cased(picture)) | _same(answered, sound)
        return Outcome.passed() if right else Outcome.retry("wrong")

    def _cased(self, text: str) -> str:
        return text if self.case_sensitive else text.upper()

    def _picture(self, code: str) -> bytes:
        # Imported here, in the thread, since Pillow loads slowly: Define and Verify need neither
        # it nor the fonts and voices.
        from authflow_captcha import picture  # noqa: PLC0415

        return picture.draw(code, width=self.width, height=self.height)

    def _sound(self, code: str) -> bytes:
        from authflow_captcha import speech  # noqa: PLC0415  # as above

        return speech.speak(code)

    async def _address(self, make: Callable[[str], bytes], code: str, media_type: str) -> str:
        file = await anyio.to_thread.run_sync(make, code)
        if self.publisher is None:
            return f"data:{media_type};base64,{base64.b64encode(file).decode()}"
        return await self.publisher.publish(file, media_type, self.lifetime)


def _same(answered: str, code: str) -> bool:
    """Return whether two codes are equal, in constant time; a missing code equals nothing."""
    return hmac.compare_digest(answered.encode(), code.encode()) and bool(code)

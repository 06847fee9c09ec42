"""The parts of a form that are only shown: texts, pictures, sounds, links and QR codes.

Words are escaped when a part is made, for they come from the network; a link or a file that nobody
may show is refused. So every part can be shown as it stands, at a terminal and on a page.

Source of how parts are described: the nodes of Ory Kratos's flows, Discord's modals, and the
callbacks of `javax.security.auth.callback` are made likewise.
"""

import re
from collections.abc import Callable
from typing import Any, Final, TypeVar

from attrs import field, frozen

from authflow.errors import PluginFailedError
from authflow.printable import lines, printable
from authflow.prompts.links import checked_link
from authflow.unframed import whole

T = TypeVar("T")

LONGEST_TEXT: Final = 1_310_720
"""The most characters of one text, before and after escaping what cannot be printed. A challenge
parameter of Cognito has 131,072 at most, and each may become ten."""
LONGEST_LINK: Final = 131_072
"""The most characters of a link: those of a challenge parameter."""
LARGEST_FILE: Final = 4 * 1024 * 1024
"""The most bytes of one picture or sound in a form."""
NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.:-]{0,63}")
"""The pattern of a field's name, which is also the name of an HTML control."""
_IMAGE: Final = re.compile(r"image/[a-z0-9][a-z0-9.+-]{0,63}")
_AUDIO: Final = re.compile(r"(audio|video|application)/[a-z0-9][a-z0-9.+-]{0,63}")


def refused(what: str) -> PluginFailedError:
    """Return the error for a form that cannot be shown.

    Args:
        what: What is wrong, without any value: it may come from the network.
    """
    return PluginFailedError(f"a form cannot be shown: {what}")


def text(value: str) -> str:
    """Return a text of one or several lines, escaped.

    Raises:
        PluginFailedError: It is no text, or too long.
    """
    return _short(lines(_short(value)))


def line(value: str) -> str:
    """Return a text of one line, escaped.

    Raises:
        PluginFailedError: It is no text, or too long.
    """
    return _short(printable(_short(value)))


def of_type(kind: type[T], what: str) -> Callable[[Any, Any, T], None]:
    """Return a validator: a value has exactly this type, not one derived from it.

    Args:
        kind: The type.
        what: What the value is, for the error.
    """

    def check(_part: object, _field: object, value: T) -> None:
        if type(value) is not kind:
            raise refused(f"{what} is {type(value).__name__}, not {kind.__name__}")

    return check


def _short(value: object) -> str:
    if not isinstance(value, str):
        raise refused(f"a text is {type(value).__name__}")
    if len(value) > LONGEST_TEXT:
        raise refused(f"a text has more than {LONGEST_TEXT:,} characters")
    return value


def _link(value: str) -> str:
    if isinstance(value, str) and len(value) > LONGEST_LINK:
        raise refused(f"a link has more than {LONGEST_LINK:,} characters")
    return checked_link(value, "a part of a form")


def _file(_part: object, _field: object, content: bytes) -> None:
    if type(content) is not bytes:
        raise refused(f"a file is {type(content).__name__}, not bytes")


def _media_type(kinds: re.Pattern[str]) -> Callable[[Any, Any, str], None]:
    def check(_part: object, _field: object, value: str) -> None:
        if not isinstance(value, str) or kinds.fullmatch(value) is None:
            raise refused("the media type of a file is none that can be shown or played")

    return check


@whole
@frozen(kw_only=True)
class ShownIf:
    """A condition: a part belongs to a form only if this option was chosen before.

    Args:
        choice: The name of a `ChoiceField` that stands before the part.
        option: The option's value.
    """

    choice: str = field(validator=of_type(str, "the choice of a condition"))
    option: str = field(validator=of_type(str, "the option of a condition"))


def _condition(_part: object, _field: object, value: ShownIf | None) -> None:
    if value is not None and type(value) is not ShownIf:
        raise refused(f"a condition is {type(value).__name__}, not ShownIf")


@frozen(kw_only=True)
class Part:
    """The members of every part of a form.

    Args:
        shown_if: When the part belongs to the form; None for always.
    """

    shown_if: ShownIf | None = field(default=None, validator=_condition)


@whole
@frozen(kw_only=True)
class ShownText(Part):
    """A text to be read.

    Args:
        text: The text, of one or several lines. What cannot be printed in it is escaped. It may
            have a secret in it, such as an authenticator's key, so no repr shows it.
        shown_if: When it belongs to the form; None for always.
    """

    text: str = field(converter=text, repr=False)


@whole
@frozen(kw_only=True)
class ShownImage(Part):
    """A picture.

    Args:
        content: The file's content; in a form 4 MiB at most.
        media_type: Its type, such as "image/png".
        description: What it is, for those who cannot see it.
        shown_if: When it belongs to the form; None for always.
    """

    content: bytes = field(validator=_file, repr=False)
    media_type: str = field(validator=_media_type(_IMAGE))
    description: str = field(converter=line)


@whole
@frozen(kw_only=True)
class ShownAudio(Part):
    """A sound.

    Args:
        content: The file's content; in a form 4 MiB at most.
        media_type: Its type, such as "audio/wav".
        description: What it is, for those who cannot hear it.
        shown_if: When it belongs to the form; None for always.
    """

    content: bytes = field(validator=_file, repr=False)
    media_type: str = field(validator=_media_type(_AUDIO))
    description: str = field(converter=line)


@whole
@frozen(kw_only=True)
class ShownLink(Part):
    """A link that the person may follow. It is never opened automatically.

    Args:
        url: Where it leads: https, http or otpauth, or a path without a scheme.
        description: What is there.
        shown_if: When it belongs to the form; None for always.
    """

    url: str = field(converter=_link, repr=False)
    description: str = field(converter=line)


@whole
@frozen(kw_only=True)
class ShownQrCode(Part):
    """A link for another device, shown as a QR code.

    Args:
        url: Where it leads, as of a `ShownLink`.
        description: What is there.
        shown_if: When it belongs to the form; None for always.
    """

    url: str = field(converter=_link, repr=False)
    description: str = field(converter=line)


Shown = ShownText | ShownImage | ShownAudio | ShownLink | ShownQrCode
"""The kinds of parts that a form can show."""

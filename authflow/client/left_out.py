"""Pictures and sounds that a ticket leaves out, and the form of a challenge without them.

A picture comes as a long `data:` URL (RFC 2397) in a challenge parameter: of an image or a sound,
in base64. Any other text stays, such as a question that begins with "Data:". The page has the file
already, so a ticket need not carry it there and back. What stays of it is its beginning: from that
a plugin still sees which kind of file it was, and makes the same fields as before. Where the form
would show the file, it says that it was shown.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Final

from attrs import evolve

from authflow.forms.form import Form
from authflow.forms.shown import ShownAudio, ShownImage, ShownText
from authflow.results import Challenge

LONGEST_KEPT: Final = 256
"""The most characters of a `data:` URL that is no file worth leaving out."""

_FILE: Final = re.compile(
    r"(data:(?:image|audio)/[a-z0-9.+-]{1,60}(?:;[^,;]{0,30}){0,2};base64,)([a-z0-9+/]{0,64})",
    re.IGNORECASE,
)
"""The beginning of a file: its media type, and as many as 48 bytes of it."""

_MOST_CHARS: Final = 256
"""The characters of base64 that stay of all files together, as long as each has the fewest."""
_FEWEST: Final = 16
"""The fewest characters that stay of one: 12 bytes, in which files say what they are."""
_GROUP: Final = 4
"""The characters of base64 that stand for whole bytes together."""


def files_in(parameters: Mapping[str, str]) -> dict[str, str]:
    """Return the beginnings of the pictures and sounds in a challenge's parameters, by name."""
    found = {
        name: beginning
        for name, value in parameters.items()
        if len(value) > LONGEST_KEPT and (beginning := _FILE.match(value)) is not None
    }
    if not found:
        return {}
    each = max(_FEWEST, _MOST_CHARS // len(found) // _GROUP * _GROUP)
    return {name: beginning[1] + beginning[2][:each] for name, beginning in found.items()}


def with_beginnings(challenge: Challenge) -> Challenge:
    """Return a challenge whose files are there again, as far as they were kept."""
    if not challenge.left_out:
        return challenge
    parameters = {**challenge.left_out, **challenge.parameters}
    return evolve(challenge, parameters=parameters, left_out={})


def told(form: Form, left_out: Mapping[str, str]) -> Form:
    """Return a form that says of each file that was left out that it was shown before.

    Args:
        form: What a plugin made of `with_beginnings`.
        left_out: The beginnings of the files.
    """
    beginnings = set(map(_content, left_out.values()))
    return Form(
        parts=tuple(
            _told(part)
            if isinstance(part, ShownImage | ShownAudio) and part.content in beginnings
            else part
            for part in form.parts
        )
    )


def _told(part: ShownImage | ShownAudio) -> ShownText:
    what = "picture was shown" if isinstance(part, ShownImage) else "sound was played"
    text = f"{part.description}: this {what} before, and is not repeated here."
    return ShownText(text=text, shown_if=part.shown_if)


def _content(beginning: str) -> bytes:
    try:
        return base64.b64decode(beginning.partition(",")[2])
    except binascii.Error:
        return b""

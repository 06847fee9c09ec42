"""The JSON of a form's parts, the same for forms and for the messages of `WebPrompt`.

Each part is an object with its `kind` and its arguments, in snake case. A file is a `data:` URL
(RFC 2397), and nothing is left out, so that reading gives an equal part.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

import attrs

from authflow.forms.fields import (
    ChoiceField,
    Field,
    Option,
    SecretField,
    TextField,
    WaitField,
    WidgetField,
)
from authflow.forms.shown import (
    Shown,
    ShownAudio,
    ShownIf,
    ShownImage,
    ShownLink,
    ShownQrCode,
    ShownText,
    refused,
)


class PartKind(StrEnum):
    """The kind of a form's part, or of a message of `WebPrompt`."""

    TEXT = "text"
    IMAGE = "image"
    AUDIO = "audio"
    LINK = "link"
    QR_CODE = "qr_code"
    QUESTION = "question"
    SECRET = "secret"
    CHOICE = "choice"
    WIDGET = "widget"
    WAITING = "waiting"


_CLASSES: Final[Mapping[PartKind, type[Any]]] = {
    PartKind.TEXT: ShownText,
    PartKind.IMAGE: ShownImage,
    PartKind.AUDIO: ShownAudio,
    PartKind.LINK: ShownLink,
    PartKind.QR_CODE: ShownQrCode,
    PartKind.QUESTION: TextField,
    PartKind.SECRET: SecretField,
    PartKind.CHOICE: ChoiceField,
    PartKind.WIDGET: WidgetField,
    PartKind.WAITING: WaitField,
}
_KINDS: Final = {part: kind for kind, part in _CLASSES.items()}
_FILE: Final = re.compile(r"data:([a-z0-9./+-]+);base64,([A-Za-z0-9+/]*={0,2})")


def kind_of(part: object) -> PartKind:
    """Return the kind of a part.

    Raises:
        PluginFailedError: It is no part, or one of a class derived from a part's: its JSON could
            not say so, and a page would get another part.
    """
    kind = type(part)
    if kind in _KINDS:
        return _KINDS[kind]
    base = next((each for each in kind.__mro__ if each in _KINDS), None)
    if base is None:
        raise refused(f"{kind.__name__} is no part of a form")
    raise refused(f"{kind.__name__} is derived from {base.__name__}: use {base.__name__} itself")


def part_to_json(part: Shown | Field) -> dict[str, Any]:
    """Return a part as JSON values."""
    members = {each.name: getattr(part, each.name) for each in attrs.fields(type(part))}
    if isinstance(part, ShownImage | ShownAudio):
        content, media_type = members.pop("content"), members.pop("media_type")
        members["url"] = f"data:{media_type};base64,{base64.b64encode(content).decode()}"
    if isinstance(part, ChoiceField):
        members["options"] = [attrs.asdict(option) for option in part.options]
    if part.shown_if is not None:
        members["shown_if"] = attrs.asdict(part.shown_if)
    return {"kind": kind_of(part).value, **members}


def part_from_json(data: Any) -> Any:
    """Read the result of `part_to_json`.

    Raises:
        PluginFailedError: It is not that.
    """
    if not isinstance(data, Mapping) or not isinstance(data.get("kind"), str):
        raise refused("a part is an object with its `kind`")
    if data["kind"] not in list(PartKind):
        raise refused("the kind of a part is unknown")
    kind = _CLASSES[PartKind(data["kind"])]
    members = {name: value for name, value in data.items() if name != "kind"}
    if kind in {ShownImage, ShownAudio}:
        members |= _file(members.pop("url", None))
    if members.get("shown_if") is not None:
        members["shown_if"] = _made(ShownIf, members["shown_if"])
    if kind is ChoiceField:
        options = members.get("options")
        if not isinstance(options, list | tuple):
            raise refused("the options of a choice are no array")
        members["options"] = tuple(_made(Option, option) for option in options)
    return _made(kind, members)


def _made(kind: type[Any], members: Any) -> Any:
    names = {each.name for each in attrs.fields(kind)}
    needed = {each.name for each in attrs.fields(kind) if each.default is attrs.NOTHING}
    if not isinstance(members, Mapping) or not needed <= members.keys() <= names:
        raise refused(f"the members of a {kind.__name__} are not {', '.join(sorted(names))}")
    return kind(**members)


def _file(url: object) -> dict[str, Any]:
    parts = _FILE.fullmatch(url) if isinstance(url, str) else None
    if parts is None:
        raise refused("the url of a file is no base64 data: URL")
    try:
        return {"media_type": parts[1], "content": base64.b64decode(parts[2], validate=True)}
    except binascii.Error:
        raise refused("the url of a file is not valid base64") from None

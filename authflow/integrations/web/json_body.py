"""Strict reading of a request's JSON, such that no frame of an error holds what was in it.

A page of another site can make a browser send forms and plain texts without asking first, but not
JSON by its name: `application/json` makes the request one that needs a preflight (Fetch standard,
CORS-safelisted request-header). So no other type is read.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Final, NoReturn

import anyio
from attrs import frozen

from authflow.given_secrets import is_text
from authflow.integrations.web.request_errors import (
    BodyTooLargeError,
    MalformedRequestError,
    MediaTypeError,
    SlowBodyError,
)
from authflow.integrations.web.web_request import WebRequest
from authflow.secret import Secret

MOST_DEPTH: Final = 4
"""The most levels of objects: no body of ours has more than two."""
MOST_MEMBERS: Final = 100
_JSON: Final = re.compile(
    r"[ \t]*application/json[ \t]*(?:;[ \t]*charset=(?:utf-8|\"utf-8\")[ \t]*)?", re.IGNORECASE
)
_LENGTH: Final = re.compile(r"[0-9]{1,15}")


class _StrictError(ValueError):
    """The reason why a JSON text is refused; it shows nothing of the text."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise _StrictError("has a name twice in one object")
    if len(made) > MOST_MEMBERS:
        raise _StrictError(f"has more than {MOST_MEMBERS} members in one object")
    return made


def _constant(_name: str) -> NoReturn:
    raise _StrictError("has NaN or Infinity")


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant)


@frozen(repr=False, eq=False)
class JsonBody:
    """The members of a body. It shows none of them.

    Args:
        members: The object.
    """

    members: Mapping[str, Any]

    def __repr__(self) -> str:
        return "<JsonBody>"

    def text(self, name: str, *, most: int) -> str:
        """Return a text that must be there.

        Args:
            name: The member's name.
            most: The most characters.

        Raises:
            MalformedRequestError: It is missing, empty, no text or too long.
        """
        given = self.optional_text(name, most=most)
        if not given:
            msg = f"{name} must be a text that is not empty"
            raise MalformedRequestError(msg)
        return given

    def optional_text(self, name: str, *, most: int) -> str | None:
        """Return a text, or None where there is none.

        Args:
            name: The member's name.
            most: The most characters.

        Raises:
            MalformedRequestError: It is no text, or too long.
        """
        why = self._wrong(name, most)
        if why:
            raise MalformedRequestError(why)
        given = self.members.get(name)
        return None if given is None else str(given)

    def secret(self, name: str, *, most: int) -> Secret[str]:
        """Return a secret text that must be there.

        Args:
            name: The member's name.
            most: The most characters.

        Raises:
            MalformedRequestError: It is missing, empty, no text or too long.
        """
        return Secret(self.text(name, most=most))

    def optional_secret(self, name: str, *, most: int) -> Secret[str] | None:
        """Return a secret text, or None where there is none.

        Args:
            name: The member's name.
            most: The most characters.

        Raises:
            MalformedRequestError: It is no text, or too long.
        """
        if self.members.get(name) is None:
            return None
        why = self._wrong(name, most)
        if why:
            raise MalformedRequestError(why)
        return Secret(str(self.members[name]))

    def texts(self, name: str, *, most: int) -> Mapping[str, str] | None:
        """Return an object whose members are texts, or None where there is none.

        Args:
            name: The member's name.
            most: The most characters of a text.

        Raises:
            MalformedRequestError: It is no object, or one of its members is no text or too long.
        """
        given = self.members.get(name)
        if given is None:
            return None
        if not isinstance(given, dict) or not all(
            is_text(each) and len(each) <= most for pair in given.items() for each in pair
        ):
            del given
            msg = f"{name} must be an object of texts, each of at most {most} characters"
            raise MalformedRequestError(msg)
        return given

    def only(self, *names: str) -> None:
        """Refuse members that mean nothing here.

        Args:
            *names: Those that mean something.

        Raises:
            MalformedRequestError: There is another one.
        """
        if not self.members.keys() <= {*names}:
            msg = f"the body has a member that means nothing here: it takes {', '.join(names)}"
            raise MalformedRequestError(msg)

    def _wrong(self, name: str, most: int) -> str:
        given = self.members.get(name)
        if given is None:
            return ""
        if not is_text(given):
            return f"{name} must be a text"
        return f"{name} has more than {most} characters" if len(given) > most else ""


async def read_json(request: WebRequest, *, most: int, body_timeout: float) -> JsonBody:
    """Read a request's body.

    Args:
        request: The request.
        most: The most bytes.
        body_timeout: The seconds in which it must have come.

    Returns:
        An empty one, if the request has no body.

    Raises:
        BodyTooLargeError: It is longer.
        SlowBodyError: It did not come in time.
        MediaTypeError: It is not said to be JSON.
        MalformedRequestError: It is no JSON object, has a name twice, or is too deep.
    """
    length = request.value("content-length")
    if length is not None and _LENGTH.fullmatch(length) and int(length) > most:
        raise _too_large(most)
    with anyio.move_on_after(body_timeout) as scope:
        body = await _collected(request, most)
    if scope.cancelled_caught:
        msg = f"the body did not come within {body_timeout:g} seconds: send it again"
        raise SlowBodyError(msg)
    if body is None:
        raise _too_large(most)
    if not body.reveal():
        return JsonBody({})
    if not _JSON.fullmatch(request.value("content-type") or ""):
        msg = "the body must be JSON: send it with Content-Type: application/json"
        raise MediaTypeError(msg)
    if request.value("content-encoding"):
        msg = "the body must not be compressed: leave Content-Encoding out"
        raise MediaTypeError(msg)
    read = _read(body)
    if isinstance(read, str):
        msg = f"the body {read}"
        raise MalformedRequestError(msg)
    return read


async def _collected(request: WebRequest, most: int) -> Secret[bytes] | None:
    """Return the whole body; None if it is too long, and then the rest was not waited for."""
    body = bytearray()
    async for chunk in request.chunks():
        body += chunk
        if len(body) > most:
            return None
    return Secret(bytes(body))


def _read(body: Secret[bytes]) -> JsonBody | str:
    """Return the members, or what is wrong with the body. It raises nothing."""
    try:
        value = _DECODER.decode(body.reveal().decode())
    except UnicodeDecodeError:
        return "is not UTF-8"
    except _StrictError as error:
        return str(error)
    except (ValueError, RecursionError):
        return "is no JSON"
    if not isinstance(value, dict):
        return "must be a JSON object"
    if _is_deeper(value, MOST_DEPTH):
        return f"is more than {MOST_DEPTH} levels deep"
    return JsonBody(value)


def _is_deeper(value: object, left: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    parts = value.values() if isinstance(value, dict) else value
    return not left or any(_is_deeper(each, left - 1) for each in parts)


def _too_large(most: int) -> BodyTooLargeError:
    return BodyTooLargeError(
        f"the body has more than {most} bytes, which is more than is read here"
    )

"""Strict reading of a request's JSON: ambiguous or excessive JSON is refused."""

import json
from typing import Any, Final, NoReturn

from authflow.pool.cognito_errors import CognitoError

MOST_BYTES: Final = 64 * 1024
MOST_DEPTH: Final = 32


def malformed(message: str) -> CognitoError:
    """Return the refusal of a body, or of a member of the wrong type."""
    return CognitoError("SerializationException", message)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object, unless a name occurs twice: two readers would read it differently."""
    made = dict(pairs)
    if len(made) != len(pairs):
        raise malformed("a name stands twice in one JSON object")
    return made


def _constant(_name: str) -> NoReturn:
    raise malformed("NaN and Infinity are not JSON")


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant)


def read_object(body: bytes) -> dict[str, Any]:
    """Read a request's body.

    Args:
        body: UTF-8 JSON: one object, at most 32 levels deep.

    Raises:
        CognitoError: It is anything else.
    """
    if len(body) > MOST_BYTES:
        raise malformed(f"the body has more than {MOST_BYTES} bytes")
    try:
        value = _DECODER.decode(body.decode())
    except UnicodeDecodeError:
        raise malformed("the body is not UTF-8") from None
    except RecursionError:
        raise _too_deep() from None
    except ValueError:
        raise malformed("the body is not JSON") from None
    if not isinstance(value, dict):
        raise malformed("the body is not a JSON object")
    # Nearly all bodies have few brackets, and so cannot be deep.
    if body.count(b"{") + body.count(b"[") > MOST_DEPTH:
        _check_depth(value, MOST_DEPTH)
    return value


def _check_depth(value: Any, left: int) -> None:
    if isinstance(value, dict | list):
        if left == 0:
            raise _too_deep()
        for item in value.values() if isinstance(value, dict) else value:
            _check_depth(item, left - 1)


def _too_deep() -> CognitoError:
    return malformed(f"the body is more than {MOST_DEPTH} levels deep")

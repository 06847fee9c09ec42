"""The pool's replies over HTTP: JSON; a refusal has the form of Cognito's errors."""

import http
import json
import uuid
from typing import Any, Final

from starlette.responses import Response

from authflow.pool.cognito_errors import CognitoError

AWS_JSON: Final = "application/x-amz-json-1.1"
JSON: Final = "application/json"


def reply(
    value: Any, status: int = 200, error: str | None = None, media_type: str = AWS_JSON
) -> Response:
    """Return a reply with a value.

    Args:
        value: What JSON can say.
        status: The HTTP status.
        error: Cognito's name for the error, if it is one.
        media_type: The body's type.
    """
    headers = {
        "x-amzn-requestid": str(uuid.uuid4()),
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        **({} if error is None else {"x-amzn-errortype": error}),
    }
    body = json.dumps(value, separators=(",", ":")).encode()
    return Response(body, status, headers, media_type=media_type)


def refusal(error: CognitoError) -> Response:
    """Return the reply for an error."""
    return reply({"__type": error.code, "message": error.message}, error.status, error.code)


def last_words(error: CognitoError) -> bytes:
    """Return an error as a whole HTTP/1.1 message, for a connection that ends with it."""
    made = refusal(error)
    lines = [
        f"HTTP/1.1 {error.status} {http.HTTPStatus(error.status).phrase}".encode(),
        *(b"%s: %s" % header for header in made.raw_headers),
        b"connection: close",
    ]
    return b"\r\n".join([*lines, b"", bytes(made.body)])

"""The HTTP face of the pool: AWS JSON 1.1 as `cognito-idp` speaks it, and the pools' public keys.

Whatever comes in, JSON goes out: an operation's reply, or an error of Cognito's shape. There is no
CORS, and requests with a foreign Host are refused, so no web page can talk to a pool on loopback.
"""

import json
import logging
import uuid
from collections.abc import Container, Mapping
from typing import Any, Final

import anyio
from attrs import define
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from authflow.pool.admission.gate import Gate
from authflow.pool.cognito_errors import CognitoError
from authflow.pool.http.refusal_log import RefusalLog, RequestLog
from authflow.pool.http.request_body import MOST_BYTES, malformed, read_object
from authflow.pool.http.validation import prepare, validate
from authflow.pool.operations import Operation
from authflow.pool.tokens.issuer import TokenIssuer
from authflow.wire.members import USERNAME

_LOG: Final = logging.getLogger("authflow.pool")
_SERVICE: Final = "AWSCognitoIdentityProviderService"
_AWS_JSON: Final = "application/x-amz-json-1.1"
_JSON: Final = "application/json"
_BODY_TIMEOUT: Final = 10.0
"""How many seconds a client may take to send a body: 64 KiB on any line that deserves an answer."""


def _reply(
    value: Any, status: int = 200, error: str | None = None, media_type: str = _AWS_JSON
) -> Response:
    headers = {
        "x-amzn-requestid": str(uuid.uuid4()),
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        **({} if error is None else {"x-amzn-errortype": error}),
    }
    body = json.dumps(value, separators=(",", ":")).encode()
    return Response(body, status, headers, media_type=media_type)


def _refusal(error: CognitoError) -> Response:
    return _reply({"__type": error.code, "message": error.message}, error.status, error.code)


def _whom(request: Mapping[str, Any]) -> tuple[str, str]:
    """Give the app client or user pool that a request names, and the name of the user."""
    members = request.get("AuthParameters") or request.get("ChallengeResponses") or request
    name = members.get(USERNAME) or request.get("Username") or ""
    return request.get("ClientId") or request.get("UserPoolId") or "", name


def _host(header: str) -> str:
    """Give the name in a Host header, without the port."""
    name, _, port = header.rpartition(":")
    return (name if name and port.isdecimal() else header).lower()


@define(kw_only=True)
class PoolApp:
    """Serves the operations over HTTP.

    Args:
        operations: The table of operations.
        tokens: Knows the pools' public keys.
        hosts: The names under which the server may be addressed; None for any.
        gate: Lets requests in.
        refusals: Tells the pool's owner of refused sign-ins.
    """

    operations: Mapping[str, Operation]
    tokens: TokenIssuer
    gate: Gate
    refusals: RefusalLog
    hosts: Container[str] | None

    def __attrs_post_init__(self) -> None:
        for operation in self.operations:
            prepare(operation)

    def asgi(self) -> ASGIApp:
        """Give the ASGI application."""
        well_known = "/{pool_id}/.well-known"
        app = Starlette(
            routes=[
                Route("/", self._operate, methods=["POST"]),
                Route(f"{well_known}/jwks.json", self._key_set),
                Route(f"{well_known}/openid-configuration", self._configuration),
            ],
            exception_handlers={HTTPException: self._elsewhere},
        )
        return RequestLog(app=app, operations=frozenset(self.operations))

    async def _operate(self, request: Request) -> Response:
        asked: dict[str, Any] = {}
        try:
            self._check_host(request)
            return _reply(await self._run(request, asked))
        except CognitoError as error:
            named = request.headers.get("x-amz-target", "").partition(".")[2]
            reply = _refusal(error)
            # Once it is sent: how long it takes to look somebody up would tell who exists.
            reply.background = BackgroundTask(self.refusals.refused, named, asked, error)
            return reply
        except ClientDisconnect:
            return _refusal(malformed("the body is incomplete"))
        except Exception:  # noqa: BLE001  # a client hears of it as Cognito would say it
            _LOG.exception("an operation failed")
            return _refusal(CognitoError("InternalErrorException", "The pool failed.", 500))

    async def _run(self, request: Request, asked: dict[str, Any]) -> dict[str, Any]:
        """Run an operation, and put into `asked` what it is asked, as soon as it is validated."""
        service, _, name = request.headers.get("x-amz-target", "").partition(".")
        operation = self.operations.get(name)
        if service != _SERVICE or operation is None:
            raise CognitoError("UnknownOperationException", "The pool has no such operation.")
        if request.headers.get("content-type", "").partition(";")[0].strip() != _AWS_JSON:
            raise malformed(f"the Content-Type must be {_AWS_JSON}")
        peer = ("", 0) if request.client is None else (request.client.host, request.client.port)
        await self.gate.check_address(peer)
        asked.update(validate(name, read_object(await _read_body(request))))
        async with self.gate.admitted(name, peer, *_whom(asked)) as ticket:
            if ticket.waited and await request.is_disconnected():
                raise ClientDisconnect
            return await operation(asked)

    async def _key_set(self, request: Request) -> Response:
        return await self._publish(request, self.tokens.key_set)

    async def _configuration(self, request: Request) -> Response:
        return await self._publish(request, self.tokens.configuration)

    async def _publish(self, request: Request, document: Any) -> Response:
        try:
            self._check_host(request)
            return _reply(await document(request.path_params["pool_id"]), media_type=_JSON)
        except CognitoError as error:
            return _refusal(CognitoError(error.code, error.message, 404))

    def _check_host(self, request: Request) -> None:
        if self.hosts is not None and _host(request.headers.get("host", "")) not in self.hosts:
            raise CognitoError("ForbiddenException", "The server has another name.", 403)

    async def _elsewhere(self, _request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 400
        message = "Send operations by POST to / with an X-Amz-Target header."
        return _refusal(CognitoError("UnknownOperationException", message, status))


async def _read_body(request: Request) -> bytes:
    """Read a body that is neither too long nor too slow.

    Raises:
        CognitoError: It is.
    """
    body = bytearray()
    with anyio.move_on_after(_BODY_TIMEOUT):
        async for part in request.stream():
            body += part
            if len(body) > MOST_BYTES:
                raise malformed(f"the body has more than {MOST_BYTES} bytes")
        return bytes(body)
    raise malformed(f"the body took longer than {_BODY_TIMEOUT:g} s")

"""The HTTP face of the pool: AWS JSON 1.1 as `cognito-idp` speaks it, and the pools' public keys.

Whatever comes in, JSON goes out: an operation's reply, or an error of Cognito's shape.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

import anyio
from attrs import define
from starlette.applications import Starlette
from starlette.background import BackgroundTask, BackgroundTasks
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from authflow.pool.admission.gate import Gate, Peer
from authflow.pool.asked_authority import asked_at
from authflow.pool.cognito_errors import CognitoError
from authflow.pool.confirmations.confirmation_links import LINK_PATH
from authflow.pool.errands import Errand, errands
from authflow.pool.http.confirmation_page import OPERATION as LINKED
from authflow.pool.http.confirmation_page import members_of, page
from authflow.pool.http.door import ARRIVAL, Door, internal_error
from authflow.pool.http.http_replies import AWS_JSON, JSON, refusal, reply
from authflow.pool.http.origins import Origins
from authflow.pool.http.refusal_log import RefusalLog, RequestLog
from authflow.pool.http.request_body import MOST_BYTES, malformed, read_object
from authflow.pool.http.validation import prepare, service_model, validate
from authflow.pool.imports.uploads import Uploads
from authflow.pool.log_limit import limited_logger
from authflow.pool.operations import Operation
from authflow.pool.peer_address import asked_from
from authflow.pool.tokens.issuer import TokenIssuer
from authflow.wire.members import USERNAME

_LOG: Final = limited_logger("authflow.pool")
_SERVICE: Final = "AWSCognitoIdentityProviderService"
_BODY_TIMEOUT: Final = 10.0
"""Seconds for a client to send a body: enough for 64 KiB on any usable network."""


def _whom(request: Mapping[str, Any]) -> tuple[str, str]:
    """Return the app client or user pool that a request names, and the name of the user."""
    members = request.get("AuthParameters") or request.get("ChallengeResponses") or request
    name = members.get(USERNAME) or request.get("Username") or ""
    return request.get("ClientId") or request.get("UserPoolId") or "", name


@define(kw_only=True)
class PoolApp:
    """Serves the operations over HTTP.

    Args:
        operations: The table of operations.
        uploads: Takes files of import jobs.
        tokens: Knows the pools' public keys.
        origins: Who may ask.
        gate: Lets requests in.
        refusals: Tells the pool's owner of refused sign-ins.
        follow_link: Confirms a sign-up by a link.
    """

    operations: Mapping[str, Operation]
    uploads: Uploads
    tokens: TokenIssuer
    origins: Origins
    gate: Gate
    refusals: RefusalLog
    follow_link: Operation

    def __attrs_post_init__(self) -> None:
        # What an older service model lacks cannot be validated: it is refused as unknown.
        known = frozenset(service_model().operation_names)
        self.operations = {name: each for name, each in self.operations.items() if name in known}
        for operation in self.operations:
            prepare(operation)

    def asgi(self) -> ASGIApp:
        """Return the ASGI application."""
        well_known = "/{pool_id}/.well-known"
        app = Starlette(
            routes=[
                Route("/", self._operate, methods=["POST"]),
                Route("/{pool_id}/imports/{job_id}", self._upload, methods=["PUT"]),
                Route(f"{well_known}/jwks.json", self._key_set),
                Route(f"{well_known}/openid-configuration", self._configuration),
                Route(f"/{{pool_id}}/{LINK_PATH}", self._follow, methods=["GET"]),
            ],
            exception_handlers={HTTPException: self._elsewhere, Exception: _failed},
        )
        app.router.redirect_slashes = False
        door = Door(app=app, origins=self.origins)
        return RequestLog(app=door, operations=frozenset(self.operations))

    async def _operate(self, request: Request) -> Response:
        return await _with_errands(self._answer, request)

    async def _follow(self, request: Request) -> Response:
        return await _with_errands(self._confirm_by_link, request)

    async def _confirm_by_link(self, request: Request) -> Response:
        if request.method != "GET":
            return page("")
        asked: dict[str, Any] = {}
        try:
            await self._check_address(request)
            asked.update(validate(LINKED, members_of(request)))
            asked["UserPoolId"] = request.path_params["pool_id"]
            await self._admit(LINKED, self.follow_link, request, asked)
        except CognitoError as error:
            refused = page(error.message, error.status)
            refused.background = BackgroundTask(self.refusals.refused, LINKED, asked, error)
            return refused
        except Exception:  # noqa: BLE001  # the browser gets a page for it
            _LOG.exception("a link failed")
            failed = internal_error()
            return page(failed.message, failed.status)
        return page()

    async def _answer(self, request: Request) -> Response:
        asked: dict[str, Any] = {}
        try:
            return reply(await self._run(request, asked))
        except CognitoError as error:
            named = request.headers.get("x-amz-target", "").partition(".")[2]
            refused = refusal(error)
            # Logged once the reply is sent: the time to look up a user would tell who exists.
            refused.background = BackgroundTask(self.refusals.refused, named, asked, error)
            return refused
        except ClientDisconnect:
            return refusal(malformed("the body is incomplete"))
        except Exception:  # noqa: BLE001  # the client gets Cognito's error for it
            _LOG.exception("an operation failed")
            return refusal(internal_error())

    async def _run(self, request: Request, asked: dict[str, Any]) -> dict[str, Any]:
        """Run an operation; put its members into `asked` as soon as they are validated."""
        service, _, name = request.headers.get("x-amz-target", "").partition(".")
        operation = self.operations.get(name)
        if service != _SERVICE or operation is None:
            raise CognitoError("UnknownOperationException", "The pool has no such operation.")
        if request.headers.get("content-type", "").partition(";")[0].strip() != AWS_JSON:
            raise malformed(f"the Content-Type must be {AWS_JSON}")
        await self._check_address(request)
        asked.update(validate(name, read_object(await _read_body(request))))
        return await self._admit(name, operation, request, asked)

    async def _check_address(self, request: Request) -> None:
        await self.gate.check_address(_peer(request), request.scope[ARRIVAL].keep_back)

    async def _admit(
        self, name: str, operation: Operation, request: Request, asked: Mapping[str, Any]
    ) -> dict[str, Any]:
        peer, keep_back = _peer(request), request.scope[ARRIVAL].keep_back
        async with self.gate.admitted(name, peer, *_whom(asked), keep_back) as ticket:
            if ticket.waited and await request.is_disconnected():
                raise ClientDisconnect
            with asked_from(peer[0]), asked_at(request.headers.get("host", "")):
                return await operation(asked)

    async def _upload(self, request: Request) -> Response:
        """Take a file of an import job, as Amazon S3 takes one at a pre-signed URL."""
        try:
            await self.gate.check_address(_peer(request), request.scope[ARRIVAL].keep_back)
            await self.uploads.take(
                request.path_params["pool_id"],
                request.path_params["job_id"],
                request.query_params,
                request.headers.get("content-length"),
                request.stream(),
            )
        except CognitoError as error:
            return refusal(error)
        except ClientDisconnect:
            return refusal(malformed("the body is incomplete"))
        return reply({}, media_type=JSON)

    async def _key_set(self, request: Request) -> Response:
        return await self._publish(request, self.tokens.key_set)

    async def _configuration(self, request: Request) -> Response:
        return await self._publish(request, self.tokens.configuration)

    async def _publish(self, request: Request, document: Any) -> Response:
        try:
            return reply(await document(request.path_params["pool_id"]), media_type=JSON)
        except CognitoError as error:
            return refusal(CognitoError(error.code, error.message, 404))

    async def _elsewhere(self, _request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 400
        message = "Send operations by POST to / with an X-Amz-Target header."
        return refusal(CognitoError("UnknownOperationException", message, status))


def _peer(request: Request) -> Peer:
    return ("", 0) if request.client is None else (request.client.host, request.client.port)


async def _with_errands(
    answering: Callable[[Request], Awaitable[Response]], request: Request
) -> Response:
    """Answer a request, and run what is left to do behind the answer."""
    with errands() as left:
        answer = await answering(request)
    if left:
        behind = BackgroundTasks([BackgroundTask(_run_errands, left)])
        if answer.background is not None:
            behind.add_task(answer.background)
        answer.background = behind
    return answer


async def _run_errands(left: Sequence[Errand]) -> None:
    for errand in left:
        errand()


async def _failed(_request: Request, _error: Exception) -> Response:
    return refusal(internal_error())  # the door logs the error


async def _read_body(request: Request) -> bytes:
    """Read a body, with limits on its size and its time.

    Raises:
        CognitoError: The body is too long or too slow.
    """
    body = bytearray()
    with anyio.move_on_after(_BODY_TIMEOUT):
        async for part in request.stream():
            body += part
            if len(body) > MOST_BYTES:
                raise malformed(f"the body has more than {MOST_BYTES} bytes")
        return bytes(body)
    raise malformed(f"the body took longer than {_BODY_TIMEOUT:g} s")

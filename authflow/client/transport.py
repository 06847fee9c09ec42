"""The transport: carries requests to Cognito by one aiobotocore client, and reads the outcome.

botocore's own retries are off: by default it sends one challenge answer up to five times, and a
session is for one use, so a lost reply would become a refusal and a code's tries would be used up.
Here a request is sent again only when it surely was not processed: no connection was made, or
Cognito said that it asks to slow down. With a `Pacing` each of them waits for its turn first.

What is sent and what comes back is text only inside one task, which is begun for each request and
has ended before anybody hears of it: so no traceback of ours leads there (see `seclusion`).
"""

import json
import math
import random
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from enum import Enum, auto
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

import anyio
from attrs import define, field
from botocore import UNSIGNED, xform_name
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ReadTimeoutError,
)

from authflow.aws.client_session import (
    MOST_BYTES,
    CompressedError,
    RedirectedError,
    TooLongError,
    client_config,
    open_session,
    tell_when_sent,
    unlogged,
)
from authflow.aws.owner_session import CREDENTIALS_FAIL, credentials_fail, open_owner_session
from authflow.causes import THROTTLED_SECONDS
from authflow.client.observation import Observation
from authflow.client.observed_request import ObservedRequest
from authflow.client.pacing.pacing import Pacing
from authflow.client.pacing.waiting_line import WaitingLine
from authflow.client.refused_answer import can_be_answered_again, counted_for_nothing
from authflow.config import AuthConfig
from authflow.errors import (
    AuthFlowError,
    MalformedReplyError,
    OutcomeUnknownError,
    ServerFaultError,
    ThrottledError,
    TimedOutError,
    UnreachableError,
)
from authflow.refusals import is_stopped, read_error
from authflow.seclusion import secluded
from authflow.unframed import bare
from authflow.wire import Request
from authflow.wire.admin_operations import AdminForm

if TYPE_CHECKING:
    from types_aiobotocore_cognito_idp import CognitoIdentityProviderClient

T = TypeVar("T")

_PAUSES: Final = (0.2, 0.8)
"""The longest pauses before a request is sent again, in seconds; drawn in full (full jitter)."""
_PACED_PAUSES: Final = (0.2, 0.4, 0.8, 0.8)
"""The same with a `Pacing`: there are few such requests, and those that wait are not sent yet."""
_SOON: Final = frozenset({None, 0.0, THROTTLED_SECONDS})
"""The waits that allow a retry: not given, zero, or the default of a throttled request."""
_ONCE: Final = frozenset(
    {
        *("RespondToAuthChallenge", "GetTokensFromRefreshToken"),
        *("AssociateSoftwareToken", "VerifySoftwareToken", "ConfirmDevice"),
        *("SignUp", "ConfirmSignUp", "ConfirmForgotPassword", "ChangePassword"),
        *("UpdateUserAttributes", "VerifyUserAttribute", "DeleteUser"),
        *("AdminCreateUser", "AdminConfirmSignUp", "AdminDeleteUser", "AdminResetUserPassword"),
        *("CreateGroup", "DeleteGroup"),
    }
)
"""Operations that can be sent once: they use up a session, a code, a name, a password, a new
device, or a refresh token under rotation; or what they tell is told once."""


class _NotSentError(UnreachableError):
    """No part of the request left this machine."""


class _NoJsonObjectError(Exception):
    """A reply is something other than a JSON object."""


class _Stage(Enum):
    """The stage that a request has reached."""

    IN_LINE = auto()
    """The request waits for its turn, within the budget of its quota category."""
    WAITING = auto()
    """The request waits for a place among `max_concurrency` requests."""
    CONNECTING = auto()
    SENT = auto()
    PAUSING = auto()
    """The request was not processed, and will be sent again."""


@define
class Passage:
    """The progress of a request, from which a time-out's error is made."""

    until: float = math.inf
    line: WaitingLine | None = None
    stage: _Stage = _Stage.WAITING
    refused: AuthFlowError | None = None
    """The reason why the request was not processed, before a pause."""

    has_turn: bool = False
    observed: ObservedRequest | None = None

    @property
    def is_in_flight(self) -> bool:
        """Whether the request may have counted: it was sent, and not turned away since."""
        return self.stage is _Stage.SENT

    def begin(
        self, until: float, line: WaitingLine | None, observed: ObservedRequest | None = None
    ) -> None:
        """Note that a request sets out: the first one, or the next of one answer.

        Args:
            until: The time, on the event loop's clock, at which whoever asked for it gives up.
            line: Where it waits for its turn, if it does.
            observed: Tells observers of it, if there are any.
        """
        self.until, self.line, self.observed = until, line, observed
        self.stage, self.refused, self.has_turn = _Stage.WAITING, None, False

    def turned_away(self) -> None:
        """Note that Cognito refused the request, and that the same can be asked again."""
        self.stage = _Stage.WAITING

    def sent(self) -> None:
        """Note that the request has begun to leave this machine."""
        self.stage = _Stage.SENT
        if self.has_turn and self.line is not None:
            self.has_turn = False
            self.line.leave()

    def ended(self) -> None:
        """Note that nothing more is sent in this turn."""
        if self.has_turn and self.line is not None:
            self.has_turn = False
            self.line.give_back()

    def ran_out(self, request: Request, seconds: float) -> AuthFlowError:
        """Return the error for a request that took too long."""
        match self.stage:
            case _Stage.IN_LINE if self.line is not None:
                return self.refused or self.line.ran_out()
            case _Stage.WAITING:
                what = "no place among max_concurrency requests came free"
            case _Stage.CONNECTING:
                what = "no connection to Cognito was made"
            case _Stage.PAUSING if self.refused is not None:
                return self.refused
            case _:
                what = f"Cognito did not answer within request_timeout, {seconds:g} seconds"
                return _uncertain(request, TimedOutError, what)
        return TimedOutError(
            f"{what} within request_timeout, {seconds:g} seconds: nothing was sent"
        )


@define
class Transport:
    """Sends requests over one client. Make it with `open_transport`."""

    _client: "CognitoIdentityProviderClient" = field(repr=False)
    _in_flight: anyio.Semaphore = field(repr=False)
    _timeout: float
    _observer: Observation | None = field(default=None, repr=False)
    _line_for: Callable[[str], WaitingLine] | None = field(default=None, repr=False)
    _admin: AdminForm | None = None

    async def send(
        self,
        request: Request,
        read: Callable[[Mapping[str, Any]], T],
        passage: Passage | None = None,
    ) -> T:
        """Send a request, and return what its reply says.

        Args:
            request: What to send.
            read: Reads the reply's members. What it gives keeps secrets in `Secret`.
            passage: Records how far the request came, for whoever must know it after an error.

        Raises:
            RefusedError: Cognito said no; the class says why.
            TransportError: There is no reply that can be relied on.
            MalformedReplyError: The reply is not Cognito's JSON, or of another form.
        """
        passage = Passage() if passage is None else passage
        # Seen here, and not where the request waits: that is another task, without these scopes.
        until = min(anyio.current_time() + self._timeout, anyio.current_effective_deadline())
        line = None if self._line_for is None else self._line_for(request.operation)
        passage.begin(until, line, self._observed(request))
        outcome: T | AuthFlowError
        try:
            outcome = await secluded(self._deliver(request, read, passage), self._timeout)
        except TimeoutError:
            outcome = passage.ran_out(request, self._timeout)
            if passage.observed is not None:
                passage.observed.ended(outcome.code)
        except BaseException:
            if passage.observed is not None:
                passage.observed.ended(None, broken_off=True)
            raise
        if isinstance(outcome, _NotSentError):
            outcome = UnreachableError(outcome.message)  # only the retries need to know "not sent"
        if isinstance(outcome, AuthFlowError):
            try:
                raise bare(outcome)
            finally:
                del outcome  # otherwise the frame and its error would keep each other alive
        return outcome

    async def _deliver(
        self, request: Request, read: Callable[[Mapping[str, Any]], T], passage: Passage
    ) -> T | AuthFlowError:
        """Send until the request was processed. Errors are returned, not raised."""
        pauses = iter(_PAUSES if passage.line is None else _PACED_PAUSES)
        while True:
            if passage.line is not None and (late := await _turn(passage.line, passage)):
                return late
            outcome = await self._once(request, read, passage)
            if passage.line is not None and isinstance(outcome, ThrottledError):
                passage.line.slow_down(request.whose)
            if not isinstance(outcome, _NotSentError | ThrottledError):
                return outcome
            pause = next(pauses, None)
            if pause is None or outcome.retry_after not in _SOON:
                return outcome  # not before the server allows it
            passage.stage, passage.refused = _Stage.PAUSING, outcome
            await anyio.sleep(random.uniform(0, pause))  # noqa: S311  # spreads load, hides nothing
            passage.stage = _Stage.WAITING

    async def _once(
        self, request: Request, read: Callable[[Mapping[str, Any]], T], passage: Passage
    ) -> T | AuthFlowError:
        """Send once, tell the observer, and read the reply."""
        try:
            async with self._in_flight:
                passage.stage = _Stage.CONNECTING
                if passage.observed is not None:
                    passage.observed.began()
                outcome = await self._try(request, passage)
        finally:
            passage.ended()
        if self._observer is not None:
            self._observer(self._written(request), outcome)
        result = self._result(request, outcome, read, passage)
        if passage.observed is not None:
            passage.observed.ended(result.code if isinstance(result, AuthFlowError) else None)
        return result

    def _result(
        self,
        request: Request,
        outcome: Mapping[str, Any] | AuthFlowError,
        read: Callable[[Mapping[str, Any]], T],
        passage: Passage,
    ) -> T | AuthFlowError:
        """Read the reply, and note whether the request counted."""
        if isinstance(outcome, AuthFlowError):
            if counted_for_nothing(outcome, names_device=request.names_device):
                passage.turned_away()  # here: the caller may be cancelled before it is told
            return outcome
        try:
            return read(outcome)
        except AuthFlowError as error:
            if can_be_answered_again(error):  # some codes are refused by a reply
                passage.turned_away()
            return error

    def _observed(self, request: Request) -> ObservedRequest | None:
        """Return a request as observers are told of it; None if nobody is."""
        if self._observer is None or not self._observer.watches:
            return None
        return ObservedRequest.of(self._observer, self._written(request).operation)

    def _written(self, request: Request) -> Request:
        """Return a request as it is sent."""
        return request if self._admin is None else self._admin.of(request)

    async def _try(self, request: Request, passage: Passage) -> Mapping[str, Any] | AuthFlowError:
        """Send once. Errors are returned, not raised."""
        written = self._written(request)
        method = getattr(self._client, xform_name(written.operation))
        try:
            with unlogged(), tell_when_sent(passage.sent):
                reply: Mapping[str, Any] = await method(**written.body)
        except ClientError as error:
            if passage.observed is not None:
                passage.observed.numbered(error.response.get("ResponseMetadata", {}), written.body)
            return _refusal(request, error)
        except BotoCoreError as error:
            return _lost(request, error, passage)
        except Exception as error:  # noqa: BLE001
            if self._admin is not None and passage.stage is not _Stage.SENT:
                return credentials_fail(type(error).__name__)
            # botocore's parser trusts the server, and fails in many ways on JSON of another shape.
            return MalformedReplyError(_NO_POOL)
        if passage.observed is not None:
            passage.observed.numbered(reply.get("ResponseMetadata", {}), written.body)
        if _is_cognitos(reply):
            return reply
        metadata = reply.get("ResponseMetadata", {})
        if is_stopped(headers := metadata.get("HTTPHeaders", {})):
            return read_error("", "", headers=headers)
        return MalformedReplyError(_NO_POOL)


async def _turn(line: WaitingLine, passage: Passage) -> AuthFlowError | None:
    """Wait for a request's turn. Return the error if it comes too late."""
    passage.stage = _Stage.IN_LINE
    began = anyio.current_time()
    left = passage.until - began
    try:
        waited = await line.turn(timeout=left, again=passage.refused is not None)
    except ThrottledError as error:
        if passage.observed is not None:
            passage.observed.waited(anyio.current_time() - began, error.code)
        return passage.refused or bare(error)
    if waited and passage.observed is not None:
        passage.observed.waited(anyio.current_time() - began)
    passage.stage, passage.has_turn = _Stage.WAITING, True
    return None


_NO_POOL: Final = "the reply is not Cognito's JSON: the server is no user pool"


def _is_cognitos(reply: Mapping[str, Any]) -> bool:
    """Return whether a reply is Cognito's, and no redirect or web page read as an empty reply."""
    metadata = reply.get("ResponseMetadata", {})
    media_type = metadata.get("HTTPHeaders", {}).get("content-type", "")
    return metadata.get("HTTPStatusCode") == 200 and "json" in media_type  # HTTP's OK


def _check_json(response_dict: Mapping[str, Any], **_: object) -> None:
    """Refuse a body that botocore's parser would read as empty, or fail on.

    Raises:
        _NoJsonObjectError: A reply that is no refusal is something else than a JSON object.
    """
    body = response_dict["body"]
    if response_dict["status_code"] != 200 or not body:  # HTTP's OK
        return
    try:
        is_object = isinstance(json.loads(body.decode()), dict)
    except (ValueError, RecursionError):
        is_object = False
    if not is_object:
        raise _NoJsonObjectError


def _name_the_error(response_dict: dict[str, Any], **_: object) -> None:
    """Move an error's name to the place where botocore's parser looks for it.

    Source: "Operation error serialization" of Smithy's AWS JSON protocols: a client has to look for
    it in the header X-Amzn-Errortype, and in the members `code` and `__type` of the body.
    """
    if response_dict["status_code"] < 300:  # HTTP's redirects and errors begin here
        return
    try:
        body = json.loads(response_dict["body"].decode() or "{}")
    except (ValueError, RecursionError):
        return
    if not isinstance(body, dict) or body.get("__type"):
        return
    named = response_dict["headers"].get("x-amzn-errortype") or body.get("code")
    if isinstance(named, str) and named:
        body["__type"] = named.partition(":")[0]
        response_dict["body"] = json.dumps(body).encode()


def _refusal(request: Request, error: ClientError) -> AuthFlowError:
    """Return the error for a refusal of Cognito's."""
    response = error.response
    metadata, details = response.get("ResponseMetadata", {}), response.get("Error", {})
    refused = read_error(
        str(details.get("Code", "")),
        str(details.get("Message", "")),
        operation=request.operation,
        secrets=request.secrets(),
        status=metadata.get("HTTPStatusCode", 0),
        headers=metadata.get("HTTPHeaders", {}),
    )
    if isinstance(refused, ServerFaultError | TimedOutError) and request.operation in _ONCE:
        return _uncertain(request, type(refused), refused.message)
    return refused


def _lost(request: Request, error: BotoCoreError, passage: Passage) -> AuthFlowError:
    """Return the error for a request without a whole reply."""
    if isinstance(error, CREDENTIALS_FAIL):
        return credentials_fail(type(error).__name__)
    if passage.stage is not _Stage.SENT:
        return _NotSentError("Cognito cannot be reached: check the network and the endpoint")
    match getattr(error, "kwargs", {}).get("error"):
        case RedirectedError():
            return MalformedReplyError("the server sends requests elsewhere; check the endpoint")
        case TooLongError():
            return MalformedReplyError(
                f"the reply has more than {MOST_BYTES} bytes: the server is no user pool"
            )
        case CompressedError():
            return MalformedReplyError("the reply is compressed, which was not asked for")
    if isinstance(error, ReadTimeoutError):
        return _uncertain(request, TimedOutError, "Cognito did not answer in time")
    return _uncertain(request, UnreachableError, "the connection broke before the reply was whole")


def _uncertain(request: Request, kind: type[AuthFlowError], what: str) -> AuthFlowError:
    if request.operation in _ONCE:
        return OutcomeUnknownError(f"{what}; it may or may not have counted: start again")
    return kind(what)


@asynccontextmanager
async def open_transport(
    config: AuthConfig,
    observer: Observation | None = None,
    pacing: Pacing | None = None,
    *,
    signed: bool = False,
) -> AsyncIterator[Transport]:
    """Open the one client that a process needs for a user pool, and close it at the end.

    Only `config` decides where requests go. They are unsigned, and the AWS configuration files and
    profile of the environment play no part, but for an administrator's.

    Args:
        config: Where to send, and the limits.
        observer: Told of every exchange, with the secrets taken out.
        pacing: Has requests wait for their turn.
        signed: Whether the requests are an administrator's, signed by AWS's usual credentials.

    Raises:
        MisuseError: The pacing belongs to another event loop.
        ConfigError: The credentials of an administrator fail, the installed aiobotocore cannot be
            kept from following redirects, or the environment names certificates by an empty text.
    """
    session = await open_owner_session(config.request_timeout) if signed else open_session()
    admin = AdminForm(user_pool_id=config.user_pool_id) if signed else None
    options = client_config(
        **({} if signed else {"signature_version": UNSIGNED}),
        max_pool_connections=config.max_concurrency,
        connect_timeout=config.connect_timeout,
        read_timeout=config.read_timeout,
        endpoint=config.endpoint,
    )
    async with session.create_client(
        "cognito-idp", region_name=config.region, endpoint_url=config.endpoint, config=options
    ) as client:
        for handler in (_check_json, _name_the_error):
            client.meta.events.register("before-parse.cognito-identity-provider", handler)
        in_flight = anyio.Semaphore(config.max_concurrency, fast_acquire=True)
        if pacing is None:
            yield Transport(client, in_flight, config.request_timeout, observer, admin=admin)
            return
        line_for = partial(pacing.line, config.region)
        async with pacing.in_use():
            yield Transport(client, in_flight, config.request_timeout, observer, line_for, admin)

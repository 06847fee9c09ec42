"""Log lines for the pool's owner: one for each refused sign-in, and one for each request.

A client may hear less than the truth, so that nobody learns who exists; the owner reads the reason.
Nothing stands there that was typed, since a password may stand in any field: users are named by
their canonical names, and names that nobody has by a hash with a key of their pool. A flood is not
allowed to fill the disk.
"""

import hmac
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from attrs import define, field
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from authflow.pool.accounts.app_clients import find_client_and_pool
from authflow.pool.accounts.users import find_user, find_user_by_sub
from authflow.pool.admission.budgets import Buckets, Budget
from authflow.pool.cognito_errors import CognitoError
from authflow.pool.confirmations.confirmation_links import LINK_PATH
from authflow.pool.store.database import Database
from authflow.pool.store.sqlite_connection import Connection
from authflow.pool.triggers.runner import TriggerRaisedError
from authflow.wire.members import USERNAME

SIGN_INS: Final = frozenset(
    {
        *("InitiateAuth", "RespondToAuthChallenge"),
        *("AdminInitiateAuth", "AdminRespondToAuthChallenge"),
        *("GetTokensFromRefreshToken", "ForgotPassword", "ConfirmForgotPassword"),
        *("SignUp", "ConfirmSignUp", "ResendConfirmationCode"),
        *("AssociateSoftwareToken", "VerifySoftwareToken", "ChangePassword"),
    }
)
"""The operations whose refusals are logged: sign-ins, and the other ways to an account."""
_REFUSALS: Final = logging.getLogger("authflow.pool.refusals")
_REQUESTS: Final = logging.getLogger("authflow.pool.requests")
_LINES: Final = Budget(per_second=20, burst=200)
_GIVEN_AWAY: Final = 4
"""A text is not shown if it contains so many characters of what was typed."""
_MOST_CHARS: Final = 200
_DOCUMENTS: Final = frozenset({"jwks.json", "openid-configuration", LINK_PATH})
_DIGITS: Final = 8


def _leaves(value: Any) -> Iterator[str]:
    """Yield all texts in a request."""
    match value:
        case str():
            yield value
        case Mapping():
            for each in value.values():
                yield from _leaves(each)
        case list():
            for each in value:
                yield from _leaves(each)


def _reason(error: BaseException | None, request: Mapping[str, Any]) -> str:
    """Return the first reason of an error and its causes; else its text, if that is ours."""
    found, seen = error, set[int]()
    while found is not None and id(found) not in seen:  # an error may be its own cause
        # An error of others' code may have anything as its `reason`.
        if isinstance(found, CognitoError | TriggerRaisedError) and found.reason:
            return found.reason
        seen.add(id(found))
        found = found.__cause__
    text = getattr(error, "message", "")
    typed = any(each and each[:_GIVEN_AWAY] in text for each in _leaves(request))
    return "" if typed or len(text) > _MOST_CHARS or not text.isprintable() else text


def _whom(connection: Connection, request: Mapping[str, Any]) -> dict[str, str]:
    """Return the pool, the client and the user that a request is about, as far as they exist."""
    try:
        client, pool = find_client_and_pool(
            connection, request.get("ClientId", ""), request.get("UserPoolId")
        )
    except CognitoError:
        return {}
    about = {"pool": pool.id, "client": client.id}
    members = request.get("AuthParameters") or request.get("ChallengeResponses") or request
    typed = members.get(USERNAME) or request.get("Username")
    if not typed:
        return about
    user = find_user(connection, pool, typed) or find_user_by_sub(connection, pool.id, typed)
    if user is not None:
        return {**about, "user": user.username if user.username.isprintable() else user.sub}
    drawn = hmac.digest(pool.mask_key, b"log\0" + pool.fold(typed).encode(), "sha256").hex()
    return {**about, "unknown-user": drawn[:_DIGITS]}


@define(kw_only=True)
class RefusalLog:
    """Logs refused sign-ins, at level INFO.

    Args:
        database: Where users are kept.
        clock: Gives seconds that never go back.
    """

    database: Database
    clock: Callable[[], float] = time.monotonic
    _lines: Buckets = field(init=False)
    _left_out: int = field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        self._lines = Buckets(budget=_LINES, clock=self.clock)

    async def refused(
        self, operation: str, request: Mapping[str, Any], error: CognitoError
    ) -> None:
        """Log a refusal.

        Args:
            operation: The operation; of those that are no sign-ins nothing is logged.
            request: The request, as far as it was read; it was validated, or is empty.
            error: Why it is refused.
        """
        if operation not in SIGN_INS or not _REFUSALS.isEnabledFor(logging.INFO):
            return
        if not self._lines.take(None):
            self._left_out += 1
            return
        if self._left_out:
            _REFUSALS.warning("%d refused sign-ins were left out here", self._left_out)
            self._left_out = 0
        told = {
            "flow": request.get("AuthFlow"),
            "challenge": request.get("ChallengeName"),
            **await self.database.read(_whom, request),
        }
        about = "".join(f" {name}={value}" for name, value in told.items() if value)
        reason = _reason(error, request)
        _REFUSALS.info(
            "%s refused: %s%s%s",
            *(operation, error.code, reason and f", {reason}", about and f";{about}"),
        )


@define(kw_only=True)
class RequestLog:
    """Logs each request at level DEBUG: the operation, the status and the duration.

    Args:
        app: The application.
        operations: The operations' names; another one is not shown.
    """

    app: ASGIApp
    operations: frozenset[str]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        if not _REQUESTS.isEnabledFor(logging.DEBUG):
            await self.app(scope, receive, send)
            return
        began, status = time.perf_counter(), 0

        async def watched(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            await self.app(scope, receive, watched)
        finally:
            took = (time.perf_counter() - began) * 1000
            _REQUESTS.debug("%s %d %.1f ms", self._name(scope), status, took)

    def _name(self, scope: Scope) -> str:
        target: bytes = dict(scope["headers"]).get(b"x-amz-target", b"")
        named = target.decode("latin-1").partition(".")[2]
        if scope["method"] == "POST" and named in self.operations:
            return named
        document: str = scope["path"].rpartition("/")[2]
        return document if document in _DOCUMENTS else "(no operation)"

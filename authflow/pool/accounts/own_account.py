"""The operations by which users change their own passwords, and delete themselves.

Source: ChangePassword and DeleteUser in the API reference, whose errors say that a user who must
reset the password, or is not confirmed, may do neither.
"""

from collections.abc import Mapping
from typing import Any

from attrs import define, frozen

from authflow.pool.accounts.callers import check_may_sign_in
from authflow.pool.accounts.lockout import Counted, check_lock, count_attempt
from authflow.pool.accounts.password_history import ProposedPassword, propose_password
from authflow.pool.accounts.users import CONFIRMED, FORCE_CHANGE_PASSWORD, delete_user
from authflow.pool.cognito_errors import (
    CognitoError,
    limit_exceeded,
    missing_parameter,
    not_authorized,
    too_many_requests,
)
from authflow.pool.ground import Ground
from authflow.pool.store.sqlite_connection import Connection
from authflow.pool.tokens.families import change_password
from authflow.pool.tokens.issuer import AccessToken, TokenIssuer
from authflow.secret import Secret


@frozen(kw_only=True)
class _Change:
    """A password change, before the old password is judged.

    Args:
        token: Who changes it, as stored before the arithmetic.
        recomputed: The verifier for what was given as the old password.
        proposed: The new password.
        tokens_survive: Whether all tokens stay good.
    """

    token: AccessToken
    recomputed: Secret[bytes]
    proposed: ProposedPassword
    tokens_survive: bool


def _check_state(token: AccessToken) -> None:
    """Refuse a user whose password is not one of his own.

    Raises:
        CognitoError: It must be reset, or is temporary: a sign-in asks for a new one.
    """
    check_may_sign_in(token.user)
    if token.user.status == FORCE_CHANGE_PASSWORD:
        raise not_authorized("User password cannot be changed in the current state.")


def _change(connection: Connection, change: _Change, now: float) -> CognitoError | None:
    """Compare the old password, count the attempt, and set the new one, in one transaction.

    A guess here counts with those of sign-ins: a token that was stolen gives no further ones. One
    that was right, and that another change has overtaken, is no guess and counts nothing.

    Returns:
        The refusal of a wrong password, which is counted: so it is given back and not raised.

    Raises:
        CognitoError: The token is good no more, there were too many wrong passwords, the user may
            not change it, or has had the new one before; or the password was changed meanwhile.
    """
    owner = change.token.again(connection)
    _check_state(owner)
    known = change.token.user.password
    counted = Counted.of_own(owner.pool, owner.user)
    passed = known.matches(change.recomputed)
    overtaken = passed and owner.user.password != known
    try:
        passed = count_attempt(connection, counted, now, passed=passed)
    except CognitoError:
        raise limit_exceeded() from None
    if overtaken:
        raise too_many_requests()  # which takes the count back
    if not passed:
        return not_authorized(reason="wrong password")
    change_password(
        connection,
        owner.user,
        change.proposed,
        now,
        status=CONFIRMED,
        tokens_survive=change.tokens_survive,
        by=owner.origin_jti,
    )
    return None


def _delete(connection: Connection, token: AccessToken) -> None:
    owner = token.again(connection)
    check_may_sign_in(owner.user)
    delete_user(connection, owner.user)


@define(kw_only=True)
class OwnAccount:
    """The operations.

    Args:
        ground: The parts that all services share.
        tokens: Checks access tokens.
        tokens_survive: Whether tokens stay good when the password changes.
    """

    ground: Ground
    tokens: TokenIssuer
    tokens_survive: bool

    async def change_password(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """ChangePassword.

        A password that does not conform to the policy costs no attempt. The sign-in whose token it
        is goes on; the tokens of others end.
        """
        token = await self._owner(request)
        pool, user = token.pool, token.user
        proposed = Secret(request["ProposedPassword"])
        pool.password_policy.check(proposed)
        if "PreviousPassword" not in request:
            # Only who has no password may leave it out, and every user here has one.
            raise missing_parameter("PreviousPassword")
        await self._check_lock(token)
        recomputed = await self.ground.workers.run(
            user.password.recomputed, pool.id, user.username, Secret(request["PreviousPassword"])
        )
        change = _Change(
            token=token,
            recomputed=recomputed,
            proposed=await propose_password(self.ground, pool, user.username, user.sub, proposed),
            tokens_survive=self.tokens_survive,
        )
        refusal = await self.ground.database.write(_change, change, self.ground.clock())
        if refusal is not None:
            raise refusal
        return {}

    async def _check_lock(self, token: AccessToken) -> None:
        counted = Counted.of_own(token.pool, token.user)
        try:
            await self.ground.database.read(check_lock, counted, self.ground.clock())
        except CognitoError:
            raise limit_exceeded() from None

    async def delete(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """DeleteUser. The user's tokens, devices and factors go with the user."""
        await self.ground.database.write(_delete, await self._owner(request))
        return {}

    async def _owner(self, request: Mapping[str, Any]) -> AccessToken:
        return await self.tokens.check_access_token(Secret(request["AccessToken"]))

"""MFA_SETUP: a user who needs a second factor, and has none, sets one up in the sign-in.

For an authenticator app AssociateSoftwareToken takes the session and gives the app's secret,
VerifySoftwareToken takes the app's first code, and each gives the session that the next step wants;
the last one answers the challenge. Until the first code was right, the secret is in the sealed
session only. For codes by e-mail the answer has the address, which becomes the user's once a code
that was sent there has come back.

Whoever knows the password can set a factor up for a user who has none. So a set-up ends as soon as
the user has one: the session that began before cannot put another in its place.
"""

from collections.abc import Mapping
from typing import Any, Final

from attrs import define, evolve, field, frozen

from authflow.machine import State
from authflow.pool.accounts.attribute_access import written_by_user
from authflow.pool.accounts.callers import read_members, username_of
from authflow.pool.accounts.second_factors import MfaConfig, UserFactors
from authflow.pool.accounts.users import User
from authflow.pool.cognito_errors import CognitoError, invalid_parameter, invalid_session
from authflow.pool.factors.authenticators import (
    accepted_first_step,
    begin_setup,
    finish_setup,
    new_secret,
    none_to_verify,
    not_enabled,
    not_offered,
    sealed_secret,
)
from authflow.pool.factors.preferences import ADDRESSES_OF, set_factors
from authflow.pool.ground import Ground
from authflow.pool.sign_ins.code_attempts import count_code
from authflow.pool.sign_ins.decision import Decision, decide
from authflow.pool.sign_ins.factor_state import FactorState
from authflow.pool.sign_ins.late_answers import no_second_chance
from authflow.pool.sign_ins.second_factor import factors_to_set_up, given_factor
from authflow.pool.sign_ins.sessions import (
    Taken,
    end_session,
    new_handle,
    put_session,
    session_of,
    take,
    take_setup,
)
from authflow.pool.sign_ins.sign_in_triggers import SignInTriggers
from authflow.pool.store.sqlite_connection import Connection
from authflow.secret import Secret
from authflow.wire import mfa_setup

_LIVES: Final = 3
"""The sessions of a set-up that is done at one go, each with a whole life: the challenge's, and one
of each operation."""
_EMAIL: Final = ADDRESSES_OF[State.EMAIL_OTP]


def _user_setting_up(taken: Taken, factor: State) -> User:
    """Return the user of a set-up, who may still set this factor up.

    Raises:
        CognitoError: Meanwhile the user has a second factor, or the pool lacks this one.
    """
    user, caller = taken.user, taken.caller
    allowed = MfaConfig.of(caller.pool).allowed
    if factor is State.SOFTWARE_TOKEN_MFA and factor not in allowed:
        raise not_offered()
    if user is None or factor not in factors_to_set_up(caller.pool, user, caller.client.settings):
        raise invalid_session()
    return user


def _go_on(connection: Connection, taken: Taken, factor: FactorState, now: float) -> str:
    """Store the set-up under a new session, and return its handle.

    A set-up may be begun anew, and does not last the longer for it: the password was proved then.
    """
    handle, life = new_handle(), taken.caller.client.session_seconds
    before = taken.progress.factor
    ends_at = None if before is None else before.ends_at
    # The challenge's own session has had one life at most.
    ends_at = now + (_LIVES - 1) * life if ends_at is None else ends_at
    waiting = evolve(taken.progress, factor=evolve(factor, ends_at=ends_at))
    put_session(connection, handle, waiting, now, min(now + life, ends_at))
    return handle


def _associate(connection: Connection, session: str, secret: Secret[str], now: float) -> str:
    """Keep a secret in a new session, which is returned.

    Raises:
        CognitoError: The session is not that of a set-up that may go on.
    """
    taken = take_setup(connection, session, now, use_up=True)
    user = _user_setting_up(taken, State.SOFTWARE_TOKEN_MFA)
    sealed = sealed_secret(taken.caller.pool, user.sub, secret)
    return _go_on(connection, taken, FactorState(authenticator=sealed), now)


@frozen(kw_only=True)
class _FirstCode:
    """The first code of an authenticator, and what the user calls the device."""

    code: Secret[str]
    name: str | None = field(repr=False)


def _verify(
    connection: Connection, session: str, first: _FirstCode, now: float
) -> str | CognitoError:
    """Compare the first code and count it; if it is right, the authenticator is the user's.

    Returns:
        The session that MFA_SETUP is answered with; the refusal of a wrong code, which is given
        back so that it stays counted.

    Raises:
        CognitoError: The session is not that of a set-up that may go on, or the user is locked.
    """
    taken = take_setup(connection, session, now, use_up=False)
    pool, factor = taken.caller.pool, taken.progress.factor
    user = _user_setting_up(taken, State.SOFTWARE_TOKEN_MFA)
    if factor is None or factor.authenticator is None:
        raise none_to_verify()
    new = evolve(user, new_authenticator=factor.authenticator)
    step = accepted_first_step(pool, new, first.code, now)
    if not count_code(connection, pool, user.sub, now, passed=step is not None) or step is None:
        return not_enabled()
    end_session(connection, session)
    user = begin_setup(connection, user, factor.authenticator, now)
    user = finish_setup(connection, user, step, first.name, now)
    _turn_on(connection, user, State.SOFTWARE_TOKEN_MFA, now)
    return _go_on(connection, taken, evolve(factor, verified=True), now)


def _turn_on(connection: Connection, user: User, factor: State, now: float) -> User:
    """Store that a user has turned a factor on, beside those that are on."""
    enabled = user.factors.enabled | {factor}
    factors = UserFactors(enabled=enabled, preferred=user.factors.preferred)
    return set_factors(connection, user, factors, now)


def _finish(
    connection: Connection,
    request: Mapping[str, Any],
    answer: mfa_setup.Answer,
    now: float,
    *,
    held: bool,
) -> Decision:
    """Use up the session and go on with what was set up, in one transaction.

    Raises:
        CognitoError: Another answer was faster; or nothing was set up, or cannot be any more.
    """
    typed, handle = username_of(request["ChallengeResponses"]), session_of(request)
    taken = take(connection, request, typed, handle, now, use_up=True)
    caller, progress, user = taken.caller, taken.progress, taken.user
    if user is None:
        raise invalid_session()
    if progress.factor is not None and progress.factor.verified:
        passed = progress.passed(State.MFA_SETUP)
        progress = evolve(passed, given=given_factor(user, State.SOFTWARE_TOKEN_MFA))
    elif answer.email:
        _user_setting_up(taken, State.EMAIL_OTP)
        given = written_by_user(caller.pool, caller.client.settings, {_EMAIL: answer.email})
        progress = evolve(progress, factor=FactorState(address=given[_EMAIL], new=True))
    else:
        message = "User has not set up software token mfa"
        raise invalid_parameter(message, reason=message)
    return decide(connection, caller, user, progress, now, held=held)


@define(kw_only=True)
class Setups:
    """Sets second factors up in sign-ins.

    Args:
        ground: The parts that all services share.
        triggers: Says what is asked before tokens are granted.
    """

    ground: Ground
    triggers: SignInTriggers

    async def associate(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """AssociateSoftwareToken with a Session.

        Raises:
            CognitoError: The session is not that of a set-up that may go on.
        """
        secret = new_secret()
        async with no_second_chance(self.ground.database):
            session = await self.ground.database.write(
                _associate, session_of(request), secret, self.ground.clock()
            )
        return {"SecretCode": secret.reveal(), "Session": session}

    async def verify(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """VerifySoftwareToken with a Session.

        Raises:
            CognitoError: The code is wrong; the session is not that of a set-up that may go on; or
                there were too many wrong codes.
        """
        first = _FirstCode(code=Secret(request["UserCode"]), name=request.get("FriendlyDeviceName"))
        async with no_second_chance(self.ground.database):
            session = await self.ground.database.write(
                _verify, session_of(request), first, self.ground.clock()
            )
        if isinstance(session, CognitoError):
            raise session
        return {"Status": "SUCCESS", "Session": session}

    async def respond(self, request: Mapping[str, Any]) -> Decision:
        """Go on with what was set up.

        Raises:
            CognitoError: Nothing was set up, or the session is none that waits for it.
        """
        responses: Mapping[str, str] = request["ChallengeResponses"]
        answer = read_members(mfa_setup.Answer.read, responses)
        typed, handle = username_of(responses), session_of(request)
        taken = await self.ground.database.read(
            take, request, typed, handle, self.ground.clock(), use_up=False
        )
        held = self.triggers.hold_tokens(taken.caller.pool)
        return await self.ground.database.write(
            _finish, request, answer, self.ground.clock(), held=held
        )

"""Sign-ins: InitiateAuth and RespondToAuthChallenge, for users and for administrators."""

import sqlite3
from collections.abc import Callable, Mapping
from typing import Any, Final

from attrs import define, evolve

from authflow import wire
from authflow.machine import AuthFlow, State, beginning
from authflow.pool.accounts.callers import (
    Caller,
    check_may_sign_in,
    find_caller,
    find_caller_and_user,
    required,
    username_of,
)
from authflow.pool.accounts.masking import stand_in
from authflow.pool.accounts.users import FORCE_CHANGE_PASSWORD, User, find_user_by_sub
from authflow.pool.cognito_errors import (
    CognitoError,
    invalid_parameter,
    invalid_session,
    missing_parameter,
    not_authorized,
    user_not_found,
)
from authflow.pool.sign_ins.challenges.custom import CustomRounds, ProofWanted, TokensWanted
from authflow.pool.sign_ins.challenges.new_password import NewPasswords
from authflow.pool.sign_ins.challenges.password import PasswordChecks
from authflow.pool.sign_ins.challenges.password_verifier import Handshakes, read_public_a
from authflow.pool.sign_ins.replies import Replies
from authflow.pool.sign_ins.sessions import Progress, entry, look_at_session, use_up_session
from authflow.pool.sign_ins.sign_in_triggers import SignInTriggers
from authflow.pool.store.database import Database
from authflow.pool.tokens.refresh import Refresh
from authflow.secret import Secret
from authflow.triggers.events.replies import CreateReply

_FOR_ADMINISTRATORS: Final = frozenset({"ADMIN_USER_PASSWORD_AUTH", "ADMIN_NO_SRP_AUTH"})
_REFRESH: Final = frozenset({"REFRESH_TOKEN_AUTH", "REFRESH_TOKEN"})
_TABLE_OF: Final[Mapping[str, AuthFlow]] = {
    **{str(flow): flow for flow in AuthFlow},
    # For administrators the password is sent, too: the same replies may follow.
    **dict.fromkeys(_FOR_ADMINISTRATORS, AuthFlow.USER_PASSWORD_AUTH),
}


def _check_flow(caller: Caller, flow: str, *, admin: bool) -> None:
    """Refuse a flow that the app client does not allow, or that does not exist here.

    Raises:
        CognitoError: The flow cannot be used.
    """
    if flow in _FOR_ADMINISTRATORS and not admin:
        raise invalid_parameter("Initiate Auth method not supported.")
    if not caller.client.allows(flow):
        named = "Auth" if flow in _FOR_ADMINISTRATORS else flow
        raise invalid_parameter(f"{named} flow not enabled for this client")
    if flow not in _TABLE_OF and flow not in _REFRESH:
        raise CognitoError("UnsupportedOperationException", f"{flow} is not supported by this pool")


def _look(
    connection: sqlite3.Connection,
    request: Mapping[str, Any],
    typed: str,
    session: str,
    now: float,
) -> tuple[Caller, Progress, User | None]:
    """Find what an answer is for.

    Args:
        connection: The database.
        request: The request.
        typed: Its USERNAME.
        session: Its Session.
        now: Seconds since the epoch.

    Raises:
        CognitoError: The session is not one for this client, user and challenge.
    """
    caller = find_caller(connection, request)
    caller.client.check_secret_hash(request["ChallengeResponses"].get(wire.SECRET_HASH), typed)
    progress = look_at_session(connection, session, now)
    if (
        progress.client_id != caller.client.id
        or progress.state != request["ChallengeName"]
        or typed not in {progress.username, progress.typed}
    ):
        raise invalid_session()
    user = None
    if progress.sub is not None:
        user = find_user_by_sub(connection, caller.pool.id, progress.sub)
        if user is None:
            raise not_authorized()
        check_may_sign_in(user)
    return caller, progress, user


def _use_up(
    connection: sqlite3.Connection, request: Mapping[str, Any], typed: str, session: str, now: float
) -> tuple[Caller, Progress, User | None]:
    """Find what an answer is for, and end its session, before anybody judges the answer."""
    found = _look(connection, request, typed, session, now)
    use_up_session(connection, session)
    return found


@define(kw_only=True)
class SignIns:
    """The operations that sign users in.

    Args:
        database: Where everything is kept.
        handshakes: Proofs of the password by SRP.
        passwords: Passwords as they are.
        new_passwords: NEW_PASSWORD_REQUIRED.
        custom: Custom challenges.
        refresh: Refresh tokens.
        replies: Makes replies.
        triggers: What is asked before the password.
        clock: Gives the time, in seconds since the epoch.
    """

    database: Database
    handshakes: Handshakes
    passwords: PasswordChecks
    new_passwords: NewPasswords
    custom: CustomRounds
    refresh: Refresh
    replies: Replies
    triggers: SignInTriggers
    clock: Callable[[], float]

    async def initiate(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """InitiateAuth."""
        return await self._initiate(request, admin=False)

    async def admin_initiate(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """AdminInitiateAuth."""
        return await self._initiate(request, admin=True)

    async def _initiate(self, request: Mapping[str, Any], *, admin: bool) -> dict[str, Any]:
        flow: str = request["AuthFlow"]
        parameters: Mapping[str, str] = request.get("AuthParameters", {})
        if flow in _REFRESH:
            caller = self.database.read(find_caller, request)
            _check_flow(caller, flow, admin=admin)
            token = Secret(required(parameters, wire.REFRESH_TOKEN))
            return await self.refresh.by_flow(caller, token, parameters.get(wire.SECRET_HASH))
        typed = username_of(parameters)
        caller, user = self.database.read(find_caller_and_user, request, typed)
        _check_flow(caller, flow, admin=admin)
        caller.client.check_secret_hash(parameters.get(wire.SECRET_HASH), typed)
        table = _TABLE_OF[flow]
        if table is AuthFlow.USER_PASSWORD_AUTH:
            return await self._with_password(caller, user, typed, parameters)
        custom = table is AuthFlow.CUSTOM_AUTH
        public_a = _public_a(parameters, custom=custom)
        if custom:
            self.custom.check_configured(caller)
        if user is not None:
            check_may_sign_in(user)
        elif not caller.client.hides_users:
            raise user_not_found()
        caller, user = await self._announce(caller, typed, user)
        progress = self._begin(caller, table, typed, user, srp=public_a is not None)
        if custom:
            return await self._decided(caller, progress, user, public_a)
        assert public_a is not None  # noqa: S101  # _public_a gave it; for the type checker
        return await self._ask_for_proof(caller, progress, user, public_a)

    async def _announce(
        self, caller: Caller, typed: str, user: User | None
    ) -> tuple[Caller, User | None]:
        """Run PreAuthentication.

        Returns:
            The caller without its ClientMetadata, which reaches no later trigger, and the user.

        Raises:
            CognitoError: The trigger refused or failed.
        """
        if await self.triggers.before(caller, typed, user) and user is not None:
            # The trigger took its time: meanwhile the user may have changed, or be gone.
            user = self.database.read(find_user_by_sub, caller.pool.id, user.sub)
            if user is None:
                raise not_authorized()
            check_may_sign_in(user)
        return evolve(caller, client_metadata=None), user

    def _begin(
        self, caller: Caller, flow: AuthFlow, typed: str, user: User | None, *, srp: bool
    ) -> Progress:
        first = (entry(State.SRP_A, passed=True),) if srp else ()
        known = stand_in(caller.pool, typed) if user is None else user
        return Progress(
            pool_id=caller.pool.id,
            client_id=caller.client.id,
            flow=flow,
            state=beginning(srp=srp),
            sub=None if user is None else user.sub,
            username=known.username,
            typed=typed,
            auth_time=int(self.clock()),
            history=first,
        )

    async def _with_password(
        self, caller: Caller, user: User | None, typed: str, parameters: Mapping[str, str]
    ) -> dict[str, Any]:
        password = Secret(required(parameters, wire.PASSWORD))
        user = await self.passwords.find_or_migrate(caller, user, typed, password)
        caller, user = await self._announce(caller, typed, user)
        progress = self._begin(caller, AuthFlow.USER_PASSWORD_AUTH, typed, user, srp=False)
        given = await self.passwords.check(caller, progress, user, password)
        assert user is not None  # noqa: S101  # check raised otherwise; for the type checker
        if given is not None:
            return await self.replies.granted(caller, user, given)
        return await self._after_password(caller, progress, user)

    async def _ask_for_proof(
        self, caller: Caller, progress: Progress, user: User | None, public_a: int
    ) -> dict[str, Any]:
        known = stand_in(caller.pool, progress.typed) if user is None else user
        return await self.handshakes.ask(caller, progress, known.password, public_a)

    async def respond(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """RespondToAuthChallenge and AdminRespondToAuthChallenge."""
        answers: Mapping[str, str] = request.get("ChallengeResponses", {})
        if not answers:
            raise invalid_parameter("Missing required parameter challenge responses.")
        match request["ChallengeName"]:
            case State.PASSWORD_VERIFIER:
                return await self._proved(request)
            case State.NEW_PASSWORD_REQUIRED:
                return await self._new_password(request, answers)
            case State.CUSTOM_CHALLENGE:
                return await self._answered(request, answers)
            case _:
                # No sign-in of this pool waits at another challenge.
                raise invalid_session()

    async def _proved(self, request: Mapping[str, Any]) -> dict[str, Any]:
        caller, progress, user, given = await self.handshakes.judge(request)
        if given is not None:
            return await self.replies.granted(caller, user, given)
        check_may_sign_in(user)
        done = entry(State.PASSWORD_VERIFIER, passed=True)
        progress = evolve(progress, history=(*progress.history, done))
        return await self._after_password(caller, progress, user)

    async def _new_password(
        self, request: Mapping[str, Any], answers: Mapping[str, str]
    ) -> dict[str, Any]:
        required(answers, wire.NEW_PASSWORD)
        caller, progress, user, session = await self._take(request, answers, use_up=False)
        if user is None:
            raise invalid_session()
        progress, changed = await self.new_passwords.take(caller, progress, user, session, answers)
        return await self._after_password(caller, progress, changed)

    async def _answered(
        self, request: Mapping[str, Any], answers: Mapping[str, str]
    ) -> dict[str, Any]:
        # An empty answer is an answer, and a wrong one in most cases; the trigger says so.
        if wire.ANSWER not in answers:
            raise missing_parameter(wire.ANSWER)
        answer = Secret(answers[wire.ANSWER])
        caller, progress, user, _ = await self._take(request, answers, use_up=True)
        progress = await self.custom.verify(caller, progress, user, answer)
        return await self._decided(caller, progress, user)

    async def _take(
        self, request: Mapping[str, Any], answers: Mapping[str, str], *, use_up: bool
    ) -> tuple[Caller, Progress, User | None, str]:
        typed = username_of(answers)
        if "Session" not in request:
            raise missing_parameter("Session")
        session: str = request["Session"]
        now = self.clock()
        if use_up:
            found = await self.database.write(_use_up, request, typed, session, now)
        else:
            found = self.database.read(_look, request, typed, session, now)
        return *found, session

    async def _after_password(
        self, caller: Caller, progress: Progress, user: User
    ) -> dict[str, Any]:
        """Go on once a password is accepted."""
        if user.status == FORCE_CHANGE_PASSWORD:
            return await self.new_passwords.ask(caller, progress, user)
        if progress.flow is AuthFlow.CUSTOM_AUTH:
            return await self._decided(caller, progress, user)
        return await self.replies.signed_in(caller, progress, user)

    async def _decided(
        self,
        caller: Caller,
        progress: Progress,
        user: User | None,
        public_a: int | None = None,
    ) -> dict[str, Any]:
        """Go on as the triggers decide."""
        match await self.custom.decide(caller, progress, user):
            case ProofWanted() if public_a is not None:
                return await self._ask_for_proof(caller, progress, user, public_a)
            case TokensWanted() if user is not None:
                return await self.replies.signed_in(caller, progress, user)
            case CreateReply(public=public, private=private, metadata=metadata):
                asked = evolve(progress, private=private, metadata=metadata)
                return await self.replies.challenge(caller, asked, State.CUSTOM_CHALLENGE, public)
            case _:
                raise not_authorized()


def _public_a(parameters: Mapping[str, str], *, custom: bool) -> int | None:
    """Read SRP_A, where the flow wants it.

    Raises:
        CognitoError: It is missing or unsafe, or CHALLENGE_NAME is none that a flow begins with.
    """
    if custom:
        match parameters.get(wire.CHALLENGE_NAME, State.CUSTOM_CHALLENGE):
            case State.CUSTOM_CHALLENGE:
                return None
            case State.SRP_A:
                pass
            case _:
                raise invalid_parameter("CHALLENGE_NAME must be SRP_A or CUSTOM_CHALLENGE.")
    return read_public_a(required(parameters, wire.SRP_A))

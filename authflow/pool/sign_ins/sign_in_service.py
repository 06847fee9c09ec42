"""Sign-ins: InitiateAuth and RespondToAuthChallenge, for users and for administrators.

A request goes one way: who asks and what for is read, the responder of its challenge judges the
answer and decides what is owed, and that is carried out until there is something to reply.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from attrs import define, evolve, field, frozen

from authflow.machine import AuthFlow, State, beginning
from authflow.pool.accounts.callers import (
    Caller,
    check_may_begin,
    find_caller,
    find_caller_and_user,
    may_sign_in,
    read_members,
    username_of,
)
from authflow.pool.accounts.masking import StandIn, keyed, name_for_client, stand_in
from authflow.pool.accounts.passwords import StoredPassword
from authflow.pool.accounts.second_factors import FACTORS
from authflow.pool.accounts.users import User, find_user_by_sub
from authflow.pool.cognito_errors import (
    CognitoError,
    cannot_ask,
    invalid_parameter,
    invalid_session,
    not_authorized,
    user_not_found,
)
from authflow.pool.devices.device_naming import possible_key
from authflow.pool.devices.device_state import DeviceState
from authflow.pool.ground import Ground
from authflow.pool.peer_address import peer_address
from authflow.pool.sign_ins.challenges.codes import CodeChecks
from authflow.pool.sign_ins.challenges.custom import CustomRounds, ProofWanted, TokensWanted
from authflow.pool.sign_ins.challenges.device_proof import DeviceProofs
from authflow.pool.sign_ins.challenges.mfa_choice import FactorChoices
from authflow.pool.sign_ins.challenges.mfa_setup import Setups
from authflow.pool.sign_ins.challenges.new_password import NewPasswords
from authflow.pool.sign_ins.challenges.password import PasswordChecks
from authflow.pool.sign_ins.challenges.password_verifier import Handshakes, read_public_a
from authflow.pool.sign_ins.decision import GONE, Decision, decide_again
from authflow.pool.sign_ins.late_answers import no_second_chance
from authflow.pool.sign_ins.next_step import (
    ChallengeOwed,
    CodeOwed,
    DefineOwed,
    TokensOwed,
    Unasked,
)
from authflow.pool.sign_ins.sessions import Progress, entry
from authflow.pool.sign_ins.sign_in_replies import SignInReplies, asked
from authflow.pool.sign_ins.sign_in_triggers import SignInTriggers
from authflow.pool.tokens.refresh import Refresh
from authflow.secret import Secret
from authflow.triggers.events.trigger_replies import CreateReply
from authflow.wire.auth_parameters import (
    REFRESH_TOKEN,
    ByPassword,
    ByRefreshToken,
    BySrp,
    read_custom,
)
from authflow.wire.members import DEVICE_KEY, SECRET_HASH

_FOR_ADMINISTRATORS: Final = frozenset({"ADMIN_USER_PASSWORD_AUTH", "ADMIN_NO_SRP_AUTH"})
_FOR_USERS: Final = frozenset({"USER_PASSWORD_AUTH"})
"""The one flow that AdminInitiateAuth refuses (awsdocs/aws-doc-sdk-examples#5289)."""
_REFRESH: Final = frozenset({"REFRESH_TOKEN_AUTH", "REFRESH_TOKEN"})
_TABLE_OF: Final[Mapping[str, AuthFlow]] = {
    **{str(flow): flow for flow in AuthFlow},
    # The flows for administrators send the password, too, so the same replies may follow.
    **dict.fromkeys(_FOR_ADMINISTRATORS, AuthFlow.USER_PASSWORD_AUTH),
}

Responder = Callable[[Mapping[str, Any]], Awaitable[Decision]]
"""A function that judges the answer to one challenge, and returns the decision."""


def _check_flow(caller: Caller, flow: str, *, admin: bool) -> None:
    """Refuse a flow that the app client does not allow, or that the pool does not have.

    Raises:
        CognitoError: The flow cannot be used.
    """
    if flow in (_FOR_USERS if admin else _FOR_ADMINISTRATORS):
        reason = f"{flow} is not a flow of this operation"
        raise invalid_parameter("Initiate Auth method not supported.", reason=reason)
    if not caller.client.allows(flow):
        named = "Auth" if flow in _FOR_ADMINISTRATORS else flow
        reason = f"ExplicitAuthFlows of the app client do not allow {flow}"
        raise invalid_parameter(f"{named} flow not enabled for this client", reason=reason)
    if flow not in _TABLE_OF and flow not in _REFRESH:
        message = f"{flow} is not supported by this pool"
        raise CognitoError("UnsupportedOperationException", message, reason=message)


@frozen(kw_only=True)
class _Opening:
    """The values with which a proof can be asked for.

    Args:
        public_a: SRP's A.
        password: The user's, or a stand-in's.
    """

    public_a: int
    password: StoredPassword = field(repr=False)


@define(kw_only=True)
class SignIns:
    """The operations that sign users in.

    Args:
        ground: The parts that all services share.
        handshakes: PASSWORD_VERIFIER.
        passwords: Passwords as they are.
        new_passwords: NEW_PASSWORD_REQUIRED.
        custom: CUSTOM_CHALLENGE.
        codes: Codes as second factors.
        choices: SELECT_MFA_TYPE.
        setups: MFA_SETUP.
        devices: DEVICE_SRP_AUTH and DEVICE_PASSWORD_VERIFIER.
        refresh: Refresh tokens.
        replies: Makes replies.
        triggers: What is asked before the password, and before tokens.
        most_sessions: How many sign-ins that began under one name may wait for an answer.
    """

    ground: Ground
    handshakes: Handshakes
    passwords: PasswordChecks
    new_passwords: NewPasswords
    custom: CustomRounds
    codes: CodeChecks
    choices: FactorChoices
    setups: Setups
    devices: DeviceProofs
    refresh: Refresh
    replies: SignInReplies
    triggers: SignInTriggers
    most_sessions: int
    _responders: Mapping[str, Responder] = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._responders = {
            State.PASSWORD_VERIFIER: self.handshakes.respond,
            State.NEW_PASSWORD_REQUIRED: self.new_passwords.respond,
            State.CUSTOM_CHALLENGE: self.custom.respond,
            **dict.fromkeys(FACTORS, self.codes.respond),
            State.SELECT_MFA_TYPE: self.choices.respond,
            State.MFA_SETUP: self.setups.respond,
            State.DEVICE_SRP_AUTH: self.devices.begin,
            State.DEVICE_PASSWORD_VERIFIER: self.devices.respond,
        }

    async def initiate(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """InitiateAuth."""
        return await self._initiate(request, admin=False)

    async def admin_initiate(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """AdminInitiateAuth."""
        return await self._initiate(request, admin=True)

    async def respond(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """RespondToAuthChallenge and AdminRespondToAuthChallenge."""
        if not request.get("ChallengeResponses"):
            message = "Missing required parameter challenge responses."
            raise invalid_parameter(message, reason=message)
        responder = self._responders.get(request["ChallengeName"])
        if responder is None:
            # No sign-in of this pool waits at any other challenge.
            raise invalid_session()
        async with no_second_chance(self.ground.database):
            decision = await responder(request)
        return await self._go_on(decision)

    async def _initiate(self, request: Mapping[str, Any], *, admin: bool) -> dict[str, Any]:
        flow: str = request["AuthFlow"]
        parameters: Mapping[str, str] = request.get("AuthParameters", {})
        if flow in _REFRESH:
            caller = await self.ground.database.read(find_caller, request)
            await self.refresh.check_not_reused(caller, Secret(parameters.get(REFRESH_TOKEN, "")))
            _check_flow(caller, flow, admin=admin)
            token = read_members(ByRefreshToken.read, parameters).token
            return await self.refresh.by_flow(caller, token, parameters)
        typed = username_of(parameters)
        caller, user = await self.ground.database.read(find_caller_and_user, request, typed)
        _check_flow(caller, flow, admin=admin)
        caller.client.check_secret_hash(parameters.get(SECRET_HASH), typed)
        table = _TABLE_OF[flow]
        # The stand-in is made for every user, so that unknown users take the same time.
        made = stand_in(caller.pool, typed) if caller.client.hides_users else None
        if table is AuthFlow.USER_PASSWORD_AUTH:
            return await self._with_password(caller, user, made, typed, parameters)
        by_challenges = table is AuthFlow.CUSTOM_AUTH
        begun = read_members(read_custom if by_challenges else BySrp.read, parameters)
        public_a = read_public_a(begun.public_a) if isinstance(begun, BySrp) else None
        if by_challenges:
            self.custom.check_configured(caller)
        barred = None
        if user is not None:
            check_may_begin(caller, user)
            # Only after a proved password could the client be told why the user may not sign in.
            if by_challenges and not may_sign_in(user):
                user, barred = None, user
        caller, user, known = await self._announce(caller, user, made)
        # Such a user is unknown to triggers and gets no tokens. The salt and the name are the same
        # as in USER_SRP_AUTH: any others would tell the client that the user exists.
        met = barred or known
        srp = public_a is not None
        device_key = possible_key(parameters.get(DEVICE_KEY))
        progress = self._begin(caller, table, typed, known, met, srp=srp, device_key=device_key)
        if not by_challenges and public_a is not None:
            return await self.handshakes.ask(caller, progress, met.password, public_a)
        decision = Decision(caller=caller, user=user, progress=progress, step=DefineOwed())
        opening = None
        if public_a is not None:
            opening = _Opening(public_a=public_a, password=met.password)
        return await self._go_on(decision, opening)

    async def _announce(
        self, caller: Caller, user: User | None, made: StandIn | None
    ) -> tuple[Caller, User | None, User | StandIn]:
        """Run PreAuthentication.

        Args:
            caller: Who asks.
            user: The user, if there is one.
            made: Who stands for a user whom the app client hides.

        Returns:
            The caller without its ClientMetadata, which reaches no later trigger; the user; and
            the user or who stands for one.

        Raises:
            CognitoError: There is no such user and the app client says so; or the trigger refused
                or failed.
        """
        known = made if user is None else user
        if known is None:
            raise user_not_found()
        if await self.triggers.before(caller, known.username, user):
            # While the trigger ran, the user may have been changed or deleted.
            sub = None if user is None else user.sub
            again = await self.ground.database.read(find_user_by_sub, caller.pool.id, sub)
            if user is not None:
                if again is None:
                    raise not_authorized(reason=GONE)
                check_may_begin(caller, again)
                user = known = again
        return evolve(caller, client_metadata=None), user, known

    def _begin(
        self,
        caller: Caller,
        flow: AuthFlow,
        typed: str,
        known: User | StandIn,
        met: User | StandIn,
        *,
        srp: bool,
        device_key: str | None,
    ) -> Progress:
        """Begin a sign-in.

        Args:
            caller: Who asks.
            flow: The auth flow.
            typed: The name as it was typed.
            known: Whose sign-in it is, as triggers are told.
            met: Whose the salt and the name are that the client is told.
            srp: Whether A was sent.
            device_key: The device that the client named, if it named one.
        """
        first = (entry(State.SRP_A, passed=True),) if srp else ()
        pool, hidden = caller.pool, caller.client.hides_users
        user = known if isinstance(known, User) else None
        return Progress(
            pool_id=pool.id,
            client_id=caller.client.id,
            flow=flow,
            state=beginning(srp=srp),
            sub=None if user is None else user.sub,
            username=known.username,
            typed=typed,
            auth_time=int(self.ground.clock()),
            history=first,
            credentials=None if user is None else user.credentials,
            device=None if device_key is None else DeviceState(key=device_key),
            told_as=name_for_client(met, pool, hidden=hidden),
            named=keyed(pool, "session", pool.fold(typed)),
            room=self.most_sessions,
            address=peer_address(),
        )

    async def _with_password(
        self,
        caller: Caller,
        user: User | None,
        made: StandIn | None,
        typed: str,
        parameters: Mapping[str, str],
    ) -> dict[str, Any]:
        password = read_members(ByPassword.read, parameters).password
        user = await self.passwords.find_or_migrate(caller, user, made, typed, password)
        caller, user, known = await self._announce(caller, user, made)
        flow = AuthFlow.USER_PASSWORD_AUTH
        device_key = parameters.get(DEVICE_KEY)
        progress = self._begin(caller, flow, typed, known, known, srp=False, device_key=device_key)
        return await self._go_on(await self.passwords.check(caller, progress, known, password))

    async def _go_on(self, decision: Decision, opening: _Opening | None = None) -> dict[str, Any]:
        """Carry out what is owed, until there is a reply.

        Args:
            decision: What is owed.
            opening: What a proof is asked for with, while one may be.
        """
        overrides = None
        while True:
            caller, user, progress = decision.caller, decision.user, decision.progress
            match decision.step:
                case ChallengeOwed() as owed if decision.handle is not None:
                    return asked(progress, owed, decision.handle)
                case CodeOwed():
                    decision = await self.codes.send(decision)
                case DefineOwed():
                    match await self.custom.decide(caller, progress, user):
                        case ProofWanted() if opening is not None:
                            password, public_a = opening.password, opening.public_a
                            return await self.handshakes.ask(caller, progress, password, public_a)
                        case CreateReply() as made:
                            return await self.replies.round(caller, progress, made)
                        case TokensWanted():
                            decided = evolve(decision, progress=evolve(progress, decided=True))
                            held = self.triggers.hold_tokens(caller.pool)
                            decision = await self._decide_again(decided, held=held)
                        case _:
                            raise not_authorized()
                case TokensOwed(held=True) if user is not None:
                    overrides = await self.triggers.after(caller, progress, user)
                    decision = await self._decide_again(decision, held=False)
                case TokensOwed() if user is not None and decision.given is not None:
                    return await self.replies.granted(caller, user, decision.given, overrides)
                case Unasked(given=given):
                    raise cannot_ask(given.spelled, given.case.because)
                case _:
                    raise not_authorized()

    async def _decide_again(self, decision: Decision, *, held: bool) -> Decision:
        return await self.ground.database.write(
            decide_again, decision, self.ground.clock(), held=held
        )

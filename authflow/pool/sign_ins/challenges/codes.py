"""SMS_MFA, EMAIL_OTP and SOFTWARE_TOKEN_MFA: a one-time code is the second factor.

A code that is sent is drawn for one session, and is good as long as that session, once. A wrong one
leaves the session as it is and counts (`code_attempts`). Whoever returns the code has the address:
it is verified then. Source: "SMS and email message MFA" and "TOTP software token MFA" in the
developer guide.
"""

from collections.abc import Mapping
from typing import Any

from attrs import define, evolve, frozen

from authflow.machine import Challenged, State
from authflow.pool.accounts.callers import read_members, username_of
from authflow.pool.accounts.second_factors import UserFactors
from authflow.pool.accounts.user_pool import UserPool
from authflow.pool.accounts.users import User, find_user, set_attributes
from authflow.pool.cognito_errors import CognitoError, invalid_session
from authflow.pool.confirmations.confirmation_codes import new_code
from authflow.pool.factors.authenticators import accepted_step, is_ahead, use_step, wrong_code
from authflow.pool.factors.preferences import ADDRESSES_OF, set_factors
from authflow.pool.ground import Ground
from authflow.pool.messages.delivery import Delivery
from authflow.pool.messages.destination import Destination
from authflow.pool.messages.mailbox import SentMessage, put_message
from authflow.pool.messages.wording import Wording
from authflow.pool.sign_ins.code_attempts import count_code
from authflow.pool.sign_ins.decision import Decision, decide, decide_again, wait
from authflow.pool.sign_ins.factor_state import FactorState
from authflow.pool.sign_ins.next_step import ChallengeOwed, CodeOwed
from authflow.pool.sign_ins.second_factor import factors_to_set_up, given_factor
from authflow.pool.sign_ins.sessions import Taken, end_session, session_of, take
from authflow.pool.sign_ins.sign_in_triggers import SignInTriggers
from authflow.pool.store.sqlite_connection import Connection
from authflow.pool.triggers.occasion import Occasion
from authflow.secret import Secret
from authflow.triggers.events.message_events import AUTHENTICATION
from authflow.wire import codes


@frozen(kw_only=True)
class _Sending:
    """A code that is ready to be sent."""

    code: Secret[str]
    message: SentMessage


def _keep(
    connection: Connection, decision: Decision, sending: _Sending, now: float, *, held: bool
) -> Decision:
    """Store a code in a session and its message in the mailbox, if it is still what is owed.

    Returns:
        What is owed now: the challenge that was stored, or another step if something changed while
        the message was worded.

    Raises:
        CognitoError: Nothing can follow any more.
    """
    again = decide_again(connection, decision, now, held=held)
    owed = again.step
    if not isinstance(owed, CodeOwed) or owed != decision.step:
        return again
    new = again.progress.state is State.MFA_SETUP
    factor = FactorState(code=sending.code, address=owed.destination.address, new=new)
    waiting = evolve(again.progress.follow(Challenged(owed.state)), factor=factor)
    put_message(connection, again.caller.pool, sending.message)
    asked = ChallengeOwed(state=owed.state, parameters=owed.parameters)
    return wait(connection, evolve(again, step=asked), waiting, now)


def _judge(
    connection: Connection,
    request: Mapping[str, Any],
    answer: codes.Answer,
    now: float,
    *,
    held: bool,
) -> Decision | CognitoError:
    """Compare a code and count it; a right one is used up, with the session, in one transaction.

    Returns:
        What follows; the refusal, if the code is wrong or leads nowhere. It is given back and not
        raised, so that the code stays counted or used up.

    Raises:
        CognitoError: Another answer was faster, the user is locked, or has another address by now.
    """
    typed, handle = username_of(request["ChallengeResponses"]), session_of(request)
    taken = take(connection, request, typed, handle, now, use_up=False)
    caller, progress, user = taken.caller, taken.progress, taken.user
    if user is None:
        raise invalid_session()
    step = None
    if progress.state is State.SOFTWARE_TOKEN_MFA:
        step = accepted_step(caller.pool, user, answer.code, now)
        passed = step is not None
    else:
        passed = progress.factor is not None and progress.factor.code == answer.code
    if not count_code(connection, caller.pool, user.sub, now, passed=passed):
        return _refusal(caller.pool, user, progress.state, answer.code, now)
    end_session(connection, handle)
    if step is not None:
        user = use_step(connection, user, step, now)
    else:
        user = _with_proved_address(connection, taken, user, now)
    if progress.factor is not None and progress.factor.new:
        # As after an authenticator: whoever decides what follows sees that a factor was set up.
        progress = progress.passed(State.MFA_SETUP)
    given = given_factor(user, progress.state)
    progress = evolve(progress.passed(progress.state), factor=None, given=given)
    try:
        return decide(connection, caller, user, progress, now, held=held)
    except CognitoError as refusal:
        return refusal


def _refusal(
    pool: UserPool, user: User, state: State, code: Secret[str], now: float
) -> CognitoError:
    """Return the refusal of a wrong code, or of an authenticator's that was used before."""
    if state is not State.SOFTWARE_TOKEN_MFA:
        message = "Invalid code or auth state for the user."
        return CognitoError("CodeMismatchException", message, reason=message)
    if user.authenticator is not None:
        fresh = evolve(user, authenticator=evolve(user.authenticator, step=0))
        step = accepted_step(pool, fresh, code, now)
        if step is not None and is_ahead(user.authenticator, now):
            return wrong_code("a code was accepted while the pool's clock was ahead")
        if step is not None:
            message = "Your software token has already been used once."
            return CognitoError("ExpiredCodeException", message, reason=message)
    return wrong_code()


def _with_proved_address(connection: Connection, taken: Taken, user: User, now: float) -> User:
    """Store that a user has the address that a code was sent to: it is verified now.

    An address that was given in MFA_SETUP becomes the user's only now, and a second factor.

    Raises:
        CognitoError: The user has another address by now, or another factor; or the address that
            was set up is another user's alias.
    """
    pool, progress = taken.caller.pool, taken.progress
    attribute = ADDRESSES_OF[progress.state]
    factor = progress.factor or FactorState()
    if factor.address is None:
        raise invalid_session()
    proved = {**user.attributes, attribute: factor.address, f"{attribute}_verified": "true"}
    if factor.new:
        if progress.state not in factors_to_set_up(pool, user, taken.caller.client.settings):
            raise invalid_session()
        user = set_attributes(connection, pool, user, proved, now)
        turned_on = UserFactors(
            enabled=user.factors.enabled | {progress.state}, preferred=user.factors.preferred
        )
        return set_factors(connection, user, turned_on, now)
    if user.attributes.get(attribute) != factor.address:
        raise invalid_session()
    if user.attributes == proved:
        return user
    holder = find_user(connection, pool, factor.address)
    names = {*pool.alias_attributes, *pool.username_attributes}
    if attribute in names and holder is not None and holder.sub != user.sub:
        # Another user signs in by it, who had it verified first: it stays so.
        return user
    return set_attributes(connection, pool, user, proved, now)


def _with_address(user: User, destination: Destination) -> User:
    """Return the user as triggers are told of an address that is being set up, and not his yet."""
    address = {destination.attribute: destination.address}
    unproved = {f"{destination.attribute}_verified": "false"}
    return evolve(user, attributes={**user.attributes, **address, **unproved})


@define(kw_only=True)
class CodeChecks:
    """Sends codes, and judges those that are entered.

    Args:
        ground: The parts that all services share.
        triggers: Says what is asked before tokens are granted.
        wording: Words the messages.
        delivery: Sends the messages.
    """

    ground: Ground
    triggers: SignInTriggers
    wording: Wording
    delivery: Delivery

    async def send(self, decision: Decision) -> Decision:
        """Send the code that is owed, and wait for it.

        Args:
            decision: What is owed: a code.

        Returns:
            What is owed now: the challenge, or another step if something changed meanwhile.

        Raises:
            CognitoError: Meanwhile the user may no longer sign in; or the message could not be
                worded or delivered.
        """
        owed, user, caller = decision.step, decision.user, decision.caller
        if not isinstance(owed, CodeOwed) or user is None:
            return decision
        code = new_code()
        told = user
        if decision.progress.state is State.MFA_SETUP:
            told = _with_address(user, owed.destination)
        occasion = Occasion.of(caller, user.username, told)
        message = await self.wording.authentication(
            occasion,
            user,
            owed.destination,
            code,
            self.ground.clock(),
        )
        sending = _Sending(code=code, message=message)
        held = self.triggers.hold_tokens(caller.pool)
        decision = await self.ground.database.write(
            _keep, decision, sending, self.ground.clock(), held=held
        )
        if isinstance(decision.step, ChallengeOwed) and decision.step.state is owed.state:
            self.delivery.send(occasion, message, AUTHENTICATION)
        return decision

    async def respond(self, request: Mapping[str, Any]) -> Decision:
        """Judge a code.

        Raises:
            CognitoError: The code is missing or wrong, or for nothing that waits; or there were too
                many wrong ones.
        """
        responses: Mapping[str, str] = request["ChallengeResponses"]
        name: str = request["ChallengeName"]
        answer = read_members(lambda members: codes.Answer.read(name, members), responses)
        typed, handle = username_of(responses), session_of(request)
        taken = await self.ground.database.read(
            take, request, typed, handle, self.ground.clock(), use_up=False
        )
        held = self.triggers.hold_tokens(taken.caller.pool)
        decision = await self.ground.database.write(
            _judge, request, answer, self.ground.clock(), held=held
        )
        if isinstance(decision, CognitoError):
            raise decision
        return decision

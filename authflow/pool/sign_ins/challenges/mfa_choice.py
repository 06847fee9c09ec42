"""SELECT_MFA_TYPE: a user with several second factors chooses one."""

from collections.abc import Mapping
from typing import Any

from attrs import define

from authflow.machine import Chosen
from authflow.pool.accounts.callers import read_members, username_of
from authflow.pool.cognito_errors import invalid_parameter, invalid_session
from authflow.pool.ground import Ground
from authflow.pool.sign_ins.decision import Decision, decide
from authflow.pool.sign_ins.second_factor import factors_of
from authflow.pool.sign_ins.sessions import session_of, take
from authflow.pool.sign_ins.sign_in_triggers import SignInTriggers
from authflow.pool.store.sqlite_connection import Connection
from authflow.wire import mfa_choice


def _choose(
    connection: Connection,
    request: Mapping[str, Any],
    answer: mfa_choice.Answer,
    now: float,
    *,
    held: bool,
) -> Decision:
    """Use up the session and go on with what was chosen, in one transaction.

    Raises:
        CognitoError: Another answer was faster; or the user has no such factor, and may choose
            again.
    """
    typed, handle = username_of(request["ChallengeResponses"]), session_of(request)
    taken = take(connection, request, typed, handle, now, use_up=True)
    if taken.user is None:
        raise invalid_session()
    if answer.challenge not in factors_of(taken.caller.pool, taken.user):
        message = "The MFA type that was selected is none of the user's."
        raise invalid_parameter(message, reason=message)
    progress = taken.progress.follow(Chosen(answer.challenge))
    return decide(connection, taken.caller, taken.user, progress, now, held=held)


@define(kw_only=True)
class FactorChoices:
    """Handles answers to SELECT_MFA_TYPE.

    Args:
        ground: The parts that all services share.
        triggers: Says what is asked before tokens are granted.
    """

    ground: Ground
    triggers: SignInTriggers

    async def respond(self, request: Mapping[str, Any]) -> Decision:
        """Go on with the factor that was chosen.

        Raises:
            CognitoError: Nothing was chosen, or what cannot be; or nothing waits for a choice.
        """
        responses: Mapping[str, str] = request["ChallengeResponses"]
        answer = read_members(mfa_choice.Answer.read, responses)
        typed, handle = username_of(responses), session_of(request)
        taken = await self.ground.database.read(
            take, request, typed, handle, self.ground.clock(), use_up=False
        )
        held = self.triggers.hold_tokens(taken.caller.pool)
        return await self.ground.database.write(
            _choose, request, answer, self.ground.clock(), held=held
        )

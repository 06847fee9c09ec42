"""Rounds of custom challenges: the triggers decide, create and verify them.

Every result that is not exactly what Cognito documents ends the sign-in; `triggers.events` reads
them.
"""

from collections.abc import Mapping
from typing import Any

from attrs import define, evolve, frozen

from authflow.machine import Ending, State
from authflow.pool.accounts.callers import Caller, read_members, username_of
from authflow.pool.accounts.users import User
from authflow.pool.cognito_errors import (
    NO_SUCH_USER,
    CognitoError,
    invalid_trigger_result,
    not_authorized,
)
from authflow.pool.ground import Ground
from authflow.pool.sign_ins.decision import Decision
from authflow.pool.sign_ins.next_step import DefineOwed
from authflow.pool.sign_ins.sessions import Progress, entry, session_of, take
from authflow.pool.triggers.occasion import Occasion
from authflow.secret import Secret
from authflow.triggers.events.challenge_events import CreateEvent, DefineEvent, VerifyEvent
from authflow.triggers.events.trigger_replies import CreateReply, DefineReply
from authflow.wire import custom


@frozen
class ProofWanted:
    """Define asks for a proof of the password by SRP."""


@frozen
class TokensWanted:
    """Define asks for tokens."""


Wanted = CreateReply | ProofWanted | TokensWanted
"""The next step that Define asks for: a challenge, made by Create already, a proof, or tokens."""


@define(kw_only=True)
class CustomRounds:
    """Runs the three challenge triggers.

    Args:
        ground: The parts that all services share.
    """

    ground: Ground

    async def respond(self, request: Mapping[str, Any]) -> Decision:
        """Read an answer and ask Verify about it; Define decides what follows.

        Raises:
            CognitoError: The answer is missing or for nothing that waits, or the trigger failed.
        """
        responses: Mapping[str, str] = request["ChallengeResponses"]
        answer = read_members(custom.Answer.read, responses)
        typed, handle = username_of(responses), session_of(request)
        taken = await self.ground.database.write(
            take, request, typed, handle, self.ground.clock(), use_up=True
        )
        progress = await self.verify(taken.caller, taken.progress, taken.user, answer.text)
        return Decision(caller=taken.caller, user=taken.user, progress=progress, step=DefineOwed())

    def check_configured(self, caller: Caller) -> None:
        """Refuse CUSTOM_AUTH at a pool that lacks a trigger for it.

        Raises:
            CognitoError: InvalidUserPoolConfigurationException.
        """
        for event in (DefineEvent, CreateEvent, VerifyEvent):
            if not self.ground.triggers.serves(caller.pool, event.trigger):
                message = (
                    "Custom auth lambda trigger is not configured for the user pool:"
                    f" {event.trigger}. Name it in the pool's LambdaConfig, or give the embedded"
                    " pool triggers: `authflow serve --triggers module:name`."
                )
                raise CognitoError("InvalidUserPoolConfigurationException", message, reason=message)

    async def decide(self, caller: Caller, progress: Progress, user: User | None) -> Wanted:
        """Ask Define for the next step; if it is a challenge, ask Create for it.

        Args:
            caller: Who asks.
            progress: Where the sign-in stands.
            user: The user; None for one who does not exist.

        Raises:
            CognitoError: The sign-in is refused, or a trigger failed.
        """
        about = _about(caller, progress, user)
        event = DefineEvent(**about, session=progress.history)
        match await self.ground.triggers.consult(caller.pool, event):
            case DefineReply.CUSTOM_CHALLENGE:
                created = CreateEvent(**about, session=progress.history)
                return await self.ground.triggers.consult(caller.pool, created)
            case DefineReply.PASSWORD_VERIFIER if progress.state is State.SRP_A:
                return ProofWanted()
            case DefineReply.PASSWORD_VERIFIER:
                raise invalid_trigger_result()
            case DefineReply.TOKENS:
                # Checked first, for all users alike: the refusal must not tell who exists.
                progress.follow(Ending.AUTHENTICATED)
                # A user who does not exist is never signed in, whatever Define says.
                if user is None:
                    raise not_authorized(reason=f"{event.trigger} let nobody in: {NO_SUCH_USER}")
                return TokensWanted()
            case _:
                raise not_authorized(reason=f"{event.trigger} ended the sign-in")

    async def verify(
        self, caller: Caller, progress: Progress, user: User | None, answer: Secret[str]
    ) -> Progress:
        """Ask Verify whether an answer is right, and add the result to the history.

        Raises:
            CognitoError: The trigger failed.
        """
        event = VerifyEvent(
            **_about(caller, progress, user), private=progress.private, answer=answer
        )
        # As with Cognito: Define and `decide` refuse an unknown user, not this step.
        passed = await self.ground.triggers.consult(caller.pool, event)
        done = entry(State.CUSTOM_CHALLENGE, passed=passed, metadata=progress.metadata)
        return evolve(progress.after(done), private={}, metadata=None)


def _about(caller: Caller, progress: Progress, user: User | None) -> dict[str, Any]:
    """Return the members that all three events contain."""
    occasion = Occasion.of(caller, progress.username, user)
    return {**occasion.members, "user_not_found": user is None}

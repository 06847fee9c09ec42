"""Rounds of custom challenges: the triggers decide, make and verify them.

Every result that is not exactly what Cognito documents ends the sign-in: a flag that is not a
boolean, both flags, neither flag nor a name, a parameter that is not a string.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from attrs import define, evolve, field, frozen

from authflow.machine import State
from authflow.pool.accounts.callers import Caller, read_members, username_of
from authflow.pool.accounts.users import User
from authflow.pool.cognito_errors import CognitoError, invalid_trigger_result, not_authorized
from authflow.pool.sign_ins.next_step import Decision, DefineOwed
from authflow.pool.sign_ins.sessions import Progress, entry, session_of, take
from authflow.pool.store.database import Database
from authflow.pool.triggers.runner import TriggerRunner
from authflow.pool.triggers.trigger_events import EventWriter
from authflow.secret import Secret
from authflow.wire import custom

DEFINE: Final = "DefineAuthChallenge"
CREATE: Final = "CreateAuthChallenge"
VERIFY: Final = "VerifyAuthChallengeResponse"


@frozen(kw_only=True)
class Round:
    """A custom challenge that was made.

    Args:
        public: What the client is told.
        private: What Verify is told.
        metadata: What later triggers are told.
    """

    public: Mapping[str, str]
    private: Mapping[str, str] = field(repr=False)
    metadata: str | None


@frozen
class ProofWanted:
    """Define wants the password proved by SRP."""


@frozen
class TokensWanted:
    """Define wants tokens issued."""


Wanted = Round | ProofWanted | TokensWanted
"""What Define wants, a challenge made by Create already."""


def _flag(response: Mapping[str, Any], name: str) -> bool:
    value = response.get(name)
    if value is None:
        return False
    if not isinstance(value, bool):
        raise invalid_trigger_result()
    return value


def _strings(response: Mapping[str, Any], name: str) -> dict[str, str]:
    value = response.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
        raise invalid_trigger_result()
    return value


@define(kw_only=True)
class CustomRounds:
    """Runs the three challenge triggers.

    Args:
        triggers: Runs a trigger.
        database: Where sessions are kept.
        clock: Gives the time, in seconds since the epoch.
    """

    triggers: TriggerRunner
    database: Database
    clock: Callable[[], float]

    async def respond(self, request: Mapping[str, Any]) -> Decision:
        """Take an answer, and have Verify judge it; what becomes of it, Define says.

        Raises:
            CognitoError: The answer is missing or for nothing that waits, or the trigger failed.
        """
        responses: Mapping[str, str] = request["ChallengeResponses"]
        answer = read_members(custom.Answer.read, responses)
        typed, handle = username_of(responses), session_of(request)
        taken = await self.database.write(take, request, typed, handle, self.clock(), use_up=True)
        progress = await self.verify(taken.caller, taken.progress, taken.user, answer.text)
        return Decision(caller=taken.caller, user=taken.user, progress=progress, step=DefineOwed())

    def check_configured(self, caller: Caller) -> None:
        """Refuse CUSTOM_AUTH at a pool that lacks a trigger for it.

        Raises:
            CognitoError: InvalidUserPoolConfigurationException.
        """
        for source in (DEFINE, CREATE, VERIFY):
            if not self.triggers.serves(caller.pool, source):
                raise CognitoError(
                    "InvalidUserPoolConfigurationException",
                    f"Custom auth lambda trigger is not configured for the user pool: {source}.",
                )

    async def decide(self, caller: Caller, progress: Progress, user: User | None) -> Wanted:
        """Ask Define what comes next, and Create for the challenge if it is one.

        Args:
            caller: Who asks.
            progress: Where the sign-in stands.
            user: The user; None for one who does not exist.

        Raises:
            CognitoError: The sign-in is refused, or a trigger failed.
        """
        writer = self._writer(caller, progress, user)
        response = await self.triggers.consult(caller.pool, DEFINE, writer.define(progress.history))
        issue, fail = _flag(response, "issueTokens"), _flag(response, "failAuthentication")
        if issue and fail:
            raise invalid_trigger_result()
        # Whatever Define says, nobody is signed in who does not exist.
        if fail or (issue and user is None):
            raise not_authorized()
        if issue:
            return TokensWanted()
        match response.get("challengeName"):
            case "CUSTOM_CHALLENGE":
                return await self._create(caller, progress, writer)
            case "PASSWORD_VERIFIER" if progress.state is State.SRP_A:
                return ProofWanted()
            case _:
                raise invalid_trigger_result()

    async def _create(self, caller: Caller, progress: Progress, writer: EventWriter) -> Round:
        event = writer.create(progress.history, State.CUSTOM_CHALLENGE)
        response = await self.triggers.consult(caller.pool, CREATE, event)
        metadata = response.get("challengeMetadata")
        if not (metadata is None or isinstance(metadata, str)):
            raise invalid_trigger_result()
        return Round(
            public=_strings(response, "publicChallengeParameters"),
            private=_strings(response, "privateChallengeParameters"),
            metadata=metadata,
        )

    async def verify(
        self, caller: Caller, progress: Progress, user: User | None, answer: Secret[str]
    ) -> Progress:
        """Ask Verify whether an answer is right, and write it into the history.

        Raises:
            CognitoError: The trigger failed.
        """
        event = self._writer(caller, progress, user).verify(progress.private, answer)
        response = await self.triggers.consult(caller.pool, VERIFY, event)
        # As Cognito does: what becomes of an unknown user is for Define to say, and for `decide`.
        passed = _flag(response, "answerCorrect")
        done = entry(State.CUSTOM_CHALLENGE, passed=passed, metadata=progress.metadata)
        return evolve(progress.after(done), private={}, metadata=None)

    def _writer(self, caller: Caller, progress: Progress, user: User | None) -> EventWriter:
        return EventWriter(
            pool=caller.pool,
            client_id=caller.client.id,
            username=progress.username,
            user=user,
            client_metadata=caller.client_metadata,
        )

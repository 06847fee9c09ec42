"""The events of a custom flow: Define, Create and Verify.

A result that is not a boolean or an answer that is not a string is an `EventError`, and Cognito
then refuses the sign-in.

Sources: "Define Auth challenge", "Create Auth challenge" and "Verify Auth challenge response" in
the Amazon Cognito developer guide.
"""

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from authflow.machine import State
from authflow.secret import Secret
from authflow.triggers.events.envelope import EventObject, TriggerEvent


@frozen(kw_only=True)
class SessionEntry:
    """One round of a sign-in so far, as Cognito tells it to Define and Create.

    Args:
        challenge_name: Cognito's name of the challenge, such as SRP_A or CUSTOM_CHALLENGE.
        challenge_result: Whether it was passed.
        challenge_metadata: What Create wrote into challengeMetadata, for a custom challenge.
    """

    challenge_name: str
    challenge_result: bool
    challenge_metadata: str | None = None


@frozen(kw_only=True)
class _ChallengeEvent(TriggerEvent):
    """What the three custom challenge triggers share.

    Args:
        user_attributes: The user's attributes; empty for an unknown user.
        client_metadata: What the client sent along with its answer. Cognito does not deliver what
            was sent along with InitiateAuth.
        user_not_found: The pool hides that this user does not exist.
    """

    user_attributes: Mapping[str, str] = field(repr=False, hash=False)
    client_metadata: Mapping[str, str] = field(repr=False, hash=False)
    user_not_found: bool

    @classmethod
    def _members(cls, event: EventObject) -> dict[str, Any]:
        request = event.object("request")
        return {
            **super()._members(event),
            "user_attributes": request.strings("userAttributes"),
            "client_metadata": request.strings("clientMetadata"),
            "user_not_found": request.optional_flag("userNotFound"),
        }


@frozen(kw_only=True)
class DefineEvent(_ChallengeEvent):
    """Cognito asks what comes next.

    Args:
        session: The rounds so far, the first one first.
    """

    trigger = "DefineAuthChallenge"
    sources = ("DefineAuthChallenge_Authentication",)

    session: tuple[SessionEntry, ...]

    @classmethod
    def _members(cls, event: EventObject) -> dict[str, Any]:
        return {**super()._members(event), "session": _session(event.object("request"))}

    def issue_tokens(self) -> dict[str, Any]:
        """Sign the user in."""
        return self._decided(None, issue_tokens=True, fail=False)

    def fail_authentication(self) -> dict[str, Any]:
        """Refuse the sign-in."""
        return self._decided(None, issue_tokens=False, fail=True)

    def ask(self, challenge_name: str) -> dict[str, Any]:
        """Ask for an answer to a challenge, CUSTOM_CHALLENGE or PASSWORD_VERIFIER."""
        return self._decided(challenge_name, issue_tokens=False, fail=False)

    def _decided(
        self, challenge_name: str | None, *, issue_tokens: bool, fail: bool
    ) -> dict[str, Any]:
        # All three are written every time: what stood there before must not count.
        return self._filled(
            {
                "challengeName": challenge_name,
                "issueTokens": issue_tokens,
                "failAuthentication": fail,
            }
        )


@frozen(kw_only=True)
class CreateEvent(_ChallengeEvent):
    """Cognito asks for a custom challenge.

    Args:
        session: The rounds so far, the first one first.
    """

    trigger = "CreateAuthChallenge"
    sources = ("CreateAuthChallenge_Authentication",)

    session: tuple[SessionEntry, ...]

    @classmethod
    def _members(cls, event: EventObject) -> dict[str, Any]:
        request = event.object("request")
        if request.text("challengeName") != State.CUSTOM_CHALLENGE:
            raise request.wrong("challengeName", State.CUSTOM_CHALLENGE)
        return {**super()._members(event), "session": _session(request)}

    def give(
        self, *, public: dict[str, str], private: dict[str, str], metadata: str
    ) -> dict[str, Any]:
        """Give a challenge to Cognito.

        Args:
            public: The challenge parameters that go to the client.
            private: Those that go to Verify.
            metadata: What later Define and Create events tell about it.
        """
        return self._filled(
            {
                "publicChallengeParameters": public,
                "privateChallengeParameters": private,
                "challengeMetadata": metadata,
            }
        )


@frozen(kw_only=True)
class VerifyEvent(_ChallengeEvent):
    """Cognito asks whether an answer is right.

    Args:
        private: The private challenge parameters that Create gave.
        answer: What the client answered.
    """

    trigger = "VerifyAuthChallengeResponse"
    sources = ("VerifyAuthChallengeResponse_Authentication",)

    private: Mapping[str, str] = field(repr=False, hash=False)
    answer: Secret[str] = field(hash=False)

    @classmethod
    def _members(cls, event: EventObject) -> dict[str, Any]:
        request = event.object("request")
        return {
            **super()._members(event),
            "private": request.strings("privateChallengeParameters"),
            "answer": Secret(request.text("challengeAnswer", empty=True)),
        }

    def verified(self, *, correct: bool) -> dict[str, Any]:
        """Tell Cognito whether the answer is right."""
        return self._filled({"answerCorrect": correct is True})


def _session(request: EventObject) -> tuple[SessionEntry, ...]:
    """Read the rounds so far; absent and null mean that there was none."""
    return tuple(_round(entry, i, request) for i, entry in enumerate(request.array("session")))


def _round(entry: Any, i: int, request: EventObject) -> SessionEntry:
    # What is of its form is taken at once: rounds are most of what there is to read in an event.
    if isinstance(entry, dict):
        name, result = entry.get("challengeName"), entry.get("challengeResult")
        metadata = entry.get("challengeMetadata")
        if (
            (isinstance(name, str) and name)
            and isinstance(result, bool)
            and (metadata is None or isinstance(metadata, str))
        ):
            return SessionEntry(
                challenge_name=name, challenge_result=result, challenge_metadata=metadata
            )
    members = EventObject.of(entry, f"{request.path}: session[{i}]")
    return SessionEntry(
        challenge_name=members.text("challengeName"),
        challenge_result=members.flag("challengeResult"),
        challenge_metadata=members.optional_text("challengeMetadata"),
    )

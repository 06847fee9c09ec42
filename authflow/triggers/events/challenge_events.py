"""The events of a custom flow: Define, Create and Verify.

A result that is not a boolean or an answer that is not a string is an `EventError`, and Cognito
then refuses the sign-in. So it does after a reply that is not exactly what is documented, which is
a `TriggerReplyError`: a flag that is not a boolean, both flags, neither flag nor a challenge, a
parameter that is not a string. Null and absent are false, nothing and no parameters.

Sources: "Define Auth challenge", "Create Auth challenge" and "Verify Auth challenge response" in
the Amazon Cognito developer guide.
"""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

from attrs import field, frozen

from authflow.errors import TriggerReplyError
from authflow.machine import State
from authflow.secret import Secret
from authflow.triggers.events.envelope import (
    UNTOLD,
    EventObject,
    ReplyObject,
    TriggerEvent,
    strings_member,
)

if TYPE_CHECKING:
    from authflow.triggers.events.trigger_replies import CreateReply, DefineReply

_SHOWN_CHARS: Final = 40


@frozen(kw_only=True)
class SessionEntry:
    """One earlier round of a sign-in, as Cognito sends it to Define and Create.

    Args:
        challenge_name: Cognito's name of the challenge, such as SRP_A or CUSTOM_CHALLENGE.
        challenge_result: Whether it was passed.
        challenge_metadata: What Create wrote into challengeMetadata, for a custom challenge.
    """

    challenge_name: str
    challenge_result: bool
    challenge_metadata: str | None = None

    @classmethod
    def from_json(cls, entry: object, path: str) -> Self:
        """Read a round.

        Args:
            entry: The JSON of it.
            path: Where it stands, for the error.

        Raises:
            EventError: It is not of its form.
        """
        # A round of the documented form is read the fast way, since rounds are the largest part
        # of an event.
        if isinstance(entry, dict):
            name, result = entry.get("challengeName"), entry.get("challengeResult")
            metadata = entry.get("challengeMetadata")
            if (
                (isinstance(name, str) and name)
                and isinstance(result, bool)
                and (metadata is None or isinstance(metadata, str))
            ):
                return cls(
                    challenge_name=name, challenge_result=result, challenge_metadata=metadata
                )
        members = EventObject.of(entry, path)
        return cls(
            challenge_name=members.text("challengeName"),
            challenge_result=members.flag("challengeResult"),
            challenge_metadata=members.optional_text("challengeMetadata"),
        )

    def to_json(self) -> dict[str, Any]:
        """Return all members of the round; its metadata is null if there is none."""
        return {
            "challengeName": str(self.challenge_name),
            "challengeResult": self.challenge_result,
            "challengeMetadata": self.challenge_metadata,
        }


@frozen(kw_only=True)
class _ChallengeEvent(TriggerEvent):
    """The base of the events of the three custom challenge triggers.

    Args:
        user_attributes: The user's attributes; empty for an unknown user.
        client_metadata: What the client sent along with its answer. Cognito does not deliver what
            was sent along with InitiateAuth.
        user_not_found: The pool hides that this user does not exist.
    """

    user_attributes: Mapping[str, str] = field(repr=False, hash=False)
    client_metadata: Mapping[str, str] = field(default=UNTOLD, repr=False, hash=False)
    user_not_found: bool = False

    @classmethod
    def _members(cls, event: EventObject) -> dict[str, Any]:
        request = event.object("request")
        return {
            **super()._members(event),
            "user_attributes": request.spelled_strings("userAttributes"),
            "client_metadata": request.spelled_strings("clientMetadata"),
            "user_not_found": request.optional_flag("userNotFound"),
        }

    def _request(self) -> dict[str, Any]:
        return {
            **super()._request(),
            **strings_member("userAttributes", self.user_attributes),
            "userNotFound": self.user_not_found,
            **strings_member("clientMetadata", self.client_metadata),
        }


@frozen(kw_only=True)
class DefineEvent(_ChallengeEvent):
    """The event for Define: Cognito asks for the next step.

    Args:
        session: The rounds so far, the first one first.
    """

    trigger = "DefineAuthChallenge"
    sources: ClassVar[tuple[str, ...]] = ("DefineAuthChallenge_Authentication",)

    source: str = sources[0]
    session: tuple[SessionEntry, ...]

    @classmethod
    def _members(cls, event: EventObject) -> dict[str, Any]:
        return {**super()._members(event), "session": _session(event.object("request"))}

    def _request(self) -> dict[str, Any]:
        return {**super()._request(), "session": [entry.to_json() for entry in self.session]}

    def _blank(self) -> dict[str, Any]:
        return dict.fromkeys(("challengeName", "issueTokens", "failAuthentication"))

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
        # All three are written every time, so that no older value counts.
        return self._filled(
            {
                "challengeName": challenge_name,
                "issueTokens": issue_tokens,
                "failAuthentication": fail,
            }
        )

    def read_reply(self, given: object) -> "DefineReply":
        """Read Define's decision."""
        from authflow.triggers.events.trigger_replies import DefineReply  # noqa: PLC0415  # only who asks reads

        reply = self._replied(given)
        issue, fail = (self._flag(reply, name) for name in ("issueTokens", "failAuthentication"))
        if issue and fail:
            raise self._unusable("issues tokens and fails the authentication at once")
        if issue or fail:
            return DefineReply.TOKENS if issue else DefineReply.FAILURE
        match reply.members.get("challengeName"):
            case None | "":
                raise self._unusable("decides nothing: no flag is true and no challenge is named")
            case State.CUSTOM_CHALLENGE.value:
                return DefineReply.CUSTOM_CHALLENGE
            case State.PASSWORD_VERIFIER.value:
                if [entry.challenge_name for entry in self.session] == [State.SRP_A]:
                    return DefineReply.PASSWORD_VERIFIER
                raise self._unusable("asks for PASSWORD_VERIFIER, which can only follow SRP_A")
            case name:
                raise self._unusable(
                    f"asks for {_shown(name)}, a challenge that Define cannot ask for"
                )

    def _flag(self, reply: ReplyObject, name: str) -> bool:
        # Cognito treats null as false, since it sends null itself.
        value = reply.members.get(name)
        if not (value is None or isinstance(value, bool)):
            raise self._unusable(f"gives {name}={_shown(value)}, which is neither true nor false")
        return value is True

    def _unusable(self, what: str) -> TriggerReplyError:
        return TriggerReplyError(f"{self.trigger} {what}")


@frozen(kw_only=True)
class CreateEvent(_ChallengeEvent):
    """The event for Create: Cognito asks for a custom challenge.

    Args:
        session: The rounds so far, the first one first.
        challenge_name: What Define asked for: CUSTOM_CHALLENGE, for Cognito asks Create for nothing
            else. Another name is read, for samples have one, and no challenge is made for it.
    """

    trigger = "CreateAuthChallenge"
    sources: ClassVar[tuple[str, ...]] = ("CreateAuthChallenge_Authentication",)

    source: str = sources[0]
    session: tuple[SessionEntry, ...]
    challenge_name: str = State.CUSTOM_CHALLENGE.value

    @classmethod
    def _members(cls, event: EventObject) -> dict[str, Any]:
        request = event.object("request")
        return {
            **super()._members(event),
            "session": _session(request),
            "challenge_name": request.text("challengeName"),
        }

    def _request(self) -> dict[str, Any]:
        return {
            **super()._request(),
            "session": [entry.to_json() for entry in self.session],
            "challengeName": self.challenge_name,
        }

    def _blank(self) -> dict[str, Any]:
        return dict.fromkeys(
            ("publicChallengeParameters", "privateChallengeParameters", "challengeMetadata")
        )

    def give(
        self, *, public: dict[str, str], private: dict[str, str], metadata: str
    ) -> dict[str, Any]:
        """Return the event with a challenge for Cognito.

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

    def read_reply(self, given: object) -> "CreateReply":
        """Read the challenge that Create made."""
        from authflow.triggers.events.trigger_replies import CreateReply  # noqa: PLC0415  # only who asks reads

        reply = self._replied(given)
        return CreateReply(
            public=reply.strings("publicChallengeParameters"),
            private=reply.strings("privateChallengeParameters"),
            metadata=reply.optional_text("challengeMetadata"),
        )


@frozen(kw_only=True)
class VerifyEvent(_ChallengeEvent):
    """The event for Verify: Cognito asks whether an answer is right.

    Args:
        private: The private challenge parameters that Create gave.
        answer: What the client answered.
    """

    trigger = "VerifyAuthChallengeResponse"
    sources: ClassVar[tuple[str, ...]] = ("VerifyAuthChallengeResponse_Authentication",)

    source: str = sources[0]
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

    def _request(self) -> dict[str, Any]:
        return {
            **super()._request(),
            **strings_member("privateChallengeParameters", self.private),
            "challengeAnswer": self.answer.reveal(),
        }

    def _blank(self) -> dict[str, Any]:
        return {"answerCorrect": None}

    def verified(self, *, correct: bool) -> dict[str, Any]:
        """Return the event with the result for Cognito."""
        return self._filled({"answerCorrect": correct is True})

    def read_reply(self, given: object) -> bool:
        """Read whether Verify accepts the answer."""
        return self._replied(given).optional_flag("answerCorrect")


def _session(request: EventObject) -> tuple[SessionEntry, ...]:
    """Read the rounds so far; absent and null mean that there were none."""
    return tuple(
        SessionEntry.from_json(entry, f"{request.path}: session[{i}]")
        for i, entry in enumerate(request.array("session"))
    )


def _shown(value: object) -> str:
    return json.dumps(value)[:_SHOWN_CHARS]

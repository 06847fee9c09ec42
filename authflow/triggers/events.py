"""Cognito's trigger events as typed values: tolerant in what they read, strict in what they write.

Cognito sends null where it has nothing to say, leaves members out, and adds new ones from time to
time; all of that is read. What decides a sign-in is not guessed at: a result that is not a boolean
or an answer that is not a string is an `EventError`, and Cognito then refuses the sign-in.

A trigger gives back the event that it got with `response` filled in. The methods that fill it in
leave the event itself as it is, and keep every member that they do not know.

Sources: "Define Auth challenge", "Create Auth challenge", "Verify Auth challenge response" and
"Migrate user Lambda trigger parameters" in the Amazon Cognito developer guide.
"""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final

from attrs import field, frozen

from authflow.errors import EventError, MisuseError
from authflow.machine import State
from authflow.secret import Secret
from authflow.triggers.challenges import Issued
from authflow.triggers.migration import MigratedUser
from authflow.triggers.string_map import string_map

FORGOT_PASSWORD: Final = "UserMigration_ForgotPassword"


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
class TriggerEvent:
    """What all trigger events share.

    Args:
        raw: The event as Cognito sent it. It holds answers and passwords in clear: never log it.
        source: Cognito's triggerSource.
        user_pool_id: The user pool that asks.
        client_id: The app client that the user signs in to.
        username: The user's canonical name; for a migration, the name as the user typed it.
    """

    trigger: ClassVar[str]
    """The trigger's name in a user pool's LambdaConfig."""

    raw: Mapping[str, Any] = field(repr=False, hash=False)
    source: str
    user_pool_id: str
    client_id: str
    username: str

    def _filled(self, response: Mapping[str, Any]) -> dict[str, Any]:
        return {**self.raw, "response": {**(self.raw.get("response") or {}), **response}}


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


@frozen(kw_only=True)
class DefineEvent(_ChallengeEvent):
    """Cognito asks what comes next.

    Args:
        session: The rounds so far, the first one first.
    """

    trigger = "DefineAuthChallenge"

    session: tuple[SessionEntry, ...]

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

    session: tuple[SessionEntry, ...]

    def give(self, issued: Issued, *, metadata: str) -> dict[str, Any]:
        """Give a challenge to Cognito.

        Args:
            issued: The challenge.
            metadata: What later Define and Create events tell about it.
        """
        return self._filled(
            {
                "publicChallengeParameters": dict(issued.public),
                "privateChallengeParameters": dict(issued.private),
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

    private: Mapping[str, str] = field(repr=False, hash=False)
    answer: Secret[str] = field(hash=False)

    def verified(self, *, correct: bool) -> dict[str, Any]:
        """Tell Cognito whether the answer is right."""
        return self._filled({"answerCorrect": correct is True})


@frozen(kw_only=True)
class MigrationEvent(TriggerEvent):
    """Cognito asks for a user that it does not know.

    Args:
        password: What the user typed. None where a password was forgotten.
        validation_data: What the client sent along with InitiateAuth.
        client_metadata: What the client sent along with later requests.
    """

    trigger = "UserMigration"

    password: Secret[str] | None = field(hash=False)
    validation_data: Mapping[str, str] = field(repr=False, hash=False)
    client_metadata: Mapping[str, str] = field(repr=False, hash=False)

    def migrated(self, user: MigratedUser) -> dict[str, Any]:
        """Give the user to Cognito."""
        response: dict[str, Any] = {
            "userAttributes": dict(user.attributes),
            "finalUserStatus": str(user.status),
        }
        # Cognito has no value that means "send it": a welcome is what happens without SUPPRESS.
        response["messageAction"] = None if user.send_welcome else "SUPPRESS"
        if user.delivery_mediums:
            response["desiredDeliveryMediums"] = [str(medium) for medium in user.delivery_mediums]
        if user.force_alias_creation:
            response["forceAliasCreation"] = True
        return self._filled(response)


AnyEvent = DefineEvent | CreateEvent | VerifyEvent | MigrationEvent


def parse_event(raw: Mapping[str, Any]) -> AnyEvent:
    """Read a trigger's event.

    Args:
        raw: The event as Cognito sends it: a dictionary, or any other mapping such as an event
            object of AWS Lambda Powertools.

    Raises:
        EventError: The triggerSource is none of those served here, or a member is not of its form.
    """
    event = _object(raw, "the event")
    read = _READERS.get(event.text("triggerSource"))
    if read is None:
        msg = f"the event's triggerSource is not served; there are {', '.join(_READERS)}"
        raise EventError(msg)
    if event.members.get("response") is not None:
        event.object("response")
    return read(event, event.object("request"))


@frozen
class _Object:
    """A JSON object of an event, read member by member; its path is for the errors."""

    members: Mapping[str, Any] = field(repr=False)
    path: str

    def wrong(self, name: str, form: str) -> EventError:
        return EventError(f"{self.path}: {name} must be {form}")

    def object(self, name: str) -> "_Object":
        return _object(self.members.get(name), f"{self.path}: {name}")

    def text(self, name: str, *, empty: bool = False) -> str:
        value = self.members.get(name)
        if not isinstance(value, str) or not (value or empty):
            raise self.wrong(name, "a string" if empty else "a string that is not empty")
        return value

    def optional_text(self, name: str) -> str | None:
        return None if self.members.get(name) is None else self.text(name, empty=True)

    def flag(self, name: str) -> bool:
        value = self.members.get(name)
        if not isinstance(value, bool):
            raise self.wrong(name, "true or false")
        return value

    def optional_flag(self, name: str) -> bool:
        return self.members.get(name) is not None and self.flag(name)

    def strings(self, name: str) -> Mapping[str, str]:
        """Read an object of strings; absent and null are an empty one."""
        value = self.members.get(name)
        try:
            return string_map({} if value is None else value)
        except MisuseError:
            raise self.wrong(name, "an object of strings") from None


def _object(value: Any, path: str) -> _Object:
    if not isinstance(value, Mapping):
        msg = f"{path} must be an object"
        raise EventError(msg)
    return _Object(dict(value), path)


def _define(event: _Object, request: _Object) -> DefineEvent:
    return DefineEvent(**_envelope(event), **_user(request), session=_session(request))


def _create(event: _Object, request: _Object) -> CreateEvent:
    if request.text("challengeName") != State.CUSTOM_CHALLENGE:
        raise request.wrong("challengeName", State.CUSTOM_CHALLENGE)
    return CreateEvent(**_envelope(event), **_user(request), session=_session(request))


def _verify(event: _Object, request: _Object) -> VerifyEvent:
    return VerifyEvent(
        **_envelope(event),
        **_user(request),
        private=request.strings("privateChallengeParameters"),
        answer=Secret(request.text("challengeAnswer", empty=True)),
    )


def _migration(event: _Object, request: _Object) -> MigrationEvent:
    forgotten = event.text("triggerSource") == FORGOT_PASSWORD
    return MigrationEvent(
        **_envelope(event),
        password=None if forgotten else Secret(request.text("password")),
        validation_data=request.strings("validationData"),
        client_metadata=request.strings("clientMetadata"),
    )


def _envelope(event: _Object) -> dict[str, Any]:
    """Read what `TriggerEvent` holds."""
    return {
        "raw": event.members,
        "source": event.text("triggerSource"),
        "user_pool_id": event.text("userPoolId"),
        "client_id": event.object("callerContext").text("clientId"),
        "username": event.text("userName"),
    }


def _user(request: _Object) -> dict[str, Any]:
    """Read what the three custom challenge triggers share."""
    return {
        "user_attributes": request.strings("userAttributes"),
        "client_metadata": request.strings("clientMetadata"),
        "user_not_found": request.optional_flag("userNotFound"),
    }


def _session(request: _Object) -> tuple[SessionEntry, ...]:
    """Read the rounds so far; absent and null mean that there was none."""
    entries = request.members.get("session")
    if entries is None:
        return ()
    if not isinstance(entries, list | tuple):
        raise request.wrong("session", "an array")
    rounds = (_object(entry, f"{request.path}: session[{i}]") for i, entry in enumerate(entries))
    return tuple(
        SessionEntry(
            challenge_name=entry.text("challengeName"),
            challenge_result=entry.flag("challengeResult"),
            challenge_metadata=entry.optional_text("challengeMetadata"),
        )
        for entry in rounds
    )


_READERS: Final[Mapping[str, Callable[[_Object, _Object], AnyEvent]]] = {
    "DefineAuthChallenge_Authentication": _define,
    "CreateAuthChallenge_Authentication": _create,
    "VerifyAuthChallengeResponse_Authentication": _verify,
    "UserMigration_Authentication": _migration,
    FORGOT_PASSWORD: _migration,
}

"""The events that a client tells its observer: in the past tense, for traces, figures and logs.

    ClientEvent
    ├── CallBegan               a call of the client has begun
    │   └── SignInBegan         ... and with it a sign-in
    ├── RequestBegan            a request sets out: the first one, or the same once more
    ├── RequestEnded            it was answered, refused, lost or broken off
    ├── TurnAwaited             it waited for its turn (`Pacing`)
    ├── ChallengeAsked          the pool asked something
    ├── AnswerGiven             it was answered, by the caller or within the call
    ├── AnswerRefused           the answer was wrong
    └── CallEnded               the call has ended: the last event of each call, and there is one
        ├── UserSignedIn
        ├── AnswerAwaited       it is the caller's turn: ChallengeRequired
        ├── TokensRefreshed
        ├── TokensShared        another process had refreshed them
        ├── UserSignedOut
        ├── TicketSealed
        ├── TicketResumed
        ├── CallSucceeded       any other call
        ├── CallRefused         it raised a RefusedError
        ├── CallFailed          it raised another error
        └── CallCancelled       its task was cancelled, or a deadline around it was over

The events of one call come in order, begin with CallBegan and end with one CallEnded. The events of
several calls come as they happen. Nothing in them is secret, and nobody is named: a user is a keyed
hash, and what a server or a plugin wrote is not in them, but for names that are known here.
"""

from typing import ClassVar, Literal

from attrs import frozen

from authflow.errors import NextStep
from authflow.machine import AuthFlow

OTHER = "other"
"""Stands for the name of a challenge, or of a kind of one, that is not known here."""

By = Literal["caller", "client"]


@frozen(kw_only=True)
class ClientEvent:
    """Something that happened in a call of a client.

    Args:
        call: The call: "sign_in", "answer", "verify", "refresh", "revoke", "seal", "resume",
            "remember_device", or a kept user's "sign_out"; for all others the name of Cognito's
            operation, such as "change_password", "global_sign_out" or "admin_create_user".
        call_id: 16 hexadecimal digits, by which the events of this call are known.
        sign_in_id: 32 hexadecimal digits, by which all calls of one sign-in are known, in other
            processes too, where a ticket led; None for calls that belong to none.
        user: A keyed hash of the user's name, of 32 hexadecimal digits: the pool's name for the
            user once that is known, before it the one that was typed. None if no name is known, or
            the keys could not be asked.
        flow: The auth flow of the sign-in.
        elapsed: Seconds since the call began, by a clock that never goes back.
    """

    name: ClassVar[str] = "client_event"

    call: str
    call_id: str
    sign_in_id: str | None = None
    user: str | None = None
    flow: AuthFlow | None = None
    elapsed: float = 0.0


@frozen(kw_only=True)
class CallBegan(ClientEvent):
    """A call has begun. A call that is refused for its arguments alone is told of by none."""

    name = "call_began"


@frozen(kw_only=True)
class SignInBegan(CallBegan):
    """A sign-in has begun, by `sign_in`."""

    name = "sign_in_began"


@frozen(kw_only=True)
class RequestBegan(ClientEvent):
    """A request sets out.

    Args:
        operation: Cognito's operation, such as "InitiateAuth".
        attempt: Which time the same request is sent, from 1.
    """

    name = "request_began"

    operation: str
    attempt: int = 1


@frozen(kw_only=True)
class RequestEnded(ClientEvent):
    """A request has ended. There is one for each RequestBegan, unless the call ends before.

    Args:
        operation: Cognito's operation.
        attempt: Which time the same request was sent, from 1.
        seconds: How long it took.
        code: The `code` of the error; None if it was answered, or the caller broke it off.
        broken_off: Whether the caller's task was cancelled, or its time was over.
        request_id: The number that AWS gave the request, if it did: 36 characters of a UUID.
    """

    name = "request_ended"

    operation: str
    attempt: int = 1
    seconds: float
    code: str | None = None
    broken_off: bool = False
    request_id: str | None = None


@frozen(kw_only=True)
class TurnAwaited(ClientEvent):
    """A request has waited for its turn.

    Args:
        operation: Cognito's operation.
        seconds: How long it waited.
        code: "throttled" if its turn would have come too late, so that nothing was sent.
    """

    name = "turn_awaited"

    operation: str
    seconds: float
    code: str | None = None


@frozen(kw_only=True)
class ChallengeAsked(ClientEvent):
    """The pool asked something, or asked it again.

    Args:
        challenge: Cognito's name of the challenge; "other" for one that is not known here.
        kind: For a custom challenge the name of the plugin that made it, "other" if it is not
            installed; for MFA_SETUP the second factor. None if nobody tells it.
        attempt: Which try the next answer will be, from 1.
        attempts: How many tries there are in all, if that is told.
    """

    name = "challenge_asked"

    challenge: str
    kind: str | None = None
    attempt: int = 1
    attempts: int | None = None


@frozen(kw_only=True)
class AnswerGiven(ClientEvent):
    """A challenge was answered. Whether the answer is right is not known yet.

    Args:
        challenge: As of ChallengeAsked.
        kind: Likewise.
        attempt: Which try this is, from 1.
        by: "caller" for what `answer` was given; "client" for what was found within the call: a
            proof of the password or of a device, or what a person told a prompt.
        seconds: How long it took since the challenge was asked; None if that was another call.
    """

    name = "answer_given"

    challenge: str
    kind: str | None = None
    attempt: int = 1
    by: By
    seconds: float | None = None


@frozen(kw_only=True)
class AnswerRefused(ClientEvent):
    """An answer was wrong.

    Args:
        challenge: As of ChallengeAsked.
        kind: Likewise.
        attempt: Which try it was, from 1.
        code: The `code` of the error; None if the pool just asks again.
        next_step: What can be done, as the error says.
    """

    name = "answer_refused"

    challenge: str
    kind: str | None = None
    attempt: int = 1
    code: str | None = None
    next_step: NextStep | None = None


@frozen(kw_only=True)
class CallEnded(ClientEvent):
    """A call has ended, one way or another. After this nothing more is told of it.

    Args:
        seconds: How long the call took.
        code: The `code` of the error; None if there was none. "error" for one that is not
            authflow's.
        next_step: What can be done, as the error says.
        retry_after: Seconds to wait before trying again, if the error says so.
    """

    name = "call_ended"

    seconds: float
    code: str | None = None
    next_step: NextStep | None = None
    retry_after: float | None = None


@frozen(kw_only=True)
class UserSignedIn(CallEnded):
    """The user is signed in, and there are tokens."""

    name = "user_signed_in"


@frozen(kw_only=True)
class AnswerAwaited(CallEnded):
    """The call gave a ChallengeRequired: the next step is the caller's.

    Args:
        challenge: As of ChallengeAsked.
        kind: Likewise.
        attempt: Which try the next answer will be, from 1.
    """

    name = "answer_awaited"

    challenge: str
    kind: str | None = None
    attempt: int = 1


@frozen(kw_only=True)
class TokensRefreshed(CallEnded):
    """There are new tokens, for a refresh token."""

    name = "tokens_refreshed"


@frozen(kw_only=True)
class TokensShared(CallEnded):
    """There are new tokens of a kept user, which another process has got meanwhile."""

    name = "tokens_shared"


@frozen(kw_only=True)
class UserSignedOut(CallEnded):
    """The user is signed out."""

    name = "user_signed_out"


@frozen(kw_only=True)
class TicketSealed(CallEnded):
    """A pending sign-in was sealed in a ticket."""

    name = "ticket_sealed"


@frozen(kw_only=True)
class TicketResumed(CallEnded):
    """A ticket was opened."""

    name = "ticket_resumed"


@frozen(kw_only=True)
class CallSucceeded(CallEnded):
    """A call did what it was asked to, and no other event says what that was."""

    name = "call_succeeded"


@frozen(kw_only=True)
class CallRefused(CallEnded):
    """The call ended with a RefusedError: the pool said no."""

    name = "call_refused"


@frozen(kw_only=True)
class CallFailed(CallEnded):
    """The call ended with an error that is no RefusedError."""

    name = "call_failed"


@frozen(kw_only=True)
class CallCancelled(CallEnded):
    """The call was broken off: its task was cancelled, a deadline was over, or Ctrl-C was typed."""

    name = "call_cancelled"

"""A call of a client that an observer is told of: its events, in order, to exactly one end.

The call that a task is in stands in a context variable, since requests are sent far below, in tasks
of their own, and by services that know of no call. A task takes its context along, so whatever
a call begins belongs to it, and nothing of any other call does.
"""

import secrets
import time
from collections.abc import Collection
from contextlib import suppress
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from attrs import define, evolve, field

from authflow import wire
from authflow.client.conversation_steps import WithoutDevice
from authflow.client.events import (
    OTHER,
    AnswerAwaited,
    AnswerGiven,
    AnswerRefused,
    By,
    CallBegan,
    CallCancelled,
    CallEnded,
    CallFailed,
    CallRefused,
    CallSucceeded,
    ChallengeAsked,
    ClientEvent,
    SignInBegan,
    UserSignedIn,
)
from authflow.client.observation import Observation
from authflow.client.user_marks import UserMarks
from authflow.errors import AuthFlowError, RefusedError
from authflow.machine import CHALLENGES, AuthFlow, Challenged, State
from authflow.mfa import SecondFactor
from authflow.results import Challenge, SignedIn, SignInResult, Tokens, Unanswered
from authflow.sign_in import SignIn
from authflow.telemetry.error_kinds import kind_of_error, wait_of_error
from authflow.tokens.usernames import unverified_username

T = TypeVar("T")
E = TypeVar("E", bound=ClientEvent)

_CALL_BYTES: Final = 8
_PROVED: Final = frozenset(
    {State.PASSWORD_VERIFIER, State.DEVICE_SRP_AUTH, State.DEVICE_PASSWORD_VERIFIER}
)
"""The challenges that nobody is asked: the client proves something."""
_FACTORS: Final = frozenset(map(str, SecondFactor))


@define(eq=False)
class _Question:
    """The challenge that was asked last.

    Args:
        challenge: Its name.
        kind: Its kind.
        attempt: Which try its answer is.
        since: When it was asked, by the monotonic clock; None if in another call.
        given: Whether it was answered, and the answer not refused.
    """

    challenge: str
    kind: str | None
    attempt: int
    since: float | None
    given: bool = False

    def is_of(self, other: "_Question") -> bool:
        """Return whether both are tries at one challenge."""
        return (self.challenge, self.kind) == (other.challenge, other.kind)


@define(eq=False)
class ObservedCall:
    """A call that is observed, as a scope: it begins and ends with the call.

    Args:
        call: Its name.
        observation: Tells the observers.
        marks: The users' marks.
        kinds: The kinds of challenges that are known here.
        flow: The auth flow, of a sign-in.
        user: The user's mark, if it is known.
        sign_in_id: The sign-in that it belongs to, if it is known.
    """

    call: str
    observation: Observation = field(repr=False)
    marks: UserMarks = field(repr=False)
    kinds: Collection[str] = field(repr=False)
    flow: AuthFlow | None = None
    user: str | None = None
    sign_in_id: str | None = None
    call_id: str = field(init=False, factory=lambda: secrets.token_hex(_CALL_BYTES))
    has_ended: bool = field(default=False, init=False)
    _began: float = field(factory=time.monotonic, init=False)
    _asked: _Question | None = field(default=None, init=False)
    _ends: type[CallEnded] = field(default=CallSucceeded, init=False)
    _awaited: _Question | None = field(default=None, init=False)
    _outer: "Token[ObservedCall | None] | None" = field(default=None, init=False, repr=False)

    def __enter__(self) -> Self:
        self._began = time.monotonic()
        self._outer = _CURRENT.set(self)
        try:
            self.tell(SignInBegan if self.call == "sign_in" else CallBegan)
        except BaseException:  # typed in the observer: the caller's `with` has not begun yet
            self._end(CallCancelled)
            raise
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        del _trace
        try:
            if error is None:
                self._end(self._ends)
            elif isinstance(error, AuthFlowError):
                self._refused(error)
                self._end(CallRefused if isinstance(error, RefusedError) else CallFailed, error)
            else:
                self._end(CallFailed if isinstance(error, Exception) else CallCancelled, error)
        finally:
            del error  # otherwise the frame and its error would keep each other alive

    def tell(self, event: type[E], **more: Any) -> None:
        """Pass an event to the observers, unless the call has ended.

        Args:
            event: Its class.
            **more: What only this class has.
        """
        if self.has_ended:
            return
        if issubclass(event, CallEnded):
            self.has_ended = True
        elapsed = time.monotonic() - self._began
        if issubclass(event, CallEnded):
            more["seconds"] = elapsed
        self.observation.tell(
            event(
                call=self.call,
                call_id=self.call_id,
                sign_in_id=self.sign_in_id,
                user=self.user,
                flow=self.flow,
                elapsed=elapsed,
                **more,
            )
        )

    def begins(self, sign_in: SignIn) -> SignIn:
        """Return where a sign-in stands as it is answered, as one of this call."""
        return sign_in if sign_in.id == self.sign_in_id else evolve(sign_in, id=self.sign_in_id)

    def belongs_to(self, sign_in: SignIn) -> None:
        """Note the sign-in, which was not known before."""
        self.sign_in_id, self.flow = sign_in.id, sign_in.flow
        self.named(sign_in.canonical_username)

    def named(self, username: str | None) -> None:
        """Note the user's name, which was not known before."""
        self.user = self.marks.mark(username) or self.user

    def ends(self, event: type[CallEnded]) -> None:
        """Note what it will be that has happened, if nothing fails."""
        self._ends = event

    def gave(self, result: SignInResult) -> SignInResult:
        """Note the result, and return it."""
        if isinstance(result, SignedIn):
            self.named(result.username)
            self._ends = UserSignedIn
        else:
            self.named(result.sign_in.canonical_username)
            self._ends = AnswerAwaited
            self._awaited = self._read(result.challenge, since=None)
        return result

    def asked(self, challenge: Challenge) -> None:
        """Note that the pool asks something that is not proved by itself."""
        asked, before = self._read(challenge, since=time.monotonic()), self._asked
        if before is not None and asked.attempt > 1 and before.is_of(asked):
            self._refused(None)
        self._asked = asked
        self.tell(
            ChallengeAsked,
            challenge=asked.challenge,
            kind=asked.kind,
            attempt=asked.attempt,
            attempts=challenge.attempts,
        )

    def answered(self, challenge: Challenge, *, by: By) -> None:
        """Note that there is an answer."""
        if self._asked is None:  # in another call
            self._asked = self._read(challenge, since=None)
        self._given(self._asked, by)

    def heard(self, answer: T) -> T:
        """Note what a person or a client challenge answered, if anything, and return that."""
        if self._asked is not None and answer is not None and not isinstance(answer, Unanswered):
            self._given(self._asked, "client")
        return answer

    def has(self, tokens: Tokens) -> None:
        """Note the user whom new tokens name."""
        self.named(unverified_username(tokens))

    def sends(self) -> None:
        """Note that the next request of the sign-in is sent: what is proved by itself is in it."""
        if self._asked is not None and self._asked.challenge in _PROVED and not self._asked.given:
            self._given(self._asked, "client")

    def replied(self, reply: T) -> T:
        """Note what came of it, and return that."""
        came: object = reply.value if isinstance(reply, WithoutDevice) else reply
        if isinstance(came, RefusedError):
            self._refused(came)
        elif isinstance(came, wire.Reply):
            self.named(came.canonical_username)
            if isinstance(came.event, Challenged) and came.event.name in _PROVED:
                self._asked = _Question(str(came.event.name), None, 1, time.monotonic())
                self.tell(ChallengeAsked, challenge=self._asked.challenge)
        return reply

    def _given(self, asked: _Question, by: By) -> None:
        asked.given = True
        self.tell(
            AnswerGiven,
            challenge=asked.challenge,
            kind=asked.kind,
            attempt=asked.attempt,
            by=by,
            seconds=None if asked.since is None else time.monotonic() - asked.since,
        )

    def _refused(self, error: AuthFlowError | None) -> None:
        """Report that the answer was wrong, if there was one."""
        asked = self._asked
        if asked is None or not asked.given:
            return
        if error is not None and not isinstance(error, RefusedError):
            return
        asked.given = False
        self.tell(
            AnswerRefused,
            challenge=asked.challenge,
            kind=asked.kind,
            attempt=asked.attempt,
            code=None if error is None else kind_of_error(error).code,
            next_step=None if error is None else kind_of_error(error).next_step,
        )

    def _end(self, event: type[CallEnded], error: BaseException | None = None) -> None:
        more: dict[str, Any] = {}
        if isinstance(error, AuthFlowError):
            kind = kind_of_error(error)
            more = {
                "code": kind.code,
                "next_step": kind.next_step,
                "retry_after": wait_of_error(error),
            }
        elif event is CallFailed:
            more = {"code": AuthFlowError.code}
        elif event is AnswerAwaited and self._awaited is not None:
            awaited = self._awaited
            more = {
                "challenge": awaited.challenge,
                "kind": awaited.kind,
                "attempt": awaited.attempt,
            }
        try:
            self.tell(event, **more)
        finally:
            outer, self._outer = self._outer, None
            if outer is not None:
                _left(outer)

    def _read(self, challenge: Challenge, *, since: float | None) -> _Question:
        """Return a challenge with the names in it that are known here, and no others."""
        name, kind = challenge.name, challenge.kind
        if kind is not None and kind not in (_FACTORS if name == State.MFA_SETUP else self.kinds):
            kind = OTHER
        return _Question(name if name in CHALLENGES else OTHER, kind, challenge.attempt, since)


_CURRENT: Final[ContextVar[ObservedCall | None]] = ContextVar("authflow_call", default=None)


def current_call(observation: Observation) -> ObservedCall | None:
    """Return the call that this task is in, if it is one of a client's.

    Args:
        observation: The client's.
    """
    call = _CURRENT.get()
    return call if call is not None and call.observation is observation else None


def _left(outer: "Token[ObservedCall | None]") -> None:
    """Leave a call for the one around it."""
    with suppress(ValueError):  # somebody else closes the coroutine, in whose context it never was
        _CURRENT.reset(outer)

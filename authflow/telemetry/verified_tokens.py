"""The events that a verifier tells its observer: one for each token that it judged.

    TokenEvent
    ├── TokenAccepted       it is good
    ├── TokenRefused        it must not be trusted, or lacks what is required
    └── TokenUnjudged       nobody knows: the pool's keys cannot be had

Nothing in them is secret, and nobody is named.
"""

import time
from types import TracebackType
from typing import ClassVar, Final, Literal, Protocol, Self, TypeVar

from attrs import define, field, frozen

from authflow.errors import JwksUnreachableError, NextStep, TokenError
from authflow.telemetry.listeners import Listener, event_listeners_of, tell_all

T = TypeVar("T")

_WHAT: Final = "observer must be a TokenObserver, or a list of these"


@frozen(kw_only=True)
class TokenEvent:
    """A token that somebody presented was judged.

    Args:
        seconds: How long it took: a part of a millisecond, unless keys were fetched for it.
    """

    name: ClassVar[str] = "token_event"

    seconds: float


@frozen(kw_only=True)
class TokenAccepted(TokenEvent):
    """A token is good.

    Args:
        use: What it is for.
    """

    name = "token_accepted"

    use: Literal["access", "id"]


@frozen(kw_only=True)
class TokenRefused(TokenEvent):
    """A token must not be trusted, or it is good and lacks a group or a scope that is required.

    Args:
        code: The `code` of the error: "token_expired", "token_signature", "token_permission"...
        next_step: What its bearer can do, as the error says.
    """

    name = "token_refused"

    code: str
    next_step: NextStep


@frozen(kw_only=True)
class TokenUnjudged(TokenEvent):
    """Nobody knows whether a token is good, for the pool's keys cannot be had.

    Args:
        code: The `code` of the error: "jwks_unreachable".
        retry_after: Seconds to wait before trying again, if that is known.
    """

    name = "token_unjudged"

    code: str
    retry_after: float | None = None


class TokenObserver(Protocol):
    """Is told of each token that a verifier judges.

        class Refusals:
            def observe(self, event: TokenEvent) -> None:
                if isinstance(event, TokenRefused):
                    count(event.code)

        TokenVerifier(config=config, observer=Refusals())

    Any object with this method is one. It is called at once, by the thread that judges: what takes
    long keeps whoever sent the token waiting. What it raises is said once in the log.
    """

    def observe(self, event: TokenEvent) -> None:
        """Take note of an event.

        Args:
            event: What happened. It is an immutable value.
        """


def token_listeners(observer: object) -> tuple[Listener, ...]:
    """Return who is told of tokens.

    Args:
        observer: A `TokenObserver`, or several; None if there is none.

    Raises:
        MisuseError: One is none, or is asynchronous.
    """
    return event_listeners_of(observer, wanted=_WHAT)


@define(eq=False)
class Judging:
    """A token's way through a verifier, as a scope: one event, unless the caller is at fault.

    Args:
        listeners: Who is told.
    """

    listeners: tuple[Listener, ...] = field(repr=False)
    _began: float = field(factory=time.monotonic, init=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        del _trace
        if not self.listeners:
            return
        seconds = time.monotonic() - self._began
        if isinstance(error, TokenError):
            self._tell(TokenRefused(seconds=seconds, code=error.code, next_step=error.next_step))
        elif isinstance(error, JwksUnreachableError):
            self._tell(
                TokenUnjudged(seconds=seconds, code=error.code, retry_after=error.retry_after)
            )
        del error  # otherwise the frame and its error would keep each other alive

    def accepted(self, use: Literal["access", "id"]) -> None:
        """Report that the token is good."""
        if self.listeners:
            self._tell(TokenAccepted(seconds=time.monotonic() - self._began, use=use))

    def _tell(self, event: TokenEvent) -> None:
        tell_all(self.listeners, lambda: event)

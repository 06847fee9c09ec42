"""A call of a client that nobody observes, which is what most are."""

from typing import ClassVar, Final, Self, TypeVar

from authflow.client.events import By, CallEnded
from authflow.results import Challenge, SignInResult, Tokens
from authflow.sign_in import SignIn

T = TypeVar("T")


class UnobservedCall:
    """A call that nobody observes: all that happens in it is passed over."""

    __slots__ = ()

    sign_in_id: ClassVar[None] = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def begins(self, sign_in: SignIn) -> SignIn:
        """Return where a sign-in stands as it is answered, as one of this call."""
        return sign_in

    def belongs_to(self, sign_in: SignIn) -> None:
        """Note the sign-in, which was not known before."""

    def named(self, username: str | None) -> None:
        """Note the user's name, which was not known before."""

    def ends(self, event: type[CallEnded]) -> None:
        """Note what it will be that has happened, if nothing fails."""

    def gave(self, result: SignInResult) -> SignInResult:
        """Note the result, and return it."""
        return result

    def asked(self, challenge: Challenge) -> None:
        """Note that the pool asks something that is not proved by itself."""

    def answered(self, challenge: Challenge, *, by: By) -> None:
        """Note that there is an answer."""

    def heard(self, answer: T) -> T:
        """Note what a person or a client challenge answered, if anything, and return that."""
        return answer

    def has(self, tokens: Tokens) -> None:
        """Note the user whom new tokens name."""

    def sends(self) -> None:
        """Note that the next request of the sign-in is sent."""

    def replied(self, reply: T) -> T:
        """Note what came of it, and return that."""
        return reply


UNOBSERVED: Final = UnobservedCall()

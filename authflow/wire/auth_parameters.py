"""AuthParameters: how a sign-in begins, and how tokens are refreshed by InitiateAuth.

Source: InitiateAuth in the Amazon Cognito user pools API reference.
"""

from collections.abc import Mapping
from typing import Final, Self

from attrs import field, frozen

from authflow.secret import Secret
from authflow.wire.members import MemberError, Members, required

SRP_A: Final = "SRP_A"
CHALLENGE_NAME: Final = "CHALLENGE_NAME"
_PASSWORD: Final = "PASSWORD"
REFRESH_TOKEN: Final = "REFRESH_TOKEN"

FIRST_CHALLENGES: Final = "SRP_A or CUSTOM_CHALLENGE"
"""What CUSTOM_AUTH can begin with."""


@frozen(kw_only=True)
class BySrp:
    """The password will be proved by SRP.

    Args:
        public_a: SRP_A, in hexadecimal.
        in_custom_auth: Whether the flow is CUSTOM_AUTH, which names what comes first.
    """

    public_a: str = field(repr=False)
    in_custom_auth: bool = False

    def write(self) -> Members:
        """Spell it."""
        first = {CHALLENGE_NAME: SRP_A} if self.in_custom_auth else {}
        return Members({SRP_A: self.public_a, **first})

    @classmethod
    def read(cls, parameters: Mapping[str, str]) -> Self:
        """Read it for USER_SRP_AUTH, which takes no other beginning.

        Raises:
            MemberError: SRP_A is missing.
        """
        return cls(public_a=required(parameters, SRP_A))


@frozen
class ByChallenges:
    """Custom challenges are all there is."""

    def write(self) -> Members:
        """Spell it."""
        return Members()


def read_custom(parameters: Mapping[str, str]) -> BySrp | ByChallenges:
    """Read how CUSTOM_AUTH begins.

    Raises:
        MemberError: CHALLENGE_NAME is none that the flow begins with, or SRP_A is missing.
    """
    match parameters.get(CHALLENGE_NAME, "CUSTOM_CHALLENGE"):
        case "CUSTOM_CHALLENGE":
            return ByChallenges()
        case "SRP_A":
            return BySrp(public_a=required(parameters, SRP_A), in_custom_auth=True)
        case _:
            raise MemberError(CHALLENGE_NAME, FIRST_CHALLENGES)


@frozen
class ByPassword:
    """The password itself is sent.

    Args:
        password: The password.
    """

    password: Secret[str]

    def write(self) -> Members:
        """Spell it."""
        return Members({_PASSWORD: self.password.reveal()})

    @classmethod
    def read(cls, parameters: Mapping[str, str]) -> Self:
        """Read it.

        Raises:
            MemberError: It is missing.
        """
        return cls(Secret(required(parameters, _PASSWORD)))


@frozen
class ByRefreshToken:
    """New tokens are wanted for a refresh token (REFRESH_TOKEN_AUTH).

    Args:
        token: The refresh token.
    """

    token: Secret[str]

    def write(self) -> Members:
        """Spell it."""
        return Members({REFRESH_TOKEN: self.token.reveal()})

    @classmethod
    def read(cls, parameters: Mapping[str, str]) -> Self:
        """Read it.

        Raises:
            MemberError: It is missing.
        """
        return cls(Secret(required(parameters, REFRESH_TOKEN)))


Beginning = BySrp | ByPassword | ByChallenges
"""How a sign-in begins."""

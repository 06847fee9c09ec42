"""AuthParameters: the beginning of a sign-in, and the refresh of tokens by InitiateAuth.

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
"""The challenges that CUSTOM_AUTH can begin with."""


@frozen(kw_only=True)
class BySrp:
    """A sign-in that will prove the password by SRP.

    Args:
        public_a: SRP_A, in hexadecimal.
        in_custom_auth: Whether the flow is CUSTOM_AUTH, which names what comes first.
    """

    public_a: str = field(repr=False)
    in_custom_auth: bool = False

    def write(self) -> Members:
        """Write this beginning as AuthParameters."""
        first = {CHALLENGE_NAME: SRP_A} if self.in_custom_auth else {}
        return Members({SRP_A: self.public_a, **first})

    @classmethod
    def read(cls, parameters: Mapping[str, str]) -> Self:
        """Read AuthParameters of USER_SRP_AUTH, which allows no other beginning.

        Raises:
            MemberError: SRP_A is missing.
        """
        return cls(public_a=required(parameters, SRP_A))


@frozen
class ByChallenges:
    """A sign-in by custom challenges alone."""

    def write(self) -> Members:
        """Write this beginning as AuthParameters."""
        return Members()


def read_custom(parameters: Mapping[str, str]) -> BySrp | ByChallenges:
    """Read the AuthParameters of CUSTOM_AUTH.

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
    """A sign-in that sends the password itself.

    Args:
        password: The password.
    """

    password: Secret[str]

    def write(self) -> Members:
        """Write this beginning as AuthParameters."""
        return Members({_PASSWORD: self.password.reveal()})

    @classmethod
    def read(cls, parameters: Mapping[str, str]) -> Self:
        """Read AuthParameters of a flow that sends the password.

        Raises:
            MemberError: It is missing.
        """
        return cls(Secret(required(parameters, _PASSWORD)))


@frozen
class ByRefreshToken:
    """A request for new tokens with a refresh token (REFRESH_TOKEN_AUTH).

    Args:
        token: The refresh token.
    """

    token: Secret[str]

    def write(self) -> Members:
        """Write the refresh token as AuthParameters."""
        return Members({REFRESH_TOKEN: self.token.reveal()})

    @classmethod
    def read(cls, parameters: Mapping[str, str]) -> Self:
        """Read AuthParameters of REFRESH_TOKEN_AUTH.

        Raises:
            MemberError: It is missing.
        """
        return cls(Secret(required(parameters, REFRESH_TOKEN)))


Beginning = BySrp | ByPassword | ByChallenges
"""The beginning of a sign-in."""

"""SMS_MFA, SOFTWARE_TOKEN_MFA and EMAIL_OTP: a one-time code.

Source: ChallengeResponses under RespondToAuthChallenge in the API reference.
"""

from collections.abc import Mapping
from typing import Final, Self

from attrs import frozen

from authflow.secret import Secret
from authflow.wire.members import Members, required

CODES: Final[Mapping[str, str]] = {
    "SMS_MFA": "SMS_MFA_CODE",
    "SOFTWARE_TOKEN_MFA": "SOFTWARE_TOKEN_MFA_CODE",
    "EMAIL_OTP": "EMAIL_OTP_CODE",
}
"""The challenges that a code answers, and the member that it is sent in."""

_MEDIUM: Final = "CODE_DELIVERY_DELIVERY_MEDIUM"
_DESTINATION: Final = "CODE_DELIVERY_DESTINATION"
_DEVICE: Final = "FRIENDLY_DEVICE_NAME"


@frozen(kw_only=True)
class Asked:
    """The challenge: the place to which the code was sent.

    Args:
        medium: "SMS" or "EMAIL"; None for an authenticator app.
        destination: The address, with most of it hidden.
        device: The name that the user gave the authenticator app.
    """

    medium: str | None = None
    destination: str | None = None
    device: str | None = None

    def write(self) -> Members:
        """Write the challenge as ChallengeParameters."""
        told = {_MEDIUM: self.medium, _DESTINATION: self.destination, _DEVICE: self.device}
        return Members({name: value for name, value in told.items() if value is not None})

    @classmethod
    def read(cls, parameters: Mapping[str, str]) -> Self:
        """Read the challenge from ChallengeParameters."""
        return cls(
            medium=parameters.get(_MEDIUM),
            destination=parameters.get(_DESTINATION),
            device=parameters.get(_DEVICE),
        )


@frozen(kw_only=True)
class Answer:
    """The answer: a code.

    Args:
        challenge: The challenge that it answers: one of `CODES`.
        code: The code.
    """

    challenge: str
    code: Secret[str]

    def write(self) -> Members:
        """Write the answer as ChallengeResponses."""
        return Members({CODES[self.challenge]: self.code.reveal()})

    @classmethod
    def read(cls, challenge: str, responses: Mapping[str, str]) -> Self:
        """Read the answer from ChallengeResponses.

        Raises:
            MemberError: The code is missing.
        """
        return cls(challenge=challenge, code=Secret(required(responses, CODES[challenge])))

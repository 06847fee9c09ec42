"""DEVICE_SRP_AUTH: a remembered device is asked to prove itself, and begins with SRP's A.

Source: "Working with user devices" in the developer guide; ChallengeResponses under
RespondToAuthChallenge in the API reference.
"""

from collections.abc import Mapping
from typing import Self

from attrs import field, frozen

from authflow.wire.auth_parameters import SRP_A
from authflow.wire.members import DEVICE_KEY, Members, required


@frozen(kw_only=True)
class Asked:
    """The challenge.

    Args:
        device_key: The device, as the client named it; None if the pool does not repeat it.
    """

    device_key: str | None = None

    def write(self) -> Members:
        """Write the challenge as ChallengeParameters."""
        return Members({} if self.device_key is None else {DEVICE_KEY: self.device_key})

    @classmethod
    def read(cls, parameters: Mapping[str, str]) -> Self:
        """Read the challenge from ChallengeParameters."""
        return cls(device_key=parameters.get(DEVICE_KEY))


@frozen(kw_only=True)
class Answer:
    """The answer: the beginning of a handshake.

    Args:
        device_key: The device.
        public_a: SRP_A, in hexadecimal.
    """

    device_key: str
    public_a: str = field(repr=False)

    def write(self) -> Members:
        """Write the answer as ChallengeResponses."""
        return Members({DEVICE_KEY: self.device_key, SRP_A: self.public_a})

    @classmethod
    def read(cls, responses: Mapping[str, str]) -> Self:
        """Read the answer from ChallengeResponses.

        Raises:
            MemberError: One is missing.
        """
        return cls(device_key=required(responses, DEVICE_KEY), public_a=required(responses, SRP_A))

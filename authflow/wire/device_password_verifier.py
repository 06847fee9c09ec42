"""DEVICE_PASSWORD_VERIFIER: a remembered device proves its password by SRP.

The proof is PASSWORD_VERIFIER's, with the device group key in the place of the pool's name, the
device key in that of the user id, and the device's password.

Source: "Working with user devices" in the developer guide; ChallengeResponses under
RespondToAuthChallenge in the API reference.
"""

from collections.abc import Mapping
from typing import Self

from attrs import field, frozen

from authflow.wire import password_verifier
from authflow.wire.members import DEVICE_KEY, Members, required


@frozen(kw_only=True)
class Asked:
    """The challenge: the server's SRP values.

    Args:
        device_key: The device.
        salt: SALT, in hexadecimal.
        srp_b: SRP_B, in hexadecimal.
        secret_block: SECRET_BLOCK, in base64: Cognito's own state, which goes back with the answer.
    """

    device_key: str
    salt: str = field(repr=False)
    srp_b: str = field(repr=False)
    secret_block: str = field(repr=False)

    def write(self) -> Members:
        """Write the challenge as ChallengeParameters."""
        return Members(
            {
                DEVICE_KEY: self.device_key,
                password_verifier.SALT: self.salt,
                password_verifier.SRP_B: self.srp_b,
                password_verifier.SECRET_BLOCK: self.secret_block,
            }
        )

    @classmethod
    def read(cls, parameters: Mapping[str, str]) -> Self:
        """Read the challenge from ChallengeParameters; `srp` checks the values themselves.

        Raises:
            MemberError: One is missing.
        """
        return cls(
            device_key=required(parameters, DEVICE_KEY),
            salt=required(parameters, password_verifier.SALT),
            srp_b=required(parameters, password_verifier.SRP_B),
            secret_block=required(parameters, password_verifier.SECRET_BLOCK),
        )


@frozen(kw_only=True)
class Answer:
    """The answer: a proof of the device's password.

    Args:
        device_key: The device.
        proof: The proof, as of a user's password.
    """

    device_key: str
    proof: password_verifier.Answer

    def write(self) -> Members:
        """Write the answer as ChallengeResponses."""
        return Members({DEVICE_KEY: self.device_key, **self.proof.write()})

    @classmethod
    def read(cls, responses: Mapping[str, str]) -> Self:
        """Read ChallengeResponses.

        Raises:
            MemberError: One is missing or not of its form.
        """
        return cls(
            device_key=required(responses, DEVICE_KEY),
            proof=password_verifier.Answer.read(responses),
        )

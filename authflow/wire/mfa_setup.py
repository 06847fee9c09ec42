"""MFA_SETUP: a user who must have a second factor, and has none, sets one up.

An authenticator app is set up by AssociateSoftwareToken and VerifySoftwareToken, which take the
session and give the one that this challenge is answered with; an address for codes by e-mail comes
with the answer, and a code is asked for next.

Source: ChallengeResponses under RespondToAuthChallenge in the API reference, for the authenticator;
for the e-mail address what Amplify's clients send, and "Details of MFA logic at user runtime" in
the developer guide, which writes the member in small letters.
"""

import json
from collections.abc import Mapping
from typing import Final, Self

from attrs import field, frozen

from authflow.wire.members import Members, read_strings

_OPTIONS: Final = "MFAS_CAN_SETUP"
_EMAIL: Final = "EMAIL"
_EMAIL_IN_THE_GUIDE: Final = "email"


@frozen(kw_only=True)
class Asked:
    """The challenge: the factors that can be set up.

    Args:
        options: The factors' names, such as SOFTWARE_TOKEN_MFA; none if the pool does not tell.
    """

    options: tuple[str, ...] = ()

    def write(self) -> Members:
        """Write the challenge as ChallengeParameters."""
        return Members({_OPTIONS: json.dumps(self.options)})

    @classmethod
    def read(cls, parameters: Mapping[str, str]) -> Self:
        """Read the challenge from ChallengeParameters.

        Raises:
            MemberError: The options are not a JSON array of strings.
        """
        return cls(options=read_strings(parameters, _OPTIONS))


@frozen(kw_only=True)
class Answer:
    """The answer: a factor has been set up, or is to be.

    Args:
        email: The address for codes by e-mail; None if an authenticator was set up.
    """

    email: str | None = field(default=None, repr=False)

    def write(self) -> Members:
        """Write the answer as ChallengeResponses."""
        return Members({} if self.email is None else {_EMAIL: self.email})

    @classmethod
    def read(cls, responses: Mapping[str, str]) -> Self:
        """Read the answer from ChallengeResponses."""
        return cls(email=responses.get(_EMAIL, responses.get(_EMAIL_IN_THE_GUIDE)))

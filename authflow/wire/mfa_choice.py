"""SELECT_MFA_TYPE: the user has several second factors and chooses one.

Source: ChallengeResponses under RespondToAuthChallenge in the API reference, which calls the code
by e-mail EMAIL_MFA in one place and EMAIL_OTP elsewhere.
"""

import json
from collections.abc import Mapping
from typing import Final, Self

from attrs import field, frozen

from authflow.wire.codes import CODES
from authflow.wire.members import Members, read_strings, required

OPTIONS: Final = "MFAS_CAN_CHOOSE"
_ANSWER: Final = "ANSWER"
_OTHER_NAMES: Final[Mapping[str, str]] = {"EMAIL_MFA": "EMAIL_OTP"}
FACTORS: Final = frozenset({*CODES, *_OTHER_NAMES})
"""The factors that Cognito documents."""


@frozen(kw_only=True)
class Asked:
    """The challenge: the second factors to choose from.

    Args:
        options: The factors' names as they are answered; none if the pool does not tell.
    """

    options: tuple[str, ...] = ()

    def write(self) -> Members:
        """Write the challenge as ChallengeParameters."""
        return Members({OPTIONS: json.dumps(self.options)})

    @classmethod
    def read(cls, parameters: Mapping[str, str]) -> Self:
        """Read the challenge from ChallengeParameters.

        Raises:
            MemberError: The options are not a JSON array of strings.
        """
        return cls(options=read_strings(parameters, OPTIONS))


@frozen(kw_only=True)
class Answer:
    """The answer: the factor that was chosen.

    Args:
        option: The factor's name, as it was typed: so it is not shown.
    """

    option: str = field(repr=False)

    @property
    def challenge(self) -> str:
        """The challenge that follows this choice."""
        return _OTHER_NAMES.get(self.option, self.option)

    def write(self) -> Members:
        """Write the answer as ChallengeResponses."""
        return Members({_ANSWER: self.option})

    @classmethod
    def read(cls, responses: Mapping[str, str]) -> Self:
        """Read the answer from ChallengeResponses.

        Raises:
            MemberError: Nothing was chosen.
        """
        return cls(option=required(responses, _ANSWER))

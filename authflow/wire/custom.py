"""CUSTOM_CHALLENGE, asked by the pool's triggers. The parameters are theirs, and stay as they are.

Source: "Custom authentication challenge Lambda triggers" in the developer guide.
"""

from collections.abc import Mapping
from typing import Final, Self

from attrs import field, frozen

from authflow.secret import Secret
from authflow.wire.members import USERNAME, MemberError, Members

_ANSWER: Final = "ANSWER"


@frozen
class Asked:
    """The challenge: the public challenge parameters that Create returned.

    Args:
        public: The public challenge parameters.
    """

    public: Mapping[str, str] = field(repr=False)

    def write(self) -> Members:
        """Write the challenge as ChallengeParameters."""
        return Members(self.public)

    @classmethod
    def read(cls, parameters: Mapping[str, str]) -> Self:
        """Read the challenge from ChallengeParameters, without Cognito's own USERNAME."""
        return cls({name: value for name, value in parameters.items() if name != USERNAME})


@frozen
class Answer:
    """The answer: a text.

    Args:
        text: The answer. An empty one is an answer, too; the trigger says whether it is right.
    """

    text: Secret[str]

    def write(self) -> Members:
        """Write the answer as ChallengeResponses."""
        return Members({_ANSWER: self.text.reveal()})

    @classmethod
    def read(cls, responses: Mapping[str, str]) -> Self:
        """Read the answer from ChallengeResponses.

        Raises:
            MemberError: It is missing.
        """
        if _ANSWER not in responses:
            raise MemberError(_ANSWER)
        return cls(Secret(responses[_ANSWER]))

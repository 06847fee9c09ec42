"""CUSTOM_CHALLENGE: what the pool's triggers ask. Its parameters are theirs, and stay as they are.

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
    """What Create made public.

    Args:
        public: The public challenge parameters.
    """

    public: Mapping[str, str] = field(repr=False)

    def write(self) -> Members:
        """Spell it as ChallengeParameters."""
        return Members(self.public)

    @classmethod
    def read(cls, parameters: Mapping[str, str]) -> Self:
        """Read ChallengeParameters; USERNAME is Cognito's own."""
        return cls({name: value for name, value in parameters.items() if name != USERNAME})


@frozen
class Answer:
    """An answer.

    Args:
        text: The answer. An empty one is an answer, too; the trigger says whether it is right.
    """

    text: Secret[str]

    def write(self) -> Members:
        """Spell it as ChallengeResponses."""
        return Members({_ANSWER: self.text.reveal()})

    @classmethod
    def read(cls, responses: Mapping[str, str]) -> Self:
        """Read ChallengeResponses.

        Raises:
            MemberError: It is missing.
        """
        if _ANSWER not in responses:
            raise MemberError(_ANSWER)
        return cls(Secret(responses[_ANSWER]))

"""NEW_PASSWORD_REQUIRED: a user with a temporary password chooses one, and completes attributes.

Source: ChallengeResponses under RespondToAuthChallenge in the API reference.
"""

import json
from collections.abc import Mapping
from typing import Final, Self

from attrs import field, frozen

from authflow.secret import Secret
from authflow.wire.members import (
    USER_ID_FOR_SRP,
    Members,
    read_string_map,
    read_strings,
    required,
)

REQUIRED_ATTRIBUTES: Final = "requiredAttributes"
USER_ATTRIBUTES: Final = "userAttributes"
ATTRIBUTE_PREFIX: Final = "userAttributes."
_NEW_PASSWORD: Final = "NEW_PASSWORD"


@frozen(kw_only=True)
class Asked:
    """The challenge: the attributes that the user has and those that are required.

    Args:
        user_id: USER_ID_FOR_SRP; None where it is not told.
        required_attributes: The names of the attributes that must come along.
        attributes: The attributes that the user has, which cannot be changed here.
    """

    user_id: str | None = None
    required_attributes: tuple[str, ...] = ()
    attributes: Mapping[str, str] = field(factory=dict, repr=False)

    def write(self) -> Members:
        """Write the challenge as ChallengeParameters."""
        wanted = [f"{ATTRIBUTE_PREFIX}{name}" for name in self.required_attributes]
        return Members(
            {
                **({} if self.user_id is None else {USER_ID_FOR_SRP: self.user_id}),
                REQUIRED_ATTRIBUTES: json.dumps(wanted),
                USER_ATTRIBUTES: json.dumps(dict(self.attributes)),
            }
        )

    @classmethod
    def read(cls, parameters: Mapping[str, str]) -> Self:
        """Read the challenge from ChallengeParameters.

        Raises:
            MemberError: One is not of its form.
        """
        wanted = read_strings(parameters, REQUIRED_ATTRIBUTES)
        return cls(
            user_id=parameters.get(USER_ID_FOR_SRP),
            required_attributes=tuple(name.removeprefix(ATTRIBUTE_PREFIX) for name in wanted),
            attributes=read_string_map(parameters, USER_ATTRIBUTES),
        )


@frozen(kw_only=True)
class Answer:
    """The answer: a new password, and attributes.

    Args:
        password: The password.
        attributes: User attributes that come along.
    """

    password: Secret[str]
    attributes: Mapping[str, str] = field(factory=dict, repr=False)

    def write(self) -> Members:
        """Write the answer as ChallengeResponses."""
        given = {f"{ATTRIBUTE_PREFIX}{name}": value for name, value in self.attributes.items()}
        return Members({_NEW_PASSWORD: self.password.reveal(), **given})

    @classmethod
    def read(cls, responses: Mapping[str, str]) -> Self:
        """Read the answer from ChallengeResponses.

        Raises:
            MemberError: The password is missing.
        """
        return cls(
            password=Secret(required(responses, _NEW_PASSWORD)),
            attributes={
                name.removeprefix(ATTRIBUTE_PREFIX): value
                for name, value in responses.items()
                if name.startswith(ATTRIBUTE_PREFIX)
            },
        )

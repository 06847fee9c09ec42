"""The trigger half of a challenge plugin: it makes a challenge and verifies its answer."""

from collections.abc import Mapping
from typing import ClassVar, Protocol

from attrs import field, frozen

from authflow.secret import Secret
from authflow.triggers.string_map import string_map


@frozen(kw_only=True)
class CreateContext:
    """What a plugin is told when it makes a challenge: little, and never the raw event.

    Args:
        username: The user's canonical name.
        user_attributes: The user's attributes; empty for an unknown user.
        user_not_found: The pool hides that this user does not exist: make a challenge of the same
            shape, and send nothing to anybody.
        attempt: Which try the answer will be, from 1.
        attempts: How many tries there are in all.
    """

    username: str
    user_attributes: Mapping[str, str] = field(repr=False, hash=False)
    user_not_found: bool
    attempt: int
    attempts: int


@frozen(kw_only=True)
class Issued:
    """A challenge that was made.

    Args:
        public: Goes to the client. Nothing in it may let the answer be found, hashes included.
        private: Goes to `verify`, and nowhere else.

    Raises:
        MisuseError: A parameter's name or value is not a string.
    """

    public: Mapping[str, str] = field(converter=string_map, hash=False)
    private: Mapping[str, str] = field(converter=string_map, repr=False, hash=False)


@frozen(kw_only=True)
class VerifyContext:
    """What a plugin is told when it verifies an answer.

    Args:
        username: The user's canonical name.
        user_attributes: The user's attributes; empty for an unknown user.
        user_not_found: The pool hides that this user does not exist; nothing is right then.
        private: What `create` kept for this very challenge.
        answer: What the client answered.
    """

    username: str
    user_attributes: Mapping[str, str] = field(repr=False, hash=False)
    user_not_found: bool
    private: Mapping[str, str] = field(repr=False, hash=False)
    answer: Secret[str] = field(hash=False)


class TriggerChallenge(Protocol):
    """Makes one kind of challenge and verifies its answers.

    Register it under the entry-point group `authflow.trigger_challenges`; the entry point's name
    is the challenge's name. It is made with the settings that the policy names for it, as keyword
    arguments.
    """

    name: ClassVar[str]
    """The challenge's name, equal to the client half's."""
    metadata: ClassVar[str]
    """What stands in Cognito's challengeMetadata for every challenge of this kind. Later triggers
    know by it which challenge was answered, so no two kinds share one."""

    async def create(self, context: CreateContext) -> Issued:
        """Make a challenge. Cognito may call up to three times for one challenge."""

    async def verify(self, context: VerifyContext) -> bool:
        """Say whether the answer is right. Anything but a bool is a failure of the plugin."""

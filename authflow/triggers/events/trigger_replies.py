"""The replies of triggers, as a user pool, a check or a plugin's suite reads them.

How each reply is written and read stands with its event. What an owner's function gives is of
stricter classes (`CustomMessage`, `TokenChanges`), which refuse at once what Cognito would refuse,
or pass over, later.
"""

from collections.abc import Mapping
from enum import Enum, auto
from typing import Any

from attrs import field, frozen


class DefineReply(Enum):
    """Define's decision."""

    TOKENS = auto()
    FAILURE = auto()
    CUSTOM_CHALLENGE = auto()
    PASSWORD_VERIFIER = auto()


@frozen(kw_only=True)
class CreateReply:
    """The challenge that Create made.

    Args:
        public: The challenge parameters that go to the client.
        private: Those that go to Verify.
        metadata: What later Define and Create events tell about it.
    """

    public: Mapping[str, str] = field(hash=False)
    private: Mapping[str, str] = field(repr=False, hash=False)
    metadata: str | None = None


@frozen(kw_only=True)
class MessageReply:
    """The texts of a message; None keeps the pool's own.

    Args:
        sms: The text message.
        email: The email.
        subject: The email's subject.
    """

    sms: str | None = field(default=None, repr=False)
    email: str | None = field(default=None, repr=False)
    subject: str | None = field(default=None, repr=False)


@frozen(kw_only=True)
class ClaimsReply:
    """The changes that PreTokenGeneration asks for in a token, including impossible ones.

    Args:
        claims: Claims to add or override; JSON without null.
        suppress: Claims to leave out.
        add_scopes: Scopes to add; none for an ID token, here and below.
        suppress_scopes: Scopes to leave out.
    """

    claims: Mapping[str, Any] = field(factory=dict, repr=False, hash=False)
    suppress: tuple[str, ...] = ()
    add_scopes: tuple[str, ...] = ()
    suppress_scopes: tuple[str, ...] = ()


@frozen(kw_only=True)
class GroupsReply:
    """The groups and roles that PreTokenGeneration asks for in place of the user's own.

    Args:
        names: The groups' names.
        iam_roles: The ARNs of the roles.
        preferred_role: The ARN of the preferred one.
    """

    names: tuple[str, ...] = ()
    iam_roles: tuple[str, ...] = ()
    preferred_role: str | None = None


@frozen(kw_only=True)
class TokensReply:
    """The changes that PreTokenGeneration asks for in the tokens.

    Args:
        id_token: What changes in the ID token.
        access_token: What changes in the access token.
        groups: The groups in them; None leaves the user's own.
    """

    id_token: ClaimsReply
    access_token: ClaimsReply
    groups: GroupsReply | None = None

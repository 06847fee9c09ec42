"""Cognito's replies in a sign-in, as values."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from attrs import field, frozen

from authflow.errors import MalformedReplyError
from authflow.machine import Challenged, Event, Outcome
from authflow.results import Challenge, Tokens
from authflow.secret import Secret
from authflow.wire import (
    ATTEMPT,
    ATTEMPTS,
    KIND,
    REQUIRED_ATTRIBUTES,
    SESSION_CHARS,
    USER_ATTRIBUTE_PREFIX,
    USER_ID_FOR_SRP,
    USERNAME,
)


@frozen(kw_only=True)
class Reply:
    """What a reply to InitiateAuth or RespondToAuthChallenge says.

    Args:
        event: Its meaning for the state machine.
        parameters: The challenge parameters, if it is a challenge.
        session: The session to send with the answer.
        tokens: The tokens, if the user is signed in.
    """

    event: Event
    parameters: Mapping[str, str] = field(factory=dict, repr=False)
    session: Secret[str] | None = None
    tokens: Tokens | None = None

    @property
    def canonical_username(self) -> str | None:
        """The user's name in the pool, if the reply tells it."""
        return self.parameters.get(USERNAME) or self.parameters.get(USER_ID_FOR_SRP)

    def required(self, name: str) -> str:
        """Give a challenge parameter that must be there.

        Raises:
            MalformedReplyError: It is missing.
        """
        if name not in self.parameters:
            msg = f"the reply lacks the challenge parameter {name}"
            raise MalformedReplyError(msg)
        return self.parameters[name]

    def challenge(self, previous: Challenge | None = None) -> Challenge:
        """Give the challenge as the caller sees it.

        Our own triggers tell which attempt it is. For others: the same custom challenge with the
        same parameter names, right after an answer to it, is taken for a retry.

        Args:
            previous: The challenge that was answered to get this reply, if there was one.
        """
        assert isinstance(self.event, Challenged)  # noqa: S101  # for the type checker
        kind = self.parameters.get(KIND)
        told = _count(self.parameters.get(ATTEMPT))
        attempt = 1
        if told is not None:
            attempt = told
        elif (
            previous is not None
            and previous.name == self.event.name
            and previous.kind == kind
            and previous.parameters.keys() == self.parameters.keys()
        ):
            attempt = previous.attempt + 1
        return Challenge(
            name=self.event.name,
            kind=kind,
            parameters=self.parameters,
            attempt=attempt,
            attempts=_count(self.parameters.get(ATTEMPTS)),
        )


def _count(text: str | None) -> int | None:
    """Read a small positive number that a trigger wrote; anything else tells nothing."""
    if text is None or not text.isascii() or not text.isdigit() or len(text) > len("9999"):
        return None
    return int(text) or None


def read_reply(reply: Mapping[str, Any]) -> Reply:
    """Read a reply to InitiateAuth or RespondToAuthChallenge.

    Raises:
        MalformedReplyError: It is neither a challenge nor tokens, or both, or a member is not of
            its form.
    """
    name, result = reply.get("ChallengeName"), reply.get("AuthenticationResult")
    if bool(name) == bool(result):
        msg = "the reply must hold either a challenge or tokens; the server is no user pool"
        raise MalformedReplyError(msg)
    if result:
        return Reply(event=Outcome.AUTHENTICATED, tokens=read_tokens(result))
    parameters = reply.get("ChallengeParameters") or {}
    session = reply.get("Session")
    if (
        not isinstance(name, str)
        or not isinstance(parameters, Mapping)
        or not all(isinstance(value, str) and _is_utf8(value) for value in parameters.values())
        or not (session is None or (isinstance(session, str) and len(session) in SESSION_CHARS))
    ):
        msg = "a member of the challenge is not of the form that Cognito documents"
        raise MalformedReplyError(msg)
    return Reply(
        event=Challenged(name),
        parameters=dict(parameters),
        session=None if session is None else Secret(session),
    )


_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def _is_utf8(text: str) -> bool:
    """Whether a text can be hashed and sent back: JSON can spell surrogates that UTF-8 cannot."""
    return not _SURROGATE.search(text)


def read_tokens(result: Any) -> Tokens:
    """Read AuthenticationResult.

    Raises:
        MalformedReplyError: A token is missing or a member is not of its form.
    """
    if not isinstance(result, Mapping):
        msg = "AuthenticationResult is not an object"
        raise MalformedReplyError(msg)
    access, identity = result.get("AccessToken"), result.get("IdToken")
    refresh, expires_in = result.get("RefreshToken"), result.get("ExpiresIn")
    token_type = result.get("TokenType", "Bearer")
    if (
        not (isinstance(access, str) and access and isinstance(identity, str) and identity)
        or not (refresh is None or (isinstance(refresh, str) and refresh))
        or not (isinstance(expires_in, int) and not isinstance(expires_in, bool))
        or not isinstance(token_type, str)
    ):
        msg = "AuthenticationResult lacks a token, or a member is not of its form"
        raise MalformedReplyError(msg)
    return Tokens(
        access_token=Secret(access),
        id_token=Secret(identity),
        refresh_token=None if refresh is None else Secret(refresh),
        expires_in=expires_in,
        token_type=token_type,
    )


def required_attributes(challenge: Challenge) -> tuple[str, ...]:
    """Give the names of the attributes that NEW_PASSWORD_REQUIRED wants along.

    Raises:
        MalformedReplyError: The parameter is not a JSON array of strings.
    """
    text = challenge.parameters.get(REQUIRED_ATTRIBUTES, "[]")
    try:
        names = json.loads(text)
    except ValueError:
        names = None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        msg = f"{REQUIRED_ATTRIBUTES} is not a JSON array of strings"
        raise MalformedReplyError(msg)
    return tuple(name.removeprefix(USER_ATTRIBUTE_PREFIX) for name in names)

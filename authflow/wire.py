"""Cognito's JSON names on one side, our values on the other. Only this file spells them.

The client builds requests and reads replies with the functions below; the pool and the triggers
use the names. Source: InitiateAuth, RespondToAuthChallenge and GetTokensFromRefreshToken in the
Amazon Cognito user pools API reference.
"""

import base64
import hmac
import json
import re
from collections.abc import Mapping
from typing import Any, Final

from attrs import field, frozen

from authflow import errors
from authflow.errors import MalformedReplyError
from authflow.machine import AuthFlow, Challenged, Event, Outcome
from authflow.results import Challenge, Tokens
from authflow.secret import Secret

# Auth parameters, challenge parameters and challenge answers.
USERNAME: Final = "USERNAME"
PASSWORD: Final = "PASSWORD"
SRP_A: Final = "SRP_A"
CHALLENGE_NAME: Final = "CHALLENGE_NAME"
SECRET_HASH: Final = "SECRET_HASH"
DEVICE_KEY: Final = "DEVICE_KEY"
REFRESH_TOKEN: Final = "REFRESH_TOKEN"
SALT: Final = "SALT"
SRP_B: Final = "SRP_B"
SECRET_BLOCK: Final = "SECRET_BLOCK"
USER_ID_FOR_SRP: Final = "USER_ID_FOR_SRP"
PASSWORD_CLAIM_SECRET_BLOCK: Final = "PASSWORD_CLAIM_SECRET_BLOCK"
PASSWORD_CLAIM_SIGNATURE: Final = "PASSWORD_CLAIM_SIGNATURE"
TIMESTAMP: Final = "TIMESTAMP"
ANSWER: Final = "ANSWER"
NEW_PASSWORD: Final = "NEW_PASSWORD"
USER_ATTRIBUTES: Final = "userAttributes"
REQUIRED_ATTRIBUTES: Final = "requiredAttributes"
USER_ATTRIBUTE_PREFIX: Final = "userAttributes."

ANSWER_KEYS: Final[Mapping[str, str]] = {
    "CUSTOM_CHALLENGE": ANSWER,
    "SMS_MFA": "SMS_MFA_CODE",
    "SOFTWARE_TOKEN_MFA": "SOFTWARE_TOKEN_MFA_CODE",
    "EMAIL_OTP": "EMAIL_OTP_CODE",
    "SELECT_MFA_TYPE": ANSWER,
    "NEW_PASSWORD_REQUIRED": NEW_PASSWORD,
}
"""The challenges that one text answers, and the name under which the text is sent."""

# What authflow's triggers tell its client in the public challenge parameters. Other clients see
# plain strings and may ignore them.
KIND: Final = "challenge"
ATTEMPT: Final = "attempt"
ATTEMPTS: Final = "attempts"

SESSION_CHARS: Final = range(20, 4097)
"""The length of Cognito's session."""


def secret_hash(username: str, client_id: str, client_secret: Secret[str]) -> str:
    """Give SECRET_HASH: base64 of HMAC-SHA256(client secret, username ‖ client id).

    Args:
        username: The name that is sent as USERNAME in the same request.
        client_id: The app client's id.
        client_secret: The app client's secret.
    """
    key = client_secret.reveal().encode()
    return base64.b64encode(hmac.digest(key, (username + client_id).encode(), "sha256")).decode()


class Answers(dict[str, str]):
    """The answers to a challenge under Cognito's names: a dict that does not print itself."""

    def __repr__(self) -> str:
        return f"Answers(<{', '.join(self)}>)"


@frozen(kw_only=True)
class Request:
    """A request as it is sent. Its body holds secrets in clear, so it does not print them.

    Args:
        operation: Cognito's operation, such as "InitiateAuth".
        body: Its members.
    """

    operation: str
    body: Mapping[str, Any] = field(repr=False)

    def scrub(self, text: str) -> str:
        """Take everything out of a server's text that the request holds and that may be secret."""
        for secret in sorted(self._secrets(), key=len, reverse=True):  # one may be part of another
            text = text.replace(secret, "***")
        return text

    def _secrets(self) -> set[str]:
        parameters = self.body.get("AuthParameters") or self.body.get("ChallengeResponses") or {}
        values = [value for name, value in parameters.items() if name not in _NOT_SECRET]
        values += [value for name, value in self.body.items() if name not in _NOT_SECRET]
        return {value for value in values if isinstance(value, str) and value}


_NOT_SECRET: Final = frozenset({USERNAME, CHALLENGE_NAME, "AuthFlow", "ChallengeName", "ClientId"})


@frozen(kw_only=True)
class AppClient:
    """An app client, as requests name it.

    Args:
        client_id: The app client's id.
        client_secret: Its secret, where it has one.
    """

    client_id: str
    client_secret: Secret[str] | None = None

    def _named(self, parameters: Mapping[str, str]) -> dict[str, str]:
        """Add SECRET_HASH over the USERNAME that is being sent."""
        named = dict(parameters)
        if self.client_secret is not None:
            named[SECRET_HASH] = secret_hash(
                parameters[USERNAME], self.client_id, self.client_secret
            )
        return named

    def initiate_auth(
        self,
        flow: AuthFlow,
        username: str,
        *,
        srp_a: str | None = None,
        password: Secret[str] | None = None,
        client_metadata: Mapping[str, str] | None = None,
    ) -> Request:
        """Spell InitiateAuth.

        Args:
            flow: The auth flow.
            username: The name as the user typed it.
            srp_a: SRP_A, if the password is to be proved by SRP.
            password: The password itself, in USER_PASSWORD_AUTH only.
            client_metadata: Reaches PreSignUp, PreAuthentication and UserMigration triggers only.
        """
        parameters = {USERNAME: username}
        if srp_a is not None:
            parameters[SRP_A] = srp_a
            if flow is AuthFlow.CUSTOM_AUTH:
                parameters[CHALLENGE_NAME] = SRP_A
        if password is not None:
            parameters[PASSWORD] = password.reveal()
        body = {
            "AuthFlow": str(flow),
            "ClientId": self.client_id,
            "AuthParameters": self._named(parameters),
            **_metadata(client_metadata),
        }
        return Request(operation="InitiateAuth", body=body)

    def respond(
        self,
        challenge_name: str,
        username: str,
        answers: Answers,
        *,
        session: Secret[str] | None,
        client_metadata: Mapping[str, str] | None = None,
    ) -> Request:
        """Spell RespondToAuthChallenge.

        Args:
            challenge_name: The challenge that is answered.
            username: The user's canonical name.
            answers: The answer under its own names.
            session: What the last reply gave, if it gave one.
            client_metadata: Reaches the triggers that this answer fires; it is never stored.
        """
        body = {
            "ChallengeName": challenge_name,
            "ClientId": self.client_id,
            "ChallengeResponses": self._named({USERNAME: username, **answers}),
            **_metadata(client_metadata),
        }
        if session is not None:
            body["Session"] = session.reveal()
        return Request(operation="RespondToAuthChallenge", body=body)

    def refresh(
        self, refresh_token: Secret[str], client_metadata: Mapping[str, str] | None = None
    ) -> Request:
        """Spell GetTokensFromRefreshToken."""
        body = {
            "RefreshToken": refresh_token.reveal(),
            **self._identified(),
            **_metadata(client_metadata),
        }
        return Request(operation="GetTokensFromRefreshToken", body=body)

    def revoke(self, refresh_token: Secret[str]) -> Request:
        """Spell RevokeToken."""
        body = {"Token": refresh_token.reveal(), **self._identified()}
        return Request(operation="RevokeToken", body=body)

    def _identified(self) -> dict[str, str]:
        """Name the app client where Cognito takes its secret itself instead of a hash."""
        secret = {} if self.client_secret is None else {"ClientSecret": self.client_secret.reveal()}
        return {"ClientId": self.client_id, **secret}


def sign_out(access_token: Secret[str]) -> Request:
    """Spell GlobalSignOut."""
    return Request(operation="GlobalSignOut", body={"AccessToken": access_token.reveal()})


def answer(challenge_name: str, text: Secret[str], attributes: Mapping[str, str]) -> Answers:
    """Put one text, and attributes for NEW_PASSWORD_REQUIRED, under the names a challenge wants.

    Raises:
        AnswerNotSupportedError: The challenge is not one that a text answers.
    """
    key = ANSWER_KEYS.get(challenge_name)
    if key is None:
        msg = f"{challenge_name} is not answered by a text"
        raise errors.AnswerNotSupportedError(msg)
    if attributes and key != NEW_PASSWORD:
        msg = f"{challenge_name} takes no user attributes; only NEW_PASSWORD_REQUIRED does"
        raise errors.AnswerNotSupportedError(msg)
    given = {f"{USER_ATTRIBUTE_PREFIX}{name}": value for name, value in attributes.items()}
    return Answers({key: text.reveal(), **given})


def _metadata(client_metadata: Mapping[str, str] | None) -> dict[str, Any]:
    return {"ClientMetadata": dict(client_metadata)} if client_metadata else {}


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

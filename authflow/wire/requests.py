"""The requests of a sign-in, as Cognito writes them."""

import base64
import hmac
import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from attrs import evolve, field, frozen

from authflow.errors import MisuseError
from authflow.given_maps import GivenMap
from authflow.machine import AuthFlow
from authflow.secret import Secret
from authflow.unframed import whole
from authflow.user_context import AdminContext, UserContext
from authflow.wire.auth_parameters import CHALLENGE_NAME, Beginning
from authflow.wire.context_data import RequestFacts, admin_context, user_context
from authflow.wire.members import DEVICE_KEY, SECRET_HASH, USERNAME, Members
from authflow.wire.new_password import ATTRIBUTE_PREFIX

Metadata = GivenMap | Mapping[str, str] | None
"""ClientMetadata, wrapped as a client has it, or in clear."""


def secret_hash(username: str, client_id: str, client_secret: Secret[str]) -> str:
    """Return SECRET_HASH: base64 of HMAC-SHA256(client secret, username ‖ client id).

    Args:
        username: The name that is sent as USERNAME in the same request.
        client_id: The app client's id.
        client_secret: The app client's secret.
    """
    key = client_secret.reveal().encode()
    return base64.b64encode(hmac.digest(key, (username + client_id).encode(), "sha256")).decode()


def _concealed(body: Mapping[str, Any] | Secret[str]) -> Secret[str]:
    return body if isinstance(body, Secret) else Secret(json.dumps(body, sort_keys=True))


@whole
@frozen(kw_only=True)
class Request:
    """A request. Its members hold passwords and tokens, so they are kept as one secret text.

    Args:
        operation: Cognito's operation, such as "InitiateAuth".
        body: Its members.
        before: The request before it in the same call: what was sent there may be told here.
    """

    operation: str
    _body: Secret[str] = field(converter=_concealed)
    before: "Request | None" = field(default=None, eq=False, repr=False)

    @property
    def body(self) -> dict[str, Any]:
        """The members as they are sent, in clear. No frame that an error may show keeps them."""
        members: dict[str, Any] = json.loads(self._body.reveal())
        return members

    @property
    def whose(self) -> int:
        """Return a number by which one user's requests are known, as long as this process runs.

        It is the name's that is sent, in whatever case: to most pools "Ada" is "ada". Where a token
        is sent instead, it is the token's, and less than 0. What only Cognito knows is not seen
        from here: an address and a name, or two tokens, that are one user's have two numbers, and
        two users whose names differ in case alone have one.
        """
        body = self.body
        parameters = body.get("AuthParameters") or body.get("ChallengeResponses") or {}
        token = next((body[name] for name in _TOKENS if body.get(name)), None)
        name = parameters.get(USERNAME) or body.get(_NAME)
        if name:
            return abs(hash(name.casefold()))
        return -1 - abs(hash(token or self._body.reveal()))

    @property
    def takes_secret(self) -> bool:
        """Whether the app client's secret goes with this request: only where its id does.

        Cognito's other operations know the app client by a session or an access token, and have no
        member for its secret.
        """
        return _CLIENT_ID in self.body

    def signed(self, client_secret: Secret[str]) -> "Request":
        """Return this request with another secret of the same app client.

        Args:
            client_secret: SECRET_HASH is made of it; where an operation takes the secret itself,
                as refreshing and revoking do, it is that. One that takes none stays as it is.
        """
        if not self.takes_secret:
            return self
        return evolve(
            spelt(self.operation, lambda: _signed(self.body, client_secret)), before=self.before
        )

    @property
    def names_device(self) -> bool:
        """Whether a DEVICE_KEY is in this request."""
        body = self.body
        return any(DEVICE_KEY in body.get(group, ()) for group in _PARAMETERS)

    def without_device(self) -> "Request":
        """Return this request without the DEVICE_KEY in it."""
        return evolve(spelt(self.operation, lambda: _without_device(self.body)), before=self.before)

    def secrets(self) -> frozenset[str]:
        """Return the secrets of this request and those before it, which no text may show.

        Short ClientMetadata and attributes are not among it: that is a language or a kind of
        device, and is a part of many texts that a pool and its triggers write for users.
        """
        body = self.body
        parameters = body.get("AuthParameters") or body.get("ChallengeResponses") or {}
        values = [
            value
            for name, value in parameters.items()
            if name not in _NOT_SECRET
            and not (name.startswith(ATTRIBUTE_PREFIX) and len(value) < _TOKEN_CHARS)
        ]
        values += (body.get("DeviceSecretVerifierConfig") or {}).values()
        values += [value for name, value in body.items() if name not in _NOT_SECRET]
        context = body.get("ContextData") or {}
        personal = {**(body.get("UserContextData") or {}), **context}  # not secret
        values += [personal.get(name) for name in ("IpAddress", "EncodedData")]
        headers = [each["headerValue"] for each in context.get("HttpHeaders") or ()]
        values += [value for value in headers if len(value) >= _TOKEN_CHARS]
        for list_ in ("UserAttributes", "ValidationData"):
            pairs = body.get(list_) or ()
            values += [each["Value"] for each in pairs if len(each["Value"]) >= _TOKEN_CHARS]
        metadata = body.get("ClientMetadata") or {}
        values += [value for value in metadata.values() if len(value) >= _TOKEN_CHARS]
        held = frozenset(value for value in values if isinstance(value, str) and value)
        return held if self.before is None else held | self.before.secrets()


_TOKEN_CHARS: Final = 8
"""The length from which a value in ClientMetadata or attributes may be a secret: a token, such as a
solved CAPTCHA's, or an address."""
_CLIENT_ID: Final = "ClientId"
_PARAMETERS: Final = ("AuthParameters", "ChallengeResponses")
"""The members that hold parameters, in the requests that have any."""
_TOKENS: Final = ("RefreshToken", "AccessToken", "Token")
"""The members in which a token stands for the user."""
_NAME: Final = "Username"
_HASH: Final = "SecretHash"
"""The members of requests about an account, in which USERNAME and SECRET_HASH are no parameters."""
_NOT_SECRET: Final = frozenset(
    {
        *(USERNAME, CHALLENGE_NAME, "AuthFlow", "ChallengeName", "ClientId"),
        *(_NAME, "AttributeName", "UserPoolId", "GroupName", "Description", "RoleArn", "Filter"),
        "MessageAction",
    }
)


@frozen(kw_only=True)
class ToldContext:
    """The context that threat protection is told of, by requests at one time.

    Args:
        context: What is told.
        user_pool_id: The user pool's id.
        at: When the request is made, in seconds since the epoch.
    """

    context: UserContext | AdminContext
    user_pool_id: str
    at: float = 0.0


@frozen(kw_only=True)
class ClientIdentity:
    """An app client, as its requests need it.

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
        beginning: Beginning,
        *,
        client_metadata: Metadata = None,
        context: ToldContext | None = None,
        device_key: str | None = None,
    ) -> Request:
        """Return an InitiateAuth request.

        Args:
            flow: The auth flow.
            username: The name as the user typed it.
            beginning: How it begins.
            client_metadata: Reaches PreSignUp, PreAuthentication and UserMigration triggers only.
            context: What threat protection is told.
            device_key: The device that the user signs in from, if that is known.
        """
        return spelt(
            "InitiateAuth",
            lambda: {
                "AuthFlow": str(flow),
                "ClientId": self.client_id,
                "AuthParameters": self._named(
                    {USERNAME: username, **beginning.write(), **_from_device(device_key)}
                ),
                **metadata_members(client_metadata),
                **self._told(context, username),
            },
        )

    def respond(
        self,
        challenge_name: str,
        username: str,
        answers: Members,
        *,
        session: Secret[str] | None,
        client_metadata: Metadata = None,
        context: ToldContext | None = None,
        device_key: str | None = None,
    ) -> Request:
        """Return a RespondToAuthChallenge request.

        Args:
            challenge_name: The challenge that is answered.
            username: The user's canonical name.
            answers: The answer under its own names.
            session: What the last reply gave, if it gave one.
            client_metadata: Reaches the triggers that this answer fires; it is never stored.
            context: What threat protection is told.
            device_key: The device that the user signs in from, if that is known.
        """
        return spelt(
            "RespondToAuthChallenge",
            lambda: {
                "ChallengeName": challenge_name,
                "ClientId": self.client_id,
                "ChallengeResponses": self._named(
                    {USERNAME: username, **_from_device(device_key), **answers}
                ),
                **metadata_members(client_metadata),
                **self._told(context, username),
                **({} if session is None else {"Session": session.reveal()}),
            },
        )

    def refresh(
        self,
        refresh_token: Secret[str],
        client_metadata: Metadata = None,
        *,
        device_key: str | None = None,
    ) -> Request:
        """Return a GetTokensFromRefreshToken request.

        Args:
            refresh_token: The refresh token.
            client_metadata: Reaches the PreTokenGeneration trigger.
            device_key: The device that the token was given to, if there is one.
        """
        return spelt(
            "GetTokensFromRefreshToken",
            lambda: {
                "RefreshToken": refresh_token.reveal(),
                **self._identified(),
                **({} if device_key is None else {"DeviceKey": device_key}),
                **metadata_members(client_metadata),
            },
        )

    def revoke(self, refresh_token: Secret[str]) -> Request:
        """Return a RevokeToken request."""
        return spelt("RevokeToken", lambda: {"Token": refresh_token.reveal(), **self._identified()})

    def about(
        self,
        operation: str,
        username: str,
        members: Callable[[], Mapping[str, Any]],
        *,
        client_metadata: Metadata = None,
        context: ToldContext | None = None,
    ) -> Request:
        """Return a request about somebody's account, whom nobody has signed in.

        Args:
            operation: Cognito's operation, such as "SignUp".
            username: The name as it was typed.
            members: Gives the operation's own members, in clear.
            client_metadata: For the pool's triggers.
            context: What threat protection is told.
        """
        return spelt(
            operation,
            lambda: {
                "ClientId": self.client_id,
                _NAME: username,
                **self._hash(username),
                **members(),
                **metadata_members(client_metadata),
                **self._told(context, username),
            },
        )

    def _hash(self, username: str) -> dict[str, str]:
        if self.client_secret is None:
            return {}
        return {_HASH: secret_hash(username, self.client_id, self.client_secret)}

    def _told(self, told: ToldContext | None, username: str) -> dict[str, Any]:
        """Return the members that tell of the device of whoever has the USERNAME being sent."""
        if told is None:
            return {}
        facts = RequestFacts(
            username=username,
            user_pool_id=told.user_pool_id,
            client_id=self.client_id,
            at=told.at,
        )
        if isinstance(told.context, AdminContext):
            return admin_context(told.context, facts)
        return user_context(told.context, facts)

    def _identified(self) -> dict[str, str]:
        """Return the members that name the app client, with its secret itself and no hash."""
        secret = {} if self.client_secret is None else {"ClientSecret": self.client_secret.reveal()}
        return {"ClientId": self.client_id, **secret}


def sign_out(access_token: Secret[str]) -> Request:
    """Return a GlobalSignOut request."""
    return spelt("GlobalSignOut", lambda: {"AccessToken": access_token.reveal()})


def spelt(operation: str, members: Callable[[], Mapping[str, Any]]) -> Request:
    """Make a request from members that this frame does not hold, so that no error shows them.

    Args:
        operation: Cognito's operation.
        members: Gives its members, in clear.

    Raises:
        MisuseError: They cannot be sent: something in them is no text.
    """
    try:
        return Request(operation=operation, body=members())
    except Exception as error:  # noqa: BLE001  # the frames of any error here hold secrets
        why = type(error).__name__
    msg = f"{operation} cannot be sent, for something in it is no text that JSON can hold: {why}"
    raise MisuseError(msg)


def _from_device(device_key: str | None) -> dict[str, str]:
    return {} if device_key is None else {DEVICE_KEY: device_key}


def _without_device(body: dict[str, Any]) -> dict[str, Any]:
    for group in _PARAMETERS:
        body.get(group, {}).pop(DEVICE_KEY, None)
    return body


def _signed(body: dict[str, Any], client_secret: Secret[str]) -> dict[str, Any]:
    if _NAME in body:
        return {**body, _HASH: secret_hash(body[_NAME], body["ClientId"], client_secret)}
    parameters = body.get("AuthParameters") or body.get("ChallengeResponses")
    if parameters is None:
        return {**body, "ClientSecret": client_secret.reveal()}
    parameters[SECRET_HASH] = secret_hash(parameters[USERNAME], body["ClientId"], client_secret)
    return body


def metadata_members(client_metadata: Metadata) -> dict[str, Any]:
    """Return ClientMetadata as a member; nothing if there is none."""
    given = client_metadata.reveal() if isinstance(client_metadata, GivenMap) else client_metadata
    return {"ClientMetadata": dict(given)} if given else {}

"""A pool that hides its users, and what is asked about them: known ones, others, and nobody."""

import http.client
import json
import secrets
import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime
from subprocess import Popen
from typing import Any, Final

from attrs import define, field

from authflow import srp

JUMP_SECONDS: Final = 7200.0
LEAK: Final = "leak-"
WAITING: Final = "waits-"
ALIASES: Final = "alias-"
PASSWORD: Final = "Correct-horse-1"
KINDS: Final = ("known", "control", "unknown")


@define
class Client:
    """Asks a pool, one request after another, on one connection.

    Args:
        process: The pool's process.
        host: Where it is.
    """

    process: Popen[str]
    host: str
    ids: dict[str, str] = field(factory=dict)
    _jumps: int = field(default=0, init=False)
    _connection: Any = field(default=None, init=False)

    def __call__(self, operation: str, **request: Any) -> dict[str, Any]:
        """Ask, and give the reply, whatever it is."""
        if self._connection is None:
            self._connection = http.client.HTTPConnection(self.host)
            self._connection.connect()
            self._connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        headers = {
            "X-Amz-Target": f"AWSCognitoIdentityProviderService.{operation}",
            "Content-Type": "application/x-amz-json-1.1",
        }
        self._connection.request("POST", "/", json.dumps(request), headers)
        reply: dict[str, Any] = json.loads(self._connection.getresponse().read())
        return reply

    def move_on(self) -> None:
        """Let two hours go by in the pool."""
        self._jumps += 1
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        self.process.stdout.readline()

    def utc(self) -> datetime:
        """Return the time on the pool's clock."""
        return datetime.fromtimestamp(time.time() + JUMP_SECONDS * self._jumps, UTC)


Prepare = Callable[[Client, str], dict[str, Any]]
"""Does what goes before, and gives the request that is timed."""


def _begin(client: Client, flow: str, name: str, **more: str) -> dict[str, Any]:
    parameters = {"USERNAME": name, **more}
    return {"ClientId": client.ids["client"], "AuthFlow": flow, "AuthParameters": parameters}


def _srp(client: Client, name: str) -> dict[str, Any]:
    prover = srp.Prover.start(secrets.token_bytes(srp.EPHEMERAL_BYTES))
    return _begin(client, "USER_SRP_AUTH", name, SRP_A=prover.srp_a)


def _proof(client: Client, name: str) -> dict[str, Any]:
    asked = client("InitiateAuth", **_srp(client, name))["ChallengeParameters"]
    answers = {
        "USERNAME": name,
        "TIMESTAMP": srp.timestamp(client.utc()),
        "PASSWORD_CLAIM_SECRET_BLOCK": asked["SECRET_BLOCK"],
        "PASSWORD_CLAIM_SIGNATURE": "A" * 43 + "=",
    }
    return {
        "ClientId": client.ids["client"],
        "ChallengeName": "PASSWORD_VERIFIER",
        "ChallengeResponses": answers,
    }


def _password(client: Client, name: str) -> dict[str, Any]:
    return _begin(client, "USER_PASSWORD_AUTH", name, PASSWORD="wrong-Horse1")


def _custom(client: Client, name: str) -> dict[str, Any]:
    return _begin(client, "CUSTOM_AUTH", name)


def _answer(client: Client, name: str) -> dict[str, Any]:
    asked = client("InitiateAuth", **_custom(client, name))
    return {
        "ClientId": client.ids["client"],
        "ChallengeName": "CUSTOM_CHALLENGE",
        "Session": asked["Session"],
        "ChallengeResponses": {"USERNAME": name, "ANSWER": "5"},
    }


def _administrator(client: Client, name: str) -> dict[str, Any]:
    begun = _begin(client, "ADMIN_USER_PASSWORD_AUTH", name, PASSWORD="wrong-Horse1")
    return {"UserPoolId": client.ids["pool"], **begun}


def _forgot(client: Client, name: str) -> dict[str, Any]:
    return {"ClientId": client.ids["client"], "Username": name}


def _confirm(client: Client, name: str) -> dict[str, Any]:
    client("ForgotPassword", **_forgot(client, name))
    return {**_forgot(client, name), "ConfirmationCode": "none", "Password": PASSWORD}


def _enter(client: Client, name: str) -> dict[str, Any]:
    client("ResendConfirmationCode", **_forgot(client, name))
    return {**_forgot(client, name), "ConfirmationCode": "none"}


def _sign_up(client: Client, name: str) -> dict[str, Any]:
    """Give a new user's sign-up with the address of the name; the pool takes it as an alias."""
    return {
        "ClientId": client.ids[ALIASES],
        "Username": secrets.token_hex(8),
        "Password": PASSWORD,
        "UserAttributes": _address(name),
    }


def _address(name: str) -> list[dict[str, str]]:
    return [{"Name": "email", "Value": f"{name}@example.org"}]


OPERATIONS: Final[dict[str, tuple[str, Prepare]]] = {
    "password": ("InitiateAuth", _password),
    "administrator's password": ("AdminInitiateAuth", _administrator),
    "SRP, first step": ("InitiateAuth", _srp),
    "SRP, proof": ("RespondToAuthChallenge", _proof),
    "custom, first step": ("InitiateAuth", _custom),
    "custom, answer": ("RespondToAuthChallenge", _answer),
    "ForgotPassword": ("ForgotPassword", _forgot),
    "ConfirmForgotPassword": ("ConfirmForgotPassword", _confirm),
    "ResendConfirmationCode": ("ResendConfirmationCode", _forgot),
    "ResendConfirmationCode, unconfirmed": ("ResendConfirmationCode", _forgot),
    "ConfirmSignUp": ("ConfirmSignUp", _enter),
    "ConfirmSignUp, unconfirmed": ("ConfirmSignUp", _enter),
    "SignUp, an address": ("SignUp", _sign_up),
}
PEOPLE: Final = {
    "ResendConfirmationCode, unconfirmed": WAITING,
    "ConfirmSignUp, unconfirmed": WAITING,
    "SignUp, an address": ALIASES,
}
"""Who is asked about, where it is not people who have confirmed their accounts."""


def set_up(client: Client, prefix: str, count: int) -> dict[str, list[str]]:
    """Make the users, and give the names of each kind, which look alike."""
    names = {kind: [f"{prefix}{secrets.token_hex(8)}" for _ in range(count)] for kind in KINDS}
    pool = client.ids["alias pool" if prefix == ALIASES else "pool"]
    for name in names["known"] + names["control"]:
        if prefix == WAITING:
            new = {"ClientId": client.ids["client"], "Username": name, "Password": PASSWORD}
            client("SignUp", **new, UserAttributes=_address(name))
            continue
        one = {"UserPoolId": pool, "Username": name}
        attributes = [*_address(name), {"Name": "email_verified", "Value": "true"}]
        client("AdminCreateUser", **one, UserAttributes=attributes, MessageAction="SUPPRESS")
        client("AdminSetUserPassword", **one, Password=PASSWORD, Permanent=True)
    return names


def make_pool(client: Client, pool: str, app: str, **settings: Any) -> None:
    """Make a user pool with an app client that hides users, and keep their ids.

    Args:
        client: Asks the pool.
        pool: What the pool's id is kept under.
        app: What the app client's id is kept under.
        **settings: The pool's.
    """
    settings = {"PoolName": "existence", "AutoVerifiedAttributes": ["email"], **settings}
    client.ids[pool] = client("CreateUserPool", **settings)["UserPool"]["Id"]
    made = client(
        "CreateUserPoolClient",
        UserPoolId=client.ids[pool],
        ClientName="existence",
        PreventUserExistenceErrors="ENABLED",
        ExplicitAuthFlows=[
            *("ALLOW_USER_PASSWORD_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_CUSTOM_AUTH"),
            *("ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"),
        ],
    )
    client.ids[app] = made["UserPoolClient"]["ClientId"]

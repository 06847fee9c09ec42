"""The client's settings, as a value: from arguments, environment variables or Amplify's file."""

import json
import os
import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, Self

from attrs import Attribute, Factory, field, frozen

from authflow.client_secrets import Given, checked_client_secret, shown, wrapped_client_secret
from authflow.errors import ConfigError, MisuseError
from authflow.given_numbers import MOST
from authflow.given_secrets import is_text, wraps_secrets
from authflow.machine import AuthFlow
from authflow.pool_address import PoolAddress, check_client_id, is_bounded
from authflow.secret import Secret
from authflow.wire import ClientIdentity

_SECONDS: Final = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")
_WHOLE: Final = re.compile(r"[0-9]{1,9}")
_LONGEST_NAME: Final = 64
"""The most characters of `app_name`, which goes into tickets and QR codes."""
_VALIDITY: Final = (timedelta(minutes=3), timedelta(minutes=15))


def _flow(value: AuthFlow | str) -> AuthFlow:
    try:
        return AuthFlow(value)
    except ValueError:
        msg = f"flow must be one of {', '.join(AuthFlow)}, not {str(value)[:40]!r}"
        raise ConfigError(msg) from None


def _secret(value: object) -> Given | None:
    if value is None:
        return None
    try:
        return checked_client_secret(wrapped_client_secret(value))
    except MisuseError as error:
        msg = error.message
    raise ConfigError(msg)


def no_app_client() -> ConfigError:
    """Return the error for settings that name no app client, where one is needed."""
    msg = (
        "name the app client: pass AuthConfig(client_id=...), or set the environment variable"
        " AUTHFLOW_CLIENT_ID. Only an AdminClient that signs nobody in does without"
    )
    return ConfigError(msg)


# Every type checker sees a default that is given in the field, but not one from a decorator.
def _two_connections(config: "AuthConfig") -> float:
    if not (is_bounded(config.connect_timeout) and is_bounded(config.read_timeout)):
        return 0.0  # the checks of these fields come first
    return 2 * config.connect_timeout + config.read_timeout


@wraps_secrets("client_secret", by=wrapped_client_secret)
@frozen(kw_only=True)
class AuthConfig(PoolAddress):
    """Settings of a client: the user pool, and how to sign users in.

    Args:
        user_pool_id: Such as "eu-central-1_Abc123def".
        client_id: The app client's id. Only an `AdminClient` that signs nobody in does without.
        client_secret: The app client's secret, if it has one. While it is rotated, a list of both:
            the one that Cognito takes is used, and no call fails. Or a `ClientSecrets`, which is
            asked for them, and anew when Cognito takes none of them any more.
        region: The pool's region; by default the part of the pool id before its `_`.
        endpoint: Another address than AWS's, such as a local pool's. It must be https unless it is
            this machine.
        allow_insecure_endpoint: Allow an http endpoint elsewhere. Passwords then cross the network
            in clear, and nobody proves to be the pool: for closed test networks only.
        issuer: What the tokens name as their issuer, where that is not the pool's address. Without
            an endpoint the keys are fetched from there, so it must be https as well.
        flow: The auth flow for sign-ins that do not name one.
        session_validity: The app client's AuthSessionValidity: how long Cognito waits for the
            answer to a challenge, 3 to 15 minutes. Clients cannot read it from Cognito.
        max_concurrency: The most requests in flight at one time.
        connect_timeout: Seconds for a connection to be made.
        read_timeout: Seconds for a whole reply, from when the request is sent. Cognito gives a
            trigger 5 seconds and three tries, so less than 15 gives up on answers that would have
            counted.
        request_timeout: Seconds for a request in all: waiting for a place among max_concurrency,
            connecting, the reply, and the pauses before it is sent again. By default two
            connections that fail and a third one with its reply: twice connect_timeout, and
            read_timeout.
        verify_tokens: Whether tokens are verified before a sign-in counts. If not, the name in
            `SignedIn.username` is as unproved as they are.
        jwks: The pool's public keys, where they are not to be fetched: what is in its `jwks.json`,
            or the path of such a file, which is read now. When the pool changes its keys, so must
            this.
        app_name: What authenticator apps are told that an account is for, as a person knows it; by
            default the user pool's id.
        fetch_jwks_on_open: Whether the keys are fetched when a client is opened. Then no sign-in
            waits for them, and a pool whose keys cannot be had is noticed at once.

    Raises:
        ConfigError: A setting is malformed or unsafe.
    """

    client_id: str | None = field(default=None)
    client_secret: Given | None = field(default=None, converter=_secret, repr=shown)
    flow: AuthFlow = field(default=AuthFlow.USER_SRP_AUTH, converter=_flow)
    session_validity: timedelta = field(default=timedelta(minutes=3))
    max_concurrency: int = field(default=100)
    request_timeout: float = field(default=Factory(_two_connections, takes_self=True))
    verify_tokens: bool = field(default=True)
    app_name: str | None = field(default=None)
    fetch_jwks_on_open: bool = field(default=False)

    @client_id.validator
    def _check_client(self, _: "Attribute[str | None]", value: str | None) -> None:
        if value is not None:
            check_client_id(value)

    @client_secret.validator
    def _check_secret(self, _: "Attribute[Given | None]", value: Given | None) -> None:
        if value is not None and self.client_id is None:
            msg = "client_secret is an app client's: give its client_id, too"
            raise ConfigError(msg)

    @session_validity.validator
    def _check_validity(self, _: "Attribute[timedelta]", value: timedelta) -> None:
        if not isinstance(value, timedelta) or not _VALIDITY[0] <= value <= _VALIDITY[1]:
            msg = (
                "session_validity must be a timedelta of 3 to 15 minutes, like AuthSessionValidity"
            )
            raise ConfigError(msg)

    @max_concurrency.validator
    @request_timeout.validator
    def _check_positive(self, attribute: "Attribute[float]", value: float) -> None:
        if not is_bounded(value):
            msg = f"{attribute.name} must be a number above zero, and {MOST} at most"
            raise ConfigError(msg)
        if attribute.name == "max_concurrency" and not isinstance(value, int):
            msg = "max_concurrency must be a whole number"
            raise ConfigError(msg)

    @app_name.validator
    def _check_name(self, _: "Attribute[str | None]", value: object) -> None:
        if value is not None and not (
            is_text(value)
            and len(str(value)) <= _LONGEST_NAME
            and str(value).strip()
            and str(value).isprintable()
        ):
            msg = f"app_name must be a text of 1 to {_LONGEST_NAME} characters that can be printed"
            raise ConfigError(msg)

    @verify_tokens.validator
    @fetch_jwks_on_open.validator
    def _check_switch(self, attribute: "Attribute[bool]", value: object) -> None:
        if not isinstance(value, bool):
            msg = f"{attribute.name} must be True or False, not {type(value).__name__}"
            raise ConfigError(msg)

    @property
    def app_client(self) -> ClientIdentity:
        """The app client, as requests name it; with its first secret, unless others know it.

        Raises:
            ConfigError: These settings name none.
        """
        if self.client_id is None:
            raise no_app_client()
        given = self.client_secret
        first = given[0] if isinstance(given, tuple) else given
        return ClientIdentity(
            client_id=self.client_id, client_secret=first if isinstance(first, Secret) else None
        )

    @classmethod
    def from_env(
        cls, prefix: str = "AUTHFLOW_", environ: Mapping[str, str] | None = None, **settings: Any
    ) -> Self:
        """Read the settings from environment variables.

        AUTHFLOW_USER_POOL_ID must be there, and AUTHFLOW_CLIENT_ID, unless it is for an
        `AdminClient` that signs nobody in; AUTHFLOW_CLIENT_SECRET, AUTHFLOW_REGION,
        AUTHFLOW_ENDPOINT, AUTHFLOW_ISSUER, AUTHFLOW_FLOW, AUTHFLOW_SESSION_VALIDITY (in minutes),
        AUTHFLOW_MAX_CONCURRENCY, AUTHFLOW_CONNECT_TIMEOUT, AUTHFLOW_READ_TIMEOUT,
        AUTHFLOW_REQUEST_TIMEOUT (in seconds), AUTHFLOW_APP_NAME and AUTHFLOW_JWKS (a path) may be.

        Args:
            prefix: What the names begin with.
            environ: Where to read; by default the process's environment.
            **settings: Settings that go before the environment's.

        Raises:
            ConfigError: A variable is missing or malformed.
        """
        _hide(settings)
        read = _read(prefix, os.environ if environ is None else environ)
        del environ  # a traceback would show the whole environment
        if minutes := read.pop("session_validity", None):
            read["session_validity"] = timedelta(
                minutes=_number(f"{prefix}SESSION_VALIDITY", minutes)
            )
        if limit := read.pop("max_concurrency", None):
            read["max_concurrency"] = _number(f"{prefix}MAX_CONCURRENCY", limit)
        for limit in ("connect_timeout", "read_timeout", "request_timeout"):
            if seconds := read.pop(limit, None):
                read[limit] = _seconds(prefix + limit.upper(), seconds)
        read.update(settings)
        if "user_pool_id" not in read:
            msg = f"set the environment variable {prefix}USER_POOL_ID"
            raise ConfigError(msg)
        return cls(**read)

    @classmethod
    def from_amplify_outputs(
        cls, source: str | os.PathLike[str] | Mapping[str, Any], **settings: Any
    ) -> Self:
        """Read the settings from the file that Amplify writes for its own clients.

        Args:
            source: The path of `amplify_outputs.json`, or what is in it.
            **settings: Settings that go before the file's.

        Raises:
            ConfigError: The file cannot be read, or has no user pool in it.
        """
        _hide(settings)
        if isinstance(source, Mapping):
            outputs: Any = source
        else:
            try:
                outputs = json.loads(Path(source).read_text(encoding="utf-8"))
            except (OSError, ValueError) as error:
                msg = f"cannot read {os.fspath(source)} as JSON: {type(error).__name__}"
                raise ConfigError(msg) from None
        auth = outputs.get("auth") if isinstance(outputs, Mapping) else None
        names = {
            "user_pool_id": "user_pool_id",
            "client_id": "user_pool_client_id",
            "region": "aws_region",
        }
        if not isinstance(auth, Mapping) or not all(
            isinstance(auth.get(name), str) for name in names.values()
        ):
            msg = f"the Amplify outputs need auth.{', auth.'.join(names.values())} as strings"
            raise ConfigError(msg)
        read: dict[str, Any] = {ours: auth[theirs] for ours, theirs in names.items()}
        return cls(**{**read, **settings})


_VARIABLES: Final = (
    *("user_pool_id", "client_id", "client_secret", "region", "endpoint", "issuer", "flow"),
    *("jwks", "app_name", "session_validity", "max_concurrency"),
    *("connect_timeout", "read_timeout", "request_timeout"),
)


def _read(prefix: str, environ: Mapping[str, str]) -> dict[str, Any]:
    """Take the variables that exist out of the environment. This raises nothing."""
    read: dict[str, Any] = {
        name: environ[prefix + name.upper()]
        for name in _VARIABLES
        if environ.get(prefix + name.upper())
    }
    _hide(read)
    return read


def _hide(settings: dict[str, Any]) -> None:
    if settings.get("client_secret") is not None:
        settings["client_secret"] = wrapped_client_secret(settings["client_secret"])


def _number(name: str, text: str) -> int:
    if not _WHOLE.fullmatch(text):
        msg = f"{name} must be a whole number of at most 9 digits, not {text[:20]!r}"
        raise ConfigError(msg)
    return int(text)


def _seconds(name: str, text: str) -> float:
    if not _SECONDS.fullmatch(text):
        msg = f"{name} must be a number of seconds, such as 20 or 2.5, not {text[:20]!r}"
        raise ConfigError(msg)
    return float(text)

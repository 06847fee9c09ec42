"""The address of a user pool: where it is, what its tokens name as their issuer, and its keys."""

import re
from typing import TYPE_CHECKING, Any, Final, TypeGuard

from attrs import Attribute, Factory, field, frozen

from authflow.errors import ConfigError
from authflow.given_numbers import MOST, is_number
from authflow.safe_url import SafeUrl, safe_url
from authflow.unframed import whole

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from authflow.tokens.key_set import GivenKeys

_POOL_ID: Final = re.compile(r"(?P<region>[\w-]+)_[0-9a-zA-Z]+")
_CLIENT_ID: Final = re.compile(r"[\w+]{1,128}")
_REGION: Final = re.compile(r"[a-z0-9-]{1,32}")
_IN_A_TEST: Final = "allow_insecure_endpoint in a closed test network"


def _jwks(
    source: "Mapping[str, Any] | str | os.PathLike[str] | GivenKeys | None",
) -> "GivenKeys | None":
    if source is None:
        return None
    from authflow.tokens.key_set import GivenKeys  # noqa: PLC0415  # triggers have no use for it

    return GivenKeys.read(source)


def _endpoint(value: str | None) -> SafeUrl | None:
    return safe_url(value, "endpoint", insecure=True) if value else None


# Every type checker sees a default that is given in the field, but not one from a decorator.
def _region_of_pool(address: "PoolAddress") -> str:
    return str(address.user_pool_id).partition("_")[0]


def _issuer_of_pool(address: "PoolAddress") -> str:
    if address.endpoint is not None:
        return f"{address.endpoint}/{address.user_pool_id}"
    suffix = ".cn" if str(address.region).startswith("cn-") else ""
    host = f"cognito-idp.{address.region}.amazonaws.com{suffix}"
    return f"https://{host}/{address.user_pool_id}"


def check_client_id(value: object) -> None:
    """Check the id of an app client.

    Raises:
        ConfigError: It is none.
    """
    if not isinstance(value, str) or not _CLIENT_ID.fullmatch(value):
        msg = "client_id must be the app client's id: letters and digits, at most 128"
        raise ConfigError(msg)


def is_bounded(value: object) -> TypeGuard[float]:
    """Return whether a setting is a number above zero, and not absurdly great."""
    return is_number(value) and 0 < value <= MOST


@whole
@frozen(kw_only=True)
class PoolAddress:
    """The settings that tell where a user pool is, and how its public keys are had.

    Args:
        user_pool_id: Such as "eu-central-1_Abc123def".
        region: The pool's region; by default the part of the pool id before its `_`.
        endpoint: Another address than AWS's, such as a local pool's. It must be https unless it is
            this machine.
        allow_insecure_endpoint: Allow an http endpoint elsewhere: for closed test networks only.
        issuer: What the tokens name as their issuer, where that is not the pool's address. Without
            an endpoint the keys are fetched from there, so it must be https as well.
        connect_timeout: Seconds for a connection to be made.
        read_timeout: Seconds for a whole reply, from when the request is sent.
        jwks: The pool's public keys, where they are not to be fetched: what is in its `jwks.json`,
            or the path of such a file, which is read now. When the pool changes its keys, so must
            this.

    Raises:
        ConfigError: A setting is malformed or unsafe.
    """

    user_pool_id: str = field()
    region: str = field(default=Factory(_region_of_pool, takes_self=True))
    endpoint: SafeUrl | None = field(default=None, converter=_endpoint)
    allow_insecure_endpoint: bool = field(default=False)
    issuer: str = field(default=Factory(_issuer_of_pool, takes_self=True))
    connect_timeout: float = field(default=5.0)
    read_timeout: float = field(default=20.0)
    jwks: "GivenKeys | None" = field(default=None, converter=_jwks)

    @user_pool_id.validator
    def _check_pool(self, _: "Attribute[str]", value: str) -> None:
        if not isinstance(value, str) or not _POOL_ID.fullmatch(value):
            msg = "user_pool_id must look like eu-central-1_Abc123def: a region, _ and a name"
            raise ConfigError(msg)

    @region.validator
    def _check_region(self, _: "Attribute[str]", value: str) -> None:
        if not isinstance(value, str) or not _REGION.fullmatch(value):
            msg = "region must look like eu-central-1"
            raise ConfigError(msg)

    @endpoint.validator
    def _check_endpoint(self, _: "Attribute[SafeUrl | None]", value: SafeUrl | None) -> None:
        if value is not None and not self.allow_insecure_endpoint:
            value.refuse_insecure("endpoint", unless=_IN_A_TEST)

    @issuer.validator
    def _check_issuer(self, _: "Attribute[str]", value: str) -> None:
        # The issuer is kept as it is written, because tokens must name it so. If there is an
        # endpoint, the keys come from there, and the issuer is only a name.
        insecure = self.endpoint is not None or self.allow_insecure_endpoint
        safe_url(value, "issuer", insecure=insecure, unless=_IN_A_TEST)

    @connect_timeout.validator
    @read_timeout.validator
    def _check_seconds(self, attribute: "Attribute[float]", value: float) -> None:
        if not is_bounded(value):
            msg = f"{attribute.name} must be a number above zero, and {MOST} at most"
            raise ConfigError(msg)

    @allow_insecure_endpoint.validator
    def _check_insecure(self, attribute: "Attribute[bool]", value: object) -> None:
        if not isinstance(value, bool):
            msg = f"{attribute.name} must be True or False, not {type(value).__name__}"
            raise ConfigError(msg)

    @property
    def jwks_url(self) -> str:
        """The address where the pool publishes the keys that its tokens are signed with."""
        base = self.issuer if self.endpoint is None else f"{self.endpoint}/{self.user_pool_id}"
        return f"{base.rstrip('/')}/.well-known/jwks.json"

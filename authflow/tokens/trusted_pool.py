"""A user pool, and the app clients of it, whose tokens a verifier trusts."""

from collections.abc import Iterable
from typing import Self

from attrs import Attribute, field, frozen

from authflow.config import AuthConfig
from authflow.errors import ConfigError
from authflow.pool_address import PoolAddress, check_client_id
from authflow.unframed import whole


def _client_ids(value: Iterable[str] | str | None) -> frozenset[str] | None:
    if value is None:
        return None
    if not isinstance(value, str | Iterable):
        msg = f"client_ids must be ids of app clients, not {type(value).__name__}"
        raise ConfigError(msg)
    ids = [value] if isinstance(value, str) else list(value)
    for each in ids:
        check_client_id(each)
    return frozenset(ids)


@whole
@frozen(kw_only=True)
class TrustedPool(PoolAddress):
    """A user pool and its app clients whose tokens are trusted. Nothing else has to be known of it.

    A pool that changes how it names itself in tokens (its `IssuerConfiguration`) is trusted under
    both names by two of these, one with each `issuer`.

    Args:
        client_ids: The ids of the app clients that tokens may be for, or one id. None trusts the
            tokens of all app clients of the pool, those too that are made in future: for services
            that all of them are to call, and no others.
        user_pool_id: As of `AuthConfig`; so are the others.
        region: The pool's region; by default the part of the pool id before its `_`.
        endpoint: Another address than AWS's, such as a local pool's.
        allow_insecure_endpoint: Allow an http endpoint on another machine, in a closed test
            network: anyone on the way could then replace the keys.
        issuer: What the tokens name as their issuer, where that is not the pool's address.
        connect_timeout: Seconds for a connection to be made.
        read_timeout: Seconds for a whole reply, from when the request is sent.
        jwks: The pool's public keys, where they are not to be fetched: what is in its `jwks.json`,
            or the path of such a file, which is read now.

    Raises:
        ConfigError: A setting is malformed or unsafe.
    """

    client_ids: frozenset[str] | None = field(converter=_client_ids)

    @client_ids.validator
    def _check_clients(
        self, _: "Attribute[frozenset[str] | None]", value: frozenset[str] | None
    ) -> None:
        if value is not None and not value:
            msg = "client_ids names no app client: give their ids, or None for all of the pool's"
            raise ConfigError(msg)

    @classmethod
    def of(cls, config: AuthConfig) -> Self:
        """Return the pool and the app client that a client's settings name.

        Raises:
            ConfigError: They name no app client.
        """
        return cls(
            user_pool_id=config.user_pool_id,
            client_ids=(config.app_client.client_id,),
            region=config.region,
            endpoint=config.endpoint,
            allow_insecure_endpoint=config.allow_insecure_endpoint,
            issuer=config.issuer,
            connect_timeout=config.connect_timeout,
            read_timeout=config.read_timeout,
            jwks=config.jwks,
        )

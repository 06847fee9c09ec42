"""The keys that sign tokens: one RS256 key for each user pool, made with the pool."""

import json

from attrs import define, field
from joserfc.jwk import RSAKey

_BITS = 2048


def new_signing_key() -> tuple[str, str]:
    """Make a key. This takes a tenth of a second or more: keep it off the loop.

    Returns:
        Its `kid` (the RFC 7638 thumbprint), and the key as a private JWK in JSON.
    """
    key = RSAKey.generate_key(_BITS, auto_kid=False)
    return key.thumbprint(), json.dumps(key.as_dict(private=True))


@define
class SigningKeys:
    """A cache of keys by `kid`: to read one takes longer than fifty signatures."""

    _keys: dict[str, RSAKey] = field(factory=dict, init=False, repr=False)

    def get(self, key_id: str, signing_key: str) -> RSAKey:
        """Return the key object of a private JWK in JSON. The first time is slow."""
        key = self._keys.get(key_id)
        if key is None:
            key = RSAKey.import_key(json.loads(signing_key))
            key.private_key  # noqa: B018  # it is built at first use, which is here, in a thread
            self._keys[key_id] = key
        return key

    def public(self, key_id: str, signing_key: str) -> dict[str, str]:
        """Return the public JWK, as a key set lists it."""
        public = self.get(key_id, signing_key).as_dict(private=False)
        return {"kty": "RSA", "alg": "RS256", "use": "sig", "kid": key_id} | {
            name: str(public[name]) for name in ("n", "e")
        }

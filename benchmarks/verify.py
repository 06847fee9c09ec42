"""Measure what it costs to verify a token, beside PyJWT and joserfc used by hand.

All of them check the same: RS256 by a key that is already here, chosen by the token's key id; the
issuer, the app client, the use and the expiry. Each token is another one. They take turns, so that
each meets the same machine; the processor's time counts, not the clock's.

    python -m benchmarks.verify                       # 100,000 tokens for each
    python -m benchmarks.verify --tokens 2000         # a glance
"""

import argparse
import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any, Final

import jwt as pyjwt
from attrs import asdict, frozen
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from authflow.tokens import AnyOf, TokenVerifier, TrustedPool

POOL: Final = "eu-central-1_Abc123def"
CLIENT: Final = "1example23456789"
ISSUER: Final = f"https://cognito-idp.eu-central-1.amazonaws.com/{POOL}"
TURN: Final = 250
"""Tokens that one verifies before it is the next one's turn."""
JOSERFC: Final = "joserfc by hand"

Verify = Callable[[str], Awaitable[object]]


@frozen(kw_only=True)
class Row:
    """A figure.

    Args:
        verifier: Who verified.
        us: Processor time for a token, in microseconds: the median of all turns.
        fastest: That of the fastest turn.
        ratio: The first in units of what joserfc by hand takes in the same run.
    """

    verifier: str
    us: float
    fastest: float
    ratio: float


def issued(key: RSAKey, number: int, now: int) -> str:
    """Return an access token as Cognito issues them."""
    claims = {
        "sub": "3c9d7c1e-8061-70f5-1c2e-0123456789ab",
        "device_key": "eu-central-1_0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f",
        "cognito:groups": ["staff", "admins"],
        "iss": ISSUER,
        "client_id": CLIENT,
        "origin_jti": "5b9f50a3-05da-454a-8b99-b79c2349de77",
        "event_id": "0ed5ad5c-7182-4ecf-a8a6-2f9a0b1c2d3e",
        "token_use": "access",
        "scope": "aws.cognito.signin.user.admin orders/read",
        "auth_time": now,
        "exp": now + 3600,
        "iat": now,
        "jti": f"{number:036}",
        "username": "ada",
    }
    return jwt.encode({"alg": "RS256", "kid": "k1"}, claims, key)


def verifiers(key: RSAKey) -> Mapping[str, Verify]:
    """Return all that are measured."""
    published = {"keys": [key.as_dict(private=False)]}
    pool = TrustedPool(user_pool_id=POOL, client_ids=[CLIENT], jwks=published)
    others = [
        TrustedPool(user_pool_id=f"eu-central-1_Other{number}", client_ids=None, jwks=published)
        for number in range(9)
    ]
    one, ten = TokenVerifier(pools=[pool]), TokenVerifier(pools=[pool, *others])
    staff = one.require(token_use="access", groups=AnyOf("staff", "owners"), scopes="orders/read")
    keys = KeySet([RSAKey.import_key(key.as_dict(private=False))])
    registry = jwt.JWTClaimsRegistry(
        leeway=60,
        iss={"essential": True, "value": ISSUER},
        client_id={"essential": True, "value": CLIENT},
        token_use={"essential": True, "value": "access"},
        exp={"essential": True},
    )
    jwks = pyjwt.PyJWKSet.from_dict(published)

    async def by_joserfc(token: str) -> object:
        decoded = jwt.decode(token, keys, algorithms=["RS256"])
        registry.validate(decoded.claims)
        return decoded.claims

    async def by_pyjwt(token: str) -> object:
        named = jwks[pyjwt.get_unverified_header(token)["kid"]]
        claims = pyjwt.decode(
            token,
            named,
            algorithms=["RS256"],
            issuer=ISSUER,
            leeway=60,
            options={"require": ["exp", "iss"], "verify_aud": False},
        )
        if claims.get("client_id") != CLIENT or claims.get("token_use") != "access":
            raise ValueError
        return claims

    return {
        JOSERFC: by_joserfc,
        "PyJWT by hand": by_pyjwt,
        "TokenVerifier, one pool": lambda token: one.claims(token, "access"),
        "TokenVerifier, ten pools": lambda token: ten.claims(token, "access"),
        "TokenVerifier, a group and a scope required": staff.claims,
    }


async def measured(tokens: int) -> Sequence[Row]:
    """Let each verify so many tokens."""
    key = RSAKey.generate_key(2048, {"kid": "k1", "alg": "RS256", "use": "sig"})
    every = verifiers(key)
    now = int(time.time())
    times: dict[str, list[float]] = {name: [] for name in every}
    for first in range(0, tokens, TURN):
        size = min(TURN, tokens - first)
        made = [issued(key, number, now) for number in range(first, first + size)]
        for name, verify in every.items():
            began = time.process_time()
            for token in made:
                await verify(token)
            times[name].append((time.process_time() - began) / size * 1e6)
    base = median(times[JOSERFC])
    return [
        Row(
            verifier=name,
            us=round(median(each), 1),
            fastest=round(min(each), 1),
            ratio=round(median(each) / base, 2),
        )
        for name, each in times.items()
    ]


def table(rows: Sequence[Row]) -> str:
    """Return the figures as Markdown."""
    lines = [
        "| verifier | CPU µs a token, median | fastest | joserfc by hand = 1 |",
        "|---|---|---|---|",
        *(f"| {row.verifier} | {row.us} | {row.fastest} | {row.ratio} |" for row in rows),
    ]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", type=int, default=100_000, help="how many each verifies")
    parser.add_argument("--json", type=Path, help="where to write the figures, too")
    given = parser.parse_args(arguments)
    rows = asyncio.run(measured(given.tokens))
    print(table(rows))
    if given.json is not None:
        figures: dict[str, Any] = {"tokens": given.tokens, "rows": [asdict(row) for row in rows]}
        given.json.write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()

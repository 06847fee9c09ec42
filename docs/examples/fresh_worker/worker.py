"""A worker that does something for a user again and again, for longer than a token is good.

Any number of them run at once. Each asks for the token whenever it needs it, and one of them all
refreshes it. Of the user it is given the handle alone, as a line of its input.
"""

import asyncio
import os
import sys
import time
from datetime import UTC, datetime

from authflow import AuthClient, AuthConfig, Secret, SignedOutError
from authflow.client import ClientEvent, TokensRefreshed
from authflow.keys import KeyRing
from authflow.stores import RedisStore
from authflow.tokens import TokenVerifier

STARTED = float(os.environ["STARTED"])


def clock() -> float:
    """Give the time of the pool, where a second is a minute; leave it out anywhere else."""
    return STARTED + (time.time() - STARTED) * 60


class Teller:
    """Tells that this worker has refreshed the token."""

    def observe(self, event: ClientEvent) -> None:
        """Look for a refresh among all that a client does."""
        if isinstance(event, TokensRefreshed):
            print(f"worker {os.getpid()} refreshed the token", flush=True)


async def work(handle: Secret[str]) -> None:
    """Do it until the user is signed out.

    Raises:
        SignedOutError: The user is.
    """
    config = AuthConfig.from_env()
    verifier = TokenVerifier(config=config, leeway=0, clock=clock)
    async with AuthClient(
        config,
        keys=KeyRing.from_environment(),
        store=RedisStore(redis=os.environ["REDIS_URL"]),
        observer=Teller(),
        clock=lambda: datetime.fromtimestamp(clock(), UTC),
    ) as auth:
        user = await auth.kept(handle)
        before = None
        while True:
            token = await user.access_token()
            claims = await verifier.claims(token, "access")  # here you would call another service
            if claims.expires_at != before:
                until = f"{claims.expires_at:%H:%M:%S}"
                print(f"worker {os.getpid()} has a token until {until}", flush=True)
            before = claims.expires_at
            await asyncio.sleep(0.2)


if __name__ == "__main__":
    try:
        asyncio.run(work(Secret(sys.stdin.readline().strip())))
    except SignedOutError:
        print(f"worker {os.getpid()}: the user is signed out", flush=True)
    except KeyboardInterrupt:
        pass

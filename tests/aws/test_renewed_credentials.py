"""Credentials of botocore's that renew themselves when the identity pool says so."""

from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.credentials import RefreshableCredentials

from authflow import Secret
from authflow.aws.identity_pool import AwsCredentials, IdentityPool, LentCredentials
from authflow.aws.renewed_credentials import RenewedCredentials
from authflow.errors import UnreachableError
from authflow.tokens.token_life import TokenLife

LIFE, AHEAD, NOW = 3_600.0, 300.0, 1_000_000.0
POOL = "eu-central-1:11111111-2222-3333-4444-555555555555"


class Lender:
    """Lends credentials by clocks that stand still until they are moved."""

    is_down = False

    def __init__(self, ahead: float = AHEAD) -> None:
        self.now, self.ticks, self.times, self.ahead = NOW, 0.0, 0, ahead
        pool = IdentityPool(
            identity_pool_id=POOL, ahead=ahead, clock=lambda: self.now, ticks=lambda: self.ticks
        )
        self.renewed = RenewedCredentials(pool)
        self.credentials = self.renewed.made(RefreshableCredentials, self.fetch(), self.fetch)

    def fetch(self) -> dict[str, str]:
        if self.is_down:
            raise UnreachableError("no route")
        self.times += 1
        until = self.now + LIFE
        lent = LentCredentials(
            credentials=AwsCredentials(
                identity_id=POOL,
                access_key_id=f"key {self.times}",
                secret_access_key=Secret("secret"),
                session_token=Secret("token"),
                expires_at=datetime.fromtimestamp(until, UTC),
            ),
            life=TokenLife(seconds=LIFE, until=until),
            since=self.ticks,
            ahead=self.ahead,
        )
        return self.renewed.given(lent)

    def key(self) -> Any:
        return self.credentials.get_frozen_credentials().access_key


def test_they_serve_until_so_long_before_their_end_as_the_pool_says():
    lender = Lender()
    lender.now += LIFE - AHEAD - 1
    lender.ticks += LIFE - AHEAD - 1
    assert lender.key() == "key 1"
    lender.now += 2
    lender.ticks += 2
    assert lender.key() == "key 2"


@pytest.mark.parametrize("back", [0.0, 10 * LIFE])
def test_a_clock_that_stands_or_is_set_back_makes_none_live_longer(back: float):
    lender = Lender()
    lender.now -= back
    lender.ticks += LIFE - AHEAD + 1
    assert lender.key() == "key 2"


def test_a_clock_that_jumps_ahead_has_them_renewed():
    lender = Lender()
    lender.now += LIFE
    assert lender.key() == "key 2"


def test_that_none_can_be_had_is_raised_however_long_before_their_end():
    lender = Lender(ahead=1_200.0)  # botocore itself goes on with the old ones until 600 s before
    lender.is_down = True
    lender.now += LIFE - 1_100
    lender.ticks += LIFE - 1_100
    with pytest.raises(UnreachableError):
        lender.key()

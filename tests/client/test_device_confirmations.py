"""Which confirmations of new devices are known, and for how long."""

from typing import Any

import pytest

from authflow import Secret, UnconfirmedDevice
from authflow.client.device_confirmations import DeviceConfirmations
from authflow.client.password_proof import PasswordProof
from authflow.errors import OutcomeUnknownError

TOKEN = Secret("token")


def device(key: str) -> UnconfirmedDevice:
    return UnconfirmedDevice(key=key, group_key="-g")


class Pool:
    """What a pool replies to ConfirmDevice: the rest of the way stands in other tests."""

    def __init__(self, *replies: Any) -> None:
        self.replies, self.sent = list(replies), []

    async def send(self, request: Any, read: Any) -> Any:
        self.sent.append(request.body)
        reply = self.replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return read(reply)


@pytest.fixture
def made():
    def of(*replies: Any, **given: Any) -> tuple[DeviceConfirmations, Pool]:
        pool = Pool(*replies)
        proof = PasswordProof("eu-central-1_Abc123def")
        return DeviceConfirmations(proof=proof, send=pool.send, **given), pool

    return of


async def test_a_confirmation_goes_on_where_it_ended_for_its_own_user_and_device_alone(made):
    known, pool = made(OutcomeUnknownError("lost"), {"UserConfirmationNecessary": True})
    one = known.of(device("a"), "ada")
    with pytest.raises(OutcomeUnknownError):
        await known.confirm(one, TOKEN, None)
    assert known.of(device("a"), "ada") is one
    assert known.of(device("a"), "bob") is not one
    assert known.of(device("b"), "ada") is not one
    confirmed = await known.confirm(one, TOKEN, None)
    assert pool.sent[0] == pool.sent[1]
    assert await known.confirm(one, TOKEN, None) is confirmed
    assert one.word_owed
    assert not pool.replies


async def test_the_oldest_confirmations_make_room_and_show_no_password(made):
    known, _ = made({}, {}, most=2)
    first = known.of(device("a"), "ada")
    password = (await known.confirm(first, TOKEN, None)).password.reveal()
    known.of(device("b"), "ada")
    assert known.of(device("a"), "ada") is first  # used last
    known.of(device("c"), "ada")
    assert known.of(device("a"), "ada") is first
    assert password not in f"{first!r} {known!r}"
    left = first.throw_away()
    assert left.password is first.secret is None
    assert password not in repr(first)

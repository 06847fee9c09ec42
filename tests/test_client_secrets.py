"""Client secrets as they can be given: one, two, or by a service that knows them."""

from collections import UserList, deque
from collections.abc import Sequence
from typing import Any

import pytest

from authflow import AuthConfig, ConfigError, MisuseError, Secret
from authflow.client_secrets import checked_client_secret, wrapped_client_secret

POOL = {"user_pool_id": "eu-central-1_A", "client_id": "1"}
MAKERS = {
    "AuthConfig": lambda given: AuthConfig(**POOL, client_secret=given),
    "from_env": lambda given: AuthConfig.from_env(
        environ={"AUTHFLOW_USER_POOL_ID": "eu-central-1_A", "AUTHFLOW_CLIENT_ID": "1"},
        client_secret=given,
    ),
}


class Knowing:
    async def secrets(self) -> list[str]:
        return ["x"]

    def __repr__(self) -> str:
        return "Knowing(canary)"


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
@pytest.mark.parametrize("kind", [list, tuple, deque, UserList])
def test_two_secrets_stand_in_their_order_and_each_once(make: Any, kind: Any):
    config = make(kind(["canary-new", Secret("canary-old")]))
    assert config.client_secret == (Secret("canary-new"), Secret("canary-old"))
    assert config.app_client.client_secret == Secret("canary-new")
    assert "canary" not in repr(config)
    assert make(kind(["canary", "canary"])).client_secret == (Secret("canary"),)


class Endless(Sequence[str]):
    def __getitem__(self, _at: Any) -> Any:
        return "canary"

    def __len__(self) -> int:
        return 10**18


class Broken(Endless):
    def __iter__(self) -> Any:
        yield "canary"
        msg = "canary"
        raise RuntimeError(msg)


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
@pytest.mark.parametrize(
    "given", [Endless(), Broken(), deque(), deque("abc"), range(3), b"ab", bytearray(b"ab")]
)
def test_a_sequence_that_is_not_one_or_two_secrets_is_refused(make: Any, given: Any):
    with pytest.raises((ConfigError, MisuseError), match=r"client.secret") as refused:
        make(given)
    assert "canary" not in str(refused.value)


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_a_service_is_kept_as_it_is_and_its_repr_is_not_shown(make: Any):
    knowing = Knowing()
    config = make(knowing)
    assert config.client_secret is knowing
    assert config.app_client.client_secret is None
    assert "client_secret=<Knowing>" in repr(config)
    assert "canary" not in repr(config)


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
@pytest.mark.parametrize(
    "given",
    [
        *([], (), ["a", "b", "c"], ["a", ""], [None], ["canary", 5], [["canary"]], {"canary"}),
        *(("a", b"canary"), iter(["canary"]), {"secrets": "canary"}, Knowing),
    ],
    ids=lambda given: f"{given!r}"[:20],
)
def test_what_is_none_of_them_is_refused_and_not_shown(make: Any, given: Any):
    with pytest.raises(ConfigError, match=r"client.secret") as refused:
        make(given)
    assert "canary" not in str(refused.value)


def test_an_object_that_fails_to_be_looked_at_is_no_service():
    class Odd:
        def __getattr__(self, name: str) -> Any:
            raise RuntimeError(name)

    with pytest.raises(ConfigError, match="not Odd"):
        AuthConfig(**POOL, client_secret=Odd())


def test_what_was_checked_once_is_checked_again_alike():
    for given in (["a", "b"], "a", Knowing()):
        once = checked_client_secret(wrapped_client_secret(given))
        assert checked_client_secret(wrapped_client_secret(once)) == once

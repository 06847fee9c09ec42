"""Services that cannot work are refused when something is built with them, and not at its use."""

import asyncio
from collections.abc import Callable
from typing import Any

import anyio
import pytest

from authflow import AuthClient, AuthConfig
from authflow.client.kept_entry import KeptEntries
from authflow.client.ticket_store import TicketStore
from authflow.coroutines import is_generator
from authflow.errors import ConfigError, KeysUnavailableError, StoreUnavailableError
from authflow.given_services import can, check_store
from authflow.keys import CachedKeys, KeyRing
from authflow.keys.key_ring import ring_of, ring_with
from authflow.stores import MemoryStore
from authflow.triggers import (
    CognitoGroups,
    Limits,
    PreAuthenticationEvent,
    Triggers,
    challenge,
)

RING = KeyRing.generate()
CONFIG = AuthConfig(user_pool_id="eu-central-1_EXAMPLE01", client_id="1example23456789")
STRANGE = ["canary-key", "", b"x", 5, True, [], {}, object(), KeyRing, MemoryStore, CachedKeys]


class Half:
    name = "word"
    metadata = "WORD"
    interface = 2

    async def create(self, _context: Any) -> Any: ...

    async def verify(self, _context: Any) -> bool:
        return True


def triggers(**given: Any) -> Triggers:
    return Triggers(policy=challenge(Half), **given)


def serving(handler: Any) -> Triggers:
    return Triggers(on={PreAuthenticationEvent: handler})


BUILT: dict[str, Callable[[Any], object]] = {
    "Triggers(keys=)": lambda it: triggers(keys=it),
    "Triggers(limits=)": lambda it: triggers(limits=it),
    "Limits(keys=)": lambda it: Limits(store=MemoryStore(), keys=it),
    "Limits(store=)": lambda it: Limits(store=it, keys=RING),
    "CachedKeys(provider=)": lambda it: CachedKeys(provider=it),
    "AuthClient(keys=)": lambda it: AuthClient(CONFIG, keys=it),
    "AuthClient(store=)": lambda it: AuthClient(CONFIG, keys=RING, store=it),
    "Triggers(groups=)": lambda it: triggers(groups=it),
    "Triggers(on=)": serving,
}


@pytest.mark.parametrize("strange", [*STRANGE, Limits, CognitoGroups])
@pytest.mark.parametrize("built", BUILT)
def test_what_cannot_serve_is_refused_when_it_is_given(built: str, strange: Any):
    with pytest.raises(ConfigError) as told:
        BUILT[built](strange)
    assert "canary" not in str(told.value)


@pytest.mark.parametrize("built", ["Limits(keys=)", "Limits(store=)", "CachedKeys(provider=)"])
def test_none_is_no_service_where_one_is_needed(built: str):
    with pytest.raises(ConfigError):
        BUILT[built](None)


@pytest.mark.parametrize("named", [5, b"x", [5], [], [""], [None], {}, True, object()])
def test_app_clients_are_named_by_texts(named: Any):
    with pytest.raises(ConfigError, match="client_ids"):
        triggers(client_ids=named)


@pytest.mark.parametrize("named", [5, "", b"x", [], ["eu-central-1_EXAMPLE01"], True, object()])
def test_a_user_pool_is_named_by_a_text(named: Any):
    with pytest.raises(ConfigError, match="user_pool_id"):
        triggers(user_pool_id=named)


async def yields(_event: object) -> Any:
    yield None


def yields_at_once(_event: object) -> Any:
    yield None


class Yields:
    async def __call__(self, _event: object) -> Any:
        yield None

    def method(self, _event: object) -> Any:
        yield None


@pytest.mark.parametrize("handler", [yields, yields_at_once, Yields(), Yields().method])
def test_a_function_that_yields_serves_no_event(handler: Any):
    assert is_generator(handler)
    with pytest.raises(ConfigError, match=r"on= wants a function .* not a generator"):
        serving(handler)


class Serves:
    async def __call__(self, _event: object) -> None: ...

    def method(self, _event: object) -> None: ...


@pytest.mark.parametrize("handler", [Serves(), Serves().method, lambda _event: None, print])
def test_functions_that_can_serve_are_taken(handler: Any):
    assert serving(handler).sources == {"PreAuthentication"}


def test_services_that_can_work_are_taken():
    limits = Limits(store=MemoryStore(), keys=CachedKeys(provider=RING))
    made = triggers(limits=limits, keys=RING, groups=CognitoGroups(), client_ids=iter(["a"]))
    assert (made.limits, made.keys, made.client_ids) == (limits, RING, {"a"})
    assert can(MemoryStore(), "read")
    check_store("store", MemoryStore())


class Ended:
    """A service that is ended by somebody who is none of ours, such as its own pool."""

    def __init__(self, late: float | None) -> None:
        self.late = late

    async def _end(self) -> Any:
        if self.late is not None:
            await asyncio.sleep(self.late)
        msg = "canary"
        raise asyncio.CancelledError(msg)

    async def read(self, _key: str) -> Any:
        return await self._end()

    async def replace(self, _key: str, _value: bytes, **_how: Any) -> Any:
        return await self._end()

    async def key_ring(self, **_how: Any) -> Any:
        return await self._end()


ASKED: dict[str, Callable[[Any], Any]] = {
    "the tickets' store": lambda it: TicketStore(store=it, clock=lambda: 1.0).read("name"),
    "the tickets' store, written": lambda it: TicketStore(store=it, clock=lambda: 1.0).replace(
        "name", b"x", expected=None, until=5.0
    ),
    "the kept users' store": lambda it: KeptEntries(place=("a", "b"), keys=RING, store=it).read(
        "of"
    ),
    "the limits' store": lambda it: Limits(store=it, keys=RING)._update(
        "key", lambda _kept: (1, b"x", 1.0), stranger=False
    ),
    "keys": ring_of,
    "kept keys": lambda it: CachedKeys(provider=it).key_ring(),
}


@pytest.mark.parametrize("late", [None, 0.0])
@pytest.mark.parametrize("asked", ASKED)
async def test_a_service_that_was_ended_by_nobody_of_ours_has_failed(
    asked: str, late: float | None
):
    with pytest.raises((StoreUnavailableError, KeysUnavailableError)) as failed:
        await ASKED[asked](Ended(late))
    assert "canary" not in str(failed.value)


@pytest.mark.parametrize("asked", ASKED)
async def test_who_is_cancelled_while_a_service_is_asked_is_cancelled(asked: str):
    waiting = asyncio.create_task(ASKED[asked](Ended(30)))
    await asyncio.sleep(0.01)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    with anyio.move_on_after(0.01) as scope:
        await ASKED[asked](Ended(30))
    assert scope.cancelled_caught


async def test_a_provider_that_is_ended_when_it_is_asked_for_a_newer_ring_has_none():
    class Halfway(Ended):
        async def key_ring(self, having: str | None = None) -> Any:
            return RING if having is None else await self._end()

    assert await ring_with(Halfway(0.0), "unknown") is RING

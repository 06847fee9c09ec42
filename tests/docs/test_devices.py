"""docs/guides/devices.md: its examples remember devices and prove them."""

from typing import Any

from cryptography.fernet import Fernet

from authflow import AuthClient, SignedIn
from authflow.client import ScriptedPrompt
from authflow.keys import KeyRing
from authflow.stores import MemoryStore
from authflow.testing import PASSWORD
from testbed.pages import examples

EXAMPLES = examples(
    "docs/guides/devices.md",
    "remembered devices",
    "devices of browsers",
)


async def test_the_example_of_remembered_devices_asks_once_and_is_proved_then(
    live_pool, monkeypatch
):
    monkeypatch.setenv("AUTHFLOW_KEYS", KeyRing.generate().to_json().reveal())
    namespace: dict[str, Any] = {}
    exec(EXAMPLES["remembered devices"], namespace)  # noqa: S102  # it is our own page
    remembers = {"DeviceConfiguration": {"DeviceOnlyRememberedOnUserPrompt": True}}
    async with live_pool(users={"ada": PASSWORD}, pool=remembers) as pool:
        store, prompt = MemoryStore(), ScriptedPrompt(["yes"])
        for _ in range(2):  # a second question would find no answer
            listed = await namespace["devices"](pool.config, store, prompt, "ada", PASSWORD)
            assert listed == ["my laptop"]


async def test_the_example_of_devices_of_browsers_proves_each_ones_own_and_takes_no_made_up_one(
    live_pool,
):
    namespace: dict[str, Any] = {"__name__": "example"}
    exec(EXAMPLES["devices of browsers"], namespace)  # noqa: S102  # it is our own page
    sign_in_from, remembered = namespace["sign_in_from"], namespace["remembered"]
    users = {"ada": PASSWORD, "bob": PASSWORD}
    remembers = {"DeviceConfiguration": {"DeviceOnlyRememberedOnUserPrompt": True}}
    async with (
        live_pool(users=users, pool=remembers) as pool,
        AuthClient(pool.config, remember_device="caller") as service,
    ):
        box = Fernet(Fernet.generate_key())

        async def sign_in(cookie: str | None, name: str = "ada") -> SignedIn:
            return await sign_in_from(cookie, service, box, name, PASSWORD)

        first = await sign_in(None)
        cookie = await remembered(service, box, first)
        assert (await sign_in(cookie)).tokens.device == first.tokens.device
        assert first.tokens.device.password.reveal() not in cookie
        for given, name in ((None, "ada"), (cookie[:-9], "ada"), ("é", "ada"), (cookie, "bob")):
            assert (await sign_in(given, name)).tokens.device.key != first.tokens.device.key
        assert (await sign_in(cookie)).tokens.device == first.tokens.device

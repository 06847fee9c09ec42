"""What the store has of a kept user opens in its place alone, and tells nothing."""

import json

import pytest
from attrs import evolve

from authflow import Device, Secret, UnconfirmedDevice
from authflow.client import kept_entry
from authflow.errors import (
    AuthFlowError,
    SealError,
    SignedOutError,
    StoreEntryError,
)
from authflow.keys import KeyRing
from authflow.testing import START
from testbed.kept_bench import KEYS, LIFE, Breakable, name_of, refused, result


class TestEntries:
    async def test_an_entry_that_was_altered_anywhere_gives_nothing_and_sends_nothing(
        self, bench, clock
    ):
        async with bench() as all_:
            user = await all_.kept()
            ((name, (stored, _)),) = all_.store._entries.items()
            value = stored.value
            clock.advance(LIFE)
            altered = [
                value[:place] + bytes([value[place] ^ bit]) + value[place + 1 :]
                for place in (*range(4, 60), *range(60, len(value), 97), len(value) - 1)
                for bit in (1, 0x80)
            ]
            altered += [value[:-1], value[:50], b"", b"\xff", value + b"A", value * 2, b"x" * 10**6]
            for each in altered:
                now = await all_.store.read(name)
                assert await all_.store.replace(name, each, expected=now.version, seconds=60)
                await refused(user.access_token(), SealError)
                await refused(all_.elsewhere(user), SealError)
            assert all_.sent == []

    async def test_even_a_token_that_is_good_is_not_given_then(self, bench):
        async with bench() as all_:
            user = await all_.kept()
            ((name, (stored, _)),) = all_.store._entries.items()
            await all_.store.replace(name, b"x", expected=stored.version, seconds=60)
            await refused(user.access_token(), SealError)

    async def test_an_entry_opens_in_its_own_place_alone(self, bench):
        """Copied to where another user, pool, app client or key ring looks for its own."""
        async with bench() as all_:
            user = await all_.kept()
            ((_, (stored, _)),) = all_.store._entries.items()
            handle = Secret("B" * 43)
            pool, client = user._users.place
            others = [
                evolve(user._users),
                evolve(user._users, place=("eu-central-1_Other", client)),
                evolve(user._users, place=(pool, "another")),
                evolve(user._users, keys=KeyRing.generate()),
            ]
            for users, at in zip(others, (handle, *[user.handle] * 3), strict=True):
                await refused(users.find(at), SignedOutError)  # its name is another one
                entries = users._turns.entries
                name = await entries._name(users._user(at).of)
                assert await all_.store.replace(name, stored.value, expected=None, seconds=60)
                await refused(users.find(at), SealError)

    async def test_an_entry_of_a_newer_version_says_what_to_do(self, bench, clock):
        async with bench() as all_:
            user = await all_.kept()
            ((name, (stored, _)),) = all_.store._entries.items()
            clock.advance(LIFE)
            for version in (b"ku2", b"ku10", b"ku9999"):
                value = version + stored.value[3:]
                now = await all_.store.read(name)
                await all_.store.replace(name, value, expected=now.version, seconds=60)
                assert "update this process" in str(await refused(user.tokens(), SealError))
            assert (await all_.store.read(name)).value == value  # it is left as it is

    async def test_an_entry_that_something_else_wrote_gives_nothing(self, bench):
        store = Breakable()
        async with bench(store=store) as all_:
            user = await all_.kept()
            store.error = StoreEntryError("not written by authflow")
            await refused(user.access_token(), StoreEntryError)

    async def test_sealed_content_of_another_form_gives_nothing(self, bench):
        async with bench() as all_:
            user = await all_.kept()
            entries, of = user._users._turns.entries, user._kept.of
            good = json.loads(kept_entry._written(user._kept.seen).reveal())
            broken = [b"", b"[]", b"null", b"{}", b"\xff", json.dumps(good).encode()[:-1]]
            broken += [json.dumps({**good, name: None}).encode() for name in ("flow", "access")]
            broken += [json.dumps({**good, "tokens": {"access": 1}}).encode()]
            broken += [json.dumps({**good, "lease": ["x"]}).encode()]
            for content in broken:
                sealed = await kept_entry._TEXT.seal(
                    KEYS, Secret(content), (*entries.place, of), until=START + 60
                )
                name = await entries._name(of)
                now = await all_.store.read(name)
                await all_.store.replace(name, sealed.encode(), expected=now.version, seconds=60)
                await refused(user.access_token(), SealError)

    async def test_keys_can_be_changed_while_users_are_kept(self, bench, clock):
        async with bench(result("R2", START + LIFE), result("R3", START + 2 * LIFE)) as all_:
            user = await all_.kept()
            both = KEYS.rotated("2")
            new = await all_.elsewhere(user, keys=both)
            clock.advance(LIFE)
            assert name_of(await new.access_token()) == "access R2"
            await refused(user.access_token(), SealError)  # it lacks the new key
            lost = KeyRing(keys={"2": both.keys["2"]}, current="2")
            await refused(all_.elsewhere(user, keys=lost), SignedOutError)  # and the lookup key

    async def test_nothing_in_the_store_tells_a_token_a_name_or_the_handle(self, bench):
        store = Breakable()
        async with bench(store=store) as all_:
            user = await all_.kept()
            ((name, (stored, _)),) = store.store._entries.items()
            told = name + stored.value.decode() + repr(stored)
            for secret in ("R1", "ada", user.handle.reveal(), user._kept.of):
                assert secret not in told or len(secret) < 4
            assert len(name) == 43

    async def test_no_value_and_no_error_shows_a_secret(
        self, bench, clock, scripted, everything_told, caplog
    ):
        caplog.set_level("DEBUG")
        script = [scripted.error("TooManyRequestsException")] * 3
        script += [scripted.error("NotAuthorizedException", "Refresh Token has expired")]
        async with bench(*script) as all_:
            user = await all_.kept()
            secrets = [user.handle.reveal(), (await user.access_token()).reveal()]
            told = repr(user) + str(user) + f"{user}" + repr(user._kept) + repr(user._users)
            clock.advance(LIFE)
            for call in (user.access_token, user.tokens, user.id_token):
                with pytest.raises(AuthFlowError) as caught:
                    await call()
                told += everything_told(caught.value)
            for secret in secrets:
                assert secret not in told + caplog.text
            assert "SignedInUser(username='ada')" in told


class TestDevices:
    @pytest.mark.parametrize(
        "device",
        [
            None,
            UnconfirmedDevice(key="k", group_key="g"),
            Device(key="k", group_key="g"),
            Device(key="k", group_key="g", password="canary", sub="s"),
        ],
        ids=["none", "unconfirmed", "without a password", "whole"],
    )
    async def test_a_user_is_kept_with_the_device_that_the_tokens_were_given_to(
        self, bench, device
    ):
        async with bench({}) as all_:
            user = await all_.kept()
            entry = (await user._users._turns.entries.read(user._kept.of)).entry
            of_device = evolve(entry, tokens=evolve(entry.tokens, device=device))
            read = kept_entry._read(kept_entry._written(of_device))
            assert read == of_device
            assert read.device == device
            waiting = evolve(of_device, tokens=None, unproved=of_device.tokens)
            assert waiting.device == device

    async def test_an_entry_of_before_there_were_devices_is_read(self, bench):
        async with bench({}) as all_:
            user = await all_.kept()
            entry = (await user._users._turns.entries.read(user._kept.of)).entry
            members = json.loads(kept_entry._written(entry).reveal())
            del members["tokens"]["device"]
            assert kept_entry._read(Secret(json.dumps(members).encode())) == entry

    @pytest.mark.parametrize("device", [[], ["k"], ["k", "g", 5, None], ["", "g", None, None], 5])
    async def test_a_device_of_another_form_gives_nothing(self, bench, device):
        async with bench({}) as all_:
            user = await all_.kept()
            entry = (await user._users._turns.entries.read(user._kept.of)).entry
            members = json.loads(kept_entry._written(entry).reveal())
            members["tokens"]["device"] = device
            assert kept_entry._read(Secret(json.dumps(members).encode())) is None

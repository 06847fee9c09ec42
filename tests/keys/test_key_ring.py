import base64
import copy
import json
import os
import re
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from attrs import define, evolve, field
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from authflow.errors import ConfigError, KeysUnavailableError, NextStep
from authflow.keys.key_ring import CachedKeys, KeyRing, encoded, ring_of
from authflow.secret import Secret

KEY = bytes(range(32))
OTHER = bytes(range(1, 33))


def spelled(key: bytes) -> str:
    return base64.b64encode(key).decode()


def ring(**keys: bytes) -> dict[str, Secret[bytes]]:
    return {key_id: Secret(key) for key_id, key in keys.items()}


class TestKeyRing:
    def test_a_generated_ring_has_one_strong_key(self):
        made = KeyRing.generate("2026-11")
        assert (made.current, made.lookup) == ("2026-11", "2026-11")
        assert len(made.keys["2026-11"].reveal()) == 32
        assert made != KeyRing.generate("2026-11")

    def test_what_is_written_is_read(self):
        made = KeyRing.generate("a").rotated("b")
        assert KeyRing.parse(made.to_json()) == made
        assert KeyRing.parse(made.to_json().reveal()) == made

    @given(key=st.binary(min_size=32, max_size=80).filter(lambda key: len(set(key)) >= 8))
    def test_keys_are_read_in_either_alphabet_of_base64_with_padding_or_without(self, key: bytes):
        for text in (base64.b64encode(key), base64.urlsafe_b64encode(key)):
            for padded in (text.decode(), text.decode().rstrip("=")):
                parsed = KeyRing.parse(json.dumps({"current": "a", "keys": {"a": padded}}))
                assert parsed.keys["a"] == Secret(key)

    def test_a_ring_is_read_from_the_environment(self, monkeypatch: pytest.MonkeyPatch):
        made = KeyRing.generate()
        monkeypatch.setenv("AUTHFLOW_KEYS", made.to_json().reveal())
        assert KeyRing.from_environment() == made
        monkeypatch.setenv("OUR_KEYS", made.rotated("2").to_json().reveal())
        assert KeyRing.from_environment("OUR_KEYS").current == "2"

    @pytest.mark.parametrize("value", [None, ""])
    def test_a_missing_variable_says_what_to_write(
        self, value: str | None, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.delenv("AUTHFLOW_KEYS", raising=False)
        if value is not None:
            monkeypatch.setenv("AUTHFLOW_KEYS", value)
        with pytest.raises(
            ConfigError, match=r"AUTHFLOW_KEYS holds no key ring.*authflow keys new"
        ):
            KeyRing.from_environment()

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("canary", "cannot be read"),
            ("[]", "cannot be read"),
            ('{"current": "a"}', "cannot be read"),
            ('{"current": "a", "keys": []}', "cannot be read"),
            ('{"keys": {"a": "canary"}}', "name its current key"),
            ('{"current": 1, "keys": {"a": "canary"}}', "name its current key"),
            ('{"current": "a", "keys": {}}', "at least one key"),
            ('{"current": "a", "keys": {"a": "canary!"}}', "not base64"),
            ('{"current": "a", "keys": {"a": "Canary"}}', "fewer than 32 bytes"),
            ('{"current": "a", "keys": {"a": 5}}', "not base64"),
            ('{"current": "a", "keys": {"a": "' + spelled(bytes(32)) + '"}}', "not random"),
            ('{"current": "b", "keys": {"a": "' + spelled(KEY) + '"}}', "named as `current`"),
            (
                '{"current": "a", "lookup": "b", "keys": {"a": "' + spelled(KEY) + '"}}',
                "named as `lookup`",
            ),
            ('{"current": "a.b", "keys": {"a.b": "' + spelled(KEY) + '"}}', "no key id"),
            ('{"current": "a", "secret": 1, "keys": {"a": "' + spelled(KEY) + '"}}', "'secret'"),
        ],
    )
    def test_what_is_no_ring_is_a_typed_error_that_shows_no_key(self, text: str, says: str):
        with pytest.raises(ConfigError, match=says) as caught:
            KeyRing.parse(text)
        assert "canary" not in str(caught.value).lower()
        assert spelled(KEY) not in str(caught.value)

    @pytest.mark.parametrize(
        ("keys", "says"),
        [
            ({}, "at least one"),
            (None, "at least one"),
            ({"a": KEY}, "in a Secret"),
            ({"a": Secret("x" * 40)}, "in a Secret"),
            ({"a": Secret(KEY[:31])}, "fewer than 32"),
            ({"a": Secret(b"abc" * 20)}, "not random"),
            ({"ä": Secret(KEY)}, "no key id"),
            ({"": Secret(KEY)}, "no key id"),
            ({1: Secret(KEY)}, "no key id"),
            ({"a" * 33: Secret(KEY)}, "no key id"),
            ({"a": Secret(KEY), "b": Secret(KEY)}, "the same key"),
        ],
    )
    def test_a_bad_key_is_a_typed_error(self, keys: Any, says: str):
        with pytest.raises(ConfigError, match=says):
            KeyRing(keys=keys, current="a")

    def test_a_ring_of_several_keys_must_say_where_counts_are_found(self):
        with pytest.raises(ConfigError, match="`lookup`"):
            KeyRing(keys=ring(a=KEY, b=OTHER), current="b")

    def test_rotation_moves_what_is_current_and_leaves_the_lookup(self):
        old = KeyRing(keys=ring(a=KEY), current="a")
        new = old.rotated("b")
        assert (new.current, new.lookup, set(new.keys)) == ("b", "a", {"a", "b"})
        assert new.keys["a"] == old.keys["a"]
        with pytest.raises(ConfigError, match="needs a new id"):
            new.rotated("a")

    def test_no_output_shows_a_key(self):
        made = KeyRing(keys=ring(a=KEY), current="a")
        assert repr(KEY)[2:20] not in repr(made)
        assert spelled(KEY)[:8] not in repr(made) + repr(made.to_json())
        assert copy.deepcopy(made.keys["a"]) == Secret(KEY)

    def test_the_mapping_cannot_be_changed_from_outside(self):
        keys = ring(a=KEY)
        made = KeyRing(keys=keys, current="a")
        keys["b"] = Secret(OTHER)
        assert set(made.keys) == {"a"}
        with pytest.raises(TypeError):
            made.keys["b"] = Secret(OTHER)

    async def test_a_ring_is_a_provider_of_itself(self):
        made = KeyRing.generate()
        assert await made.key_ring() is await made.key_ring(having="x") is made

    @pytest.mark.parametrize("strange", [[], {}, 5, None, "", b"1", "a b", "x" * 33])
    def test_what_is_no_id_is_a_typed_error(self, strange: Any):
        made = KeyRing.generate()
        for attempt in (
            lambda: KeyRing.generate(strange),
            lambda: made.rotated(strange),
            lambda: KeyRing(keys=made.keys, current=strange),
            lambda: KeyRing(keys=made.keys, current="1", lookup=strange),
        ):
            with pytest.raises(ConfigError):
                attempt()

    @pytest.mark.parametrize("strange", [None, 5, [], b"{}", object()])
    def test_what_is_no_text_is_a_typed_error(self, strange: Any):
        for read in (KeyRing.parse, KeyRing.from_environment):
            with pytest.raises(ConfigError):
                read(strange)


class TestSubkeys:
    @given(key=st.binary(min_size=32, max_size=100), purpose=st.text(), context=st.text())
    def test_a_subkey_is_hkdf_as_another_library_has_it(self, key, purpose, context):
        if len(set(key)) < 8:
            return
        info = encoded(purpose, context)
        oracle = HKDF(algorithm=SHA256(), length=32, salt=b"authflow.keys.1", info=info)
        made = KeyRing(keys={"a": Secret(key)}, current="a")
        assert made.subkey(purpose, context) == oracle.derive(key)

    @given(st.lists(st.text(st.characters(exclude_categories=[]))))
    def test_strings_are_written_as_json_writes_them(self, parts: list[str]):
        """What older releases sealed, and named in stores, was bound to just these bytes."""
        assert encoded(*parts) == json.dumps(parts).encode()

    def test_every_purpose_context_and_key_has_its_own(self):
        made = KeyRing(keys=ring(a=KEY, b=OTHER), current="a", lookup="a")
        subkeys = [
            made.subkey("p"),
            made.subkey("p", ""),
            made.subkey("p", "c"),
            made.subkey("pc"),
            made.subkey("p", "c", ""),
            made.subkey("p", key_id="b"),
            KEY,
            OTHER,
        ]
        assert len(set(subkeys)) == len(subkeys)
        assert made.subkey("p") == made.subkey("p", key_id="a")

    @given(st.lists(st.text(), max_size=4), st.lists(st.text(), max_size=4))
    def test_different_lists_of_strings_are_different_bytes(self, one: list[str], two: list[str]):
        assert (encoded(*one) == encoded(*two)) == (one == two)

    def test_a_string_that_utf8_cannot_write_can_be_encoded(self):
        assert encoded("\ud800") != encoded("?")


class TestEntryNames:
    @given(purpose=st.text(), parts=st.lists(st.text(), max_size=4))
    def test_a_name_is_the_hmac_that_another_library_makes(self, purpose: str, parts: list[str]):
        made = KeyRing(keys=ring(a=KEY), current="a")
        name = made.entry_name(purpose, *parts)
        oracle = HMAC(made.subkey(purpose), SHA256())
        oracle.update(encoded(*parts))
        oracle.verify(base64.urlsafe_b64decode(name + "="))
        assert re.fullmatch(r"[A-Za-z0-9_-]{43}", name)

    def test_every_purpose_list_of_parts_and_lookup_key_has_its_own(self):
        made = KeyRing(keys=ring(a=KEY, b=OTHER), current="a", lookup="a")
        names = [
            made.entry_name("p"),
            made.entry_name("p", ""),
            made.entry_name("p", "c"),
            made.entry_name("pc"),
            made.entry_name("p", "c", "d"),
            made.entry_name("p", "cd"),
            evolve(made, lookup="b").entry_name("p"),
        ]
        assert len(set(names)) == len(names)

    def test_an_entry_is_found_again_after_a_rotation(self):
        before = KeyRing(keys=ring(a=KEY), current="a")
        after = before.rotated("b")
        assert after.current == "b"
        assert after.entry_name("p", "c") == before.entry_name("p", "c")

    def test_what_was_named_once_keeps_its_name(self):
        made = KeyRing(keys=ring(a=KEY), current="a")
        assert made.entry_name("limits", "guess", "a", "b") == (
            "vlpDThG723U3pWB7bbvDjHmviwxcuLw6FNyiADMS01U"
        )


@define
class Vault:
    """A provider that counts how often it is asked, and fails while it is told to."""

    ring: Any = field(factory=KeyRing.generate)
    asked: int = 0
    failing: bool = False
    failure: Exception = field(factory=lambda: OSError("canary"))

    async def key_ring(self, *, having: str | None = None) -> KeyRing:
        self.asked += 1
        await anyio.sleep(0)
        if self.failing:
            raise self.failure
        return self.ring


class TestCachedKeys:
    @pytest.fixture
    def vault(self) -> Vault:
        return Vault()

    @pytest.fixture
    def now(self) -> list[float]:
        return [1000.0]

    @pytest.fixture
    def keys(self, vault: Vault, now: list[float]) -> CachedKeys:
        return CachedKeys(provider=vault, clock=lambda: now[0])

    async def test_many_who_ask_at_once_are_one_question(self, keys: CachedKeys, vault: Vault):
        async with anyio.create_task_group() as tasks:
            for _ in range(50):
                tasks.start_soon(keys.key_ring)
        assert vault.asked == 1
        assert await keys.key_ring() is vault.ring

    async def test_a_ring_is_read_again_when_its_time_is_over(
        self, keys: CachedKeys, vault: Vault, now: list[float]
    ):
        old = await keys.key_ring()
        vault.ring = old.rotated("2")
        now[0] += 299
        assert await keys.key_ring() is old
        now[0] += 1
        assert await keys.key_ring() is vault.ring

    async def test_an_unknown_id_makes_it_look_for_a_newer_ring(
        self, keys: CachedKeys, vault: Vault, now: list[float]
    ):
        old = await keys.key_ring()
        vault.ring = old.rotated("2")
        now[0] += 10
        assert await keys.key_ring(having="1") is old
        assert await keys.key_ring(having="2") is vault.ring

    async def test_made_up_ids_do_not_flood_the_provider(
        self, keys: CachedKeys, vault: Vault, now: list[float]
    ):
        for number in range(100):
            assert (await keys.key_ring(having=f"x{number}")) is vault.ring
            now[0] += 1
        assert vault.asked == 10

    async def test_the_last_ring_serves_while_the_provider_fails_but_not_for_ever(
        self, keys: CachedKeys, vault: Vault, now: list[float]
    ):
        old = await keys.key_ring()
        vault.failing = True
        for _ in range(359):
            now[0] += 10
            assert await keys.key_ring() is old
        now[0] += 10
        for _ in range(3):
            with pytest.raises(KeysUnavailableError) as caught:
                await keys.key_ring()
            assert "canary" not in str(caught.value)
        asked = vault.asked
        vault.failing = False
        with pytest.raises(KeysUnavailableError):
            await keys.key_ring()
        assert vault.asked == asked, "it is not asked again at once"
        now[0] += 10
        assert await keys.key_ring() is old

    async def test_a_provider_that_is_not_set_up_is_no_reason_to_wait(
        self, keys: CachedKeys, vault: Vault, now: list[float]
    ):
        vault.failing, vault.failure = True, ConfigError("canary")
        for asked in (1, 1, 2):  # the second time it is not asked, as it must not be yet
            with pytest.raises(ConfigError, match=r"not set up$") as told:
                await ring_of(keys)
            assert told.value.next_step is NextStep.GIVE_UP
            assert vault.asked == asked
            now[0] += 6
        now[0] += 10
        vault.failure = OSError()
        for _ in range(2):
            with pytest.raises(KeysUnavailableError):
                await ring_of(keys)
        now[0] += 10
        vault.failing = False
        ring = await ring_of(keys)
        now[0] += 300
        vault.failing, vault.failure = True, ConfigError("canary")
        assert await ring_of(keys) is ring  # the last one serves meanwhile
        now[0] += 10
        vault.failing = False
        assert await ring_of(keys) is ring
        vault.failing, vault.failure = True, OSError()
        now[0] += 3600
        with pytest.raises(KeysUnavailableError):
            await ring_of(keys)

    async def test_what_is_no_ring_is_a_typed_error(self, keys: CachedKeys, vault: Vault):
        vault.ring = {"current": "a"}
        with pytest.raises(KeysUnavailableError) as caught:
            await keys.key_ring()
        assert str(caught.value.__cause__) == "dict is no KeyRing"

    async def test_what_is_no_ring_does_not_take_away_the_last_one(
        self, keys: CachedKeys, vault: Vault, now: list[float], caplog: pytest.LogCaptureFixture
    ):
        ring = await keys.key_ring()
        vault.ring = {"current": "canary"}
        now[0] += 300
        assert await keys.key_ring() is ring
        assert await keys.key_ring() is ring
        assert vault.asked == 2, "it has failed, so it is not asked again at once"
        (record,) = caplog.records
        assert "provider of keys failed" in record.getMessage()
        assert "canary" not in record.getMessage()
        now[0] += 3600
        with pytest.raises(KeysUnavailableError):
            await keys.key_ring()

    @pytest.mark.parametrize("waiting", [0, 3])
    async def test_who_is_cancelled_while_asking_makes_nobody_wait(self, waiting: int):
        class Slow(Vault):
            async def key_ring(self, *, having: str | None = None) -> KeyRing:
                self.asked += 1
                if self.asked == 1:
                    begun.set()
                    await anyio.sleep_forever()
                return self.ring

        begun, slow = anyio.Event(), Slow()
        keys = CachedKeys(provider=slow)  # by the real clock, within its pause
        async with anyio.create_task_group() as others, anyio.create_task_group() as one:
            one.start_soon(keys.key_ring)
            await begun.wait()
            for _ in range(waiting):
                others.start_soon(keys.key_ring)
            await anyio.lowlevel.checkpoint()
            one.cancel_scope.cancel()
        assert await keys.key_ring() is slow.ring
        assert slow.asked == 2

    async def test_who_waited_for_a_failed_question_does_not_repeat_it(self):
        class Slow(Vault):
            async def key_ring(self, *, having: str | None = None) -> KeyRing:
                self.asked += 1
                times[0] += 20  # longer than the pause
                await anyio.lowlevel.checkpoint()
                raise OSError

        times, slow = [0.0], Slow()
        keys, failed = CachedKeys(provider=slow, clock=lambda: times[0]), list[Exception]()

        async def ask() -> None:
            try:
                await keys.key_ring()
            except KeysUnavailableError as error:
                failed.append(error)

        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(ask)
        assert (len(failed), slow.asked) == (3, 1)

    async def test_its_time_limit_is_within_that_of_who_asks_for_a_ring(
        self, monkeypatch: pytest.MonkeyPatch, now: list[float]
    ):
        class Slow(Vault):
            async def key_ring(self, *, having: str | None = None) -> KeyRing:
                self.asked += 1
                if self.asked > 1:
                    await anyio.sleep_forever()
                return self.ring

        for timeout in (3.001, 5):
            with pytest.raises(ConfigError, match=r"timeout is .* at most 3$"):
                CachedKeys(provider=Slow(), timeout=timeout)
        monkeypatch.setattr("authflow.keys.key_ring.RING_TIMEOUT", 0.02)
        slow = Slow()
        keys = CachedKeys(provider=slow, timeout=0.02, clock=lambda: now[0])
        ring = await ring_of(keys)
        now[0] += 300
        assert await ring_of(keys) is ring, "the last one serves, as the provider has failed"

    @pytest.mark.parametrize("provider", [None, "x", 5, KeyRing, Vault, lambda: None, object()])
    def test_what_gives_no_ring_is_refused_when_it_is_given(self, provider: Any):
        with pytest.raises(ConfigError, match="CachedKeys: provider must be"):
            CachedKeys(provider=provider)

    async def test_a_provider_that_hangs_fails_while_the_last_ring_serves(self, now: list[float]):
        class Hanging(Vault):
            async def key_ring(self, *, having: str | None = None) -> KeyRing:
                self.asked += 1
                if self.asked != 2:
                    await anyio.sleep_forever()
                return self.ring

        hanging = Hanging()
        keys = CachedKeys(provider=hanging, clock=lambda: now[0], timeout=0.01)
        with pytest.raises(KeysUnavailableError):
            await keys.key_ring()
        now[0] += 10
        assert await keys.key_ring() is hanging.ring
        now[0] += 300
        assert await keys.key_ring() is hanging.ring
        assert hanging.asked == 3

    async def test_who_is_cancelled_while_asking_keeps_nobody_else_waiting(self, now: list[float]):
        class Slow(Vault):
            async def key_ring(self, *, having: str | None = None) -> KeyRing:
                self.asked += 1
                if self.asked == 1:
                    await anyio.sleep_forever()
                return self.ring

        slow = Slow()
        keys = CachedKeys(provider=slow, clock=lambda: now[0])
        with anyio.move_on_after(0.01) as scope:
            await keys.key_ring()
        assert scope.cancelled_caught
        now[0] += 10
        assert await keys.key_ring() is slow.ring

    @pytest.mark.parametrize(
        "times",
        [
            *({"pause": 0}, {"seconds": 0}, {"seconds": -1}, {"stale": 299}, {"timeout": 0}),
            {"pause": float("nan")},
        ],
    )
    def test_times_that_make_no_sense_are_refused(self, vault: Vault, times: dict[str, float]):
        with pytest.raises(ConfigError):
            CachedKeys(provider=vault, **times)

    def test_a_repr_shows_no_key(self, vault: Vault):
        key = os.urandom(32)
        vault.ring = KeyRing(keys={"a": Secret(key)}, current="a")
        keys = CachedKeys(provider=vault)
        anyio.run(keys.key_ring)
        assert repr(key)[2:-1] not in repr(keys)


async def test_a_provider_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch):
    class Hangs:
        async def key_ring(self, *, having: str | None = None) -> KeyRing:
            await anyio.sleep_forever()
            raise AssertionError(having)

    monkeypatch.setattr("authflow.keys.key_ring.RING_TIMEOUT", 0.01)
    for having in (None, "1"):
        with anyio.fail_after(2), pytest.raises(KeysUnavailableError):
            await ring_of(Hangs(), having=having)

"""Enrolment: a secret, a QR code, and a first code."""

from typing import Any

import pyotp
import pytest
from attrs import evolve
from authflow_otp.authenticator import PERIOD, Totp, code_at
from authflow_otp.enrolling import Enroller
from authflow_otp.enrolments import Kept, Kind, Owner, SealedSecretStore

from authflow.errors import ConfigError, KeysUnavailableError, MisuseError, StateError
from authflow.plugins import Secret, Verdict
from authflow.prompts import ScriptedPrompt, TerminalPrompt
from authflow.triggers import CreateContext, KeyRing, MemoryStore, VerifyContext

ADA = Owner(user_pool_id="eu-central-1_A", username="ada", kind=Kind.TOTP)
ADA_COUNTS = Owner(user_pool_id="eu-central-1_A", username="ada", kind=Kind.HOTP)


@pytest.fixture
def store(keys: KeyRing) -> SealedSecretStore:
    return SealedSecretStore(entries=MemoryStore(), keys=keys)


@pytest.fixture
def enroller(store: SealedSecretStore, clock: Any) -> Enroller:
    return Enroller(store=store, issuer="Example Shop", clock=clock)


async def test_what_an_app_reads_makes_the_codes_that_are_right(
    enroller: Enroller, store: SealedSecretStore, clock: Any
) -> None:
    pending = await enroller.begin(ADA, account="ada@example.com")
    app = pyotp.parse_uri(pending.uri.reveal())
    assert isinstance(app, pyotp.TOTP)
    assert (app.issuer, app.name) == ("Example Shop", "ada@example.com")
    assert app.secret == pending.secret.reveal()
    assert len(app.byte_secret()) == 20
    assert not await enroller.confirm(ADA, Secret("000000"))
    assert await enroller.confirm(ADA, Secret(app.at(int(clock.now))))
    kept = await store.get(ADA)
    assert kept is not None
    assert kept.enrolment.confirmed


async def test_eight_digits_and_another_hash_stand_in_the_uri(
    store: SealedSecretStore, clock: Any
) -> None:
    enroller = Enroller(
        store=store, issuer="Example Shop", algorithm="SHA256", digits=8, clock=clock
    )
    pending = await enroller.begin(ADA, account="ada")
    app = pyotp.parse_uri(pending.uri.reveal())
    code = app.at(int(clock.now))
    assert len(code) == 8
    assert await enroller.confirm(ADA, Secret(code))


async def test_a_token_is_confirmed_by_one_of_its_first_codes_and_counts_from_there(
    enroller: Enroller, store: SealedSecretStore
) -> None:
    pending = await enroller.begin(ADA_COUNTS, account="ada")
    token = pyotp.parse_uri(pending.uri.reveal())
    assert isinstance(token, pyotp.HOTP)
    assert not await enroller.confirm(ADA_COUNTS, Secret(token.at(10)))
    assert await enroller.confirm(ADA_COUNTS, Secret(token.at(3)))
    kept = await store.get(ADA_COUNTS)
    assert kept is not None
    assert kept.enrolment.next_place == 4


async def judged(store: SealedSecretStore, code: str, now: float) -> Verdict:
    totp = Totp(store=store)
    asked = CreateContext(
        username="ada",
        user_attributes={},
        user_not_found=False,
        attempt=1,
        attempts=3,
        user_pool_id=ADA.user_pool_id,
    )
    answered = VerifyContext(
        username="ada",
        user_attributes={},
        user_not_found=False,
        private=(await totp.create(asked)).private,
        answer=Secret(code),
        user_pool_id=ADA.user_pool_id,
        now=now,
    )
    return (await totp.verify(answered)).verdict


async def test_no_code_counts_before_the_first_one_was_confirmed_and_that_one_never(
    enroller: Enroller, store: SealedSecretStore, clock: Any
) -> None:
    app = pyotp.parse_uri((await enroller.begin(ADA, account="ada")).uri.reveal())
    code = app.at(int(clock.now))
    assert await judged(store, code, clock.now) is Verdict.RETRY
    assert await enroller.confirm(ADA, Secret(code))
    assert await judged(store, code, clock.now) is Verdict.RETRY
    later = clock.now + PERIOD
    assert await judged(store, app.at(int(later)), later) is Verdict.PASSED


async def test_an_enrolment_is_not_overwritten_until_it_is_removed(
    enroller: Enroller, store: SealedSecretStore, clock: Any
) -> None:
    first = await enroller.begin(ADA, account="ada")
    second = await enroller.begin(ADA, account="ada")  # the first was never confirmed
    assert first.secret != second.secret
    app = pyotp.parse_uri(second.uri.reveal())
    assert await enroller.confirm(ADA, Secret(app.at(int(clock.now))))
    with pytest.raises(MisuseError, match="remove"):
        await enroller.begin(ADA, account="ada")
    await enroller.remove(ADA)
    clock.now += PERIOD
    assert await judged(store, app.at(int(clock.now)), clock.now) is Verdict.RETRY
    kept = await store.get(ADA)
    assert kept is not None
    assert code_at(kept.enrolment, 0) != app.generate_otp(0)
    third = await enroller.begin(ADA, account="ada")
    assert third.secret != second.secret


async def test_what_was_not_begun_cannot_be_confirmed(enroller: Enroller, clock: Any) -> None:
    with pytest.raises(MisuseError, match="nothing waits"):
        await enroller.confirm(ADA, Secret("123456"))
    app = pyotp.parse_uri((await enroller.begin(ADA, account="ada")).uri.reveal())
    assert await enroller.confirm(ADA, Secret(app.at(int(clock.now))))
    with pytest.raises(MisuseError, match="nothing waits"):
        await enroller.confirm(ADA, Secret(app.at(int(clock.now))))
    await enroller.remove(Owner(user_pool_id="x", username="nobody", kind=Kind.TOTP))


class App(ScriptedPrompt):
    """A person with a telephone: scans the link, and types what the app shows."""

    def __init__(self, clock: Any, *, mistakes: int) -> None:
        super().__init__([])
        self.clock, self.mistakes = clock, mistakes

    async def ask(self, question: str, *, hidden: bool = False) -> str:
        self.mistakes -= 1
        app = pyotp.parse_uri(self.links[0])
        return "000000" if self.mistakes >= 0 else app.at(int(self.clock.now))


@pytest.mark.parametrize(("mistakes", "enrolled"), [(0, True), (2, True), (3, False)])
async def test_a_person_scans_the_link_and_has_three_tries(
    enroller: Enroller, store: SealedSecretStore, clock: Any, mistakes: int, enrolled: bool
) -> None:
    prompt = App(clock, mistakes=mistakes)
    assert await enroller.enrol(ADA, prompt, account="ada") is enrolled
    kept = await store.get(ADA)
    assert kept is not None
    assert kept.enrolment.confirmed is enrolled


async def test_at_a_terminal_the_link_is_a_qr_code(enroller: Enroller, tmp_path: Any) -> None:
    import io

    screen = io.StringIO()
    prompt = TerminalPrompt(
        image_folder=tmp_path, output=screen, input=io.StringIO("0\n0\nnothing\n")
    )
    assert not await enroller.enrol(ADA, prompt, account="ada")
    shown = screen.getvalue()
    assert "otpauth://totp/Example%20Shop:ada?secret=" in shown
    assert shown.count("\u2580") + shown.count("\u2584") > 100


async def test_a_pending_enrolment_does_not_show_its_secret(enroller: Enroller) -> None:
    pending = await enroller.begin(ADA, account="ada")
    assert pending.secret.reveal() not in repr(pending)


@pytest.mark.parametrize(
    "settings",
    [
        {"issuer": ""},
        {"issuer": "a:b"},
        {"issuer": "a\nb"},
        {"digits": 9},
        {"algorithm": "MD5"},
        {"issuer": None},
        {"store": None},
        {"store": SealedSecretStore},
    ],
)
def test_settings_out_of_bounds_are_refused(
    store: SealedSecretStore, settings: dict[str, Any]
) -> None:
    with pytest.raises(ConfigError):
        Enroller(**{"store": store, "issuer": "Example Shop", **settings})


@pytest.mark.parametrize("account", ["", "a:b", "x" * 101, "a\x1b[2J"])
async def test_a_malformed_account_is_refused(enroller: Enroller, account: str) -> None:
    with pytest.raises(ConfigError, match="account"):
        await enroller.begin(ADA, account=account)


async def test_who_has_the_name_of_an_older_account_inherits_no_enrolment_and_may_enrol(
    enroller: Enroller, store: SealedSecretStore, clock: Any
) -> None:
    old, new = evolve(ADA, sub="1"), evolve(ADA, sub="2")
    first = pyotp.parse_uri((await enroller.begin(old, account="ada")).uri.reveal())
    with pytest.raises(MisuseError, match="nothing waits"):
        await enroller.confirm(new, first.at(int(clock.now)))
    with pytest.raises(MisuseError, match="nothing waits"):
        await enroller.confirm(ADA, first.at(int(clock.now)))
    assert await enroller.confirm(old, first.at(int(clock.now)))
    for same in (old, ADA):
        with pytest.raises(MisuseError, match="remove"):
            await enroller.begin(same, account="ada")
    second = pyotp.parse_uri((await enroller.begin(new, account="ada")).uri.reveal())
    assert await enroller.confirm(new, Secret(second.at(int(clock.now))))
    kept = await store.get(old)
    assert kept is not None
    assert kept.enrolment.sub == "2"
    with pytest.raises(MisuseError, match="remove"):
        await enroller.begin(new, account="ada")


@pytest.mark.parametrize("code", [5, None, b"1", Secret(b"000000"), Secret(5), ["000000"]])
async def test_a_code_that_is_no_text_is_a_misuse(enroller: Enroller, code: Any) -> None:
    await enroller.begin(ADA, account="ada")
    with pytest.raises(MisuseError, match="a code is a text"):
        await enroller.confirm(ADA, code)
    assert not await enroller.confirm(ADA, "000000")


@pytest.mark.parametrize("owner", [None, "ada", ("eu-central-1_A", "ada", "totp")])
async def test_an_owner_that_is_none_is_a_misuse(enroller: Enroller, owner: Any) -> None:
    for call in (
        enroller.begin(owner, account="ada"),
        enroller.confirm(owner, Secret("000000")),
        enroller.remove(owner),
    ):
        with pytest.raises(MisuseError, match="an Owner"):
            await call


@pytest.mark.parametrize("failure", [OSError("10.0.0.7"), KeyError("10.0.0.7"), TimeoutError()])
@pytest.mark.parametrize("fails", ["read", "replace", "key_ring", "get", "put"])
async def test_failures_of_the_store_or_the_keys_are_typed_and_tell_nothing(
    keys: KeyRing, failure: Exception, fails: str
) -> None:
    class Entries(MemoryStore):
        async def read(self, key: str) -> Any:
            if fails == "read":
                raise failure
            return await super().read(key)

        async def replace(self, *given: Any, **more: Any) -> bool:
            if fails == "replace":
                raise failure
            return await super().replace(*given, **more)

    class Keys:
        async def key_ring(self, *, having: str | None = None) -> KeyRing:
            if fails == "key_ring":
                raise failure
            return keys

    class Own(SealedSecretStore):
        async def get(self, owner: Owner) -> Kept | None:
            if fails == "get":
                raise failure
            return await super().get(owner)

        async def replace(self, *given: Any, **more: Any) -> bool:
            if fails == "put":
                raise failure
            return await super().replace(*given, **more)

    store = Own(entries=Entries(), keys=Keys())
    kind = KeysUnavailableError if fails == "key_ring" else StateError
    enroller = Enroller(store=store, issuer="Example Shop")
    calls = [enroller.begin(ADA, account="ada")]
    if fails not in {"replace", "put"}:
        calls += [enroller.confirm(ADA, Secret("000000")), enroller.remove(ADA)]
    for call in calls:
        with pytest.raises(kind) as failed:
            await call
        assert "10.0.0.7" not in str(failed.value)

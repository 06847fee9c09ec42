"""Tickets: what they hold and hide, where they open, and what is said of everything else."""

import base64
import json
import logging
import random
import re
import string
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from attrs import define, evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from authflow import (
    AuthClient,
    AuthConfig,
    AuthFlow,
    Challenge,
    ChallengeRequired,
    Declined,
    Secret,
    SignedIn,
    Tokens,
)
from authflow.client import tickets
from authflow.client.pending_data import put_together, take_apart
from authflow.errors import (
    AuthFlowError,
    ConfigError,
    KeysUnavailableError,
    MisuseError,
    SealError,
    SessionExpiredError,
    SignInOverError,
    StoreEntryError,
    StoreUnavailableError,
    TicketVersionError,
)
from authflow.keys import KeyRing
from authflow.machine import State
from authflow.mfa import NewAuthenticator
from authflow.sign_in import SignIn
from authflow.stores import MemoryStore, Store, Stored

VECTORS = Path(__file__).parents[1] / "vectors" / "tickets.json"
NOW = 1_800_000_000.0
RING = KeyRing.generate("k1")
ROTATED = RING.rotated("k2")
CONFIG = AuthConfig(
    user_pool_id="eu-central-1_Abc123def",
    client_id="1example23456789",
    endpoint="http://127.0.0.1:9",  # nobody listens there: nothing is sent
)
SESSION = base64.urlsafe_b64encode(random.Random(7).randbytes(1536)).decode()
PICTURE = "data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n\x1a\n" * 800).decode()
KNOWN_BY = "79b9da39b7ae508aa6bc864b2829c622"
"""What observers know a sign-in by, which goes along."""
URL_SAFE = re.compile(r"[A-Za-z0-9._-]+")


class Clock:
    def __init__(self, now: float = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return datetime.fromtimestamp(self.now, UTC)


def client(config: AuthConfig = CONFIG, **given: Any) -> AuthClient:
    return AuthClient(config, **{"keys": RING, "clock": Clock(), "discover": False, **given})


def pending(session: str | None = SESSION, **parameters: str) -> ChallengeRequired:
    return ChallengeRequired(
        challenge=Challenge(name="CUSTOM_CHALLENGE", kind="captcha", parameters=parameters),
        sign_in=SignIn(
            flow=AuthFlow.CUSTOM_AUTH,
            state=State.CUSTOM_CHALLENGE,
            username="ada@example.com",
            canonical_username="0f1e2d3c-1111-4222-8333-444455556666",
            session=None if session is None else Secret(session),
            rounds=1,
            expires_at=NOW + 180,
            id=KNOWN_BY,
        ),
        because=Declined("this terminal cannot show it"),
    )


def noise(chars: str, count: int) -> str:
    return "".join(random.Random(3).choices(chars, k=count))


def own_length(what: ChallengeRequired) -> int:
    """The bytes of Cognito's session and of the parameters, without pictures."""
    kept = {
        name: value
        for name, value in what.challenge.parameters.items()
        if not value.startswith("data:")
    }
    session = what.sign_in.session
    return sum(len(text.encode()) for member in kept.items() for text in member) + (
        0 if session is None else len(session.reveal().encode())
    )


def drawn(first: int, last: int, count: int = 128) -> str:
    return noise("".join(map(chr, range(first, last))), count)


def named(username: str, canonical: str | None = None, reason: str = "") -> ChallengeRequired:
    """A pending sign-in of a user, with a reason why nobody answered."""
    what = pending(SESSION)
    canonical = username if canonical is None else canonical
    sign_in = evolve(what.sign_in, username=username, canonical_username=canonical)
    return evolve(what, sign_in=sign_in, because=Declined(reason))


ANY = string.ascii_letters + string.digits + string.punctuation
CYRILLIC = "".join(map(chr, range(0x0400, 0x0500)))
CJK = "".join(map(chr, range(0x4E00, 0x9FFF)))
EMOJI = "".join(map(chr, range(0x1F300, 0x1F5FF)))
RARE = "".join(map(chr, range(0x20000, 0x2A6DF)))
LONG = {
    "a session of 2,048 characters": pending(SESSION),
    "one of 2,900": pending(noise(string.ascii_letters + string.digits + "-_", 2900)),
    "a session that is no base64": pending(noise(ANY, 2700)),
    "a short one that is none": pending(noise(ANY, 500)),
    "no session": pending(None),
    "long parameters": pending("s" * 20, hint=noise(ANY, 2700)),
    "many parameters": pending(SESSION, **{f"parameter{n}": noise(ANY, 20) for n in range(20)}),
    "Chinese": pending("s" * 20, hint=noise(CJK, 800)),
    "Cyrillic": pending("s" * 20, hint=noise(CYRILLIC, 1200)),
    "emoji": pending("s" * 20, hint=noise(EMOJI, 600)),
    "rare signs": pending("s" * 20, hint=noise(RARE, 600)),
    "all of them, beside a session": pending(
        noise(string.ascii_letters + string.digits, 1000),
        hint=noise(CYRILLIC + CJK + EMOJI + RARE, 300),
    ),
    "many that are named in Chinese": pending(
        SESSION, **{noise(CJK, 3) + str(n): noise(EMOJI, 5) for n in range(20)}
    ),
    "signs beyond the usual": pending("s" * 20, hint=noise("".join(map(chr, range(32))), 900)),
    "quotes": pending("s" * 20, hint='"\\' * 400),
    "a picture": pending(SESSION, captchaUrl=PICTURE, audioUrl=PICTURE),
    "15 pictures": pending(
        SESSION,
        **{
            f"picture{n}": "data:image/jpeg;base64,"
            + base64.b64encode(random.Random(n).randbytes(3000)).decode()
            for n in range(15)
        },
    ),
    "a name": named(noise(ANY, 128), noise(ANY, 128)[::-1]),
    "a Chinese name": named(drawn(0x4E00, 0x9FFF), reason=noise(ANY, 900)),
    "a name of emoji": named(drawn(0x1F300, 0x1F5FF), reason=drawn(0x1F300, 0x1F5FF, 3000)),
    "a name of rare signs": named(drawn(0x20000, 0x2A6DF), reason=noise(CJK, 3000)),
    "a name of controls": named(drawn(1, 32), drawn(1, 32)[::-1]),
    "a long reason": named("ada@example.com", "0f1e2d3c-1111-4222-8333", noise(ANY, 3000)),
}


@pytest.mark.parametrize("what", LONG.values(), ids=LONG)
async def test_a_ticket_adds_at_most_a_kilobyte_and_comes_back(what: ChallengeRequired):
    """To what was asked as it is in UTF-8: so long are signs beyond ASCII at the least."""
    ticket = await client().seal(what)
    assert len(ticket) - own_length(what) <= 1000
    assert len(ticket) <= tickets.MOST_CHARS
    assert URL_SAFE.fullmatch(ticket)
    again = await client().resume(ticket)
    assert again.sign_in == what.sign_in
    assert what.because.reason.startswith(again.because.reason.rstrip("…"))
    assert again.challenge.parameters == {
        name: value
        for name, value in what.challenge.parameters.items()
        if not value.startswith("data:")
    }


def setting_up(what: ChallengeRequired, app_name: str) -> ChallengeRequired:
    """A pending sign-in that waits for an authenticator's first code."""
    account = what.sign_in.username
    new = NewAuthenticator(key=Secret("JBSWY3DP" * 7), account=account, app_name=app_name)
    return evolve(what, challenge=evolve(what.challenge, new_authenticator=new))


@pytest.mark.parametrize(
    ("what", "most"),
    [
        (setting_up(named("ada@example.org"), "Ann's Shop"), 1000),
        (setting_up(named(noise(ANY, 128)), noise(ANY, 64)), 1000),
        (setting_up(named(drawn(0x4E00, 0x9FFF)), drawn(0x4E00, 0x9FFF, 64)), 1300),
        (setting_up(named(drawn(0x20000, 0x2A6DF)), drawn(0x20000, 0x2A6DF, 64)), 1300),
    ],
    ids=["short names", "long names", "Chinese names", "names of rare signs"],
)
async def test_the_ticket_of_an_authenticator_that_is_set_up_is_little_longer(what, most):
    ticket = await client().seal(what)
    assert len(ticket) - own_length(what) <= most
    assert (await client().resume(ticket)).challenge == what.challenge


@settings(max_examples=25)
@given(
    session=st.text(string.ascii_letters + string.digits + "+/=_-", min_size=20, max_size=60),
    times=st.integers(1, 45),
    parameters=st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=200),
        max_size=8,
    ),
)
async def test_whatever_was_asked_comes_back_equal(session, times, parameters):
    what = pending(session * times)
    what = evolve(what, challenge=evolve(what.challenge, parameters=parameters))
    ticket = await client().seal(what, pictures=True)
    assert len(ticket) - own_length(what) <= 1000
    assert await client().resume(ticket) == what
    again = await client().resume(Secret(ticket))  # as often as one likes
    assert again == what
    assert again.sign_in.id == KNOWN_BY


async def test_nothing_that_is_sealed_shows(caplog):
    caplog.set_level(logging.DEBUG)
    ticket = await client().seal(pending("canary-session-canary", hint="canary-hint"))
    padded = ticket.rpartition(".")[2] + "=" * 3
    assert b"canary" not in base64.urlsafe_b64decode(padded[: len(padded) // 4 * 4])
    assert "canary" not in f"{ticket}{caplog.text}{await client().resume(ticket)!r}"


async def test_two_tickets_of_the_same_have_nothing_in_common():
    one, other = [await client().seal(pending()) for _ in range(2)]
    bodies = [text.rpartition(".")[2] for text in (one, other)]
    assert not any(bodies[0][at : at + 8] in bodies[1] for at in range(0, len(bodies[0]) - 8, 4))


# Keys


async def test_a_ticket_opens_after_the_keys_were_rotated_until_its_key_is_gone():
    ticket = await client().seal(pending())
    rotated = RING.rotated("k2")
    assert await client(keys=rotated).resume(ticket) == pending()
    assert (await client(keys=rotated).seal(pending())).startswith("at1.k2.")
    gone = KeyRing(keys={"k2": rotated.keys["k2"]}, current="k2")
    with pytest.raises(SealError):
        await client(keys=gone).resume(ticket)


class NoKeys:
    async def key_ring(self, *, having: str | None = None) -> KeyRing:
        raise OSError


async def test_keys_that_cannot_be_read_are_a_typed_error():
    ticket = await client().seal(pending())
    with pytest.raises(KeysUnavailableError):
        await client(keys=NoKeys()).seal(pending())
    with pytest.raises(KeysUnavailableError):
        await client(keys=NoKeys()).resume(ticket)


@define
class OnlyKnown:
    """A provider that fails if it is asked for a key that it does not have."""

    ring: KeyRing = RING
    is_down: bool = False

    async def key_ring(self, *, having: str | None = None) -> KeyRing:
        if self.is_down or having not in {None, *self.ring.keys}:
            raise OSError
        return self.ring


@pytest.mark.parametrize("key_id", ["k2", "x", "A" * 32])
async def test_a_ticket_of_a_made_up_key_is_refused_whatever_the_provider_says_of_it(
    key_id: str, caplog
):
    ticket = await client(keys=OnlyKnown()).seal(pending())
    assert await client(keys=OnlyKnown()).resume(ticket) == pending()
    with pytest.raises(SealError, match="cannot be opened"):
        await client(keys=OnlyKnown()).resume(ticket.replace(".k1.", f".{key_id}."))
    assert not [line for line in caplog.records if line.levelno >= logging.WARNING]
    with pytest.raises(KeysUnavailableError, match=r"^the keys cannot be read now"):
        await client(keys=OnlyKnown(is_down=True)).resume(ticket)


async def test_a_ticket_of_a_newer_key_opens_where_the_provider_has_it_when_asked():
    class Newer:
        async def key_ring(self, *, having: str | None = None) -> KeyRing:
            return RING if having is None else ROTATED

    ticket = await client(keys=ROTATED).seal(pending())
    assert await client(keys=Newer()).resume(ticket) == pending()


async def test_without_keys_it_is_said_what_to_pass():
    for call in (lambda auth: auth.seal(pending()), lambda auth: auth.resume("at1.k1.x")):
        with pytest.raises(ConfigError, match=r"keys=KeyRing\.from_environment"):
            await call(client(keys=None))


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"keys": KeyRing}, "not the class KeyRing"),
        ({"keys": "canary-key"}, "not str"),
        ({"keys": b"canary-key"}, "not bytes"),
        ({"keys": {}}, "not dict"),
        ({"store": MemoryStore}, "not the class MemoryStore"),
        ({"store": "redis://canary-password@h"}, "not str"),
        ({"store": {}}, "not dict"),
        ({"store": MemoryStore(), "keys": None}, r"keys=\.\.\."),
    ],
)
def test_wrong_keys_and_stores_are_refused_when_the_client_is_made(given, told, everything_told):
    with pytest.raises(ConfigError, match=told) as refused:
        client(**given)
    assert "canary" not in everything_told(refused.value)


# Stores of others, and arguments


class Odd(MemoryStore):
    """A store that gives entries of another kind."""

    gives: Any = None

    async def read(self, key: str) -> Any:
        return self.gives(await super().read(key))


@pytest.mark.parametrize(
    "gives",
    [
        lambda stored: stored.value,
        lambda stored: (stored.value, stored.version),
        lambda stored: {"value": stored.value, "version": stored.version},
        lambda stored: evolve(stored, value=stored.value.decode("latin-1")),
        lambda stored: evolve(stored, value=memoryview(stored.value)),
        lambda stored: evolve(stored, value=None),
        lambda stored: evolve(stored, version=7),
    ],
)
async def test_a_store_that_gives_no_entry_is_a_typed_error(gives: Any, everything_told, scripted):
    (store := Odd()).gives = lambda stored: stored
    auth = client(store=store)
    ticket = await auth.seal(pending(hint=noise(ANY, 9000)))
    store.gives = gives
    with pytest.raises(StoreEntryError, match="Odd is no Store") as raised:
        await auth.resume(ticket)
    assert ticket not in everything_told(raised.value)
    asked = {"ChallengeName": "CUSTOM_CHALLENGE", "Session": SESSION, "ChallengeParameters": {}}
    store.gives = lambda stored: stored
    async with (
        scripted.serve(asked, SIGNED_IN) as server,
        AuthClient(server.config(), keys=RING, store=store) as one,
    ):
        begun = await one.sign_in("ada", flow=AuthFlow.CUSTOM_AUTH)
        await one.answer(begun, "x")
        store.gives = gives
        with pytest.raises(StoreEntryError, match="nothing was sent"):
            await one.answer(begun, "x")
        assert len(server.operations) == 2


@pytest.mark.parametrize("pictures", ["no", "yes", 0, 1, None, [], object()])
async def test_whether_pictures_come_along_is_true_or_false(pictures: Any):
    with pytest.raises(MisuseError, match="pictures must be True or False"):
        await client().seal(pending(), pictures=pictures)


@pytest.mark.parametrize(
    ("gives", "told"),
    [(None, "NoneType"), (NOW, "float"), ("canary", "str"), (datetime(2026, 1, 1), "time zone")],  # noqa: DTZ001
)
async def test_a_clock_that_gives_no_time_of_day_is_a_typed_error(gives, told, everything_told):
    ticket = await client().seal(pending())
    auth = client(clock=lambda: gives)
    for call in (auth.seal(pending()), auth.resume(ticket)):
        with pytest.raises(ConfigError, match=f"aware datetime.*{told}") as raised:
            await call
        assert "canary" not in str(raised.value)


# Where and when


@pytest.mark.parametrize(
    "changed",
    [
        {"user_pool_id": "eu-central-1_Abc123deg"},
        {"user_pool_id": "eu-central-1_abc123def"},
        {"user_pool_id": "eu-central-1_ABC123DEF"},
        {"client_id": "1example2345678"},
        {"client_id": "1Example23456789"},
        {"client_id": "1EXAMPLE23456789"},
    ],
)
async def test_a_ticket_opens_for_its_pool_and_app_client_alone(changed: dict[str, str]):
    ticket = await client().seal(pending())
    with pytest.raises(SealError, match="cannot be opened"):
        await client(evolve(CONFIG, **changed)).resume(ticket)


@pytest.mark.parametrize("now", [NOW + 180, NOW + 1e9])
async def test_a_ticket_ends_with_its_challenge(now: float):
    ticket = await client().seal(pending())
    assert await client(clock=Clock(NOW + 179.9)).resume(ticket) == pending()
    with pytest.raises(SessionExpiredError, match="start a new sign-in"):
        await client(clock=Clock(now)).resume(ticket)
    with pytest.raises(SessionExpiredError):
        await client(clock=Clock(now)).seal(pending())


async def test_a_clock_that_jumps_back_keeps_nobody_out():
    ticket = await client().seal(pending())
    assert await client(clock=Clock(NOW - 1e9)).resume(ticket) == pending()
    assert await client(clock=Clock(NOW - 1e9)).resume(
        await client(clock=Clock(NOW - 1e9)).seal(pending())
    )


TOKENS = Tokens(access_token=Secret("canary"), id_token=Secret("b"))


@pytest.mark.parametrize(
    ("what", "kind"),
    [
        (SignedIn(tokens=TOKENS, username="a", flow=AuthFlow.CUSTOM_AUTH), SignInOverError),
        ("canary", MisuseError),
        (None, MisuseError),
        (evolve(pending(), sign_in=None), MisuseError),
    ],
)
async def test_what_is_no_pending_sign_in_is_not_sealed(what, kind, everything_told):
    with pytest.raises(kind) as refused:
        await client().seal(what)
    assert "canary" not in everything_told(refused.value)


# Bad input


def changed(ticket: str) -> dict[str, Any]:
    body = ticket.rpartition(".")[2]
    flipped = {
        f"bit flipped at {at}": ticket[:at] + chr(ord(ticket[at]) ^ 1) + ticket[at + 1 :]
        for at in range(4, len(ticket), max(1, len(ticket) // 60))
    }
    cut = {f"cut at {at}": ticket[:at] for at in range(0, len(ticket), len(ticket) // 20)}
    return {
        **flipped,
        **cut,
        "one more": ticket + "A",
        "padded": ticket + "=",
        "a line": ticket + "\n",
        "blanks": f" {ticket} ",
        "upper": ticket.upper(),
        "another key's id": ticket.replace(".k1.", ".k2."),
        "leading nought": ticket.replace("at1.", "at01."),
        "state": ticket.replace("at1.", "af1."),
        "empty": "",
        "dots": "..." * 9,
        "short body": f"at1.k1.{body[:8]}",
        "surrogate": ticket + "\ud800",
        "only a surrogate": "\ud800",
        "surrogate pair": "\ud83d\ude00",
        "nul": "\0" + ticket,
        "other alphabet": ticket.replace("-", "+").replace("_", "/") + "+",
        "digits of another script": ticket.replace("at1", "at١"),  # noqa: RUF001
        "a megabyte": "at1.k1." + "A" * 1_000_000,
        "a megabyte of noise": "x" * 1_000_000,
        "a long version": "at" + "9" * 5000 + ".k1.AAAA",
    }


async def test_whatever_else_it_is_is_refused_alike_and_nobody_is_asked(scripted, everything_told):
    """Altered, foreign and made up look alike: nobody learns from it what was right."""
    store = Watched()
    async with scripted.serve() as server:
        async with client(server.config(), store=store) as auth:
            await refuse_all(auth, everything_told)
        assert server.requests == []
    assert store.asked == []


async def refuse_all(auth: AuthClient, everything_told: Any) -> None:
    ticket = await auth.seal(pending("canary-session-" * 3))
    foreign = client(keys=KeyRing.generate("k1"))
    refused = changed(ticket)
    refused["of foreign keys"] = await foreign.seal(pending())
    refused["of foreign keys' store"] = await client(
        keys=KeyRing.generate("k1"), store=MemoryStore()
    ).seal(pending(hint="h" * 99_999 + noise(ANY, 4000)))
    told = set()
    for name, text in refused.items():
        with pytest.raises(AuthFlowError) as raised:
            await auth.resume(text)
        assert type(raised.value) is SealError, name
        assert "canary" not in everything_told(raised.value)
        told.add((str(raised.value), raised.value.code, raised.value.next_step))
    assert len(told) == 1


@pytest.mark.parametrize("ticket", [None, 7, b"at1.k1.AAAA", ["at1"], Secret(b"at1"), Secret(7)])
async def test_what_is_no_text_is_a_mistake_in_the_program(ticket: Any):
    with pytest.raises(MisuseError, match="a ticket is a text"):
        await client().resume(ticket)


@pytest.mark.parametrize(
    ("version", "told"),
    [(0, "begin the sign-in anew"), (2, "upgrade authflow"), (9999, "upgrade authflow")],
)
async def test_a_ticket_of_another_version_says_what_to_do(version: int, told: str):
    ticket = (await client().seal(pending())).replace("at1.", f"at{version}.")
    with pytest.raises(TicketVersionError, match=told):
        await client().resume(ticket)


async def test_a_sealed_text_of_another_purpose_is_no_ticket():
    handle = client(store=(store := MemoryStore()))
    await handle.seal(pending(hint=noise(ANY, 9000)))
    ((stored, _),) = store._entries.values()
    with pytest.raises(SealError):
        await handle.resume(stored.value.decode())


@pytest.mark.parametrize("content", [b"", b"\0", b"\0canary", b"\7", b"\0" + b"\0\0\0\1\0" * 3])
async def test_what_our_own_keys_sealed_otherwise_is_refused_as_all_else(
    content: bytes, everything_told
):
    """Such as a ticket of a version that was never released."""
    place = (CONFIG.user_pool_id, CONFIG.client_id)
    form = tickets._TICKETS[tickets.VERSION]
    ticket = await form.seal(RING, Secret(content), place, until=NOW + 180)
    with pytest.raises(SealError, match="cannot be opened") as refused:
        await client().resume(ticket)
    assert "canary" not in everything_told(refused.value)


# Versions


def test_a_release_opens_its_own_version_and_the_one_before():
    assert tickets.OPENED[-1] == tickets.VERSION
    assert len(tickets.OPENED) <= 2


VECTOR = json.loads(VECTORS.read_text())


@pytest.mark.parametrize("sample", VECTOR["tickets"], ids=lambda sample: sample["about"])
async def test_a_stored_ticket_of_every_version_that_is_opened_still_opens(sample):
    """If this fails, the content's form has changed: count the version up, and keep the old one."""
    assert sample["version"] in tickets.OPENED
    store = MemoryStore()
    for name, value in sample["store"].items():
        assert await store.replace(name, value.encode(), expected=None, seconds=1e9)
    config = AuthConfig(user_pool_id=VECTOR["user_pool_id"], client_id=VECTOR["client_id"])
    auth = client(
        config,
        keys=KeyRing.parse(json.dumps(VECTOR["keys"])),
        clock=Clock(VECTOR["now"]),
        store=store,
    )
    opened, stored = await auth.resume(sample["ticket"]), put_together(sample["pending"])
    assert opened == stored
    assert opened.sign_in.id == stored.sign_in.id


def test_there_is_a_stored_ticket_of_every_version():
    assert {sample["version"] for sample in VECTOR["tickets"]} >= set(tickets.OPENED)


# Handles


class Watched(MemoryStore):
    """A store that tells what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.fails = False

    async def read(self, key: str) -> Stored | None:
        self.asked.append(key)
        if self.fails:
            raise OSError
        return await super().read(key)

    async def replace(
        self, key: str, value: bytes, *, expected: str | None, seconds: float
    ) -> bool:
        self.asked.append(key)
        if self.fails:
            raise OSError
        assert len(key) == 43
        return await super().replace(key, value, expected=expected, seconds=seconds)


LONG_ONES = {
    "a long session": (pending(noise(ANY, 4096)), False),
    "long parameters": (pending(hint=noise(ANY, 9000)), False),
    "a picture": (pending(captchaUrl="data:image/png;base64," + noise(ANY[:62], 40_000)), True),
    "two of the largest": (
        pending(**{n: "data:image/png;base64," + noise(ANY[:62], 98_000) for n in ("a", "b")}),
        True,
    ),
}


@pytest.mark.parametrize("name", LONG_ONES)
async def test_whatever_makes_it_too_long_is_kept_in_the_store(name: str):
    what, pictures = LONG_ONES[name]
    auth = client(store=MemoryStore())
    assert await auth.resume(await auth.seal(what, pictures=pictures)) == what


async def test_what_is_too_long_for_a_ticket_is_kept_in_any_store(store: Store):
    what, pictures = LONG_ONES["a picture"]
    ticket = await client(store=store).seal(what, pictures=pictures)
    assert len(ticket) < 200
    assert URL_SAFE.fullmatch(ticket)
    other = client(store=store, keys=RING.rotated("k2"))
    assert await other.resume(ticket) == what
    assert await other.resume(ticket) == what
    with pytest.raises(SealError, match="cannot be opened"):
        await client(evolve(CONFIG, client_id="other"), store=store).resume(ticket)
    with pytest.raises(SealError, match="cannot be opened"):
        await client(store=MemoryStore()).resume(ticket)  # which has forgotten it
    with pytest.raises(ConfigError, match="store="):
        await client().resume(ticket)
    with pytest.raises(SessionExpiredError):
        await client(store=store, clock=Clock(NOW + 180)).resume(ticket)


@pytest.mark.parametrize("name", LONG_ONES)
async def test_without_a_store_a_long_one_says_so(name: str):
    what, pictures = LONG_ONES[name]
    with pytest.raises(ConfigError, match=r"at most 3,800 characters.*store="):
        await client().seal(what, pictures=pictures)


async def test_what_no_store_keeps_is_a_typed_error():
    what = pending(**{f"a{n}": "data:image/png;base64," + noise(ANY, 99_000) for n in range(4)})
    with pytest.raises(MisuseError, match="without pictures"):
        await client(store=(store := Watched())).seal(what, pictures=True)
    with pytest.raises(MisuseError, match="ask with less"):
        await client(store=store).seal(pending(hint=noise(ANY, 300_000)))
    assert store.asked == []
    assert len(await client(store=store).seal(what)) <= tickets.MOST_CHARS


async def test_the_store_learns_nothing_and_forgets_when_the_ticket_is_over():
    store = MemoryStore()
    what = pending(noise(ANY, 4000) + "canary", hint="canary")
    ticket = await client(store=store).seal(what)
    ((key, (stored, expires_at)),) = store._entries.items()
    assert b"canary" not in stored.value
    assert key not in ticket
    assert 180 <= expires_at - store.clock() <= 180 + 301


async def test_an_entry_that_somebody_swapped_is_refused():
    store = MemoryStore()
    auth = client(store=store)
    one = await auth.seal(pending(hint=noise(ANY, 9000)))
    other = await auth.seal(pending(hint=noise(ANY, 8000)))
    (first, second) = store._entries
    store._entries[first], store._entries[second] = store._entries[second], store._entries[first]
    for ticket in (one, other):
        with pytest.raises(SealError):
            await auth.resume(ticket)
    for value in (b"", b"\xff\xfe", b"at1.k1.AAAA"):
        store._entries[first] = evolve(store._entries[first][0], value=value), float("inf")
        with pytest.raises(SealError):
            await auth.resume(one)


async def test_a_store_that_is_down_is_a_typed_error():
    store = Watched()
    auth = client(store=store)
    ticket = await auth.seal(pending(hint=noise(ANY, 9000)))
    store.fails = True
    with pytest.raises(StoreUnavailableError):
        await auth.seal(pending(hint=noise(ANY, 9000)))
    with pytest.raises(StoreUnavailableError):
        await auth.resume(ticket)
    assert await auth.resume(await auth.seal(pending())) == pending()  # which needs none


class Twice(MemoryStore):
    """A store whose driver repeats each write, as if the reply was lost, which then fails."""

    async def replace(self, key: str, value: bytes, **how: Any) -> bool:
        await super().replace(key, value, **how)
        return await super().replace(key, value, **how)


class Never(MemoryStore):
    """A store that says of each write that somebody was faster."""

    async def replace(self, key: str, value: bytes, **how: Any) -> bool:
        return False


async def test_a_write_that_the_driver_repeated_is_kept_and_one_that_is_not_kept_is_no_ticket():
    what = pending(hint=noise(ANY, 9000))
    auth = client(store=Twice())
    assert await auth.resume(await auth.seal(what)) == what
    with pytest.raises(StoreUnavailableError, match="keeps nothing"):
        await client(store=Never()).seal(what)


# Every challenge


ASKED = {
    "CUSTOM_CHALLENGE": {"challenge": "word", "hint": "open"},
    "NEW_PASSWORD_REQUIRED": {"userAttributes": '{"email":"a@b"}', "requiredAttributes": "[]"},
    "SMS_MFA": {"CODE_DELIVERY_DESTINATION": "+***1", "CODE_DELIVERY_DELIVERY_MEDIUM": "SMS"},
    "EMAIL_OTP": {"CODE_DELIVERY_DESTINATION": "a***@b", "CODE_DELIVERY_DELIVERY_MEDIUM": "EMAIL"},
    "SOFTWARE_TOKEN_MFA": {"FRIENDLY_DEVICE_NAME": "ada's"},
    "SELECT_MFA_TYPE": {"MFAS_CAN_CHOOSE": '["SMS_MFA","SOFTWARE_TOKEN_MFA"]'},
    "MFA_SETUP": {"MFAS_CAN_SETUP": '["SOFTWARE_TOKEN_MFA"]'},
}
SIGNED_IN = {
    "AuthenticationResult": {
        "AccessToken": "a",
        "IdToken": "i",
        "RefreshToken": "r",
        "ExpiresIn": 1,
    }
}
ANSWERS = {
    **dict.fromkeys(("SELECT_MFA_TYPE", "MFA_SETUP"), "SOFTWARE_TOKEN_MFA"),
    "NEW_PASSWORD_REQUIRED": "New-passw0rd-1",
}


def test_every_challenge_that_a_call_can_return_is_tried():
    never = {"PASSWORD_VERIFIER", "DEVICE_SRP_AUTH", "DEVICE_PASSWORD_VERIFIER"}  # answered at once
    assert {*ASKED} | never == {str(state) for state in State if str(state).isupper()} - {"SRP_A"}


async def test_every_challenge_goes_on_from_a_ticket(scripted):
    async with (
        scripted.serve() as server,
        AuthClient(server.config(), keys=RING) as one,
        AuthClient(server.config(), keys=RING, store=MemoryStore()) as other,
    ):
        for number, (name, parameters) in enumerate(ASKED.items()):
            session = f"{SESSION}{number}"
            asked = {"ChallengeName": name, "Session": session, "ChallengeParameters": parameters}
            then = SIGNED_IN
            if name == "SELECT_MFA_TYPE":
                then = {**asked, "ChallengeName": "SOFTWARE_TOKEN_MFA", "ChallengeParameters": {}}
            if name == "MFA_SETUP":
                then = {"SecretCode": "ABCDEFGH" * 4, "Session": session}
            server.script[:] = [asked, then]
            server.requests.clear()
            await go_on(one, other, name)
            sent = [answer["Session"] for _, answer in server.requests[1:]]
            assert sent == [session], name


async def go_on(one: AuthClient, other: AuthClient, name: str) -> None:
    """Begin with one client, and go on with another from a ticket alone."""
    flow = AuthFlow.CUSTOM_AUTH if name == "CUSTOM_CHALLENGE" else AuthFlow.USER_PASSWORD_AUTH
    password = None if flow is AuthFlow.CUSTOM_AUTH else "canary-password"
    begun = await one.sign_in("ada", password, flow=flow)
    assert isinstance(begun, ChallengeRequired)
    again = await other.resume(await one.seal(begun))
    assert again == begun
    assert "canary-password" not in json.dumps(take_apart(again))
    assert other.form(again) == one.form(begun)
    result = await other.answer(again, ANSWERS.get(name, "123456"))
    if isinstance(result, SignedIn):
        assert name not in {"SELECT_MFA_TYPE", "MFA_SETUP"}
        return
    state = State.MFA_SETUP if name == "MFA_SETUP" else State.SOFTWARE_TOKEN_MFA
    assert result.sign_in.state == state
    assert await other.resume(await other.seal(result)) == result

"""Whose a challenge is: codes of old accounts and old addresses prove nothing of new ones."""

from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from attrs import define, field

from authflow.errors import PluginFailedError
from authflow.keys.key_ring import KeyRing
from authflow.secret import Secret
from authflow.stores.store import MemoryStore
from authflow.testing import MovableClock
from authflow.triggers import (
    CreateEvent,
    Issued,
    Limits,
    SendRefused,
    SessionEntry,
    Triggers,
    VerifyEvent,
    challenge,
)
from authflow.triggers.addressees import unbound
from authflow.triggers.events.trigger_replies import CreateReply

KEYS = KeyRing.generate()
ADA = {
    "sub": "1",
    "email": "ada@example.com",
    "email_verified": "true",
    "phone_number": "+491700000000",
    "phone_number_verified": "true",
    "custom:pager": "+49 30 (12) 345-67",
    "custom:mail2": "ada@home.example.org",
    "custom:calls": "0171 1234567",
    "custom:desk": "5551234",
    "custom:slack": "U02AB12CD",
    "custom:push": "arn:aws:sns:eu-central-1:1:endpoint/APNS/a/1",
    "custom:tel": "tel:+491701234567",
    "custom:room": "3",
    "nickname": "@ada:matrix.example.org",
    "profile": "https://hooks.example.org/ada",
    "locale": "de",
    "updated_at": "1700000000",
}
CHANGES = {
    "another account": {"sub": "2"},
    "no sub any more": {"sub": ""},
    "another address": {"email": "new@firm.example.org"},
    "an address by one letter": {"email": "adb@example.com"},
    "no verified address": {"email_verified": "false"},
    "another number": {"phone_number": "+491700000001"},
    "another pager": {"custom:pager": "+49 30 (12) 345-68"},
    "another mailbox of its own": {"custom:mail2": "ada@work.example.org"},
    "another mobile": {"custom:calls": "0171 7654321"},
    "another desk": {"custom:desk": "5559999"},
    "another chat": {"custom:slack": "U09ZZ99ZZ"},
    "another device": {"custom:push": "arn:aws:sns:eu-central-1:1:endpoint/APNS/a/2"},
    "another number by its scheme": {"custom:tel": "tel:+491709999999"},
    "another room": {"custom:room": "4"},
    "another name elsewhere": {"nickname": "@adb:matrix.example.org"},
    "another hook": {"profile": "https://hooks.example.org/adb"},
}
OF = {
    "email": ["another address", "an address by one letter", "no verified address"],
    "phone_number": ["another number"],
    "custom:pager": ["another pager"],
    "custom:mail2": ["another mailbox of its own"],
    "custom:calls": ["another mobile"],
    "custom:desk": ["another desk"],
    "custom:slack": ["another chat"],
    "custom:push": ["another device"],
    "custom:tel": ["another number by its scheme"],
    "custom:room": ["another room"],
    "nickname": ["another name elsewhere"],
    "profile": ["another hook"],
}


ALWAYS = ("sub", "email", "email_verified", "phone_number")
FORMS = list(OF)[4:]  # those that look like nothing
PAIRS = [
    *(("email", change) for change in CHANGES),
    *((to, change) for to, changes in OF.items() for change in changes if to != "email"),
    ("phone_number", "no sub any more"),
    ("custom:pager", "another account"),
]
SPELLINGS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "in small letters": str.lower,
    "in capitals": str.upper,
    "without blanks": lambda address: "".join(address.split()),
    "in its letters and digits": lambda address: "".join(filter(str.isalnum, address)),
    "with a scheme": "urn:x:{}".format,
    "with a country": lambda address: f"+49{address.lstrip('0')}",
    "by its end": lambda address: address[-3:],
    "by its name alone": lambda address: address.partition("@")[0],
    "of a gateway": lambda address: f"{hash(address):x}@gateway.example.net",
}


class Paged:
    """A third party's challenge: it sends what it draws to an attribute, and knows no rule."""

    name: ClassVar[str] = "paged"
    metadata: ClassVar[str] = "PAGED"
    interface: ClassVar[int] = 2
    needs: ClassVar[tuple[str, ...]] = ("limits", "keys")
    to: ClassVar[str] = "email"
    spell: ClassVar[Callable[[str], str]]
    sent: ClassVar[list[tuple[str, str]]]

    async def create(self, context: Any) -> Issued:
        if context.state is not None:
            code = context.state.reveal().decode()
            return Issued(public={"sent": "before"}, private={"c": code}, state=context.state)
        code = context.randomness.digits(6)
        address = type(self).spell(context.user_attributes[self.to])

        async def send() -> None:
            self.sent.append((address, code))

        verdict = await context.deliver(address, send)
        told = "false" if isinstance(verdict, SendRefused) else "true"
        return Issued(public={"sent": told}, private={"c": code}, state=Secret(code.encode()))

    async def verify(self, context: Any) -> bool:
        return bool(context.answer.reveal() == context.private["c"])


@define
class Bench:
    """Triggers with such a challenge, and their events."""

    to: str = "email"
    spelling: str = "as it is"
    sends_to: Any = None
    clock: MovableClock = field(factory=MovableClock)
    plugin: Any = field(init=False)
    triggers: Triggers = field(init=False)

    def __attrs_post_init__(self) -> None:
        spell = staticmethod(SPELLINGS[self.spelling])
        told = {} if self.sends_to is None else {"sends_to": self.sends_to}
        self.plugin = type("Sends", (Paged,), {"to": self.to, "spell": spell, "sent": [], **told})
        store = MemoryStore(clock=self.clock)
        self.triggers = Triggers(
            policy=challenge("paged", attempts=3),
            challenges=[self.plugin],
            limits=Limits(store=store, keys=KEYS, clock=self.clock),
            clock=self.clock,
        )

    def about(self, attributes: dict[str, str]) -> dict[str, Any]:
        return {
            "user_pool_id": "eu-central-1_A",
            "client_id": "client",
            "username": "ada",
            "user_attributes": {name: value for name, value in attributes.items() if value},
            "user_not_found": False,
        }

    async def create(self, attributes: dict[str, str], *metadata: str) -> CreateReply:
        wrong = tuple(
            SessionEntry(
                challenge_name="CUSTOM_CHALLENGE", challenge_result=False, challenge_metadata=told
            )
            for told in metadata
        )
        event = CreateEvent(**self.about(attributes), session=wrong)
        return event.read_reply(await self.triggers.handle(event.to_json()))

    async def verify(self, made: CreateReply, answer: str, attributes: dict[str, str]) -> bool:
        event = VerifyEvent(**self.about(attributes), private=made.private, answer=Secret(answer))
        return event.read_reply(await self.triggers.handle(event.to_json()))


@pytest.mark.parametrize(
    ("to", "change", "says"),
    [
        *((to, change, False) for to, change in PAIRS),
        *((to, change, True) for to, change in PAIRS if CHANGES[change].keys() <= {*ALWAYS, to}),
    ],
)
async def test_a_code_of_another_account_or_address_is_drawn_for_no_later_sign_in(
    to: str, change: str, says: bool
) -> None:
    bench, now = Bench(to, sends_to=(to,) if says else None), {**ADA, **CHANGES[change]}
    old = await bench.create(ADA)
    bench.clock.now += 20
    new = await bench.create(now)
    assert old.public["sent"] == "true"
    assert new.private["c"] != old.private["c"]
    assert new.public["sent"] == "false"  # nothing went there; the cool-down is not over
    assert len(bench.plugin.sent) == 1
    assert not await bench.verify(new, old.private["c"], now)
    bench.clock.now += 11
    later = await bench.create(now)
    assert later.public["sent"] == "true"
    assert bench.plugin.sent[1] == (now[to], later.private["c"])
    assert await bench.verify(later, later.private["c"], now)


@pytest.mark.parametrize(("to", "change"), PAIRS)
async def test_an_answer_counts_only_for_the_account_and_the_address_it_was_sent_to(
    to: str, change: str
) -> None:
    bench, now = Bench(to), {**ADA, **CHANGES[change]}
    made = await bench.create(ADA)
    matters = change in OF[to] or "sub" in CHANGES[change]
    assert await bench.verify(made, made.private["c"], now) is not matters
    assert await bench.verify(made, made.private["c"], ADA) is True


@pytest.mark.parametrize("change", CHANGES)
async def test_state_of_another_account_or_address_is_none_and_the_message_goes_out_anew(
    change: str,
) -> None:
    bench, now = Bench(), {**ADA, **CHANGES[change]}
    first = await bench.create(ADA)
    bench.clock.now += 31
    second = await bench.create(now, first.metadata)
    assert second.private["c"] != first.private["c"]
    assert bench.plugin.sent[1:] == [(now["email"], second.private["c"])]
    bench.clock.now += 31
    third = await bench.create(now, first.metadata, second.metadata)
    assert third.private["c"] == second.private["c"]
    assert not await bench.verify(third, third.private["c"], ADA)
    assert await bench.verify(third, third.private["c"], now)


@pytest.mark.parametrize("to", OF)
async def test_a_code_that_came_with_the_state_counts_for_no_address_that_changed_since(
    to: str,
) -> None:
    bench = Bench(to)
    first = await bench.create(ADA)
    second = await bench.create(ADA, first.metadata)  # it sends nothing by itself
    for change in OF[to]:
        assert not await bench.verify(second, second.private["c"], {**ADA, **CHANGES[change]})
    assert await bench.verify(second, second.private["c"], ADA)


@pytest.mark.parametrize("says", [False, True])
@pytest.mark.parametrize(
    ("to", "spelling"),
    [*(("email", each) for each in SPELLINGS), *zip(FORMS, SPELLINGS, strict=False)],
)
async def test_an_answer_counts_for_no_other_address_however_the_plugin_spells_it(
    to: str, says: bool, spelling: str
) -> None:
    bench = Bench(to, spelling, (to,) if says else None)
    made = await bench.create(ADA)
    assert len(bench.plugin.sent) == 1
    for change in OF[to]:
        assert not await bench.verify(made, made.private["c"], {**ADA, **CHANGES[change]})
    assert await bench.verify(made, made.private["c"], ADA)


async def test_another_spelling_that_is_the_value_of_another_attribute_hides_no_address() -> None:
    ada = {**ADA, "email": "Ada@Example.com", "preferred_username": "ada@example.com"}
    bench = Bench("email", "in small letters")
    made = await bench.create(ada)
    eve = {**ada, "email": "eve@example.com"}
    assert not await bench.verify(made, made.private["c"], eve)
    assert await bench.verify(made, made.private["c"], ada)


@pytest.mark.parametrize(
    ("to", "spelling", "sends_to"),
    [
        *((to, "as it is", ()) for to in FORMS),
        *(("custom:pager", each, ("custom:other",)) for each in ("in capitals", "without blanks")),
        *(("custom:mail2", each, ("email", "locale")) for each in ("as it is", "in capitals")),
    ],
)
async def test_no_message_goes_to_an_attribute_that_the_plugin_does_not_name(
    to: str, spelling: str, sends_to: tuple[str, ...], caplog: pytest.LogCaptureFixture
) -> None:
    bench = Bench(to, spelling, sends_to)
    with pytest.raises(PluginFailedError):
        await bench.create(ADA)
    assert bench.plugin.sent == []
    assert f"{to!r}, after a change of which the old code would still count" in caplog.text
    assert not (len(ADA[to]) > 2 and ADA[to] in caplog.text)


@pytest.mark.parametrize("sends_to", [None, (), ("email",)])
@pytest.mark.parametrize("to", ["locale", "updated_at"])
async def test_what_is_no_address_by_its_meaning_is_sent_to_only_if_it_is_named(
    to: str, sends_to: tuple[str, ...] | None
) -> None:
    with pytest.raises(PluginFailedError):
        await Bench(to, sends_to=sends_to).create(ADA)
    bench = Bench(to, sends_to=(to,))
    old = await bench.create(ADA)
    now = {**ADA, to: "17"}
    assert (await bench.create(now)).private["c"] != old.private["c"]
    assert not await bench.verify(old, old.private["c"], now)


@pytest.mark.parametrize(
    "sends_to", [("custom:pager",), ["custom:pager", "email"], {"custom:pager"}]
)
@pytest.mark.parametrize("spelling", ["as it is", "by its end"])
async def test_all_but_what_a_plugin_names_may_change_at_each_sign_in(
    sends_to: Any, spelling: str
) -> None:
    bench = Bench("custom:pager", spelling, sends_to)
    counted = [{**ADA, "custom:logins": str(count), "custom:desk": "1"} for count in range(3)]
    made = [await bench.create(each) for each in counted]
    assert len({each.private["c"] for each in made}) == 1
    assert {each.public["sent"] for each in made} == {"true"}
    assert len(bench.plugin.sent) == 1
    assert await bench.verify(made[0], made[0].private["c"], counted[2])


@pytest.mark.parametrize(
    "unrelated",
    [
        {"locale": "fr"},
        {"updated_at": "1700000001"},
        {"zoneinfo": "Europe/Berlin"},
        {"cognito:user_status": "CONFIRMED"},
        {"cognito:mfa_enabled": "true"},
    ],
)
async def test_what_is_no_address_may_change_at_each_sign_in(unrelated: dict[str, str]) -> None:
    bench = Bench()
    one = await bench.create(ADA)
    two = await bench.create({**ADA, **unrelated})
    assert (two.private["c"], two.public["sent"]) == (one.private["c"], "true")
    assert len(bench.plugin.sent) == 1
    assert await bench.verify(two, one.private["c"], ADA)


async def test_a_used_code_is_not_drawn_again_whatever_address_changed_before_it_was_used() -> None:
    bench = Bench("phone_number")
    made = await bench.create(ADA)
    now = {**ADA, "email": "new@firm.example.org"}
    assert await bench.verify(made, made.private["c"], now)
    assert (await bench.create(ADA)).private["c"] != made.private["c"]


async def test_what_marks_a_challenge_tells_neither_the_account_nor_an_address() -> None:
    bench = Bench()
    private = (await bench.create(ADA)).private
    whose, about = private["authflow.whose"].split(" ")
    assert about == "email"
    for text in (whose, private["authflow.drawn"]):
        assert len(text) == 43
        assert not any(len(value) > 2 and value in text for value in ADA.values())


async def test_a_message_to_an_address_from_elsewhere_is_not_taken_for_one_to_another() -> None:
    """The triggers see where it goes only when it goes; what is told of it is true all the same."""
    bench = Bench()
    addresses = ["old@example.net", "old@example.net", "new@example.net", "new@example.net"]

    async def create(self: Any, context: Any) -> Issued:
        address = addresses.pop(0)

        async def send() -> None:
            self.sent.append((address, ""))

        verdict = await context.deliver(address, send)
        return Issued(public={"sent": type(verdict).__name__}, private={})

    bench.plugin.create = create
    told = [(await bench.create(ADA)).public["sent"] for _ in range(3)]
    assert told == ["Admitted", "AlreadySent", "SendRefused"]
    bench.clock.now += 31
    assert (await bench.create(ADA)).public["sent"] == "Admitted"
    assert [address for address, _ in bench.plugin.sent] == ["old@example.net", "new@example.net"]


@pytest.mark.parametrize(
    ("destination", "attributes", "named"),
    [
        ("--", {"custom:a": "--"}, "custom:a"),
        ("--", {"custom:a": "..."}, None),
        ("5551234", {"custom:a": "\uff15\uff15\uff15-1234"}, "custom:a"),
        ("7", {"sub": "7", "custom:a": "7"}, None),
        ("7", {"email": "7", "custom:a": "7"}, None),
        ("7", {"email": "8", "custom:a": "7"}, "custom:a"),
    ],
)
def test_a_message_goes_to_each_attribute_whose_letters_and_digits_are_those_of_its_destination(
    destination: str, attributes: dict[str, str], named: str | None
) -> None:
    assert unbound(destination, attributes, ()) == named

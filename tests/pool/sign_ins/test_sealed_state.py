"""Two sign-ins of one user at once, through a real pool: neither can use the other's state."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import pytest
from attrs import define, field

from authflow.errors import SealError
from authflow.keys import KeyRing
from authflow.secret import Secret
from authflow.triggers import Issued, Triggers, challenge, sequence


class Word:
    name: ClassVar[str] = "word"
    metadata: ClassVar[str] = "WORD"

    async def create(self, _context: Any) -> Issued:
        return Issued(public={}, private={})

    async def verify(self, context: Any) -> bool:
        return context.answer == Secret("open")


class Kept(Word):
    """Has one code for all attempts, which travels sealed."""

    name: ClassVar[str] = "kept"
    metadata: ClassVar[str] = "KEPT"
    codes: ClassVar[list[str]] = []

    async def create(self, context: Any) -> Issued:
        state = context.state or Secret(context.randomness.digits(8).encode())
        self.codes.append(state.reveal().decode())
        return Issued(public={}, private={"code": self.codes[-1]}, state=state)

    async def verify(self, context: Any) -> bool:
        return context.answer == Secret(context.private["code"])


@define
class Swapping:
    """Gives rounds of one sign-in to another, as a trigger of somebody else's could.

    Args:
        triggers: The triggers that are asked.
        places: Which rounds of the first sign-in stand in the session of later ones.
    """

    triggers: Triggers
    places: list[int] = field(factory=list)
    first: list[dict[str, Any]] = field(factory=list)
    raised: list[Exception] = field(factory=list)

    @property
    def sources(self) -> frozenset[str]:
        return self.triggers.sources

    async def handle(self, event: Mapping[str, Any]) -> dict[str, Any]:
        raw = json.loads(json.dumps(event))
        session = raw["request"].get("session", [])
        if raw["triggerSource"].startswith("CreateAuth") and len(session) == 2:
            self.first = self.first or json.loads(json.dumps(session))
            for place in self.places:
                session[place] = self.first[place]
        try:
            return await self.triggers.handle(raw)
        except Exception as error:
            self.raised.append(error)
            raise


@pytest.fixture
def codes() -> Iterator[list[str]]:
    Kept.codes.clear()
    yield Kept.codes
    Kept.codes.clear()


@pytest.fixture
def swapping() -> Swapping:
    policy = sequence(challenge("word"), challenge("kept", attempts=3))
    return Swapping(Triggers(policy=policy, challenges=[Word, Kept], keys=KeyRing.generate()))


@pytest.fixture
async def house(start: Any, settle: Any, swapping: Swapping) -> Any:
    settled = await settle(await start(triggers=swapping))
    await settled.add_user()
    return settled


async def begun(house: Any) -> dict[str, Any]:
    """Begin a sign-in, and come to the challenge that keeps state."""
    asked = await house.api("InitiateAuth", **house.begin("CUSTOM_AUTH"))
    return await answered(house, asked, "open")


async def answered(house: Any, asked: dict[str, Any], text: str) -> dict[str, Any]:
    answer = house.answer("CUSTOM_CHALLENGE", "ann", asked["Session"], ANSWER=text)
    reply: dict[str, Any] = await house.api("RespondToAuthChallenge", **answer)
    return reply


@pytest.mark.parametrize("places", [[], [0, 1]])
async def test_a_sign_in_goes_on_with_the_state_of_its_own_session(
    house: Any, swapping: Swapping, codes: list[str], places: list[int]
):
    one, other = await begun(house), await begun(house)
    assert len({*codes}) == 2
    one = await answered(house, one, "wrong")
    swapping.places = places
    other = await answered(house, other, "wrong")
    assert swapping.raised == []
    assert "AuthenticationResult" in await answered(house, one, codes[0])
    # All that a trigger learns of a sign-in is its session: with all of it, it is the other one.
    assert "AuthenticationResult" in await answered(house, other, codes[0 if places else 1])


@pytest.mark.parametrize("place", [0, 1])
async def test_a_round_of_another_sign_in_ends_this_one_and_harms_no_other(
    house: Any, swapping: Swapping, codes: list[str], place: int
):
    one, other = await begun(house), await begun(house)
    one = await answered(house, one, "wrong")
    swapping.places = [place]
    answer = house.answer("CUSTOM_CHALLENGE", "ann", other["Session"], ANSWER="wrong")
    refused = await house.api.refused("RespondToAuthChallenge", **answer)
    assert refused.code == "UserLambdaValidationException"
    assert [type(error) for error in swapping.raised] == [SealError]
    assert "AuthenticationResult" in await answered(house, one, codes[0])


async def test_an_answer_to_one_sign_in_is_none_to_another(house: Any, codes: list[str]):
    one, other = await begun(house), await begun(house)
    one, other = await answered(house, one, codes[1]), await answered(house, other, codes[0])
    assert one["ChallengeName"] == other["ChallengeName"] == "CUSTOM_CHALLENGE"
    assert "AuthenticationResult" in await answered(house, one, codes[0])
    assert "AuthenticationResult" in await answered(house, other, codes[1])

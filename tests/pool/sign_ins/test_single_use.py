"""A session is for one answer, also if thirty come at the same time.

The requests of a race are sent by `Api.at_once`: every one of them has been read before the first
is judged, so that what only looks at the session finds it thirty times.
"""

import asyncio

import pytest

from authflow.triggers import Issued, Triggers, challenge, password, sequence

RACERS = 30
ROUNDS = 3
TEMPORARY = "Temp0rary!"
RESPOND = "RespondToAuthChallenge"


class Word:
    """A custom challenge whose answer is one word."""

    name = "word"
    metadata = "WORD"

    async def create(self, _context):
        return Issued(public={}, private={"answer": "sesame"})

    async def verify(self, context):
        return context.answer.reveal() == context.private["answer"]


@pytest.fixture(params=["memory", "file"])
def database(request, tmp_path):
    return {} if request.param == "memory" else {"db": str(tmp_path / "pool.db")}


async def settled(start, settle, database, *policy):
    triggers = Triggers(policy=sequence(*policy), challenges=[Word]) if policy else None
    house = await settle(await start(triggers=triggers, **database))
    await house.add_user()
    return house


async def race(house, *answers):
    """Answer one session many times at once; give the one reply that is no refusal."""
    replies = await house.api.at_once(*((RESPOND, answer) for answer in answers))
    losers = [reply for reply in replies if "__type" in reply]
    assert {reply["__type"] for reply in losers} == {"NotAuthorizedException"}
    (winner,) = [place for place, reply in enumerate(replies) if reply not in losers]
    return winner, replies[winner]


async def test_of_thirty_proofs_at_once_one_wins(start, settle, database):
    house = await settled(start, settle, database)
    for _ in range(ROUNDS):
        proof = await house.by_srp()
        _, reply = await race(house, *[proof] * RACERS)
        assert "RefreshToken" in reply["AuthenticationResult"]
        refusal = await house.api.refused(RESPOND, **proof)
        assert refusal.message == "Incorrect username or password."


async def test_of_thirty_proofs_at_once_one_goes_on_to_the_challenge(start, settle, database):
    house = await settled(start, settle, database, password(), challenge("word"))
    for _ in range(ROUNDS):
        prover, asked = await house.ask("ann", "CUSTOM_AUTH", CHALLENGE_NAME="SRP_A")
        _, reply = await race(house, *[house.proof(prover, asked)] * RACERS)
        assert reply["ChallengeName"] == "CUSTOM_CHALLENGE"


async def test_of_thirty_right_answers_at_once_one_wins(start, settle, database):
    house = await settled(start, settle, database, challenge("word"))
    for _ in range(ROUNDS):
        asked = await house.api("InitiateAuth", **house.begin("CUSTOM_AUTH"))
        answer = house.answer("CUSTOM_CHALLENGE", "ann", asked["Session"], ANSWER="sesame")
        _, reply = await race(house, *[answer] * RACERS)
        assert "RefreshToken" in reply["AuthenticationResult"]


async def test_of_thirty_guesses_at_once_one_is_judged(start, settle, database):
    """Or one session would be good for as many guesses as can be sent at a time."""
    house = await settled(start, settle, database, challenge("word", attempts=2))
    asked = await house.api("InitiateAuth", **house.begin("CUSTOM_AUTH"))
    guesses = [
        house.answer("CUSTOM_CHALLENGE", "ann", asked["Session"], ANSWER=f"guess {number}")
        for number in range(RACERS)
    ]
    _, reply = await race(house, *guesses)
    assert reply["ChallengeParameters"]["attempt"] == "2"


async def test_of_thirty_new_passwords_at_once_one_is_set(start, settle, database):
    house = await settled(start, settle, database)
    for number in range(ROUNDS):
        name = f"bob{number}"
        await house.api(
            "AdminCreateUser",
            UserPoolId=house.pool_id,
            Username=name,
            TemporaryPassword=TEMPORARY,
        )
        asked = await house.api("InitiateAuth", **house.by_password(name, TEMPORARY))
        chosen = [f"Str0ng-Horse-{racer}" for racer in range(RACERS)]
        answers = [
            house.answer("NEW_PASSWORD_REQUIRED", name, asked["Session"], NEW_PASSWORD=each)
            for each in chosen
        ]
        winner, reply = await race(house, *answers)
        assert "RefreshToken" in reply["AuthenticationResult"]
        loser = chosen[winner - 1]
        await house.api("InitiateAuth", **house.by_password(name, chosen[winner]))
        await house.api.refused("InitiateAuth", **house.by_password(name, loser))


async def test_of_thirty_proofs_at_two_servers_of_one_file_one_wins(start, settle, tmp_path):
    """A transaction in one process says nothing; what counts is the file's."""
    database = {"db": str(tmp_path / "pool.db")}
    house = await settled(start, settle, database)
    other = await start(**database)
    for _ in range(ROUNDS):
        proof = await house.by_srp()
        half = [(RESPOND, proof)] * (RACERS // 2)
        here, there = await asyncio.gather(house.api.at_once(*half), other.at_once(*half))
        assert sum("AuthenticationResult" in reply for reply in here + there) == 1

import sqlite3
import uuid
from collections import Counter
from contextlib import closing

import pytest
from attrs import define, field

from authflow.pool.accounts.masking import stand_in
from authflow.pool.accounts.passwords import new_salt
from authflow.pool.accounts.user_pool import UserPool
from authflow.srp import COGNITO

FOLDING = {"UsernameConfiguration": {"CaseSensitive": False}}
WRONG = "Incorrect username or password."


@pytest.fixture
async def house(api, settle):
    house = await settle(api, PreventUserExistenceErrors="ENABLED")
    await house.add_user("ann")
    return house


async def test_an_unknown_user_gets_the_same_salt_and_id_every_time(house):
    seen = []
    for _ in range(2):
        _, asked = await house.ask("nobody")
        parameters = asked["ChallengeParameters"]
        seen.append({k: parameters[k] for k in ("SALT", "USERNAME", "USER_ID_FOR_SRP")})
    assert seen[0] == seen[1]
    _, other = await house.ask("noone")
    assert other["ChallengeParameters"]["SALT"] != seen[0]["SALT"]


async def test_a_name_has_another_salt_in_another_pool_and_the_same_in_every_spelling(
    house, settle
):
    house = await settle(house.api, FOLDING, PreventUserExistenceErrors="ENABLED")
    other = await settle(house.api, FOLDING, PreventUserExistenceErrors="ENABLED")
    salts = {}
    for where, name in ((house, "nobody"), (house, "NoBody"), (other, "nobody")):
        _, asked = await where.ask(name)
        salts[where.pool_id, name] = asked["ChallengeParameters"]["SALT"]
    assert salts[house.pool_id, "nobody"] == salts[house.pool_id, "NoBody"]
    assert salts[house.pool_id, "nobody"] != salts[other.pool_id, "nobody"]


@pytest.mark.parametrize("whose", ["users", "nobody's"])
def test_every_salt_has_16_bytes_and_none_begins_with_00_nor_often_with_another(whose):
    pool = UserPool(
        id="us-east-1_Example01",
        settings={},
        key_id="k",
        signing_key="{}",
        mask_key=bytes(range(32)),
        created_at=0,
        modified_at=0,
    )
    salts = [
        new_salt() if whose == "users" else stand_in(pool, f"name {number}").password.salt
        for number in range(20_000)
    ]
    assert {len(salt) for salt in salts} == {16}
    assert len(set(salts)) == len(salts)
    first = Counter(salt[0] for salt in salts)
    assert set(first) == set(range(1, 256))
    # 78 of each are expected, with a standard deviation of 9.
    assert max(first.values()) < 78 + 8 * 9
    assert set(Counter(salt[1] for salt in salts)) == set(range(256))


async def test_known_and_unknown_get_parameters_of_one_shape(house):
    _, known = await house.ask("ann")
    _, unknown = await house.ask("nobody")
    assert known.keys() == unknown.keys()
    for name, value in known["ChallengeParameters"].items():
        other = unknown["ChallengeParameters"][name]
        if name == "SRP_B":
            assert 0 < int(other, 16) < COGNITO.prime
        elif name not in {"USERNAME", "USER_ID_FOR_SRP"}:
            assert len(other) == len(value)
    assert unknown["ChallengeParameters"]["USER_ID_FOR_SRP"] == "nobody"


async def test_an_unknown_user_is_refused_at_the_proof_like_a_wrong_password(house):
    known = await house.api.refused(
        "RespondToAuthChallenge", **await house.by_srp("ann", "wrong-Horse1")
    )
    unknown = await house.api.refused("RespondToAuthChallenge", **await house.by_srp("nobody"))
    assert known == unknown
    assert unknown.message == WRONG


async def test_by_password_an_unknown_user_looks_like_a_wrong_one_with_the_same_work(
    house, monkeypatch
):
    import authflow.srp

    calls = []
    real = authflow.srp.modexp

    def counting(*args):
        calls.append(args)
        return real(*args)

    monkeypatch.setattr("authflow.srp.modexp", counting)
    known = await house.api.refused("InitiateAuth", **house.by_password("ann", "wrong-Horse1"))
    work = len(calls)
    unknown = await house.api.refused("InitiateAuth", **house.by_password("nobody", "wrong-Horse1"))
    assert known == unknown
    assert len(calls) == 2 * work == 2


async def test_an_unknown_user_is_locked_out_like_a_known_one(house):
    for name in ("ann", "nobody"):
        seen = [
            (await house.api.refused("InitiateAuth", **house.by_password(name, "x"))).message
            for _ in range(6)
        ]
        assert seen == [WRONG] * 5 + ["Password attempts exceeded"]


async def test_where_usernames_are_ids_an_unknown_user_has_one_too(api, settle):
    house = await settle(
        api, {"UsernameAttributes": ["email"]}, PreventUserExistenceErrors="ENABLED"
    )
    _, asked = await house.ask("nobody@example.org")
    parameters = asked["ChallengeParameters"]
    made = uuid.UUID(parameters["USER_ID_FOR_SRP"])
    assert made.version == 4
    # No two of the made-up values come of the same bytes: that would tell that they are made up.
    assert made.hex[2:12] not in parameters["SALT"]


async def test_by_default_an_unknown_user_is_told_of(api, settle):
    house = await settle(api)
    for request in (house.by_password("nobody"), house.begin("USER_SRP_AUTH", "nobody", SRP_A="2")):
        refusal = await api.refused("InitiateAuth", **request)
        assert (refusal.code, refusal.message) == (
            "UserNotFoundException",
            "User does not exist.",
        )


FOLDING = {"UsernameConfiguration": {"CaseSensitive": False}}
STRICT = {"UsernameConfiguration": {"CaseSensitive": True}}
EMAIL = {"email": "ann@example.org", "email_verified": "true"}


def spellings(name):
    return {name, name.upper(), name.lower(), name.title(), name.swapcase()}


async def shown(house, name, flow="USER_SRP_AUTH", **more):
    """Give what a client is told of who has a name, and the proof that it would give."""
    prover, asked = await house.ask(name, flow, **more)
    parameters = asked["ChallengeParameters"]
    assert parameters["USERNAME"] == parameters["USER_ID_FOR_SRP"]
    return parameters["USERNAME"], parameters["SALT"], house.proof(prover, asked)


@pytest.mark.parametrize("name", ["ann", "Ann", "ANN", "Straße", "ann@example.org"])
async def test_where_names_fold_users_are_called_by_the_folded_name_whether_they_exist(
    api, settle, name
):
    house = await settle(api, FOLDING, PreventUserExistenceErrors="ENABLED")
    unknown = f"x{name}"
    seen = {each: await shown(house, f"x{each}") for each in spellings(name)}
    assert {told for told, _, _ in seen.values()} == {unknown.casefold()}
    assert len({salt for _, salt, _ in seen.values()}) == 1
    await house.add_user(name)
    for each in spellings(name):
        told, _, proof = await shown(house, each)
        assert told == name.casefold()
        assert "AuthenticationResult" in await api("RespondToAuthChallenge", **proof)


async def test_where_case_matters_each_spelling_is_a_name_of_its_own(api, settle):
    house = await settle(api, STRICT, PreventUserExistenceErrors="ENABLED")
    seen = [await shown(house, name) for name in ("ghost", "GHOST", "Ghost")]
    assert [told for told, _, _ in seen] == ["ghost", "GHOST", "Ghost"]
    assert len({salt for _, salt, _ in seen}) == 3


@pytest.mark.parametrize("username", ["ann", "Ann-7", "5d1f8c1e-7a0b-4c55-9c60-0a54d3ffb0aa"])
@pytest.mark.parametrize("setting", [FOLDING, STRICT])
async def test_where_aliases_lead_to_users_all_are_called_by_an_id(api, settle, setting, username):
    aliases = ["email", "phone_number", "preferred_username"]
    pool = {"AliasAttributes": aliases, **setting}
    house = await settle(api, pool, PreventUserExistenceErrors="ENABLED")
    phone = {"phone_number": "+12065550123", "phone_number_verified": "true"}
    made = await house.add_user(username, **EMAIL, **phone, preferred_username="queen")
    sub = next(each["Value"] for each in made["Attributes"] if each["Name"] == "sub")
    for name in (username, EMAIL["email"], "+12065550123", "queen"):
        told, _, proof = await shown(house, name)
        assert told == sub
        assert "AuthenticationResult" in await api("RespondToAuthChallenge", **proof)
    for name in ("bob", "who@example.org", "+12065550124", "king"):
        told, salt, _ = await shown(house, name)
        assert uuid.UUID(told).version == 4
        assert told == (await shown(house, name))[0]
        assert len(salt) == 32


async def test_the_answer_may_name_the_user_as_was_typed_and_as_was_told(api, settle):
    house = await settle(api, {"AliasAttributes": ["email"]}, PreventUserExistenceErrors="ENABLED")
    await house.add_user("ann", **EMAIL)
    for name in (None, "ann@example.org"):
        _, _, proof = await shown(house, "ann@example.org")
        if name is not None:
            proof["ChallengeResponses"]["USERNAME"] = name
        assert "AuthenticationResult" in await api("RespondToAuthChallenge", **proof)


ALIASED = {"AliasAttributes": ["email", "preferred_username"]}
KNOWN_AND_NOT = {
    "folding, its own spelling": (FOLDING, "ann", "Ann", "bob", "Bob"),
    "folding, another spelling": (FOLDING, "ANN", "aNN", "BOB", "bOB"),
    "strict": (STRICT, "Ann", "ann", "Bob", "bob"),
    "username for an alias": (ALIASED, "ann@example.org", "Ann", "bob@example.org", "Bob"),
    "alias for a username": (ALIASED, "Ann", "ann@example.org", "Bob", "bob@example.org"),
    "an alias for another": (ALIASED, "ann@example.org", "queen", "bob@example.org", "king"),
}


@pytest.mark.parametrize("case", KNOWN_AND_NOT)
@pytest.mark.parametrize("with_secret", [False, True])
async def test_no_name_that_only_a_user_has_is_taken_in_an_answer(start, settle, case, with_secret):
    setting, begun, other, begun_by_nobody, other_of_nobody = KNOWN_AND_NOT[case]
    hidden = {"PreventUserExistenceErrors": "ENABLED", "GenerateSecret": with_secret}
    house = await settle(await start(triggers=Watching()), setting, **hidden)
    queen = {"preferred_username": "queen"} if setting is ALIASED else {}
    await house.add_user("Ann", **EMAIL, **queen)
    refusals = []
    for typed, named in ((begun, other), (begun_by_nobody, other_of_nobody)):
        asked = await house.api("InitiateAuth", **house.begin("CUSTOM_AUTH", typed))
        answer = house.answer("CUSTOM_CHALLENGE", named, asked["Session"], ANSWER="x")
        refusals.append(await house.api.refused("RespondToAuthChallenge", **answer))
        prover, asked = await house.ask(typed)
        proof = house.proof(prover, asked)
        proof["ChallengeResponses"].update(house.named(named))
        refusals.append(await house.api.refused("RespondToAuthChallenge", **proof))
    assert refusals[:2] == refusals[2:]
    assert refusals[0].message == "Invalid session for the user."
    assert refusals[1].message == WRONG


async def test_where_nobody_is_hidden_the_answer_may_name_the_username(api, settle):
    house = await settle(api, {"AliasAttributes": ["email"], **FOLDING})
    await house.add_user("Ann", **EMAIL)
    for name in ("Ann", "ann@example.org"):
        prover, asked = await house.ask("ann@example.org")
        proof = house.proof(prover, asked)
        proof["ChallengeResponses"]["USERNAME"] = name
        assert "AuthenticationResult" in await api("RespondToAuthChallenge", **proof)


async def test_a_client_that_hides_nobody_tells_the_username(api, settle):
    house = await settle(api, {"AliasAttributes": ["email"], **FOLDING})
    await house.add_user("Ann", **EMAIL)
    for name in ("ann@example.org", "ANN"):
        told, _, proof = await shown(house, name)
        assert told == "Ann"
        assert "AuthenticationResult" in await api("RespondToAuthChallenge", **proof)


async def test_each_way_to_set_a_password_proves_both_names(start, settle):
    sent = []
    house = await settle(
        await start(on_message=sent.append),
        {"AliasAttributes": ["email"]},
        PreventUserExistenceErrors="ENABLED",
    )
    attributes = [{"Name": name, "Value": value} for name, value in EMAIL.items()]
    named = {"UserPoolId": house.pool_id, "Username": "ann"}
    temporary = {"TemporaryPassword": "Temp0rary!", "UserAttributes": attributes}
    await house.api("AdminCreateUser", **named, **temporary)
    prover, asked = await house.ask("ann")
    asked = await house.api("RespondToAuthChallenge", **house.proof(prover, asked, "Temp0rary!"))
    name = asked["ChallengeParameters"]["USERNAME"]
    chosen = house.answer("NEW_PASSWORD_REQUIRED", name, asked["Session"], NEW_PASSWORD="Ch0sen-It")
    assert "AuthenticationResult" in await house.api("RespondToAuthChallenge", **chosen)
    for password in ("Ch0sen-It", "Adm1n-Set", "F0rgotten-It"):
        if password.startswith("Adm1n"):
            set_one = {"Password": password, "Permanent": True}
            await house.api("AdminSetUserPassword", **named, **set_one)
        if password.startswith("F0r"):
            await house.api("ForgotPassword", ClientId=house.client_id, Username="ann")
            entered = {"ConfirmationCode": sent[-1].code.reveal(), "Password": password}
            await house.api(
                "ConfirmForgotPassword", ClientId=house.client_id, Username="ann", **entered
            )
        prover, asked = await house.ask("ann@example.org")
        proof = house.proof(prover, asked, password)
        assert "AuthenticationResult" in await house.api("RespondToAuthChallenge", **proof)
        by_password = house.by_password("ann", password)
        assert "AuthenticationResult" in await house.api("InitiateAuth", **by_password)


@define
class Watching:
    """Triggers that write down whom they are asked about."""

    sources = frozenset(
        {"PreAuthentication", "DefineAuthChallenge", "CreateAuthChallenge", "CustomMessage"}
        | {"VerifyAuthChallengeResponse"}
    )
    events: list = field(factory=list)

    async def handle(self, event):
        self.events.append(event)
        event["response"]["challengeName"] = "CUSTOM_CHALLENGE"
        return event


@define
class Proving(Watching):
    """Triggers of a custom flow that wants the password proved first, if the client can."""

    async def handle(self, event):
        filled = await super().handle(event)
        if [each["challengeName"] for each in event["request"].get("session") or ()] == ["SRP_A"]:
            filled["response"]["challengeName"] = "PASSWORD_VERIFIER"
        return filled


BARRED = {
    "disabled": "UPDATE users SET enabled = 0",
    "unconfirmed": "UPDATE users SET status = 'UNCONFIRMED'",
    "to reset": "UPDATE users SET status = 'RESET_REQUIRED'",
}


NAMES_OF = {
    "folding": (FOLDING, "Ann", ["ann", "ANN"]),
    "strict": (STRICT, "Ann", ["Ann"]),
    "with aliases": (ALIASED, "Ann", ["Ann", "ann@example.org"]),
    "by address": ({"UsernameAttributes": ["email"]}, "ann@example.org", ["ann@example.org"]),
}


@pytest.mark.parametrize("state", BARRED)
@pytest.mark.parametrize("pool", NAMES_OF)
async def test_who_may_not_sign_in_has_one_salt_and_one_name_in_every_flow_and_gets_no_tokens(
    start, settle, tmp_path, state, pool
):
    setting, username, names = NAMES_OF[pool]
    triggers, path = Proving(), tmp_path / "pool.db"
    house = await settle(
        await start(triggers=triggers, db=str(path)), setting, PreventUserExistenceErrors="ENABLED"
    )
    await house.add_user(username, **EMAIL)
    ways = [("USER_SRP_AUTH", {}), ("CUSTOM_AUTH", {"CHALLENGE_NAME": "SRP_A"})]
    seen = {name: {(await shown(house, name))[:2]} for name in names}
    with closing(sqlite3.connect(path)) as file:
        file.execute(BARRED[state])
        file.commit()
    for name in names:
        for flow, more in ways:
            triggers.events.clear()
            told, salt, proof = await shown(house, name, flow, **more)
            seen[name].add((told, salt))
            heard = {event["request"]["userNotFound"] for event in triggers.events}
            assert heard == {flow == "CUSTOM_AUTH"}
            if flow == "CUSTOM_AUTH":  # the right password proves nothing there
                refusal = await house.api.refused("RespondToAuthChallenge", **proof)
                assert refusal.message == WRONG
        asked = await house.api("InitiateAuth", **house.begin("CUSTOM_AUTH", name))
        seen[name].add((asked["ChallengeParameters"]["USERNAME"], salt))
    assert {name: len(each) for name, each in seen.items()} == dict.fromkeys(names, 1)


@pytest.mark.parametrize("setting", [FOLDING, STRICT])
async def test_triggers_hear_one_spelling_of_a_name_that_nobody_has(start, settle, setting):
    triggers = Watching()
    house = await settle(
        await start(triggers=triggers), setting, PreventUserExistenceErrors="ENABLED"
    )
    shown_for = {}
    for name in ("ghost", "GHOST"):
        await house.api("InitiateAuth", **house.begin("CUSTOM_AUTH", name))
        forgot = {"ClientId": house.client_id, "Username": name}
        shown_for[name] = await house.api("ForgotPassword", **forgot)
    folds = setting is FOLDING
    assert {event["userName"] for event in triggers.events} == (
        {"ghost"} if folds else {"ghost", "GHOST"}
    )
    assert {event["request"]["userNotFound"] for event in triggers.events} == {True}
    assert (shown_for["ghost"] == shown_for["GHOST"]) is folds


@pytest.mark.parametrize("name", ["Who@Example.org", "+12065550123"])
async def test_an_address_that_nobody_has_is_shown_as_it_folds(api, settle, name):
    pool = {"AliasAttributes": ["email", "phone_number"], **FOLDING}
    house = await settle(api, pool, PreventUserExistenceErrors="ENABLED")
    details = [
        await api("ForgotPassword", ClientId=house.client_id, Username=each)
        for each in (name, name.upper(), name.lower())
    ]
    assert details[0] == details[1] == details[2]


async def test_a_message_that_goes_to_nobody_is_worded_for_a_user_who_could_be(start, settle):
    triggers = Watching()
    sent = []
    house = await settle(
        await start(triggers=triggers, on_message=sent.append),
        {"AutoVerifiedAttributes": ["email"]},
        PreventUserExistenceErrors="ENABLED",
    )
    await house.add_user("ann", **EMAIL)
    for name in ("ann", "bob"):
        await house.api("ForgotPassword", ClientId=house.client_id, Username=name)
    known, unknown = triggers.events
    assert "userNotFound" not in known["request"]
    assert unknown["request"].pop("userNotFound") is True
    assert known["request"].keys() == unknown["request"].keys()
    assert known["request"]["userAttributes"].keys() == unknown["request"]["userAttributes"].keys()
    assert [message.username for message in sent] == ["ann"]

"""A remembered device proves itself after the last factor, in every flow; then come its tokens."""

import asyncio
import copy
import itertools
import sqlite3
from contextlib import closing

import pyotp
import pytest
from attrs import define, field
from joserfc import jwt
from joserfc.jwk import KeySet

from authflow import srp
from authflow.pool.workers import Workers
from tests.pool.conftest import Phone

RESPOND = "RespondToAuthChallenge"
ALWAYS = {"DeviceConfiguration": {"ChallengeRequiredOnNewDevice": False}}
SPARING = {"DeviceConfiguration": {"ChallengeRequiredOnNewDevice": True}}
HIDING = {"PreventUserExistenceErrors": "ENABLED"}
GONE = ("ResourceNotFoundException", "Device does not exist.")
WRONG = ("NotAuthorizedException", "Incorrect username or password.")
INVALID = ("NotAuthorizedException", "Invalid session for the user.")
LOCKED = "Password attempts exceeded"
TEMPORARY, NEW = "Temp0rary!", "Str0ng-Horse"
PROVER = srp.Prover.start(b"\x09" * 32)


@define
class Handlers:
    """A custom flow: the password if SRP begins it, then one round, answered by "x"."""

    sources = frozenset(
        {
            *("DefineAuthChallenge", "CreateAuthChallenge", "VerifyAuthChallengeResponse"),
            *("PostAuthentication", "PreTokenGeneration"),
        }
    )
    events: list = field(factory=list)
    meanwhile: dict = field(factory=dict)
    last: bool = False
    """Whether the last entry decides, so that there is another round after a device's proof."""

    async def handle(self, event):
        name, response = event["triggerSource"].partition("_")[0], dict(event["response"])
        self.events.append(copy.deepcopy(event))
        if name in self.meanwhile:
            await self.meanwhile.pop(name)()
        match name:
            case "DefineAuthChallenge":
                done = [
                    (each["challengeName"], each["challengeResult"])
                    for each in event["request"]["session"]
                ]
                first = "PASSWORD_VERIFIER" if done == [("SRP_A", True)] else "CUSTOM_CHALLENGE"
                response = {
                    "challengeName": first,
                    "issueTokens": ("CUSTOM_CHALLENGE", True) in (done[-1:] if self.last else done),
                    "failAuthentication": ("CUSTOM_CHALLENGE", False) in done,
                }
            case "CreateAuthChallenge":
                response = {"publicChallengeParameters": {}, "privateChallengeParameters": {}}
            case "VerifyAuthChallengeResponse":
                response = {"answerCorrect": event["request"]["challengeAnswer"] == "x"}
        return {**event, "response": response}

    def seen(self, member=None):
        """Give what ran since this was asked last: its sources, or a member of their requests."""
        events, self.events = self.events, []
        return [each["request"].get(member) if member else each["triggerSource"] for each in events]


@pytest.fixture
def handlers():
    return Handlers()


@pytest.fixture
async def house(api, settle):
    house = await settle(api, ALWAYS)
    await house.add_user()
    return house


@pytest.fixture
async def custom(start, settle, handlers):
    house = await settle(await start(triggers=handlers), ALWAYS)
    await house.add_user()
    return house


async def told(house, request, operation=RESPOND):
    refusal = await house.api.refused(operation, **request)
    return refusal.code, refusal.message


async def claims(house, token):
    address = f"{house.api.endpoint}/{house.pool_id}/.well-known/jwks.json"
    async with house.api.http.get(address) as reply:
        keys = KeySet.import_key_set(await reply.json(content_type=None))
    return jwt.decode(token, keys, algorithms=["RS256"]).claims


# The steps after which a device is asked: each gives the operation and its request.


async def by_password(house, key):
    return "InitiateAuth", house.begin("USER_PASSWORD_AUTH", PASSWORD="Corr3ct-Horse", **key)


async def by_administrator(house, key):
    begun = house.begin("ADMIN_USER_PASSWORD_AUTH", PASSWORD="Corr3ct-Horse", **key)
    return "AdminInitiateAuth", {"UserPoolId": house.pool_id, **begun}


async def by_srp(house, key):
    proof = await house.by_srp()
    proof["ChallengeResponses"] |= key
    return RESPOND, proof


async def by_new_password(house, key):
    # What was a temporary password is the user's own again for the next sign-in.
    named = {"UserPoolId": house.pool_id, "Username": "ann"}
    await house.api("AdminSetUserPassword", **named, Password=TEMPORARY)
    asked = await house.api("InitiateAuth", **house.by_password("ann", TEMPORARY))
    password = {"NEW_PASSWORD": "Corr3ct-Horse"}
    return RESPOND, house.answer(
        "NEW_PASSWORD_REQUIRED", "ann", asked["Session"], **password, **key
    )


async def by_custom_answer(house, key):
    asked = await house.api("InitiateAuth", **house.begin("CUSTOM_AUTH"))
    return RESPOND, house.answer("CUSTOM_CHALLENGE", "ann", asked["Session"], ANSWER="x", **key)


async def by_custom_answer_after_srp(house, key):
    prover, asked = await house.ask("ann", "CUSTOM_AUTH", CHALLENGE_NAME="SRP_A")
    asked = await house.api(RESPOND, **house.proof(prover, asked))
    return RESPOND, house.answer("CUSTOM_CHALLENGE", "ann", asked["Session"], ANSWER="x", **key)


LAST_STEPS = (
    *(by_password, by_administrator, by_srp, by_new_password),
    *(by_custom_answer, by_custom_answer_after_srp),
)


@pytest.mark.parametrize("step", LAST_STEPS)
async def test_a_device_is_asked_for_its_proof_after_the_last_factor(custom, register, step):
    phone, _ = await register(custom)
    operation, request = await step(custom, {"DEVICE_KEY": phone.key})
    begun = await custom.api(operation, **request)
    assert begun["ChallengeName"] == "DEVICE_SRP_AUTH"
    assert begun["ChallengeParameters"] == {"DEVICE_KEY": phone.key, "USERNAME": "ann"}
    first = phone.first(PROVER, begun["Session"])
    asked = await custom.api(RESPOND, **first)
    assert asked["ChallengeName"] == "DEVICE_PASSWORD_VERIFIER"
    assert asked["ChallengeParameters"].keys() == {
        *("DEVICE_KEY", "USERNAME", "SALT", "SRP_B", "SECRET_BLOCK")
    }
    reply = await custom.api(RESPOND, **phone.proof(PROVER, asked, session=asked["Session"]))
    result = reply["AuthenticationResult"]
    assert "NewDeviceMetadata" not in result
    assert (await claims(custom, result["AccessToken"]))["device_key"] == phone.key
    assert "device_key" not in await claims(custom, result["IdToken"])


async def test_a_new_device_is_named_in_its_access_tokens_from_the_first(house):
    result = await house.tokens()
    phone = Phone.of(house, result)
    assert (await claims(house, result["AccessToken"]))["device_key"] == phone.key
    await phone.confirm(result["AccessToken"])
    refresh = {"ClientId": house.client_id, "RefreshToken": result["RefreshToken"]}
    reply = await house.api("GetTokensFromRefreshToken", **refresh, DeviceKey=phone.key)
    renewed = reply["AuthenticationResult"]
    assert "NewDeviceMetadata" not in renewed
    assert (await claims(house, renewed["AccessToken"]))["device_key"] == phone.key


async def test_where_no_device_is_remembered_none_is_asked_or_given(api, settle, register):
    house = await settle(api, ALWAYS)
    await house.add_user()
    phone, _ = await register(house)
    await api("UpdateUserPool", UserPoolId=house.pool_id)
    for key in (phone.key, "us-east-1_0", ""):
        for step in (by_password, by_srp):
            operation, request = await step(house, {"DEVICE_KEY": key})
            result = (await api(operation, **request))["AuthenticationResult"]
            assert "NewDeviceMetadata" not in result
            assert "device_key" not in await claims(house, result["AccessToken"])


@pytest.mark.parametrize("step", LAST_STEPS)
async def test_a_device_that_the_user_does_not_have_is_refused_and_nothing_is_lost(
    custom, settle, register, step
):
    await custom.add_user("bob")
    elsewhere = await settle(custom.api, ALWAYS)
    await elsewhere.add_user()
    theirs, _ = await register(custom, "bob")
    far, _ = await register(elsewhere)
    unconfirmed = Phone.of(custom, await custom.tokens())
    forgotten, _ = await register(custom)
    await custom.api("AdminForgetDevice", **forgotten.named)
    keys = [each.key for each in (theirs, far, unconfirmed, forgotten)]
    operation, request = await step(custom, {})
    members = "AuthParameters" if operation.endswith("InitiateAuth") else "ChallengeResponses"
    for key in (*keys, "us-east-1_0", "x", ""):
        named = {**request, members: {**request[members], "DEVICE_KEY": key}}
        assert await told(custom, named, operation) == GONE
    # Clients forget the device and send the same answer without it.
    reply = await custom.api(operation, **request)
    assert "NewDeviceMetadata" in reply["AuthenticationResult"]


async def test_a_hundred_answers_that_name_no_device_leave_one_good_answer(house):
    _, proof = await by_srp(house, {})
    named = copy.deepcopy(proof)
    named["ChallengeResponses"]["DEVICE_KEY"] = "us-east-1_0"
    replies = await house.api.at_once(*[(RESPOND, named)] * 50, *[(RESPOND, proof)] * 50)
    assert sum("AuthenticationResult" in each for each in replies) == 1
    refusals = {each["message"] for each in replies if "__type" in each}
    assert refusals <= {GONE[1], WRONG[1]}


@pytest.mark.parametrize("client", [{}, HIDING])
async def test_who_has_not_proved_the_password_hears_nothing_of_devices(
    api, settle, register, client
):
    house = await settle(api, ALWAYS, **client)
    await house.add_user()
    phone, _ = await register(house)
    for key in (phone.key, "us-east-1_0"):
        _, proof = await by_srp(house, {"DEVICE_KEY": key})
        responses = proof["ChallengeResponses"]
        right = responses["PASSWORD_CLAIM_SIGNATURE"]
        responses["PASSWORD_CLAIM_SIGNATURE"] = ("B" if right[0] == "A" else "A") + right[1:]
        assert await told(house, proof) == WRONG
        wrong = house.begin("USER_PASSWORD_AUTH", PASSWORD="wrong", DEVICE_KEY=key)
        assert await told(house, wrong, "InitiateAuth") == WRONG
        house.clock.now += 1000


async def test_wrong_passwords_count_though_they_name_no_device_and_right_ones_do_not(house):
    def request(password):
        return house.begin("USER_PASSWORD_AUTH", PASSWORD=password, DEVICE_KEY="us-east-1_0")

    for _ in range(4):
        assert await told(house, request("wrong"), "InitiateAuth") == WRONG
    assert await told(house, request("Corr3ct-Horse"), "InitiateAuth") == GONE
    # It was no sign-in, so nothing is forgiven.
    assert await told(house, request("wrong"), "InitiateAuth") == WRONG
    assert (await told(house, request("Corr3ct-Horse"), "InitiateAuth"))[1] == LOCKED


@pytest.mark.parametrize("flow", ["USER_SRP_AUTH", "USER_PASSWORD_AUTH", "CUSTOM_AUTH"])
async def test_where_users_are_hidden_a_device_tells_of_none(start, settle, handlers, flow):
    house = await settle(await start(triggers=handlers), ALWAYS, **HIDING)
    await house.add_user()
    heard = []
    for name in ("ann", "nobody"):
        key = {"DEVICE_KEY": "us-east-1_0"}
        if flow == "USER_PASSWORD_AUTH":
            request = house.begin(flow, name, PASSWORD="wrong", **key)
            heard.append(await told(house, request, "InitiateAuth"))
            continue
        if flow == "USER_SRP_AUTH":
            prover, asked = await house.ask(name, **key)
            request = house.proof(prover, asked, "wrong")
        else:
            asked = await house.api("InitiateAuth", **house.begin(flow, name, **key))
            known_as = asked["ChallengeParameters"]["USERNAME"]
            request = house.answer("CUSTOM_CHALLENGE", known_as, asked["Session"], ANSWER="y")
        request["ChallengeResponses"] |= key
        heard.append(await told(house, request))
    assert heard[0] == heard[1] == (GONE if flow == "CUSTOM_AUTH" else WRONG)


@pytest.mark.parametrize("answer", ["without", "with another"])
async def test_what_initiate_auth_named_counts_unless_the_answer_names_another(
    house, register, answer
):
    (phone, _), (second, _) = await register(house), await register(house)
    prover, asked = await house.ask(DEVICE_KEY=phone.key)
    proof = house.proof(prover, asked)
    if answer == "with another":
        proof["ChallengeResponses"]["DEVICE_KEY"] = second.key
    wanted = phone if answer == "without" else second
    begun = await house.api(RESPOND, **proof)
    assert begun["ChallengeParameters"]["DEVICE_KEY"] == wanted.key
    assert "AuthenticationResult" in await wanted.prove(begun)


@pytest.mark.parametrize("flow", ["USER_SRP_AUTH", "CUSTOM_AUTH"])
async def test_what_is_no_devices_key_takes_no_room(start, settle, handlers, tmp_path, flow):
    path = tmp_path / "pool.db"
    house = await settle(await start(db=str(path), triggers=handlers), ALWAYS, **HIDING)
    await house.add_user()
    for name, key in itertools.product(("ann", "stranger"), ("d" * 60_000, "us-east-1_0")):
        _, asked = await house.ask(name, flow, CHALLENGE_NAME="SRP_A", DEVICE_KEY=key)
        assert asked["ChallengeName"] == "PASSWORD_VERIFIER"
    with closing(sqlite3.connect(path)) as file:
        ((longest, count),) = file.execute("SELECT max(length(sealed)), count(*) FROM sessions")
    assert longest < 5000
    assert count == 4


async def test_a_forgotten_device_at_the_beginning_hinders_nobody(house, register):
    """So do clients that name it at InitiateAuth, too: Amplify for Android, pycognito, boto3."""
    phone, _ = await register(house)
    await house.api("AdminForgetDevice", **phone.named)
    prover, asked = await house.ask(DEVICE_KEY=phone.key)
    proof = house.proof(prover, asked)
    named = copy.deepcopy(proof)
    named["ChallengeResponses"]["DEVICE_KEY"] = phone.key
    assert await told(house, named) == GONE
    assert "NewDeviceMetadata" in (await house.api(RESPOND, **proof))["AuthenticationResult"]


# The proof itself.


async def test_a_wrong_proof_is_refused_and_ends_the_sign_in(house, register):
    phone, _ = await register(house)
    liar = Phone(house, phone.key, phone.group_key, "another password")
    asked = await liar.asked(await phone.begin())
    assert await told(house, asked) == WRONG
    assert await told(house, asked) == WRONG
    # A right proof cannot follow in the same sign-in.
    begun = await phone.begin()
    prover = srp.Prover.start(b"\x08" * 32)
    challenge = await house.api(RESPOND, **phone.first(prover, begun["Session"]))
    assert await told(house, liar.proof(prover, challenge)) == WRONG
    assert await told(house, phone.proof(prover, challenge)) == WRONG
    assert await phone.tokens()


async def test_a_proof_is_for_one_time_one_stamp_and_one_name(house, register):
    phone, _ = await register(house)

    async def asked(**more):
        begun = await phone.begin()
        challenge = await house.api(RESPOND, **phone.first(PROVER, begun["Session"]))
        return phone.proof(PROVER, challenge, session=challenge["Session"], **more)

    for stamp in (
        "Wed Nov 04 10:00:00 UTC 2026",
        "Tue Nov 4 10:00:00 UTC 2026",
        "Wed Nov 4 09:54:59 UTC 2026",
        "Wed Nov 4 10:05:01 UTC 2026",
    ):
        assert await told(house, await asked(TIMESTAMP=stamp)) == WRONG
        await phone.tokens()  # or the device would be locked
    proof = await asked()
    for change in ({"USERNAME": "bob"}, {"USERNAME": "nobody"}):
        stranger = {**proof, "ChallengeResponses": {**proof["ChallengeResponses"], **change}}
        assert await told(house, stranger) == WRONG
    assert "AuthenticationResult" in await house.api(RESPOND, **proof)
    assert await told(house, proof) == WRONG


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"USERNAME": ""}, "Missing required parameter USERNAME"),
        ({"DEVICE_KEY": ""}, "Missing required parameter DEVICE_KEY"),
        ({"TIMESTAMP": ""}, "Missing required parameter TIMESTAMP"),
        (
            {"PASSWORD_CLAIM_SIGNATURE": "%"},
            "Invalid PASSWORD_CLAIM_SIGNATURE format. Must be a Base64 string.",
        ),
        ({"TIMESTAMP": "now"}, "TIMESTAMP format should be EEE MMM d HH:mm:ss z yyyy in english."),
    ],
)
async def test_malformed_proofs_are_refused_and_use_up_nothing(house, register, change, message):
    phone, _ = await register(house)
    proof = await phone.asked(await phone.begin())
    spoilt = {**proof, "ChallengeResponses": {**proof["ChallengeResponses"], **change}}
    assert await told(house, spoilt) == ("InvalidParameterException", message)
    assert "AuthenticationResult" in await house.api(RESPOND, **proof)


@pytest.mark.parametrize("value", ["", "0", "00", f"{srp.COGNITO.prime:x}", "g", "-1", "f" * 769])
async def test_an_unsafe_a_is_refused_and_uses_up_nothing(house, register, value, monkeypatch):
    phone, _ = await register(house)
    begun = await phone.begin()
    first = phone.first(PROVER, begun["Session"], SRP_A=value)
    with monkeypatch.context() as patch:
        calls = []
        patch.setattr("authflow.srp.modexp", lambda *args: calls.append(args))
        code, _ = await told(house, first)
        assert calls == []
    assert code == "InvalidParameterException"
    assert "AuthenticationResult" in await phone.prove(begun)


async def test_five_wrong_proofs_lock_a_device_and_no_other_and_no_password(house, register):
    (phone, _), (second, _) = await register(house), await register(house)
    liar = Phone(house, phone.key, phone.group_key, "a guess")
    for _ in range(5):
        # The right password in between, as an attacker who has it must give it, forgives nothing.
        assert await told(house, await liar.asked(await phone.begin())) == WRONG
    begun = await phone.begin()
    assert (await told(house, phone.first(PROVER, begun["Session"])))[1] == LOCKED
    assert await second.tokens()
    assert await house.tokens()
    house.clock.now += 1
    # The lock is over, and nothing was used up by asking during it.
    assert "AuthenticationResult" in await phone.prove(begun)
    for _ in range(4):  # a right proof forgives the wrong ones
        assert await told(house, await liar.asked(await phone.begin())) == WRONG
    assert await phone.tokens()


async def test_a_lock_that_comes_while_a_proof_is_made_holds_for_it(house, register):
    phone, _ = await register(house)
    liar = Phone(house, phone.key, phone.group_key, "a guess")
    proof = await phone.asked(await phone.begin())
    guesses = [await liar.asked(await phone.begin()) for _ in range(12)]
    replies = await house.api.at_once(*((RESPOND, each) for each in guesses))
    # Of guesses at once no more are judged than the lock allows.
    judged = [each["message"] for each in replies].count(WRONG[1])
    assert judged == 5
    assert (await told(house, proof))[1] == LOCKED
    house.clock.now += 1
    assert "AuthenticationResult" in await house.api(RESPOND, **proof)


async def test_a_proof_of_a_locked_device_costs_no_arithmetic(house, register, monkeypatch):
    phone, _ = await register(house)
    liar = Phone(house, phone.key, phone.group_key, "a guess")
    proof = await phone.asked(await phone.begin())
    for _ in range(5):
        assert await told(house, await liar.asked(await phone.begin())) == WRONG
    plain, ran = Workers.run, []

    async def run(self, function, *args, **kwargs):
        ran.append(function.__name__)
        return await plain(self, function, *args, **kwargs)

    monkeypatch.setattr(Workers, "run", run)
    assert (await told(house, proof))[1] == LOCKED
    assert "_right_signature" not in ran
    house.clock.now += 1
    assert "AuthenticationResult" in await house.api(RESPOND, **proof)
    assert "_right_signature" in ran


# The sessions of both answers.


async def test_both_answers_may_leave_the_session_out(house, register):
    """So do pycognito and Amplify for Android."""
    phone, _ = await register(house)
    await phone.begin()
    asked = await house.api(RESPOND, **phone.first(PROVER, None))
    assert "AuthenticationResult" in await house.api(RESPOND, **phone.proof(PROVER, asked))
    assert await told(house, phone.first(PROVER, None)) == INVALID


async def test_the_session_of_the_challenge_before_is_taken_for_the_first_answer(house, register):
    """So amazon-cognito-identity-js sends it, after any challenge but the password's proof."""
    phone, _ = await register(house)
    _, request = await by_new_password(house, {"DEVICE_KEY": phone.key})
    begun = await house.api(RESPOND, **request)
    assert begun["ChallengeName"] == "DEVICE_SRP_AUTH"
    assert begun["Session"] != request["Session"]
    asked = await house.api(RESPOND, **phone.first(PROVER, request["Session"]))
    proof = phone.proof(PROVER, asked, session=asked["Session"])
    assert "AuthenticationResult" in await house.api(RESPOND, **proof)


async def test_without_a_session_the_newest_sign_in_of_the_device_is_answered(house, register):
    phone, _ = await register(house)
    older, newest = await phone.begin(), await phone.begin()
    await house.api(RESPOND, **phone.first(PROVER, None))
    assert await told(house, phone.first(PROVER, newest["Session"])) == INVALID
    assert "AuthenticationResult" in await phone.prove(older)


async def test_an_answer_without_a_session_needs_a_password_that_was_just_proved(house, register):
    phone, _ = await register(house)
    assert await told(house, phone.first(PROVER, None)) == INVALID
    await phone.tokens()
    assert await told(house, phone.first(PROVER, None)) == INVALID
    await phone.begin()
    house.clock.now += 180
    assert (await told(house, phone.first(PROVER, None)))[0] == "NotAuthorizedException"
    await phone.begin()
    named = {"UserPoolId": house.pool_id, "Username": "ann"}
    await house.api("AdminSetUserPassword", **named, Password=NEW, Permanent=True)
    assert await told(house, phone.first(PROVER, None)) == INVALID


async def other_client(house):
    made = await house.api(
        "CreateUserPoolClient",
        UserPoolId=house.pool_id,
        ClientName="second",
        ExplicitAuthFlows=["ALLOW_USER_SRP_AUTH"],
    )
    return made["UserPoolClient"]["ClientId"]


async def test_no_session_but_its_own_is_good_for_either_answer(house, settle, register):
    await house.add_user("bob")
    (phone, _), (theirs, _) = await register(house), await register(house, "bob")
    elsewhere = await settle(house.api, ALWAYS)
    await elsewhere.add_user()
    far, _ = await register(elsewhere)
    begun, bobs, fars = await phone.begin(), await theirs.begin(), await far.begin()
    second = await other_client(house)
    used = await phone.begin()
    used_first = phone.first(PROVER, used["Session"])
    after = await house.api(RESPOND, **used_first)
    first, asked = phone.first(PROVER, begun["Session"]), None
    sessions = {
        *("A" * 64, bobs["Session"], fars["Session"], used["Session"], after["Session"]),
        after["ChallengeParameters"]["SECRET_BLOCK"],
    }
    for session in sessions:
        assert await told(house, {**first, "Session": session}) == INVALID, session
    assert await told(house, {**first, "ClientId": second}) == INVALID
    assert await told(house, {**first, "ClientId": elsewhere.client_id}) == INVALID
    without = phone.first(PROVER, None)
    assert await told(house, {**without, "ClientId": second}) == INVALID
    assert await told(house, {**without, "ClientId": elsewhere.client_id}) == INVALID
    for name in ("bob", "nobody"):
        stranger = {**without["ChallengeResponses"], "USERNAME": name}
        assert await told(house, {**without, "ChallengeResponses": stranger}) == INVALID
    # Nor is it good for another challenge, or another device.
    for name in ("PASSWORD_VERIFIER", "DEVICE_PASSWORD_VERIFIER", "SMS_MFA", "CUSTOM_CHALLENGE"):
        wrong_step = {**first, "ChallengeName": name}
        code, _ = await told(house, wrong_step)
        assert code in {"NotAuthorizedException", "InvalidParameterException"}
    for key in (theirs.key, far.key, "us-east-1_0"):
        stranger = phone.first(PROVER, begun["Session"], DEVICE_KEY=key)
        assert await told(house, stranger) == GONE
    asked = await house.api(RESPOND, **first)
    proof = phone.proof(PROVER, asked, session=asked["Session"])
    for session in (*sessions, begun["Session"]):
        if session != after["Session"]:
            assert await told(house, {**proof, "Session": session}) == INVALID, session
    assert await told(house, {**proof, "Session": after["Session"]}) == INVALID
    for client in (second, elsewhere.client_id):
        assert await told(house, {**proof, "ClientId": client}) == WRONG
    for key in (theirs.key, "us-east-1_0"):
        members = {**proof["ChallengeResponses"], "DEVICE_KEY": key}
        assert await told(house, {**proof, "ChallengeResponses": members}) == GONE
    assert "AuthenticationResult" in await house.api(RESPOND, **proof)


async def test_another_device_of_the_same_user_does_not_answer_for_this_one(house, register):
    (phone, _), (second, _) = await register(house), await register(house)
    begun = await phone.begin()
    assert await told(house, second.first(PROVER, begun["Session"])) == GONE
    asked = await house.api(RESPOND, **phone.first(PROVER, begun["Session"]))
    assert await told(house, second.proof(PROVER, asked)) == GONE
    assert "AuthenticationResult" in await house.api(RESPOND, **phone.proof(PROVER, asked))


async def test_an_app_client_with_a_secret_demands_it_of_both_answers(api, settle, register):
    house = await settle(api, ALWAYS, GenerateSecret=True)
    await house.add_user()
    phone, _ = await register(house)
    begun = await phone.begin()
    first = phone.first(PROVER, begun["Session"])
    for secret in (None, "AAAA"):
        members = {k: v for k, v in first["ChallengeResponses"].items() if k != "SECRET_HASH"}
        members |= {} if secret is None else {"SECRET_HASH": secret}
        code, message = await told(house, {**first, "ChallengeResponses": members})
        assert code == "NotAuthorizedException"
        assert "secret" in message.lower()
    assert "AuthenticationResult" in await phone.prove(begun)


# What happens meanwhile.


async def forget(phone):
    await phone.house.api("AdminForgetDevice", **phone.named)


async def change_password(phone):
    named = {"UserPoolId": phone.house.pool_id, "Username": phone.username}
    await phone.house.api("AdminSetUserPassword", **named, Password=NEW, Permanent=True)


async def disable(phone):
    named = {"UserPoolId": phone.house.pool_id, "Username": phone.username}
    await phone.house.api("AdminDisableUser", **named)


async def delete(phone):
    named = {"UserPoolId": phone.house.pool_id, "Username": phone.username}
    await phone.house.api("AdminDeleteUser", **named)


MEANWHILE = (forget, change_password, disable, delete)


@pytest.mark.parametrize("meanwhile", MEANWHILE)
async def test_neither_answer_counts_after_what_it_rests_on_has_gone(house, register, meanwhile):
    phone, _ = await register(house)
    begun = await phone.begin()
    proof = await phone.asked(await phone.begin())
    await meanwhile(phone)
    for answer in (phone.first(PROVER, begun["Session"]), phone.first(PROVER, None), proof):
        code, message = await told(house, answer)
        if meanwhile is forget and (answer is proof or "Session" in answer):
            assert (code, message) == GONE
        else:
            assert code == "NotAuthorizedException"


@pytest.mark.parametrize("meanwhile", MEANWHILE)
async def test_no_tokens_come_of_a_proof_that_was_right_before_the_arithmetic(
    house, register, meanwhile, monkeypatch
):
    phone, _ = await register(house)
    proof = await phone.asked(await phone.begin())
    plain, done = Workers.run, []

    async def run(self, function, *args, **kwargs):
        result = await plain(self, function, *args, **kwargs)
        if function.__name__ == "_right_signature" and not done:
            done.append(function)
            await meanwhile(phone)
        return result

    monkeypatch.setattr(Workers, "run", run)
    code, _ = await told(house, proof)
    assert done
    assert code in {"NotAuthorizedException", "ResourceNotFoundException"}


@pytest.mark.parametrize("trigger", ["PostAuthentication", "TokenGeneration"])
@pytest.mark.parametrize("meanwhile", MEANWHILE)
async def test_no_tokens_come_of_a_device_that_goes_while_triggers_run(
    custom, handlers, register, trigger, meanwhile
):
    phone, _ = await register(custom)
    proof = await phone.asked(await phone.begin())
    handlers.meanwhile[trigger] = lambda: meanwhile(phone)
    code, _ = await told(custom, proof)
    assert code == "NotAuthorizedException"
    assert not handlers.meanwhile


async def test_of_a_hundred_beginnings_and_of_a_hundred_proofs_at_once_one_wins(house, register):
    phone, _ = await register(house)
    begun = await phone.begin()
    firsts = [phone.first(PROVER, session) for session in (begun["Session"], None)] * 50
    replies = await house.api.at_once(*((RESPOND, each) for each in firsts))
    (asked,) = [reply for reply in replies if "__type" not in reply]
    assert {each["__type"] for each in replies if each is not asked} == {"NotAuthorizedException"}
    proofs = [phone.proof(PROVER, asked, session=each) for each in (asked["Session"], None)] * 50
    replies = await house.api.at_once(*((RESPOND, each) for each in proofs))
    assert sum("AuthenticationResult" in reply for reply in replies) == 1
    losers = {each["message"] for each in replies if "__type" in each}
    assert losers == {WRONG[1]}


async def test_of_proofs_at_two_servers_of_one_file_one_wins(start, settle, register, tmp_path):
    database = {"db": str(tmp_path / "pool.db")}
    house = await settle(await start(**database), ALWAYS)
    await house.add_user()
    other = await start(**database)
    phone, _ = await register(house)
    proof = await phone.asked(await phone.begin())
    half = [(RESPOND, proof)] * 15
    here, there = await asyncio.gather(house.api.at_once(*half), other.at_once(*half))
    assert sum("AuthenticationResult" in reply for reply in here + there) == 1


async def test_a_device_that_is_forgotten_against_its_proof_has_no_tokens_left(house, register):
    ends = set()
    for _ in range(6):
        phone, _ = await register(house)
        proofs = [(RESPOND, await phone.asked(await phone.begin())) for _ in range(5)]
        forgets = [("AdminForgetDevice", phone.named)] * 5
        mixed = [each for pair in zip(proofs, forgets, strict=True) for each in pair]
        replies = await house.api.at_once(*mixed)
        assert sum(not reply for reply in replies) == 1  # one has forgotten it
        for reply in replies:
            ends.add(reply.get("__type", "gone" if not reply else "tokens"))
            if "AuthenticationResult" in reply:
                tokens = reply["AuthenticationResult"]
                code, _ = await told(
                    house, {"AccessToken": tokens["AccessToken"]}, operation="GetUser"
                )
                assert code == "NotAuthorizedException"
                refresh = {"ClientId": house.client_id, "RefreshToken": tokens["RefreshToken"]}
                await told(house, {**refresh, "DeviceKey": phone.key}, "GetTokensFromRefreshToken")
    assert ends <= {"gone", "tokens", "ResourceNotFoundException"}


# What stands in for a second factor.


@pytest.fixture
async def sparing(api, settle, register):
    """A pool that demands MFA, and a device that was remembered before it did."""
    house = await settle(api, SPARING)
    await house.add_user()
    phone, _ = await register(house)
    await demand_mfa(house)
    return phone


async def demand_mfa(house, token=None):
    """Have the pool demand second factors from now on; ann has an authenticator."""
    token = {"AccessToken": token or (await house.tokens())["AccessToken"]}
    await house.api(
        "SetUserPoolMfaConfig",
        UserPoolId=house.pool_id,
        MfaConfiguration="ON",
        SoftwareTokenMfaConfiguration={"Enabled": True},
    )
    key = (await house.api("AssociateSoftwareToken", **token))["SecretCode"]
    code = pyotp.TOTP(key).at(int(house.clock.now))
    await house.api("VerifySoftwareToken", **token, UserCode=code)
    return key


async def needs_a_factor(house, operation, request):
    reply = await house.api(operation, **request)
    return reply.get("ChallengeName") == "SOFTWARE_TOKEN_MFA"


async def test_a_remembered_device_stands_in_for_a_second_factor_once_it_is_proved(sparing):
    house = sparing.house
    assert await needs_a_factor(house, *await by_srp(house, {}))
    begun = await sparing.begin()
    assert begun["ChallengeName"] == "DEVICE_SRP_AUTH"
    liar = Phone(house, sparing.key, sparing.group_key, "a guess")
    assert await told(house, await liar.asked(begun)) == WRONG
    assert await sparing.tokens()


@pytest.mark.parametrize("why", ["not remembered", "not stood for"])
async def test_any_other_device_stands_in_for_nothing(sparing, why):
    house = sparing.house
    if why == "not remembered":
        status = {"DeviceRememberedStatus": "not_remembered"}
        await house.api("AdminUpdateDeviceStatus", **sparing.named, **status)
    else:
        await house.api("UpdateUserPool", UserPoolId=house.pool_id, **ALWAYS)
    assert await needs_a_factor(house, *await by_srp(house, {"DEVICE_KEY": sparing.key}))
    assert await needs_a_factor(house, *await by_password(house, {"DEVICE_KEY": sparing.key}))


@pytest.mark.parametrize("step", ["first", "proof"])
async def test_a_device_must_be_remembered_until_it_has_stood_in(sparing, step):
    house = sparing.house
    begun = await sparing.begin()
    answer = sparing.first(PROVER, begun["Session"])
    if step == "proof":
        answer = await sparing.asked(begun)
    status = {"DeviceRememberedStatus": "not_remembered"}
    await house.api("AdminUpdateDeviceStatus", **sparing.named, **status)
    if step == "first":
        asked = await house.api(RESPOND, **answer)
        answer = sparing.proof(PROVER, asked)
    assert await told(house, answer) == WRONG
    assert await told(house, answer) == WRONG


async def test_no_other_device_comes_in_the_place_of_one_that_stands_in(
    start, settle, handlers, register
):
    """In a custom flow there are rounds between what the device spares and its own proof."""
    house = await settle(await start(triggers=handlers), SPARING)
    await house.add_user()
    (phone, _), (weaker, _) = await register(house), await register(house)
    status = {"DeviceRememberedStatus": "not_remembered"}
    await house.api("AdminUpdateDeviceStatus", **weaker.named, **status)
    await demand_mfa(house)

    async def round_after_srp():
        prover, asked = await house.ask("ann", "CUSTOM_AUTH", CHALLENGE_NAME="SRP_A")
        proof = house.proof(prover, asked)
        proof["ChallengeResponses"]["DEVICE_KEY"] = phone.key
        asked = await house.api(RESPOND, **proof)
        assert asked["ChallengeName"] == "CUSTOM_CHALLENGE"
        return asked["Session"]

    session = await round_after_srp()
    for key in (weaker.key, "us-east-1_0"):
        answer = house.answer("CUSTOM_CHALLENGE", "ann", session, ANSWER="x", DEVICE_KEY=key)
        assert await told(house, answer) == GONE
    # Without a name the proof is owed all the same.
    begun = await house.api(RESPOND, **house.answer("CUSTOM_CHALLENGE", "ann", session, ANSWER="x"))
    assert begun["ChallengeParameters"]["DEVICE_KEY"] == phone.key
    assert "AuthenticationResult" in await phone.prove(begun)
    for meanwhile in ("not remembered", "forgotten"):
        session = await round_after_srp()
        if meanwhile == "forgotten":
            await forget(phone)
        else:
            await house.api("AdminUpdateDeviceStatus", **phone.named, **status)
        answer = house.answer("CUSTOM_CHALLENGE", "ann", session, ANSWER="x")
        assert await told(house, answer) == (GONE if meanwhile == "forgotten" else WRONG)
        if meanwhile != "forgotten":
            remembered = {"DeviceRememberedStatus": "remembered"}
            await house.api("AdminUpdateDeviceStatus", **phone.named, **remembered)


@pytest.fixture
async def round_of(start, settle, handlers, register):
    """Wait at a custom round: a device spares a factor, has proved itself, or only was named."""
    house = await settle(await start(triggers=handlers), SPARING)
    await house.add_user()
    secrets = []

    async def waiting(rests):
        phone, tokens = await register(house)
        if rests != "proved":
            secrets.append(await demand_mfa(house, tokens["AccessToken"]))
            house.clock.now += 60
        key = {"DEVICE_KEY": phone.key}
        if rests == "proved":
            # Define asks for a second round once the device has proved itself.
            handlers.last = True
            _, answer = await by_custom_answer(house, key)
            asked = await phone.prove(await house.api(RESPOND, **answer))
        else:
            prover, asked = await house.ask("ann", "CUSTOM_AUTH", CHALLENGE_NAME="SRP_A")
            proof = house.proof(prover, asked)
            proof["ChallengeResponses"] |= key if rests == "spared" else {}
            asked = await house.api(RESPOND, **proof)
        if rests == "named with the factor":
            code = pyotp.TOTP(secrets[-1]).at(int(house.clock.now))
            code = {"SOFTWARE_TOKEN_MFA_CODE": code, **key}
            answer = house.answer("SOFTWARE_TOKEN_MFA", "ann", asked["Session"], **code)
            asked = await house.api(RESPOND, **answer)
        assert asked["ChallengeName"] == "CUSTOM_CHALLENGE"
        return phone, asked["Session"]

    return waiting


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("rests", ["spared", "proved"])
async def test_who_has_lost_the_device_that_a_sign_in_rests_on_is_told_once(
    round_of, handlers, rests, named
):
    phone, session = await round_of(rests)
    await forget(phone)
    key = {"DEVICE_KEY": phone.key} if named else {}
    answer = phone.house.answer("CUSTOM_CHALLENGE", "ann", session, ANSWER="x", **key)
    handlers.events.clear()
    assert await told(phone.house, answer) == GONE
    for again in (answer, phone.house.answer("CUSTOM_CHALLENGE", "ann", session, ANSWER="x")):
        assert await told(phone.house, again) == INVALID
    assert handlers.events == []


async def test_of_answers_at_once_after_the_device_was_lost_one_is_told_of_it(round_of, handlers):
    phone, session = await round_of("spared")
    await forget(phone)
    handlers.events.clear()
    answer = phone.house.answer("CUSTOM_CHALLENGE", "ann", session, ANSWER="x")
    replies = await phone.house.api.at_once(*[(RESPOND, answer)] * 20)
    assert sorted(each["__type"] for each in replies) == [
        *["NotAuthorizedException"] * 19,
        "ResourceNotFoundException",
    ]
    assert handlers.events == []


async def test_a_device_that_rests_on_nothing_is_lost_without_the_sign_in(round_of):
    phone, session = await round_of("named with the factor")
    await forget(phone)
    answer = phone.house.answer("CUSTOM_CHALLENGE", "ann", session, ANSWER="x")
    named = {**answer["ChallengeResponses"], "DEVICE_KEY": phone.key}
    assert await told(phone.house, {**answer, "ChallengeResponses": named}) == GONE
    result = (await phone.house.api(RESPOND, **answer))["AuthenticationResult"]
    assert "NewDeviceMetadata" in result


@pytest.fixture
async def factored(start, settle, handlers, register):
    """A pool that demands MFA and runs custom rounds, a device, and the authenticator's secret."""
    house = await settle(await start(triggers=handlers), SPARING)
    await house.add_user()
    phone, tokens = await register(house)
    secret = await demand_mfa(house, tokens["AccessToken"])
    house.clock.now += 60
    return phone, secret


@pytest.mark.parametrize(
    ("given", "meanwhile", "custom_flow"),
    [
        ("a code", "not remembered", False),
        ("a code", "not stood for", True),
        ("a set-up", "not stood for", False),
        ("a set-up", "not remembered", True),
    ],
)
async def test_a_sign_in_that_was_given_a_factor_does_not_rest_on_its_device(
    factored, given, meanwhile, custom_flow
):
    phone, secret = factored
    house = phone.house
    user = {"UserPoolId": house.pool_id, "Username": "ann"}
    if given == "a set-up":
        await house.api("AdminDeleteSoftwareToken", **user)
    flow, begun = "USER_SRP_AUTH", {}
    if custom_flow:
        flow, begun = "CUSTOM_AUTH", {"CHALLENGE_NAME": "SRP_A"}
    prover, asked = await house.ask("ann", flow, **begun)
    asked = await house.api(RESPOND, **house.proof(prover, asked))
    key = {"DEVICE_KEY": phone.key}
    if given == "a code":
        code = pyotp.TOTP(secret).at(int(house.clock.now))
        answer = {"SOFTWARE_TOKEN_MFA_CODE": code, **key}
        answer = house.answer("SOFTWARE_TOKEN_MFA", "ann", asked["Session"], **answer)
    else:
        asked = await house.api("AssociateSoftwareToken", Session=asked["Session"])
        code = pyotp.TOTP(asked["SecretCode"]).at(int(house.clock.now))
        asked = {"Session": asked["Session"], "UserCode": code}
        asked = await house.api("VerifySoftwareToken", **asked)
        answer = house.answer("MFA_SETUP", "ann", asked["Session"], **key)
    asked = await house.api(RESPOND, **answer)

    async def change():
        if meanwhile == "not remembered":
            status = {"DeviceRememberedStatus": "not_remembered"}
            await house.api("AdminUpdateDeviceStatus", **phone.named, **status)
        else:
            await house.api("UpdateUserPool", UserPoolId=house.pool_id, **ALWAYS)

    if custom_flow:
        await change()
        answer = house.answer("CUSTOM_CHALLENGE", "ann", asked["Session"], ANSWER="x")
        asked = await house.api(RESPOND, **answer)
    assert asked["ChallengeName"] == "DEVICE_SRP_AUTH"
    await change()
    assert "AuthenticationResult" in await phone.prove(asked)


# What triggers hear.


async def test_define_is_asked_after_a_proof_all_the_same(custom, handlers, register):
    phone, _ = await register(custom)
    operation, request = await by_custom_answer(custom, {"DEVICE_KEY": phone.key})
    begun = await custom.api(operation, **request)
    handlers.events.clear()
    assert "AuthenticationResult" in await phone.prove(begun)
    define, *after = handlers.events
    assert define["triggerSource"] == "DefineAuthChallenge_Authentication"
    assert [
        (each["challengeName"], each["challengeResult"]) for each in define["request"]["session"]
    ] == [
        ("CUSTOM_CHALLENGE", True),
        ("DEVICE_SRP_AUTH", True),
        ("DEVICE_PASSWORD_VERIFIER", True),
    ]
    assert [each["triggerSource"] for each in after] == [
        "PostAuthentication_Authentication",
        "TokenGeneration_AuthenticateDevice",
    ]


async def test_triggers_hear_whether_a_device_is_new(start, settle, handlers, register):
    served = await start(triggers=handlers)
    for settings, new in ((ALWAYS, True), ({}, False)):
        house = await settle(served, settings)
        await house.add_user()
        handlers.events.clear()
        await house.tokens()
        assert handlers.seen("newDeviceUsed") == [new, None]
    house = await settle(served, ALWAYS)
    await house.add_user()
    phone, _ = await register(house)
    begun = await phone.begin()
    handlers.events.clear()
    await phone.prove(begun)
    assert [each["request"].get("newDeviceUsed") for each in handlers.events] == [False, None]
    assert handlers.seen() == [
        "PostAuthentication_Authentication",
        "TokenGeneration_AuthenticateDevice",
    ]


async def test_a_refused_trigger_makes_no_device(start, settle, handlers, tmp_path):
    path = tmp_path / "pool.db"
    house = await settle(await start(triggers=handlers, db=str(path)), ALWAYS)
    await house.add_user()

    async def fail():
        raise ValueError("not now")

    handlers.meanwhile["TokenGeneration"] = fail
    await house.api.refused("InitiateAuth", **house.by_password())
    with closing(sqlite3.connect(path)) as file:
        assert file.execute("SELECT count(*) FROM devices").fetchone() == (0,)


async def test_every_mix_of_steps_with_a_device_leads_to_tokens_of_it(custom, register):
    phone, _ = await register(custom)
    for early, late in itertools.product((False, True), repeat=2):
        at_first = {"DEVICE_KEY": phone.key} if early else {}
        prover, asked = await custom.ask("ann", "CUSTOM_AUTH", CHALLENGE_NAME="SRP_A", **at_first)
        asked = await custom.api(RESPOND, **custom.proof(prover, asked))
        last = {"DEVICE_KEY": phone.key} if late else {}
        answer = custom.answer("CUSTOM_CHALLENGE", "ann", asked["Session"], ANSWER="x", **last)
        reply = await custom.api(RESPOND, **answer)
        if early or late:
            reply = await phone.prove(reply)
        result = reply["AuthenticationResult"]
        assert ("NewDeviceMetadata" in result) is not (early or late)


# Second factors that are owed only since the sign-in passed their place.

TOTP_ON = {
    "MfaConfiguration": "ON",
    "SoftwareTokenMfaConfiguration": {"Enabled": True},
}


@pytest.mark.parametrize("settings", [ALWAYS, SPARING], ids=["not sparing", "sparing"])
@pytest.mark.parametrize("waits", ["DEVICE_SRP_AUTH", "DEVICE_PASSWORD_VERIFIER"])
async def test_a_device_that_waited_while_mfa_became_required_gives_no_tokens(
    start, settle, register, settings, waits
):
    house = await settle(await start(), settings)
    await house.add_user()
    phone, _ = await register(house)
    begun = await phone.begin()
    asked = await phone.asked(begun) if waits == "DEVICE_PASSWORD_VERIFIER" else None
    await house.api("SetUserPoolMfaConfig", UserPoolId=house.pool_id, **TOTP_ON)
    assert await told(house, asked or await phone.asked(begun)) == WRONG
    # The device spares no factor that the user does not have.
    assert (await phone.begin())["ChallengeName"] == "MFA_SETUP"


@pytest.mark.parametrize("srp_first", [True, False])
async def test_custom_rounds_after_a_password_give_no_tokens_once_mfa_is_required(
    custom, srp_first
):
    step = by_custom_answer_after_srp if srp_first else by_custom_answer
    _, answer = await step(custom, {})
    await custom.api("SetUserPoolMfaConfig", UserPoolId=custom.pool_id, **TOTP_ON)
    if srp_first:
        assert await told(custom, answer) == WRONG
    else:
        # Without a password Cognito asks for no second factor.
        assert "AuthenticationResult" in await custom.api(RESPOND, **answer)

"""Whoever exists and whoever does not take the same work, where the app client hides them.

What a request makes the pool do is counted: each statement that its database runs, each modular
exponentiation, and each trigger. Where that is equal, a clock finds little: see
`benchmarks/existence.py`.
"""

import json
import sqlite3
from contextlib import closing

import pytest
from attrs import define, field

from authflow import srp
from authflow.pool.store import database

EMAIL = {"email": "ann@example.org", "email_verified": "true"}
AROUND = frozenset({"PreAuthentication", "CustomMessage"})
CHALLENGES = frozenset(
    {"DefineAuthChallenge", "CreateAuthChallenge", "VerifyAuthChallengeResponse"}
)
NEW = "An0ther-Horse"


@define
class Triggers:
    """Triggers that write down their sources: a password or a riddle, two tries each."""

    sources: frozenset
    srp: bool = False
    refusing: frozenset = frozenset()
    seen: list = field(factory=list)

    async def handle(self, event):
        source = event["triggerSource"]
        self.seen.append(source)
        if source.partition("_")[0] in self.refusing:
            raise ValueError("not now")
        response, request = event["response"], event["request"]
        if source.startswith("DefineAuthChallenge"):
            passed = [each["challengeName"] for each in request["session"]]
            asks = "PASSWORD_VERIFIER" if passed == ["SRP_A"] and self.srp else "CUSTOM_CHALLENGE"
            wrong = [each["challengeResult"] for each in request["session"]].count(False)
            response["failAuthentication"], response["issueTokens"] = wrong > 1, False
            response["challengeName"] = asks
        elif source.startswith("CreateAuthChallenge"):
            response["privateChallengeParameters"] = {"answer": "4"}
            response["publicChallengeParameters"] = {"question": "2+2"}
        elif source.startswith("VerifyAuthChallengeResponse"):
            response["answerCorrect"] = request["challengeAnswer"] == "4"
        return event


@define
class Work:
    """What was done."""

    sql: list = field(factory=list)
    powers: int = 0
    triggers: list = field(factory=list)


@pytest.fixture
def watched(monkeypatch):
    """Watch the work of what is done between a start and its end."""
    work = Work()
    execute, modexp = database._Sqlite.execute, srp.modexp

    def executing(self, sql, parameters=(), /):
        if sql not in {"SAVEPOINT job", "RELEASE job", "BEGIN IMMEDIATE", "COMMIT"}:
            work.sql.append(sql)
        return execute(self, sql, parameters)

    def raising(*args):
        work.powers += 1
        return modexp(*args)

    monkeypatch.setattr(database._Sqlite, "execute", executing)
    monkeypatch.setattr(srp, "modexp", raising)
    return work


@pytest.fixture
def compare(watched):
    """Compare the work of one request for the one and the other."""

    async def compared(house, triggers, operation, prepare, *names):
        done = []
        for name in names:
            request = await prepare(name)
            watched.sql, watched.powers = [], 0
            if triggers is not None:
                triggers.seen.clear()
            status, reply, _ = await house.api.post(operation, request)
            told = (reply.get("__type"), reply.get("message"), reply.get("ChallengeName"))
            seen = [] if triggers is None else [*triggers.seen]
            done.append((status, told, [*watched.sql], watched.powers, seen))
        assert done[0] == done[1]
        return done[0]

    return compared


def text(request):
    return json.dumps(request)


def requests(house, flow):
    """Give, for a flow or an operation, how its request is made for a name; the last is watched."""

    async def by_password(name):
        return text(house.by_password(name, "wrong-Horse1"))

    async def by_administrator(name):
        begun = house.begin("ADMIN_USER_PASSWORD_AUTH", name, PASSWORD="wrong-Horse1")
        return text({"UserPoolId": house.pool_id, **begun})

    async def asking(name):
        return text(house.begin("USER_SRP_AUTH", name, SRP_A="2f"))

    async def proving(name):
        return text(await house.by_srp(name, "wrong-Horse1"))

    async def from_device(name):
        return text(house.begin("USER_PASSWORD_AUTH", name, PASSWORD="wrong-Horse1", **DEVICE))

    async def proving_from_device(name):
        proof = await house.by_srp(name, "wrong-Horse1")
        proof["ChallengeResponses"] |= DEVICE
        return text(proof)

    async def custom(name):
        return text(house.begin("CUSTOM_AUTH", name))

    async def custom_srp(name):
        return text(house.begin("CUSTOM_AUTH", name, CHALLENGE_NAME="SRP_A", SRP_A="2f"))

    async def answering(name):
        asked = await house.api("InitiateAuth", **house.begin("CUSTOM_AUTH", name))
        return text(house.answer("CUSTOM_CHALLENGE", name, asked["Session"], ANSWER="5"))

    async def answering_from_device(name):
        asked = await house.api("InitiateAuth", **house.begin("CUSTOM_AUTH", name, **DEVICE))
        session = asked["Session"]
        return text(house.answer("CUSTOM_CHALLENGE", name, session, ANSWER="5", **DEVICE))

    async def proving_custom(name):
        prover, asked = await house.ask(name, "CUSTOM_AUTH", CHALLENGE_NAME="SRP_A")
        return text(house.proof(prover, asked, "wrong-Horse1"))

    async def forgetting(name):
        return text({"ClientId": house.client_id, "Username": name})

    async def entering(name):
        await house.api("ForgotPassword", ClientId=house.client_id, Username=name)
        code = {"ConfirmationCode": "none", "Password": NEW}
        return text({"ClientId": house.client_id, "Username": name, **code})

    async def entering_sign_up(name):
        return text({"ClientId": house.client_id, "Username": name, "ConfirmationCode": "000000"})

    return {
        "resend": ("ResendConfirmationCode", forgetting),
        "confirm sign-up": ("ConfirmSignUp", entering_sign_up),
        "password": ("InitiateAuth", by_password),
        "administrator": ("AdminInitiateAuth", by_administrator),
        "srp": ("InitiateAuth", asking),
        "proof": ("RespondToAuthChallenge", proving),
        "custom": ("InitiateAuth", custom),
        "custom with srp": ("InitiateAuth", custom_srp),
        "custom answer": ("RespondToAuthChallenge", answering),
        "custom proof": ("RespondToAuthChallenge", proving_custom),
        "password from a device": ("InitiateAuth", from_device),
        "proof from a device": ("RespondToAuthChallenge", proving_from_device),
        "custom answer from a device": ("RespondToAuthChallenge", answering_from_device),
        "forgot": ("ForgotPassword", forgetting),
        "confirm": ("ConfirmForgotPassword", entering),
    }[flow]


FLOWS = (
    *("password", "administrator", "srp", "proof", "custom", "custom with srp", "custom answer"),
    *("custom proof", "forgot", "confirm", "resend", "confirm sign-up"),
)
DEVICE = {"DEVICE_KEY": "us-east-1_0"}
REMEMBERING = {"DeviceConfiguration": {"ChallengeRequiredOnNewDevice": True}}
POOLS = {
    "plain": {"UsernameConfiguration": {"CaseSensitive": True}},
    "folding": {"UsernameConfiguration": {"CaseSensitive": False}},
    "aliases": {"AliasAttributes": ["email", "phone_number", "preferred_username"]},
    "by address": {"UsernameAttributes": ["email"]},
}


POWERS = {"password", "administrator", "srp", "proof", "custom proof", "confirm"}


@pytest.fixture
def hiding(start, settle):
    """Make a pool that hides users, with its triggers, and a known name beside an unknown one."""

    async def made(triggers, pool="plain"):
        house = await settle(
            await start(triggers=triggers),
            {"AutoVerifiedAttributes": ["email"], **POOLS[pool]},
            PreventUserExistenceErrors="ENABLED",
        )
        if pool == "by address":
            await house.add_user("ann@example.org", email_verified="true")
            return house, ("ann@example.org", "who@example.org")
        await house.add_user("Ann", **EMAIL)
        return house, ("Ann", "Bob")

    return made


@pytest.mark.parametrize(
    ("pool", "names"),
    [*((pool, None) for pool in POOLS), ("aliases", ("ann@example.org", "who@example.org"))],
)
async def test_known_and_unknown_take_the_same_statements_powers_and_triggers(
    hiding, compare, pool, names
):
    triggers = Triggers(AROUND | CHALLENGES)
    house, made = await hiding(triggers, pool)
    for flow in FLOWS:
        house.clock.now += 4000  # so that nothing is left of the flow before
        triggers.srp = flow == "custom proof"
        operation, prepare = requests(house, flow)
        # Twice: a row that is there already is written otherwise than one that is not.
        for _ in range(2):
            _, _, sql, powers, seen = await compare(
                house, triggers, operation, prepare, *(names or made)
            )
            assert sql
            assert bool(powers) is (flow in POWERS)
            if operation in {"InitiateAuth", "AdminInitiateAuth"}:
                assert seen[0] == "PreAuthentication_Authentication"
            if flow in {"forgot", "resend"}:
                source = "ForgotPassword" if flow == "forgot" else "ResendCode"
                assert seen == [f"CustomMessage_{source}"]


@pytest.mark.parametrize(
    ("refusing", "flows"),
    [
        ("PreAuthentication", ("password", "srp", "custom")),
        ("CustomMessage", ("forgot", "confirm", "resend")),
    ],
)
async def test_a_trigger_that_refuses_refuses_both(hiding, compare, refusing, flows):
    triggers = Triggers(AROUND | CHALLENGES, refusing=frozenset({refusing}))
    house, names = await hiding(triggers)
    for flow in flows:
        await compare(house, triggers, *requests(house, flow), *names)


async def test_whoever_waits_for_a_code_takes_the_work_of_whoever_does_not_exist(hiding, compare):
    triggers = Triggers(AROUND)
    house, (confirmed, unknown) = await hiding(triggers)
    address = [{"Name": "email", "Value": "eve@example.org"}]
    request = {"Username": "Eve", "Password": NEW, "UserAttributes": address}
    await house.api("SignUp", ClientId=house.client_id, **request)
    for flow in ("resend", "confirm sign-up"):
        # What the sign-up itself has left is there for a stranger who was asked about before.
        for _ in range(2):
            await compare(house, triggers, *requests(house, flow), unknown, "Eve")
            await compare(house, triggers, *requests(house, flow), confirmed, "Eve")


async def test_locked_and_exhausted_names_take_the_same_work(hiding, compare):
    house, names = await hiding(Triggers(AROUND))
    made = {}
    for flow in ("password", "srp", "proof", "forgot", "confirm"):
        operation, prepare = requests(house, flow)
        made[flow] = operation, {name: await prepare(name) for name in names}
    for name in names:
        for _ in range(11):
            for flow in ("password", "forgot"):
                operation, bodies = made[flow]
                await house.api.post(operation, bodies[name])
    for flow, (operation, bodies) in made.items():

        async def prepared(name, bodies=bodies):
            return bodies[name]

        status, *_ = await compare(house, None, operation, prepared, *names)
        assert status == (200 if flow == "srp" else 400)


STATES = {
    "disabled": "UPDATE users SET enabled = 0",
    "unconfirmed": "UPDATE users SET status = 'UNCONFIRMED'",
    "reset": "UPDATE users SET status = 'RESET_REQUIRED'",
    "temporary": "UPDATE users SET status = 'FORCE_CHANGE_PASSWORD'",
    "external": "UPDATE users SET status = 'EXTERNAL_PROVIDER'",
    "unreachable": "UPDATE users SET attributes = '{}'",
    "unverified": (
        'UPDATE users SET attributes = \'{"email": "a@b.c", "email_verified": "false"}\''
    ),
}


async def test_users_who_may_not_sign_in_or_reset_take_the_work_of_unknown_ones(
    start, settle, compare, tmp_path
):
    path, triggers = tmp_path / "pool.db", Triggers(AROUND | CHALLENGES)
    server = await start(triggers=triggers, db=str(path))
    house = await settle(server, PreventUserExistenceErrors="ENABLED")
    for state, sql in STATES.items():
        await house.add_user(state, **EMAIL)
        with closing(sqlite3.connect(path)) as file:
            file.execute(f"{sql} WHERE username = ?", (state,))
            file.commit()
    for flow in ("password", "srp", "proof", "custom", "forgot", "confirm"):
        for state in STATES:
            await compare(house, triggers, *requests(house, flow), state, f"un{state}")


async def test_a_device_that_nobody_has_takes_the_same_work_and_tells_of_nobody(
    start, settle, compare
):
    triggers = Triggers(AROUND | CHALLENGES)
    server = await start(triggers=triggers)
    house = await settle(server, REMEMBERING, PreventUserExistenceErrors="ENABLED")
    await house.add_user("Ann", **EMAIL)
    for flow in ("password", "proof", "custom answer"):
        request = requests(house, f"{flow} from a device")
        _, told, *_ = await compare(house, triggers, *request, "Ann", "Bob")
        wanted = "ResourceNotFoundException" if "custom" in flow else "NotAuthorizedException"
        assert told[0] == wanted

"""What is refused before anything is done for it, and who is served beside a flood, over HTTP."""

import asyncio
import inspect
import json

import anyio
import pytest

from authflow.pool import Budget
from authflow.pool.admission import lane
from authflow.pool.operations import operations
from authflow.triggers import PreAuthenticationEvent, Triggers

NONE = Budget(per_second=1e-9, burst=1)
OPERATIONS = sorted(operations(**dict.fromkeys(inspect.signature(operations).parameters)))
TOO_MANY = "TooManyRequestsException"


@pytest.fixture(autouse=True)
def _refusals_at_once(monkeypatch):
    monkeypatch.setattr("authflow.pool.admission.gate._LONGEST_PAUSE", 0.001)


@pytest.mark.parametrize("body", ["{}", "no JSON", "{" * 1000])
async def test_every_operation_of_an_address_that_sends_too_many_is_refused_unread(start, body):
    api = await start(address_budget=NONE)
    assert (await api.post("ListUserPools", '{"MaxResults": 1}'))[0] == 200
    replies = await asyncio.gather(*(api.post(each, body) for each in OPERATIONS))
    for status, reply, headers in replies:
        assert status == 400
        assert reply == {"__type": TOO_MANY, "message": "Rate exceeded"}
        assert headers["x-amzn-errortype"] == TOO_MANY


@pytest.mark.parametrize("hides", ["ENABLED", "LEGACY"])
async def test_a_budget_does_not_tell_who_exists(start, settle, hides):
    api = await start(name_budget=Budget(per_second=1e-9, burst=3))
    house = await settle(api, PreventUserExistenceErrors=hides)
    await house.add_user("ada")  # two of the budget of administrators, not of users
    told = {}
    for name in ("ada", "ghost"):
        calls = [
            api.post("InitiateAuth", json.dumps(house.by_password(name, "no"))) for _ in "1234"
        ]
        told[name] = [(await call)[1]["__type"] == TOO_MANY for call in calls]
    assert told["ada"] == told["ghost"] == [False, False, False, True]


async def test_what_is_refused_counts_no_guess_and_takes_no_session(start, settle):
    api = await start(name_budget=Budget(per_second=1e-9, burst=2))
    house = await settle(api)
    await house.add_user()
    for _ in range(2):
        assert (await api.refused("InitiateAuth", **house.by_password(password="no"))).code != (
            TOO_MANY
        )
    for _ in range(6):
        refusal = await api.refused("InitiateAuth", **house.by_password(password="no"))
        assert (refusal.code, refusal.message) == (TOO_MANY, "Rate exceeded")
    # Eight failures would have locked the user. By another app client nothing was spent.
    other = await api(
        "CreateUserPoolClient",
        UserPoolId=house.pool_id,
        ClientName="other",
        ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"],
    )
    client = {"ClientId": other["UserPoolClient"]["ClientId"]}
    assert "AuthenticationResult" in await api("InitiateAuth", **house.by_password() | client)


async def test_beside_a_flood_about_one_name_others_sign_in(start, settle):
    api = await start(name_budget=Budget(per_second=1e-9, burst=40), max_wait=0.5)
    house = await settle(api, PreventUserExistenceErrors="ENABLED")
    await house.add_user()
    begin = house.begin("USER_SRP_AUTH", "ghost", SRP_A="f" * 700)
    flood = asyncio.create_task(api.at_once(*[("InitiateAuth", begin)] * 150))
    with anyio.fail_after(50):
        proof = await house.by_srp()
        assert "AuthenticationResult" in await api("RespondToAuthChallenge", **proof)
    codes = [reply.get("__type") for reply in await flood]
    assert codes.count(None) == 40
    assert codes.count(TOO_MANY) == 110


async def test_triggers_that_take_their_time_hold_no_place(start, settle):
    opened, come = asyncio.Event(), []

    async def guard(event):
        come.append(event.username)
        if event.username.startswith("slow"):
            await opened.wait()

    api = await start(triggers=Triggers(on={PreAuthenticationEvent: guard}), trigger_timeout=50)
    house = await settle(api)
    for name in ("slow", "ann"):
        await house.add_user(name)
    request = json.dumps(house.by_password("slow"))
    held = [asyncio.create_task(api.post("InitiateAuth", request)) for _ in range(60)]
    with anyio.fail_after(50):
        while come.count("slow") < 60:
            await anyio.sleep(0.005)
        assert "AuthenticationResult" in await api("InitiateAuth", **house.by_password())
    opened.set()
    assert {reply[0] for reply in await asyncio.gather(*held)} == {200}


async def test_no_arithmetic_is_done_for_a_request_that_did_not_pass_the_gate(
    start, settle, monkeypatch
):
    """Every operation with arithmetic is called once, and asked for its ticket."""
    worked = []
    plain = lane.working

    def watched():
        worked.append(lane._TICKET.get())
        return plain()

    monkeypatch.setattr("authflow.pool.workers.working", watched)

    class OldUsers:
        sources = frozenset({"UserMigration"})

        async def handle(self, event):
            response = {"userAttributes": {"name": "Old"}, "finalUserStatus": "CONFIRMED"}
            return {**event, "response": response}

    api = await start(triggers=OldUsers())
    house = await settle(api)
    client = {"UserPoolId": house.pool_id, "ClientId": house.client_id}
    seen = {}

    async def called(label, call):
        before = len(worked)
        reply = await call
        seen[label] = worked[before:]
        return reply

    await called("CreateUserPool", api("CreateUserPool", PoolName="another"))
    named = {"UserPoolId": house.pool_id, "Username": "ann"}
    await called("AdminCreateUser", api("AdminCreateUser", **named, TemporaryPassword="Temp-1-one"))
    request = {**house.by_password(password="Temp-1-one"), "AuthFlow": "ADMIN_USER_PASSWORD_AUTH"}
    asked = await called("AdminInitiateAuth", api("AdminInitiateAuth", **request | client))
    answer = house.answer(
        "NEW_PASSWORD_REQUIRED", "ann", asked["Session"], NEW_PASSWORD="Corr3ct-Horse"
    )
    await called("NEW_PASSWORD", api("AdminRespondToAuthChallenge", **answer | client))
    password = {"Password": "Corr3ct-Horse", "Permanent": True}
    await called("AdminSetUserPassword", api("AdminSetUserPassword", **named, **password))
    prover, asked = await called("SRP_A", house.ask())
    proof = house.proof(prover, asked)
    reply = await called("PASSWORD_VERIFIER", api("RespondToAuthChallenge", **proof))
    tokens = reply["AuthenticationResult"]
    await called("migration", api("InitiateAuth", **house.by_password("old", "from elsewhere")))
    refresh = house.begin("REFRESH_TOKEN_AUTH", REFRESH_TOKEN=tokens["RefreshToken"])
    await called("refresh", api("InitiateAuth", **refresh))
    renew = {"ClientId": house.client_id, "RefreshToken": tokens["RefreshToken"]}
    await called("GetTokens", api("GetTokensFromRefreshToken", **renew))
    await called("GetUser", api("GetUser", AccessToken=tokens["AccessToken"]))
    confirm = {"Username": "ann", "ConfirmationCode": "000000", "Password": "Corr3ct-Horse"}
    confirm["ClientId"] = house.client_id
    await called("Confirm", api.refused("ConfirmForgotPassword", **confirm))
    await called("GlobalSignOut", api("GlobalSignOut", AccessToken=tokens["AccessToken"]))
    for label, tickets in seen.items():
        assert tickets, label
        assert None not in tickets, label


async def test_who_has_gone_while_waiting_is_not_worked_for(start, settle, monkeypatch):
    api = await start()
    house = await settle(api)
    worked = []
    plain = lane.Lane.enter

    async def entered(self, *arguments, **settings):
        await plain(self, *arguments, **settings)
        while gone.transport is not None and not gone.transport.is_closing():
            await anyio.sleep(0.001)
        await anyio.sleep(0.05)
        return True  # as if there had been a line

    class Gone(asyncio.Protocol):
        transport = None

        def connection_made(self, transport):
            self.transport = transport

    gone = Gone()
    await house.add_user()
    monkeypatch.setattr(lane.Lane, "enter", entered)
    monkeypatch.setattr("authflow.pool.workers.working", lambda: worked.append(1))
    host, _, port = api.endpoint.removeprefix("http://").rpartition(":")
    await asyncio.get_running_loop().create_connection(lambda: gone, host, int(port))
    body = json.dumps(house.by_password()).encode()
    gone.transport.write(
        b"POST / HTTP/1.1\r\nHost: localhost\r\n"
        b"X-Amz-Target: AWSCognitoIdentityProviderService.InitiateAuth\r\n"
        b"Content-Type: application/x-amz-json-1.1\r\n"
        b"Content-Length: " + str(len(body)).encode() + b"\r\n\r\n" + body
    )
    await anyio.sleep(0.05)
    gone.transport.abort()
    await anyio.sleep(0.15)
    assert worked == []

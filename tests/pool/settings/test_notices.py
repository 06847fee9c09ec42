"""What has no effect is told once, wherever it is met: when it is set, and when a server starts."""

import logging
import re

import pytest

from authflow.pool import PoolServer
from authflow.triggers import (
    CustomEmailSenderEvent,
    CustomSMSSenderEvent,
    PreAuthenticationEvent,
    Triggers,
)

ARN = "arn:aws:lambda:us-east-1:000000000000:function:any"
ENFORCED = {"UserPoolAddOns": {"AdvancedSecurityMode": "ENFORCED"}}
SENDER = {"LambdaArn": ARN, "LambdaVersion": "V1_0"}
BY_SMS = {"LambdaConfig": {"CustomSMSSender": SENDER}}


@pytest.fixture
def lines(caplog):
    def lines():
        told = [each for each in caplog.records if each.levelno == logging.WARNING]
        assert {each.name for each in told} <= {"authflow.pool"}
        found = [each.getMessage() for each in told]
        caplog.clear()
        assert not any("\n" in line for line in found)
        return found

    return lines


def settings_in(line):
    whose, _, rest = line.partition(" has settings without effect here: ")
    return whose, re.findall(r"(?:^|; |, )([A-Z][\w.=]+)", re.sub(r" \([^)]*\)", "", rest))


async def test_a_line_tells_of_what_is_new_and_of_nothing_twice(api, lines):
    pool_id = (await api("CreateUserPool", PoolName="x", **ENFORCED))["UserPool"]["Id"]
    mode = "UserPoolAddOns.AdvancedSecurityMode=ENFORCED"
    assert [settings_in(line) for line in lines()] == [(f"user pool {pool_id}", [mode])]
    for more, told in (
        (ENFORCED, []),
        (ENFORCED | BY_SMS, ["LambdaConfig.CustomSMSSender.LambdaArn"]),
        ({}, []),
        (ENFORCED | BY_SMS, []),
    ):
        await api("UpdateUserPool", UserPoolId=pool_id, **more)
        assert [settings_in(line)[1] for line in lines()] == ([told] if told else [])
    other = (await api("CreateUserPool", PoolName="x", **ENFORCED | BY_SMS))["UserPool"]["Id"]
    assert [settings_in(line) for line in lines()] == [
        (f"user pool {other}", [mode, "LambdaConfig.CustomSMSSender.LambdaArn"])
    ]


async def test_a_pool_that_is_not_made_or_not_there_is_not_told_of(api, lines):
    both = {"AliasAttributes": ["email"], "UsernameAttributes": ["email"]}
    await api.refused("CreateUserPool", PoolName="x", **both, **ENFORCED)
    await api.refused("UpdateUserPool", UserPoolId="us-east-1_nobody", **ENFORCED)
    assert lines() == []


async def test_a_server_tells_of_the_pools_that_its_file_has(start, settle, lines, tmp_path):
    path = str(tmp_path / "pool.db")
    api = await start(db=path)
    made = {
        (await settle(api, settings)).pool_id: settings
        for settings in (ENFORCED, {}, ENFORCED | BY_SMS)
    }
    lines()
    async with PoolServer(db=path):
        told = dict(settings_in(line) for line in lines())
    assert told.keys() == {f"user pool {pool_id}" for pool_id, given in made.items() if given}
    assert sorted(map(len, told.values())) == [1, 2]


@pytest.mark.parametrize("serves_all", [True, False])
async def test_a_server_tells_of_triggers_that_no_pool_of_it_runs(lines, serves_all):
    triggers = Triggers(
        on={
            CustomSMSSenderEvent: lambda event: None,
            CustomEmailSenderEvent: lambda event: None,
            PreAuthenticationEvent: lambda event: None,
        }
    )
    # A mapping serves but the pools that name its functions, and those are told of.
    async with PoolServer(triggers=triggers if serves_all else {"all": triggers}):
        told = [settings_in(line) for line in lines()]
    wanted = ["LambdaConfig.CustomEmailSender.LambdaArn", "LambdaConfig.CustomSMSSender.LambdaArn"]
    assert [(whose, sorted(which)) for whose, which in told] == (
        [("every user pool", wanted)] if serves_all else []
    )


KEY = "arn:aws:kms:us-east-1:000000000000:key/any"


@pytest.mark.parametrize("given", [(True, True), (True, False), (False, True), (False, False)])
@pytest.mark.parametrize("named", [True, False], ids=["named", "in process"])
async def test_a_custom_sender_that_nothing_can_be_encrypted_for_is_told_of(
    start, settle, lines, given, named
):
    kms, key = given
    triggers = Triggers(on={CustomEmailSenderEvent: lambda event: None})
    served = {"triggers": {"all": triggers} if named else triggers}
    api = await start(**served, kms_endpoint="http://localhost:9" if kms else None)
    at_start = lines()
    config = {"CustomEmailSender": SENDER} if named else {}
    settings = {"LambdaConfig": config | ({"KMSKeyID": KEY} if key else {})}
    pool_id = (await settle(api, settings)).pool_id
    await api("SetUserPoolMfaConfig", UserPoolId=pool_id, MfaConfiguration="OFF")
    whose = f"user pool {pool_id}"
    told = [settings_in(line) for line in lines()]
    path = ["LambdaConfig.CustomEmailSender.LambdaArn"]
    if kms and key:
        assert at_start + told == []
    elif kms or named:
        assert (at_start, told) == ([], [(whose, path)])
    else:
        assert ([settings_in(line) for line in at_start], told) == ([("every user pool", path)], [])


async def test_what_a_newer_model_has_is_told_without_its_value(api, lines, monkeypatch, settle):
    house = await settle(api)

    def with_more(operation, request):
        return {**request, "Newer": {"Secret": "canary"}}

    monkeypatch.setattr("authflow.pool.http.app.validate", with_more)
    await api("UpdateUserPool", UserPoolId=house.pool_id)
    await api("UpdateUserPoolClient", UserPoolId=house.pool_id, ClientId=house.client_id)
    await api("CreateUserPoolClient", UserPoolId=house.pool_id, ClientName="x")
    mine = f"app client {house.client_id} of user pool {house.pool_id} "
    for line, whose in zip(lines(), ("user pool ", mine, "app client "), strict=True):
        assert line.startswith(whose)
        assert settings_in(line)[1] == ["Newer.Secret"]
        assert "canary" not in line

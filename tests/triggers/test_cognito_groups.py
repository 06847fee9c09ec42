"""Groups, asked of moto's Cognito over HTTP."""

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from authflow.triggers import Triggers, challenge, in_group, sequence, when
from authflow.triggers.cognito_groups import CognitoGroups


@pytest.fixture(scope="module")
def endpoint(aws_url: str) -> str:
    return aws_url


@pytest.fixture(autouse=True)
def credentials(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "any")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "any")


@pytest.fixture
def pool_id(endpoint) -> str:
    owner: Any = boto3.client("cognito-idp", region_name="eu-central-1", endpoint_url=endpoint)
    pool = owner.create_user_pool(PoolName="groups")["UserPool"]["Id"]
    for name in ("ada", "grace"):
        owner.admin_create_user(UserPoolId=pool, Username=name)
    for number in range(65):
        owner.create_group(UserPoolId=pool, GroupName=f"g{number}")
        owner.admin_add_user_to_group(UserPoolId=pool, Username="ada", GroupName=f"g{number}")
    return pool


async def test_all_groups_of_a_user_are_told_page_by_page(endpoint, pool_id):
    async with CognitoGroups(region="eu-central-1", endpoint=endpoint) as groups:
        assert await groups(pool_id, "ada") == {f"g{number}" for number in range(65)}
        assert await groups(pool_id, "grace") == frozenset()
        assert await groups(pool_id, "nobody") == frozenset()


async def test_a_refusal_is_not_taken_for_no_groups(endpoint):
    async with CognitoGroups(region="eu-central-1", endpoint=endpoint) as groups:
        with pytest.raises(ClientError):
            await groups("eu-central-1_NoPool", "ada")


async def test_a_policy_asks_for_them(endpoint, pool_id, word):
    async with CognitoGroups(region="eu-central-1", endpoint=endpoint) as groups:
        triggers = Triggers(
            policy=sequence(challenge("word"), when(in_group("g7"), challenge("word"))),
            challenges=[word],
            groups=groups,
        )
        replies = {}
        for name in ("ada", "grace"):
            event = {
                "version": "1",
                "triggerSource": "DefineAuthChallenge_Authentication",
                "region": "eu-central-1",
                "userPoolId": pool_id,
                "userName": name,
                "callerContext": {"awsSdkVersion": "any", "clientId": "client"},
                "request": {
                    "userAttributes": {},
                    "session": [
                        {
                            "challengeName": "CUSTOM_CHALLENGE",
                            "challengeResult": True,
                            "challengeMetadata": "WORD",
                        }
                    ],
                },
                "response": {},
            }
            replies[name] = (await triggers.handle(event))["response"]["issueTokens"]
    assert replies == {"ada": False, "grace": True}

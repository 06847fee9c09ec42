"""docs/guides/triggers.md: its examples are triggers that run."""

import base64
import re
from typing import Any

import boto3

from authflow.secret import Secret
from authflow.triggers import CustomEmailSenderEvent
from authflow.triggers.check.proof import prove
from testbed.pages import examples

EXAMPLES = examples(
    "docs/guides/triggers.md",
    "triggers",
    "policy",
    "custom senders",
)


def test_the_example_of_triggers_is_a_lambda_handler_that_asks_for_the_password_first():
    namespace: dict[str, Any] = {"__name__": "my_triggers"}
    exec(EXAMPLES["triggers"], namespace)  # noqa: S102  # it is our own page
    event = {
        "version": "1",
        "triggerSource": "DefineAuthChallenge_Authentication",
        "region": "eu-central-1",
        "userPoolId": "eu-central-1_Abc123def",
        "userName": "ada",
        "callerContext": {"awsSdkVersion": "aws-sdk-js-2.6.4", "clientId": "1example"},
        "request": {
            "userAttributes": {"sub": "x"},
            "session": [{"challengeName": "SRP_A", "challengeResult": True}],
        },
        "response": {"challengeName": None, "issueTokens": None, "failAuthentication": None},
    }
    response = namespace["lambda_handler"](event, None)["response"]
    assert response == {
        "challengeName": "PASSWORD_VERIFIER",
        "issueTokens": False,
        "failAuthentication": False,
    }


async def test_the_example_of_a_policy_is_proved():
    namespace: dict[str, Any] = {}
    exec(EXAMPLES["policy"], namespace)  # noqa: S102  # it is our own page
    verdict = await prove(namespace["policy"])
    assert [finding.name for finding in verdict.findings if not finding.holds] == []


async def test_the_example_of_custom_senders_delivers_a_code(aws_url, aws_credentials):
    kms = boto3.client("kms", endpoint_url=aws_url)
    arn = kms.create_key()["KeyMetadata"]["Arn"]
    example = re.sub(
        r'arn="[^"]*"', f'arn="{arn}", endpoint="{aws_url}"', EXAMPLES["custom senders"]
    )
    namespace: dict[str, Any] = {}
    exec(example, namespace)  # noqa: S102  # it is our own page
    delivered = []

    async def deliver(address, code):
        delivered.append((address, code.reveal()))

    namespace["deliver"] = deliver
    async with namespace["key"] as key:
        code = await key.encrypt(Secret("493021"), {"userpool-id": "eu-central-1_abcdefghi"})
        event = CustomEmailSenderEvent(
            source="CustomEmailSender_ForgotPassword",
            user_pool_id="eu-central-1_abcdefghi",
            client_id="any",
            username="ada",
            user_attributes={"email": "ada@example.com"},
            code=Secret(base64.b64encode(code).decode()),
        )
        await namespace["triggers"].handle(event.to_json())
    assert delivered == [("ada@example.com", "493021")]

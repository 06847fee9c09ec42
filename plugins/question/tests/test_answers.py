"""The stores of answers, each a real one: in memory, and moto's DynamoDB over HTTP."""

import json
import logging
from typing import Any

import pytest
from authflow_question.answers import (
    AnswersDamagedError,
    AnswersUnavailableError,
    EnrolledAnswer,
)
from authflow_question.dynamodb_answers import DynamoDbAnswerStore

from authflow.errors import ConfigError

POOL = "eu-central-1_Abc123def"
FILM = EnrolledAnswer(question="first-film", key_id="1", hash="$argon2id$film")
DISH = EnrolledAnswer(question="first-dish", key_id="2", hash="$argon2id$dish")


async def test_what_is_put_is_given_back_to_the_same_user_alone(store: Any) -> None:
    assert await store.get(POOL, "ada") == ()
    await store.put(POOL, "ada", [FILM, DISH])
    assert set(await store.get(POOL, "ada")) == {FILM, DISH}
    for pool, username in ((POOL, "Ada"), (POOL, "grace"), ("eu-central-1_Other", "ada")):
        assert await store.get(pool, username) == ()


async def test_new_answers_take_the_place_of_the_old_ones(store: Any) -> None:
    await store.put(POOL, "ada", [FILM])
    await store.put(POOL, "ada", [DISH])
    assert await store.get(POOL, "ada") == (DISH,)


async def test_deleted_answers_are_gone_and_may_be_deleted_again(store: Any) -> None:
    await store.put(POOL, "ada", [FILM])
    await store.put(POOL, "grace", [DISH])
    for _ in range(2):
        await store.delete(POOL, "ada")
        assert await store.get(POOL, "ada") == ()
    assert await store.get(POOL, "grace") == (DISH,)


def test_the_hash_is_not_shown() -> None:
    assert "argon2" not in repr(FILM)


async def test_a_caller_s_client_stays_open(dynamodb_store: DynamoDbAnswerStore) -> None:
    client = await dynamodb_store.connected()
    async with DynamoDbAnswerStore(table=dynamodb_store.table, client=client) as other:
        await other.put(POOL, "ada", [FILM])
    assert await dynamodb_store.get(POOL, "ada") == (FILM,)


async def test_answers_that_were_put_a_moment_ago_are_asked_for(
    dynamodb_store: DynamoDbAnswerStore,
) -> None:
    """Moto always knows the last write, as DynamoDB does not unless it is told to."""
    client, bodies = await dynamodb_store.connected(), []

    def note(request: Any, **_: Any) -> None:
        bodies.append(json.loads(request.body))

    client.meta.events.register("before-send.dynamodb.GetItem", note)
    await dynamodb_store.put(POOL, "ada", [FILM])
    assert await dynamodb_store.get(POOL, "ada") == (FILM,)
    assert [body["ConsistentRead"] for body in bodies] == [True]


async def test_without_dynamodb_nobody_knows(
    aws_environment: None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    async with DynamoDbAnswerStore(table="t", endpoint="http://127.0.0.1:1") as store:
        for asking in (store.get(POOL, "ada"), store.put(POOL, "ada", [FILM])):
            with pytest.raises(AnswersUnavailableError, match="try later"):
                await asking
    assert "DynamoDB refuses get_item" in caplog.text
    assert "argon2" not in caplog.text


async def test_without_the_table_nobody_knows(aws_environment: None) -> None:
    async with DynamoDbAnswerStore(table="missing") as store:
        with pytest.raises(AnswersUnavailableError):
            await store.get(POOL, "ada")


@pytest.mark.parametrize(
    "answers",
    [
        {"S": "first-film"},
        {"M": {"first-film": {"S": "$argon2id$"}}},
        {"M": {"first-film": {"M": {"key_id": {"S": "1"}}}}},
        {"M": {"first-film": {"M": {"key_id": {"S": "1"}, "hash": {"N": "7"}}}}},
        {"M": {"first-film": {"M": {"key_id": {"S": ""}, "hash": {"S": "x"}}}}},
    ],
)
async def test_what_something_else_wrote_is_refused(
    dynamodb_store: DynamoDbAnswerStore, answers: Any
) -> None:
    item = {"user_pool_id": {"S": POOL}, "username": {"S": "ada"}, "answers": answers}
    await dynamodb_store._call("put_item", Item=item)
    with pytest.raises(AnswersDamagedError):
        await dynamodb_store.get(POOL, "ada")


def test_settings_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(ConfigError, match="name the table"):
        DynamoDbAnswerStore(table="")
    with pytest.raises(ConfigError, match="region and endpoint already"):
        DynamoDbAnswerStore(table="t", client=object(), region="eu-central-1")

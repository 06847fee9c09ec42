from typing import Any

import pytest

from authflow.pool.accounts.passwords import StoredPassword
from authflow.pool.accounts.user_pool import UserPool
from authflow.pool.accounts.users import User
from authflow.pool.triggers.occasion import Occasion
from authflow.triggers import DefineEvent, MigrationEvent, PreAuthenticationEvent, TriggerEvent

POOL = UserPool(
    id="eu-central-1_EXAMPLE01",
    settings={},
    key_id="k",
    signing_key="{}",
    mask_key=b"",
    created_at=0.0,
    modified_at=0.0,
)
ADA = User(
    sub="0f3e5b9c",
    pool_id=POOL.id,
    username="ada",
    status="CONFIRMED",
    attributes={"email": "ada@example.com"},
    password=StoredPassword(salt=b"", verifier=b""),
    created_at=0.0,
    modified_at=0.0,
)


def occasion(user: User | None = ADA, metadata: dict[str, str] | None = None) -> Occasion:
    return Occasion(
        pool=POOL, client_id="client", username="ada", user=user, client_metadata=metadata
    )


def request_of(event: TriggerEvent) -> Any:
    written = event.to_json()
    assert written["region"] == "eu-central-1"
    assert written["userPoolId"] == POOL.id
    assert written["callerContext"]["clientId"] == "client"
    assert written["userName"] == "ada"
    return written["request"]


def test_an_event_tells_all_attributes_and_the_status():
    told = request_of(DefineEvent(**occasion().members, session=()))["userAttributes"]
    assert told == {
        "sub": "0f3e5b9c",
        "email": "ada@example.com",
        "cognito:user_status": "CONFIRMED",
    }


def test_of_a_user_who_does_not_exist_nothing_is_told():
    event = DefineEvent(**occasion(user=None).members, session=())
    assert request_of(event)["userAttributes"] == {}


@pytest.mark.parametrize("metadata", [{}, {"device": "phone"}])
def test_what_the_client_sent_along_is_told_as_it_was_sent(metadata: dict[str, str]):
    event = DefineEvent(**occasion(metadata=metadata).members, session=())
    assert request_of(event)["clientMetadata"] == metadata


def test_a_client_that_sent_nothing_along_is_told_of_by_no_member():
    assert "clientMetadata" not in request_of(DefineEvent(**occasion().members, session=()))


def test_an_event_before_the_password_carries_no_client_metadata():
    event = PreAuthenticationEvent(**occasion(metadata={"device": "phone"}).about_user)
    assert "clientMetadata" not in request_of(event)


def test_an_event_about_nobody_yet_tells_no_attributes():
    told = occasion(user=None, metadata={"page": "forgot"})
    event = MigrationEvent(
        **told.envelope,
        source="UserMigration_ForgotPassword",
        password=None,
        client_metadata=told.sent_metadata,
    )
    assert request_of(event) == {
        "password": None,
        "validationData": None,
        "clientMetadata": {"page": "forgot"},
    }

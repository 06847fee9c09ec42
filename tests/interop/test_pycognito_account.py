"""pycognito goes through a user's whole life at our pool, each step right and wrong."""

from copy import copy

import pytest
from botocore.exceptions import ClientError
from pycognito import Cognito

from testbed.authenticator import other_than
from testbed.served_pool import PASSWORD

NEW_PASSWORD, LAST_PASSWORD = "Another-horse-1", "Third-horse-1"
EMAIL = {"Destination": "a***@e***", "DeliveryMedium": "EMAIL", "AttributeName": "email"}
ELSEWHERE = "ann@elsewhere.example"
SETTINGS = {
    "AutoVerifiedAttributes": ["email"],
    "AccountRecoverySetting": {
        "RecoveryMechanisms": [{"Name": "verified_email", "Priority": 1}],
    },
    "UserAttributeUpdateSettings": {"AttributesRequireVerificationBeforeUpdate": ["email"]},
    "Schema": [{"Name": "tier", "AttributeDataType": "String", "Mutable": True}],
}
WRITTEN = ["email", "phone_number", "name", "custom:tier"]
FLOWS = ["ALLOW_USER_SRP_AUTH", "ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]


@pytest.fixture(scope="module")
def pool_id(served):
    return served.pool("OFF", SETTINGS)


@pytest.fixture(scope="module", params=[False, True], ids=["public", "with secret"])
def app(request, served, pool_id):
    return served.owner.create_user_pool_client(
        UserPoolId=pool_id,
        ClientName="pycognito",
        GenerateSecret=request.param,
        ExplicitAuthFlows=FLOWS,
        WriteAttributes=WRITTEN,
        ReadAttributes=[*WRITTEN, "email_verified"],
    )["UserPoolClient"]


@pytest.fixture(scope="module")
def stranger(served, pool_id, app):
    """pycognito's client before anything is done with it: AWS's SDK in it takes long to make."""
    client = Cognito(
        pool_id,
        app["ClientId"],
        client_secret=app.get("ClientSecret"),
        username="ada",
        access_key="any",
        secret_key="any",
        boto3_client_kwargs={"endpoint_url": served.endpoint},
    )
    yield client
    client.client.close()


@pytest.fixture
def client(served, pool_id, stranger):
    """One for ada, who is no user before, and none afterwards."""
    client = copy(stranger)
    yield client
    for user in client.get_users():
        served.owner.admin_delete_user(UserPoolId=pool_id, Username=user.username)


@pytest.fixture
def refused():
    """Expects Cognito's error of a name."""
    return lambda name: pytest.raises(ClientError, match=rf"\({name}Exception\)")


def sign_up(client):
    client.set_base_attributes(email="ada@example.com", name="Ada")
    client.add_custom_attributes(tier="gold")
    return client.register("ada", PASSWORD)


def test_a_user_registers_and_confirms_by_the_newest_code(served, client, refused):
    client.set_base_attributes(email="ada@example.com")
    with refused("InvalidPassword"):
        client.register("ada", "horse")
    client.set_base_attributes(email="nowhere")
    with refused("InvalidParameter"):
        client.register("ada", PASSWORD)
    made = sign_up(client)
    assert made.pop("UserSub")
    assert made == {"UserConfirmed": False, "CodeDeliveryDetails": EMAIL}
    first = served.code("EMAIL")
    with refused("UsernameExists"):
        sign_up(client)
    with refused("UserNotConfirmed"):
        client.authenticate(PASSWORD)
    client.resend_confirmation_code("ada")
    code = served.code("EMAIL")
    with refused("CodeMismatch"):
        client.confirm_sign_up(first if first != code else other_than(code))
    client.confirm_sign_up(code)
    with refused("NotAuthorized"):
        client.confirm_sign_up(code)
    with refused("InvalidParameter"):
        client.resend_confirmation_code("ada")
    with refused("NotAuthorized"):
        client.authenticate(NEW_PASSWORD)
    client.authenticate(PASSWORD)
    assert client.access_claims["username"] == "ada"
    assert client.id_claims["custom:tier"] == "gold"


@pytest.fixture
def signed_in(served, client):
    """Ada, signed up, confirmed and signed in."""
    sign_up(client)
    client.confirm_sign_up(served.code("EMAIL"))
    client.authenticate(PASSWORD)
    return client


def test_a_user_reads_changes_and_verifies_attributes(served, signed_in, refused):
    user = signed_in.get_user(attr_map={"custom:tier": "tier"})
    assert (user.name, user.tier, user.email_verified) == ("Ada", "gold", True)
    user.name, user.tier = "Ann", "silver"
    user.save()
    signed_in.update_profile({"email": ELSEWHERE})
    code = served.code("EMAIL")
    user = signed_in.get_user(attr_map={"custom:tier": "tier"})
    assert (user.name, user.tier, user.email) == ("Ann", "silver", "ada@example.com")
    with refused("CodeMismatch"):
        signed_in.validate_verification(other_than(code))
    signed_in.send_verification()
    code = served.code("EMAIL")
    signed_in.validate_verification(code)
    with refused("ExpiredCode"):
        signed_in.validate_verification(code)
    user = signed_in.get_user()
    assert (user.email, user.email_verified) == (ELSEWHERE, True)
    with refused("InvalidParameter"):
        signed_in.send_verification("phone_number")
    with refused("InvalidParameter"):
        signed_in.update_profile({"custom:unknown": "B"})


def test_a_user_changes_a_password_and_signs_out_everywhere(signed_in, refused):
    with refused("NotAuthorized"):
        signed_in.change_password(LAST_PASSWORD, NEW_PASSWORD)
    with refused("InvalidPassword"):
        signed_in.change_password(PASSWORD, "horse")
    signed_in.change_password(PASSWORD, NEW_PASSWORD)
    access, refresh = signed_in.access_token, signed_in.refresh_token
    signed_in.logout()
    signed_in.access_token, signed_in.refresh_token = access, refresh
    with refused("NotAuthorized"):
        signed_in.get_user()
    with refused("NotAuthorized"):
        signed_in.renew_access_token()
    with refused("NotAuthorized"):
        signed_in.authenticate(PASSWORD)
    signed_in.authenticate(NEW_PASSWORD)


def test_a_password_that_an_administrator_has_reset_is_set_anew(served, signed_in, refused):
    signed_in.admin_reset_password("ada")
    old = served.code("EMAIL")
    with refused("PasswordResetRequired"):
        signed_in.authenticate(PASSWORD)
    signed_in.initiate_forgot_password()
    code = served.code("EMAIL")
    with refused("CodeMismatch"):
        wrong = old if old != code else other_than(code)
        signed_in.confirm_forgot_password(wrong, NEW_PASSWORD)
    with refused("InvalidPassword"):
        signed_in.confirm_forgot_password(code, "horse")
    signed_in.confirm_forgot_password(code, NEW_PASSWORD)
    with refused("ExpiredCode"):
        signed_in.confirm_forgot_password(code, LAST_PASSWORD)
    with refused("NotAuthorized"):
        signed_in.authenticate(PASSWORD)
    signed_in.authenticate(NEW_PASSWORD)


def test_a_user_is_deleted_by_the_user(signed_in, refused):
    signed_in.get_user().delete()
    with refused("UserNotFound"):
        signed_in.get_user()
    for call in (
        signed_in.initiate_forgot_password,
        lambda: signed_in.resend_confirmation_code("ada"),
        lambda: signed_in.confirm_sign_up("123456"),
        lambda: signed_in.authenticate(PASSWORD),
        signed_in.admin_get_user,
    ):
        with refused("UserNotFound"):
            call()


def test_an_administrator_goes_through_a_users_life(served, client, refused):
    sign_up(client)
    served.code("EMAIL")
    client.admin_confirm_sign_up()
    with refused("NotAuthorized"):
        client.admin_confirm_sign_up()
    with refused("NotAuthorized"):
        client.admin_authenticate(NEW_PASSWORD)
    client.admin_authenticate(PASSWORD)
    user = client.admin_get_user()
    assert (user.user_status, user.enabled, user.email_verified) == ("CONFIRMED", True, False)
    user.name = "Ann"
    user.save(admin=True)
    assert [(each.username, each.name) for each in client.get_users()] == [("ada", "Ann")]
    client.admin_disable_user("ada")
    with refused("NotAuthorized"):
        client.authenticate(PASSWORD)
    client.admin_enable_user("ada")
    client.authenticate(PASSWORD)

    served.owner.create_group(UserPoolId=client.user_pool_id, GroupName=client.client_id)
    assert client.client_id in [each.group_name for each in client.get_groups()]
    client.admin_add_user_to_group("ada", client.client_id)
    assert client.admin_list_groups_for_user("ada") == [client.client_id]
    assert client.get_group(client.client_id).group_name == client.client_id
    client.admin_remove_user_from_group("ada", client.client_id)
    assert client.admin_list_groups_for_user("ada") == []
    client.admin_get_user().delete(admin=True)
    with refused("UserNotFound"):
        client.admin_get_user()


def test_an_invited_user_sets_a_password(served, client, refused):
    client.admin_create_user(
        "ada", email="ada@example.com", additional_kwargs={"DesiredDeliveryMediums": ["EMAIL"]}
    )
    temporary = served.code("EMAIL")
    with refused("UsernameExists"):
        client.admin_create_user("ada", email="ada@example.com")
    with refused("InvalidPassword"):
        client.new_password_challenge(temporary, "horse")
    client.new_password_challenge(temporary, NEW_PASSWORD)
    assert client.access_claims["username"] == "ada"
    with refused("NotAuthorized"):
        client.authenticate(temporary)
    client.authenticate(NEW_PASSWORD)

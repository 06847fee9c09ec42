"""boto3, AWS's own SDK, administers our pool."""

import uuid

import pytest
from botocore.exceptions import ClientError

PASSWORD = "Correct-horse-1"


def code_of(error: pytest.ExceptionInfo[ClientError]) -> str:
    return error.value.response["Error"]["Code"]


@pytest.fixture
def pool_id(owner):
    return owner.create_user_pool(PoolName="boto3")["UserPool"]["Id"]


@pytest.fixture
def client_id(owner, pool_id):
    made = owner.create_user_pool_client(
        UserPoolId=pool_id,
        ClientName="boto3",
        ExplicitAuthFlows=["ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
    )
    return made["UserPoolClient"]["ClientId"]


def test_a_user_pool_is_made_described_changed_and_listed(owner):
    policy = {"PasswordPolicy": {"MinimumLength": 12, "RequireSymbols": False}}
    made = owner.create_user_pool(PoolName="first", Policies=policy)["UserPool"]
    described = owner.describe_user_pool(UserPoolId=made["Id"])["UserPool"]
    assert described["Name"] == "first"
    assert described["Policies"]["PasswordPolicy"]["MinimumLength"] == 12
    assert described["CreationDate"].tzinfo is not None
    owner.update_user_pool(UserPoolId=made["Id"], UserPoolTags={"team": "auth"})
    assert owner.describe_user_pool(UserPoolId=made["Id"])["UserPool"]["UserPoolTags"] == {
        "team": "auth"
    }
    listed, token = [], {}
    while True:
        page = owner.list_user_pools(MaxResults=1, **token)
        assert len(page["UserPools"]) <= 1
        listed += [pool["Id"] for pool in page["UserPools"]]
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert made["Id"] in listed
    assert len(listed) == len(set(listed))


def test_an_app_client_is_made_described_and_changed(owner, pool_id):
    made = owner.create_user_pool_client(
        UserPoolId=pool_id, ClientName="first", GenerateSecret=True, AuthSessionValidity=5
    )["UserPoolClient"]
    described = owner.describe_user_pool_client(UserPoolId=pool_id, ClientId=made["ClientId"])
    assert described["UserPoolClient"]["ClientSecret"] == made["ClientSecret"]
    assert described["UserPoolClient"]["AuthSessionValidity"] == 5
    changed = owner.update_user_pool_client(
        UserPoolId=pool_id, ClientId=made["ClientId"], ClientName="second"
    )["UserPoolClient"]
    assert changed["ClientName"] == "second"
    assert changed["ClientId"] == made["ClientId"]


def test_a_user_is_made_looked_up_and_deleted(owner, pool_id):
    attributes = [{"Name": "email", "Value": "ada@example.com"}]
    made = owner.admin_create_user(
        UserPoolId=pool_id, Username="Ada", UserAttributes=attributes, MessageAction="SUPPRESS"
    )["User"]
    assert made["UserStatus"] == "FORCE_CHANGE_PASSWORD"
    found = owner.admin_get_user(UserPoolId=pool_id, Username="Ada")
    by_name = {each["Name"]: each["Value"] for each in found["UserAttributes"]}
    assert by_name["email"] == "ada@example.com"
    assert uuid.UUID(by_name["sub"])
    with pytest.raises(ClientError) as again:
        owner.admin_create_user(UserPoolId=pool_id, Username="Ada")
    assert code_of(again) == "UsernameExistsException"
    owner.admin_delete_user(UserPoolId=pool_id, Username="Ada")
    with pytest.raises(ClientError) as gone:
        owner.admin_get_user(UserPoolId=pool_id, Username="Ada")
    assert code_of(gone) == "UserNotFoundException"


def test_an_administrator_signs_a_user_in_by_password(owner, pool_id, client_id):
    owner.admin_create_user(UserPoolId=pool_id, Username="ada", TemporaryPassword="Temporary-1")
    begun = owner.admin_initiate_auth(
        UserPoolId=pool_id,
        ClientId=client_id,
        AuthFlow="ADMIN_USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": "ada", "PASSWORD": "Temporary-1"},
    )
    assert begun["ChallengeName"] == "NEW_PASSWORD_REQUIRED"
    done = owner.admin_respond_to_auth_challenge(
        UserPoolId=pool_id,
        ClientId=client_id,
        ChallengeName="NEW_PASSWORD_REQUIRED",
        ChallengeResponses={"USERNAME": "ada", "NEW_PASSWORD": PASSWORD},
        Session=begun["Session"],
    )
    access = done["AuthenticationResult"]["AccessToken"]
    assert owner.get_user(AccessToken=access)["Username"] == "ada"
    owner.global_sign_out(AccessToken=access)
    with pytest.raises(ClientError) as out:
        owner.get_user(AccessToken=access)
    assert code_of(out) == "NotAuthorizedException"


@pytest.mark.parametrize("permanent", [True, False])
def test_an_administrator_sets_a_password_for_good_or_for_once(
    owner, pool_id, client_id, permanent
):
    owner.admin_create_user(UserPoolId=pool_id, Username="ada", MessageAction="SUPPRESS")
    owner.admin_set_user_password(
        UserPoolId=pool_id, Username="ada", Password=PASSWORD, Permanent=permanent
    )
    begun = owner.admin_initiate_auth(
        UserPoolId=pool_id,
        ClientId=client_id,
        AuthFlow="ADMIN_USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": "ada", "PASSWORD": PASSWORD},
    )
    assert ("AuthenticationResult" in begun) is permanent


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (
            lambda o, p: o.admin_set_user_password(
                UserPoolId=p, Username="none", Password=PASSWORD, Permanent=True
            ),
            "UserNotFoundException",
        ),
        (
            lambda o, p: o.admin_create_user(
                UserPoolId=p, Username="x", TemporaryPassword="weak-one"
            ),
            "InvalidPasswordException",
        ),
        (
            lambda o, _: o.describe_user_pool(UserPoolId="us-east-1_none"),
            "ResourceNotFoundException",
        ),
        (
            lambda o, p: o.describe_user_pool_client(UserPoolId=p, ClientId="none"),
            "ResourceNotFoundException",
        ),
        (
            lambda o, p: o.list_resource_servers(UserPoolId=p, MaxResults=1),
            "UnknownOperationException",
        ),
    ],
    ids=["unknown user", "weak password", "unknown pool", "unknown client", "unknown operation"],
)
def test_a_call_that_cannot_be_carried_out_has_cognitos_error(owner, pool_id, call, code):
    with pytest.raises(ClientError) as refused:
        call(owner, pool_id)
    assert code_of(refused) == code
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400

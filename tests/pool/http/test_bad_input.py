import inspect
import json

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel

from authflow.pool.http.request_body import MOST_BYTES

MODEL = ServiceModel(Loader().load_service_model("cognito-idp", "service-2"))
OPERATIONS = [
    *("CreateUserPool", "CreateUserPoolClient", "DescribeUserPool", "DescribeUserPoolClient"),
    *("UpdateUserPool", "UpdateUserPoolClient", "ListUserPools", "ListUserPoolClients"),
    "AdminCreateUser",
    *("AdminSetUserPassword", "AdminGetUser", "AdminDeleteUser", "AdminDisableUser"),
    *("AdminEnableUser", "DeleteUserPool", "DeleteUserPoolClient", "InitiateAuth"),
    *("RespondToAuthChallenge", "AdminInitiateAuth", "AdminRespondToAuthChallenge"),
    *("GetTokensFromRefreshToken", "RevokeToken", "GetUser", "GlobalSignOut"),
    *("SignUp", "ConfirmSignUp", "ResendConfirmationCode", "AdminConfirmSignUp"),
    *("ForgotPassword", "ConfirmForgotPassword", "AdminResetUserPassword"),
    *("CreateGroup", "GetGroup", "DeleteGroup", "ListGroups", "AdminListGroupsForUser"),
    *("UpdateGroup", "ListUsers", "ListUsersInGroup", "AddCustomAttributes"),
    *("GetCSVHeader", "CreateUserImportJob", "DescribeUserImportJob", "ListUserImportJobs"),
    *("StartUserImportJob", "StopUserImportJob"),
    *("TagResource", "UntagResource", "ListTagsForResource"),
    *("AddUserPoolClientSecret", "ListUserPoolClientSecrets", "DeleteUserPoolClientSecret"),
    *("AdminAddUserToGroup", "AdminRemoveUserFromGroup"),
    *("SetUserPoolMfaConfig", "GetUserPoolMfaConfig"),
    *("AssociateSoftwareToken", "VerifySoftwareToken", "SetUserMFAPreference"),
    *("AdminSetUserMFAPreference", "AdminDeleteSoftwareToken"),
    *("SetUserSettings", "AdminSetUserSettings"),
    *("GetUserAuthFactors", "AdminGetUserAuthFactors"),
    *("ConfirmDevice", "UpdateDeviceStatus", "ForgetDevice", "GetDevice", "ListDevices"),
    *("ChangePassword", "DeleteUser", "AdminUserGlobalSignOut"),
    *("UpdateUserAttributes", "AdminUpdateUserAttributes"),
    *("DeleteUserAttributes", "AdminDeleteUserAttributes"),
    *("GetUserAttributeVerificationCode", "VerifyUserAttribute"),
    *("AdminUpdateDeviceStatus", "AdminForgetDevice", "AdminGetDevice", "AdminListDevices"),
]
KNOWN = [name for name in OPERATIONS if name in MODEL.operation_names]
"""Without those that an older botocore lacks: the pool does not serve them."""
BODIES = {
    "nothing": b"",
    "no JSON": b"{",
    "trailing text": b"{} {}",
    "a list": b"[]",
    "a number": b"1",
    "null": b"null",
    "not UTF-8": b'{"PoolName": "\xff"}',
    "UTF-16": '{"PoolName": "x"}'.encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf{}",
    "a name twice": b'{"a": 1, "a": 2}',
    "a name twice inside": b'{"a": {"b": 1, "b": 2}}',
    "NaN": b'{"MaxResults": NaN}',
    "a long number": b'{"MaxResults": ' + b"9" * 5000 + b"}",
    "33 levels": b'{"a":' * 33 + b"1" + b"}" * 33,
    "20000 levels": b"[" * 20000,
    "20000 levels inside": b'{"a":' * 9000 + b"1" + b"}" * 9000,
    "too long": b'{"a": "' + b"x" * MOST_BYTES + b'"}',
}


def stand_in(shape):
    """Give a value that a shape allows, as far as its type goes."""
    match shape.type_name:
        case "structure":
            return {name: stand_in(shape.members[name]) for name in shape.required_members}
        case "list":
            return []
        case "map":
            return {}
        case "boolean":
            return True
        case "integer" | "long":
            return shape.metadata.get("min", 1)
        case _:
            if "enum" in shape.metadata:
                return shape.metadata["enum"][0]
            pattern = shape.metadata.get("pattern", "")
            return (
                "us-east-1_x" if "_[0-9a-zA-Z]" in pattern else "x" * shape.metadata.get("min", 1)
            )


def wrong_values(shape):
    """Give values that a shape cannot allow."""
    yield from {
        "structure": ["text", 1, []],
        "list": ["text", 1, {}],
        "map": ["text", 1, []],
        "boolean": ["true", 1, {}],
        "integer": ["1", 1.5, True, 2**31, 10**400, []],
        "long": ["1", 1.5, True, 2**63, []],
    }.get(shape.type_name, [1, True, {}, ["x"], "\ud800"])
    metadata = shape.metadata
    if shape.type_name == "string":
        if metadata.get("min", 0) > 0:
            yield ""
        if metadata.get("max", MOST_BYTES) < MOST_BYTES:
            yield "x" * (metadata["max"] + 1)
        if "enum" in metadata:
            yield "NOT_IN_THE_LIST"
        if metadata.get("pattern") == "[\\S]+":
            yield "white space"
    elif shape.type_name == "integer":
        if "min" in metadata:
            yield metadata["min"] - 1
        if "max" in metadata:
            yield metadata["max"] + 1
    elif shape.type_name == "list":
        yield [None]
        yield [["nested"]]
    elif shape.type_name == "map":
        yield {"x": 1}


def cases(operation):
    shape = MODEL.operation_model(operation).input_shape
    whole = {name: stand_in(shape.members[name]) for name in shape.required_members}
    for name in shape.required_members:
        yield {key: value for key, value in whole.items() if key != name}
        yield {**whole, name: None}
    for name, member in shape.members.items():
        for value in wrong_values(member):
            yield {**whole, name: value}


@pytest.mark.parametrize("operation", KNOWN)
async def test_every_bad_request_gets_an_error_of_cognitos_shape_and_the_pool_goes_on(
    api, operation
):
    bodies = [*BODIES.values(), *(json.dumps(case).encode() for case in cases(operation))]
    for body in bodies:
        status, reply, headers = await api.post(operation, body)
        assert status == 400, body[:200]
        assert reply.keys() == {"__type", "message"}
        assert reply["__type"] in {"InvalidParameterException", "SerializationException"}, body
        assert headers["Content-Type"] == "application/x-amz-json-1.1"
        assert headers["x-amzn-ErrorType"] == reply["__type"]
        assert headers["x-amzn-RequestId"]
    assert "UserPools" in await api("ListUserPools", MaxResults=1)


async def test_the_table_above_names_every_operation(api):
    from authflow.pool.operations import operations

    table = operations(**dict.fromkeys(inspect.signature(operations).parameters))
    assert sorted(table) == sorted(OPERATIONS)


@pytest.mark.parametrize(
    ("rest", "message"),
    [
        ('"MaxResults": 2', "a name stands twice in one JSON object"),
        ('"Invented": {"a": 1, "a": 1}', "a name stands twice in one JSON object"),
        ('"Invented": [{"a": {"b": 1, "b": 2}}]', "a name stands twice in one JSON object"),
        ('"Invented": NaN', "NaN and Infinity are not JSON"),
        ('"Invented": [-Infinity]', "NaN and Infinity are not JSON"),
        (f'"Invented": {"[" * 32}{"]" * 32}', "the body is more than 32 levels deep"),
        (f'"Invented": {"[" * 31}{{"a": 1}}{"]" * 31}', "the body is more than 32 levels deep"),
        ('"Invented": ' + '{"a":' * 32 + "1" + "}" * 32, "the body is more than 32 levels deep"),
        ('"Invented": "half', "the body is not JSON"),
    ],
)
async def test_what_is_ambiguous_or_excessive_is_refused_in_a_request_that_is_good_otherwise(
    api, rest, message
):
    status, reply, _ = await api.post("ListUserPools", f'{{"MaxResults": 1, {rest}}}')
    assert (status, reply) == (400, {"__type": "SerializationException", "message": message})


@pytest.mark.parametrize(
    "rest",
    [
        f'"Invented": {"[" * 31}{"]" * 31}',
        f'"Invented": [{", ".join(["[]"] * 1000)}]',
        f'"Invented": "{"x" * (MOST_BYTES - 36)}"',
    ],
    ids=["deep", "many", "long"],
)
async def test_what_is_just_within_the_bounds_is_taken(api, rest):
    status, reply, _ = await api.post("ListUserPools", f'{{"MaxResults": 1, {rest}}}')
    assert status == 200, reply


async def test_members_that_nobody_knows_are_ignored(api):
    made = await api("CreateUserPool", PoolName="x", Invented={"a": 1})
    assert "Invented" not in made["UserPool"]


async def test_secrets_are_not_echoed(api):
    for request in (
        {"Password": 7, "UserPoolId": "us-east-1_x", "Username": "ann"},
        {"Password": "top secret", "UserPoolId": "us-east-1_x", "Username": "ann"},
    ):
        refusal = await api.refused("AdminSetUserPassword", **request)
        assert "top secret" not in refusal.message
    assert refusal.message == (
        "1 validation error detected: Value at 'password' failed to satisfy constraint: "
        "Member must satisfy regular expression pattern: [\\S]+"
    )


async def test_several_errors_are_told_at_once(api):
    refusal = await api.refused("AdminGetUser", UserPoolId="no pool")
    assert refusal.message == (
        "2 validation errors detected: Value null at 'username' failed to satisfy constraint: "
        "Member must not be null; Value 'no pool' at 'userPoolId' failed to satisfy constraint: "
        "Member must satisfy regular expression pattern: [\\w-]+_[0-9a-zA-Z]+"
    )


@pytest.mark.parametrize(
    "target",
    ["", "InitiateAuth", "AWSCognitoIdentityProviderService.", "\u00e9", "Other.InitiateAuth"],
)
async def test_an_unknown_operation_gets_an_error_of_cognitos_shape(api, target):
    status, reply, _ = await api.post("x", b"{}", **{"X-Amz-Target": target})
    assert (status, reply["__type"]) == (400, "UnknownOperationException")


async def test_operations_of_cognito_that_the_pool_lacks_are_unknown(api):
    status, reply, _ = await api.post("SetUICustomization", b"{}")
    assert (status, reply["__type"]) == (400, "UnknownOperationException")

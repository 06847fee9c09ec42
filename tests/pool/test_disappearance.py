"""Whatever vanishes while an operation runs, it ends as Cognito would end it, and leaves no tokens.

Before each look at the database in turn, somebody else deletes the user, the app client or the user
pool, or disables the user, or sets another password.
"""

import json
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, ClassVar

import pytest

from authflow.pool.http.validation import service_model
from authflow.pool.store.database import Database

PASSWORD, NEW, TEMPORARY = "Corr3ct-Horse", "An0ther-Horse", "Temp0rary!"
ARN = "arn:aws:lambda:us-east-1:000000000000:function:riddle"
GONE = "ResourceNotFoundException"
CHALLENGES = ("DefineAuthChallenge", "CreateAuthChallenge", "VerifyAuthChallengeResponse")
AROUND = ("PreAuthentication", "PostAuthentication", "PreTokenGeneration", "CustomMessage")
COMMON = {"ResourceNotFoundException", "NotAuthorizedException", "InvalidParameterException"}


class Interfered(Database):
    """Lets somebody else go first, once, before the look at it that was named."""

    turn: ClassVar[int | None] = None
    first: ClassVar[Callable[[], Awaitable[Any]] | None] = None

    async def read(self, job, *args, **kwargs):
        await self._yield()
        return await super().read(job, *args, **kwargs)

    async def write(self, job, *args, **kwargs):
        await self._yield()
        return await super().write(job, *args, **kwargs)

    async def _yield(self):
        if Interfered.turn is None:
            return
        Interfered.turn -= 1
        if Interfered.turn < 0:
            first, Interfered.turn = Interfered.first, None
            await first()


def riddle(event, _):
    """All triggers of a pool."""
    response = event["response"]
    match event["triggerSource"].partition("_")[0]:
        case "DefineAuthChallenge":
            passed = [each["challengeResult"] for each in event["request"]["session"]]
            response["issueTokens"] = passed[-1:] == [True]
            response["challengeName"] = "CUSTOM_CHALLENGE"
        case "VerifyAuthChallengeResponse":
            response["answerCorrect"] = True
        case "UserMigration":
            response["userAttributes"] = {"email": "old@example.org", "email_verified": "true"}
            response["messageAction"] = "SUPPRESS"
    return event


@pytest.fixture
async def settled(start, settle, monkeypatch):
    monkeypatch.setattr("authflow.pool.server.Database", Interfered)
    sent = []
    api = await start(triggers={"riddle": riddle}, on_message=sent.append)

    async def settled(triggers=(), **client):
        house = await settle(api, {"LambdaConfig": dict.fromkeys(triggers, ARN)}, **client)
        await house.add_user("ann", email="ann@example.org", email_verified="true")
        return house

    yield settled, sent
    Interfered.turn = None


async def by_password(house, _sent):
    return "InitiateAuth", house.by_password()


async def by_administrator(house, _sent):
    begun = house.begin("ADMIN_USER_PASSWORD_AUTH", "ann", PASSWORD=PASSWORD)
    return "AdminInitiateAuth", {"UserPoolId": house.pool_id, **begun}


async def by_srp(house, _sent):
    request = house.begin("USER_SRP_AUTH", SRP_A="2")
    return "InitiateAuth", request


async def proof(house, _sent):
    return "RespondToAuthChallenge", await house.by_srp()


async def round_begun(house, _sent):
    return "InitiateAuth", house.begin("CUSTOM_AUTH")


async def round_answered(house, _sent):
    asked = await house.api("InitiateAuth", **house.begin("CUSTOM_AUTH"))
    answer = house.answer("CUSTOM_CHALLENGE", "ann", asked["Session"], ANSWER="4")
    return "RespondToAuthChallenge", answer


async def new_password(house, _sent):
    whose = {"UserPoolId": house.pool_id, "Username": "ann"}
    await house.api("AdminSetUserPassword", **whose, Password=TEMPORARY)
    asked = await house.api("InitiateAuth", **house.by_password("ann", TEMPORARY))
    answer = {"NEW_PASSWORD": NEW, "userAttributes.name": "Ann"}
    return "RespondToAuthChallenge", house.answer(
        "NEW_PASSWORD_REQUIRED", "ann", asked["Session"], **answer
    )


async def migration(house, _sent):
    return "InitiateAuth", house.by_password("old")


async def refresh(house, _sent):
    token = {"REFRESH_TOKEN": (await house.tokens())["RefreshToken"]}
    return "InitiateAuth", house.begin("REFRESH_TOKEN_AUTH", **token)


async def renewal(house, _sent):
    token = (await house.tokens())["RefreshToken"]
    return "GetTokensFromRefreshToken", {"ClientId": house.client_id, "RefreshToken": token}


async def forgotten(house, _sent):
    return "ForgotPassword", {"ClientId": house.client_id, "Username": "ann"}


async def confirmed(house, sent):
    client = {"ClientId": house.client_id, "Username": "ann"}
    await house.api("ForgotPassword", **client)
    code = sent[-1].code.reveal()
    return "ConfirmForgotPassword", {**client, "ConfirmationCode": code, "Password": NEW}


async def _apply(house, name="ann"):
    """Let a user wait for the code of a sign-up."""
    pool = {"UserPoolId": house.pool_id}
    await house.api("UpdateUserPool", **pool, AutoVerifiedAttributes=["email"])
    if name == "ann":
        await house.api("AdminDeleteUser", **pool, Username=name)
    return {
        "ClientId": house.client_id,
        "Username": name,
        "Password": NEW,
        "UserAttributes": [{"Name": "email", "Value": "ann@example.org"}],
    }


async def sign_up(house, _sent):
    return "SignUp", await _apply(house, "eve")


async def sign_up_confirmed(house, sent):
    await house.api("SignUp", **await _apply(house))
    entered = {"Username": "ann", "ConfirmationCode": sent[-1].code.reveal()}
    return "ConfirmSignUp", {"ClientId": house.client_id, **entered}


async def sent_again(house, _sent):
    await house.api("SignUp", **await _apply(house))
    return "ResendConfirmationCode", {"ClientId": house.client_id, "Username": "ann"}


async def sent_again_to_nobody(house, _sent):
    pool = {"UserPoolId": house.pool_id}
    await house.api("UpdateUserPool", **pool, AutoVerifiedAttributes=["email"])
    return "ResendConfirmationCode", {"ClientId": house.client_id, "Username": "ghost"}


async def confirmed_by_administrator(house, _sent):
    await house.api("SignUp", **await _apply(house))
    return "AdminConfirmSignUp", {"UserPoolId": house.pool_id, "Username": "ann"}


def of_access_token(operation):
    async def prepared(house, _sent):
        return operation, {"AccessToken": (await house.tokens())["AccessToken"]}

    return prepared


async def revocation(house, _sent):
    token = (await house.tokens())["RefreshToken"]
    return "RevokeToken", {"ClientId": house.client_id, "Token": token}


def administered(operation, **request):
    async def prepared(house, _sent):
        if "GroupName" in request and operation != "CreateGroup":
            group = {"UserPoolId": house.pool_id, "GroupName": "admins"}
            await house.api("CreateGroup", **group)
        client = {"ClientId": house.client_id} if "Client" in operation else {}
        return operation, {"UserPoolId": house.pool_id, **client, **request}

    return prepared


def imported(operation, **request):
    async def prepared(house, _sent):
        pool = {"UserPoolId": house.pool_id}
        role = {"CloudWatchLogsRoleArn": "arn:aws:iam::000000000000:role/logs"}
        made = await house.api("CreateUserImportJob", **pool, JobName="j", **role)
        return operation, {**pool, "JobId": made["UserImportJob"]["JobId"], **request}

    return prepared


def tagged(operation, **request):
    async def prepared(house, _sent):
        pool = await house.api("DescribeUserPool", UserPoolId=house.pool_id)
        return operation, {"ResourceArn": pool["UserPool"]["Arn"], **request}

    return prepared


ADDED = {"Name": "team", "AttributeDataType": "String"}
ANN, ADMINS = {"Username": "ann"}, {"GroupName": "admins"}
OPERATIONS = {
    "InitiateAuth by a password": by_password,
    "AdminInitiateAuth": by_administrator,
    "InitiateAuth by SRP": by_srp,
    "a proof": proof,
    "a round that begins": round_begun,
    "a round that is answered": round_answered,
    "a new password": new_password,
    "a user who is brought in": migration,
    "REFRESH_TOKEN_AUTH": refresh,
    "GetTokensFromRefreshToken": renewal,
    "ForgotPassword": forgotten,
    "ConfirmForgotPassword": confirmed,
    "SignUp": sign_up,
    "ConfirmSignUp": sign_up_confirmed,
    "ResendConfirmationCode": sent_again,
    "AdminConfirmSignUp": confirmed_by_administrator,
    "RevokeToken": revocation,
    **{each: of_access_token(each) for each in ("GetUser", "GlobalSignOut")},
    **{
        each: administered(each, **ANN)
        for each in (
            *("AdminGetUser", "AdminDeleteUser", "AdminDisableUser", "AdminEnableUser"),
            *("AdminListGroupsForUser", "AdminResetUserPassword"),
        )
    },
    "AdminSetUserPassword": administered("AdminSetUserPassword", **ANN, Password=NEW),
    "AdminCreateUser": administered("AdminCreateUser", Username="bob"),
    **{
        each: administered(each, **ANN, **ADMINS)
        for each in ("AdminAddUserToGroup", "AdminRemoveUserFromGroup")
    },
    **{
        each: administered(each, **ADMINS)
        for each in ("CreateGroup", "GetGroup", "UpdateGroup", "DeleteGroup", "ListUsersInGroup")
    },
    **{
        each: administered(each)
        for each in (
            *("DescribeUserPool", "UpdateUserPool", "DeleteUserPool", "ListGroups", "ListUsers"),
            *("DescribeUserPoolClient", "UpdateUserPoolClient", "DeleteUserPoolClient"),
        )
    },
    "AddCustomAttributes": administered("AddCustomAttributes", CustomAttributes=[ADDED]),
    **{
        each: tagged(each, **more)
        for each, more in (
            ("TagResource", {"Tags": {"team": "red"}}),
            ("UntagResource", {"TagKeys": ["team"]}),
            ("ListTagsForResource", {}),
        )
    },
    **{
        each: administered(each)
        for each in ("AddUserPoolClientSecret", "ListUserPoolClientSecrets")
    },
    "DeleteUserPoolClientSecret": administered("DeleteUserPoolClientSecret", ClientSecretId="x"),
    "GetCSVHeader": administered("GetCSVHeader"),
    "ListUserImportJobs": administered("ListUserImportJobs", MaxResults=1),
    **{
        each: imported(each)
        for each in ("DescribeUserImportJob", "StartUserImportJob", "StopUserImportJob")
    },
    "CreateUserImportJob": imported(
        "CreateUserImportJob",
        JobName="k",
        CloudWatchLogsRoleArn="arn:aws:iam::000000000000:role/logs",
    ),
    "CreateUserPoolClient": administered("CreateUserPoolClient", ClientName="second"),
}


def interferences(house):
    """Give what somebody else may do meanwhile."""
    pool, client = {"UserPoolId": house.pool_id}, {"ClientId": house.client_id}
    return {
        "the user is deleted": ("AdminDeleteUser", {**pool, **ANN}),
        "the user is disabled": ("AdminDisableUser", {**pool, **ANN}),
        "the password changes": (
            "AdminSetUserPassword",
            {**pool, **ANN, "Password": "Th1rd-Horse", "Permanent": True},
        ),
        "the app client is deleted": ("DeleteUserPoolClient", {**pool, **client}),
        "the user pool is deleted": ("DeleteUserPool", pool),
    }


def modelled(operation):
    """Give the errors that Cognito's model has for an operation."""
    names = {each.name for each in service_model().operation_model(operation).error_shapes}
    return COMMON | names - {"InternalErrorException"}


async def interrupt(house, sent, prepare, what, turn):
    """Run an operation that somebody interferes with; give its reply, or None if none could."""
    operation, request = await prepare(house, sent)
    other, told = interferences(house)[what]

    async def first():
        await house.api(other, **told)

    Interfered.turn, Interfered.first = turn, first
    _, reply, _ = await house.api.post(operation, json.dumps(request))
    came, Interfered.turn = Interfered.turn is None, None
    return (operation, reply) if came else None


async def forgotten_by_nobody(house, _sent):
    return "ForgotPassword", {"ClientId": house.client_id, "Username": "ghost"}


async def forgotten_elsewhere(house, _sent):
    return "ForgotPassword", {"ClientId": house.client_id, "Username": "old"}


async def confirmed_by_nobody(house, _sent):
    entered = {"Username": "ghost", "ConfirmationCode": "123456", "Password": NEW}
    return "ConfirmForgotPassword", {"ClientId": house.client_id, **entered}


async def by_password_of_nobody(house, _sent):
    return "InitiateAuth", house.by_password("ghost")


NEEDED = {
    migration: ("UserMigration",),
    forgotten_elsewhere: ("UserMigration",),
    round_begun: CHALLENGES,
    round_answered: CHALLENGES,
}
OF_CREDENTIALS = {"the user is disabled", "the password changes"}
SIGNING_IN = (
    *(by_password, by_administrator, proof, round_begun, round_answered, new_password),
    *(refresh, renewal, forgotten, confirmed, sign_up_confirmed, sent_again),
)
"""What depends on more than that there is such a user."""
HIDDEN = (
    *(by_password, by_password_of_nobody, by_srp, proof, round_answered, migration),
    *(forgotten, forgotten_by_nobody, forgotten_elsewhere, confirmed, confirmed_by_nobody),
    *(sign_up_confirmed, sent_again, sent_again_to_nobody),
)
CASES = {
    **{name: (prepare, {}) for name, prepare in OPERATIONS.items()},
    **{
        f"{prepare.__name__}, hidden": (prepare, {"PreventUserExistenceErrors": "ENABLED"})
        for prepare in HIDDEN
    },
}


@pytest.mark.parametrize(("prepare", "client"), CASES.values(), ids=CASES)
async def test_what_vanishes_meanwhile_is_refused_as_cognito_does(settled, prepare, client):
    made, sent = settled
    make = partial(made, **client)
    # Where a trigger runs before tokens are given, it is decided once more, elsewhere.
    around = () if prepare in {by_password, proof} else AROUND
    triggers = (*NEEDED.get(prepare, ()), *around)
    house = await make(triggers)
    for what in interferences(house):
        if what in OF_CREDENTIALS and prepare not in SIGNING_IN:
            continue
        for turn in range(1, 20):  # before the first look it is simply not there
            came = await interrupt(house, sent, prepare, what, turn)
            if came is None:
                house = await make(triggers)
                break
            operation, reply = came
            told = (what, turn, reply)
            assert reply.get("__type", "ResourceNotFoundException") in modelled(operation), told
            if what == "the user pool is deleted" and operation.endswith("ForgotPassword"):
                assert reply.get("__type", GONE) == GONE, told
            given = reply.get("AuthenticationResult")
            # Who is brought in is another user than the one that vanishes.
            if given and (prepare is not migration or "deleted" in what.partition("user")[0]):
                await house.api.refused("GetUser", AccessToken=given["AccessToken"])
            house = await make(triggers)
        else:
            pytest.fail("the operation does not end")


OWN = {
    "ChangePassword": {"PreviousPassword": PASSWORD, "ProposedPassword": NEW},
    "DeleteUser": {},
    "UpdateUserAttributes": {"UserAttributes": [{"Name": "email", "Value": "n@example.org"}]},
    "DeleteUserAttributes": {"UserAttributeNames": ["email"]},
    "GetUserAttributeVerificationCode": {"AttributeName": "email"},
    "VerifyUserAttribute": {"AttributeName": "email"},
}


async def test_who_is_signed_out_or_gone_meanwhile_changes_nothing(start, settle, monkeypatch):
    monkeypatch.setattr("authflow.pool.server.Database", Interfered)
    sent = []
    house = await settle(await start(on_message=sent.append), {"AutoVerifiedAttributes": ["email"]})
    named = {"UserPoolId": house.pool_id, "Username": "ann"}
    await house.add_user("ann", email="ann@example.org")
    for operation, what, turn in (
        (operation, "AdminUserGlobalSignOut" if turn else "AdminDeleteUser", turn or 1)
        for operation in OWN
        for turn in (1, 2, 3, 4, 0)
    ):
        own = {"AccessToken": (await house.tokens())["AccessToken"], **OWN[operation]}
        if operation == "VerifyUserAttribute":
            code = {"AccessToken": own["AccessToken"], "AttributeName": "email"}
            await house.api("GetUserAttributeVerificationCode", **code)
            own["Code"] = sent[-1].code.reveal()
        before = await house.api("AdminGetUser", **named)
        sent.clear()
        Interfered.turn, Interfered.first = turn, partial(house.api, what, **named)
        _, reply, _ = await house.api.post(operation, json.dumps(own))
        came, Interfered.turn = Interfered.turn is None, None
        if not came:  # then it was done
            await house.api.post("AdminDeleteUser", json.dumps(named))
            await house.add_user("ann", email="ann@example.org")
            continue
        told = (operation, what, turn, reply)
        assert reply.get("__type") in modelled(operation) - {"InvalidParameterException"}, told
        assert sent == [], told
        if what == "AdminUserGlobalSignOut":
            assert await house.api("AdminGetUser", **named) == before, told
        else:
            await house.add_user("ann", email="ann@example.org")

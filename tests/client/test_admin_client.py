"""The administrator of a user pool: what is sent, what is read, and sign-ins for others."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from authflow import (
    AdminClient,
    AuthClient,
    AuthFlow,
    MfaPreference,
    PoolUser,
    SecondFactor,
    Secret,
    SignedIn,
    Tokens,
    UserContext,
    UserGroup,
    UserNotFoundError,
)
from authflow.client import AdminContext
from authflow.errors import (
    AliasExistsError,
    AuthFlowError,
    BadCredentialsError,
    ConfigError,
    MalformedReplyError,
    MisuseError,
    OutcomeUnknownError,
    PoolNotFoundError,
    RequestBlockedError,
    RequestRejectedError,
)
from authflow.keys import KeyRing
from authflow.testing import PASSWORD
from authflow.triggers import Triggers, challenge, password, sequence
from testbed.word import Word

POOL = {"UserPoolId": "eu-central-1_Abc123def"}
ADA = {**POOL, "Username": "ada"}
STAFF = {**POOL, "GroupName": "staff"}
TOLD = {"Username": "ada", "UserStatus": "CONFIRMED", "Enabled": True}
USER = PoolUser(username="ada", status="CONFIRMED", enabled=True)
GROUP = {"GroupName": "staff", "Description": "us", "Precedence": 0, "RoleArn": "arn:role"}
THE_GROUP = UserGroup(name="staff", description="us", precedence=0, role_arn="arn:role")
EMAIL = [{"Name": "email", "Value": "a@e.org"}]
METADATA = {"m": "n"}

CALLS: dict[str, tuple[Any, dict[str, Any], str, dict[str, Any], Any]] = {
    "a user": (
        lambda admin: admin.create_user("ada"),
        {"User": TOLD},
        "AdminCreateUser",
        ADA,
        USER,
    ),
    "a user of all kinds": (
        lambda admin: admin.create_user(
            "ada",
            attributes={"email": "a@e.org"},
            temporary_password=Secret("temp orary"),
            invite=False,
            by=["EMAIL"],
            takes_over=True,
            validation_data={"k": "v"},
            client_metadata=METADATA,
        ),
        {"User": {**TOLD, "Attributes": EMAIL}},
        "AdminCreateUser",
        {
            **ADA,
            "TemporaryPassword": "temp orary",
            "MessageAction": "SUPPRESS",
            "DesiredDeliveryMediums": ["EMAIL"],
            "ForceAliasCreation": True,
            "UserAttributes": EMAIL,
            "ValidationData": [{"Name": "k", "Value": "v"}],
            "ClientMetadata": METADATA,
        },
        PoolUser(
            username="ada", status="CONFIRMED", enabled=True, attributes={"email": "a@e.org"}
        ),
    ),
    "an invitation": (
        lambda admin: admin.resend_invitation("ada", by=("SMS", "EMAIL"), client_metadata=METADATA),
        {"User": TOLD},
        "AdminCreateUser",
        {
            **ADA,
            "MessageAction": "RESEND",
            "DesiredDeliveryMediums": ["SMS", "EMAIL"],
            "ClientMetadata": METADATA,
        },
        USER,
    ),
    "a look": (
        lambda admin: admin.user("ada"),
        {**TOLD, "UserAttributes": EMAIL, "UserMFASettingList": ["EMAIL_OTP"]},
        "AdminGetUser",
        ADA,
        PoolUser(
            username="ada",
            status="CONFIRMED",
            enabled=True,
            attributes={"email": "a@e.org"},
            mfa=MfaPreference(on=frozenset({SecondFactor.EMAIL_OTP})),
        ),
    ),
    "attributes": (
        lambda admin: admin.update_attributes(
            "ada", {"email": "a@e.org"}, client_metadata=METADATA
        ),
        {},
        "AdminUpdateUserAttributes",
        {**ADA, "UserAttributes": EMAIL, "ClientMetadata": METADATA},
        None,
    ),
    "attributes that go": (
        lambda admin: admin.delete_attributes("ada", ["email"]),
        {},
        "AdminDeleteUserAttributes",
        {**ADA, "UserAttributeNames": ["email"]},
        None,
    ),
    "a password": (
        lambda admin: admin.set_password("ada", "new"),
        {},
        "AdminSetUserPassword",
        {**ADA, "Password": "new", "Permanent": True},
        None,
    ),
    "a password for once": (
        lambda admin: admin.set_password("ada", Secret("new"), permanent=False),
        {},
        "AdminSetUserPassword",
        {**ADA, "Password": "new", "Permanent": False},
        None,
    ),
    "a reset": (
        lambda admin: admin.reset_password("ada", client_metadata=METADATA),
        {},
        "AdminResetUserPassword",
        {**ADA, "ClientMetadata": METADATA},
        None,
    ),
    "a confirmation": (
        lambda admin: admin.confirm_sign_up("ada"),
        {},
        "AdminConfirmSignUp",
        ADA,
        None,
    ),
    "a stop": (lambda admin: admin.disable_user("ada"), {}, "AdminDisableUser", ADA, None),
    "a go": (lambda admin: admin.enable_user("ada"), {}, "AdminEnableUser", ADA, None),
    "a sign-out": (lambda admin: admin.sign_out("ada"), {}, "AdminUserGlobalSignOut", ADA, None),
    "the end": (lambda admin: admin.delete_user("ada"), {}, "AdminDeleteUser", ADA, None),
    "a group": (
        lambda admin: admin.create_group("staff"),
        {"Group": {"GroupName": "staff"}},
        "CreateGroup",
        STAFF,
        UserGroup(name="staff"),
    ),
    "a described group": (
        lambda admin: admin.create_group(
            "staff", description="us", precedence=0, role_arn="arn:role"
        ),
        {"Group": GROUP},
        "CreateGroup",
        {**STAFF, "Description": "us", "Precedence": 0, "RoleArn": "arn:role"},
        THE_GROUP,
    ),
    "another description": (
        lambda admin: admin.update_group("staff", description="us"),
        {"Group": GROUP},
        "UpdateGroup",
        {**STAFF, "Description": "us"},
        THE_GROUP,
    ),
    "a look at a group": (
        lambda admin: admin.group("staff"),
        {"Group": GROUP},
        "GetGroup",
        STAFF,
        THE_GROUP,
    ),
    "the end of a group": (lambda admin: admin.delete_group("staff"), {}, "DeleteGroup", STAFF,
                           None),
    "a member": (
        lambda admin: admin.add_to_group("ada", "staff"),
        {},
        "AdminAddUserToGroup",
        {**ADA, **STAFF},
        None,
    ),
    "no member": (
        lambda admin: admin.remove_from_group("ada", "staff"),
        {},
        "AdminRemoveUserFromGroup",
        {**ADA, **STAFF},
        None,
    ),
}  # fmt: skip
LISTS: dict[str, tuple[Any, str, dict[str, Any], str, dict[str, Any], Any]] = {
    "users": (
        lambda admin: admin.users(),
        "ListUsers",
        {**POOL, "Limit": 60},
        "PaginationToken",
        {"Users": [TOLD]},
        USER,
    ),
    "some users": (
        lambda admin: admin.users(matching='email ^= "a"', attributes=["email"], page=2),
        "ListUsers",
        {**POOL, "Filter": 'email ^= "a"', "AttributesToGet": ["email"], "Limit": 2},
        "PaginationToken",
        {"Users": [TOLD]},
        USER,
    ),
    "members": (
        lambda admin: admin.members_of("staff"),
        "ListUsersInGroup",
        {**STAFF, "Limit": 60},
        "NextToken",
        {"Users": [TOLD]},
        USER,
    ),
    "groups": (
        lambda admin: admin.groups(),
        "ListGroups",
        {**POOL, "Limit": 60},
        "NextToken",
        {"Groups": [GROUP]},
        THE_GROUP,
    ),
    "a user's groups": (
        lambda admin: admin.groups_of("ada"),
        "AdminListGroupsForUser",
        {**ADA, "Limit": 60},
        "NextToken",
        {"Groups": [GROUP]},
        THE_GROUP,
    ),
}


@pytest.fixture(autouse=True)
def _credentials(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary-key")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")


@pytest.mark.parametrize("call", CALLS)
async def test_a_call_is_one_signed_request_and_its_reply_a_value(scripted, call):
    act, reply, operation, sent, read = CALLS[call]
    async with scripted.serve(reply) as server, AdminClient(server.config()) as admin:
        assert await act(admin) == read
    assert server.requests == [(operation, sent)]
    signature = server.headers[0]["authorization"]
    assert signature.startswith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/")
    assert "/eu-central-1/cognito-idp/" in signature


@pytest.mark.parametrize("listed", LISTS)
async def test_a_list_is_read_page_by_page_as_far_as_it_is_wanted(scripted, listed):
    act, operation, sent, token, page, read = LISTS[listed]
    pages = [{**page, token: "more"}, page]
    async with scripted.serve(*pages, pages[0]) as server, AdminClient(server.config()) as admin:
        assert [each async for each in act(admin)] == [read, read]
        async for each in act(admin):
            assert each == read
            break
    first, second = (operation, sent), (operation, {**sent, token: "more"})
    assert server.requests == [first, second, first]


async def test_a_list_that_is_not_read_asks_for_nothing(scripted):
    async with scripted.serve() as server, AdminClient(server.config()) as admin:
        for act, *_ in LISTS.values():
            await act(admin).aclose()
    assert server.requests == []


BROKEN = [
    *({}, {"User": None}, {"User": {}}, {"User": {**TOLD, "Username": ""}}),
    *({"User": {**TOLD, "Enabled": 1}}, {"User": {**TOLD, "UserStatus": 7}}),
    {"User": {**TOLD, "Attributes": [{"Name": 7}]}},
]
BROKEN_GROUPS = [
    *({}, {"Group": {}}, {"Group": {"GroupName": ""}}),
    *({"Group": {**GROUP, "Precedence": "0"}}, {"Group": {**GROUP, "Description": 7}}),
]


async def test_a_reply_of_another_form_is_refused(scripted):
    replies = [*BROKEN, *BROKEN_GROUPS, {}, {}]
    async with scripted.serve(*replies) as server, AdminClient(server.config()) as admin:
        for _ in BROKEN:
            with pytest.raises(MalformedReplyError):
                await admin.create_user("ada")
        for _ in BROKEN_GROUPS:
            with pytest.raises(MalformedReplyError):
                await admin.group("staff")
        with pytest.raises(MalformedReplyError):
            [each async for each in admin.users()]
        with pytest.raises(MalformedReplyError):
            [each async for each in admin.groups()]
    assert len(server.requests) == len(replies)


async def _listed(listed: Any) -> list[Any]:
    return [each async for each in listed]


WRONG: dict[str, Any] = {
    "no name": lambda admin: admin.create_user(""),
    "a password that is none": lambda admin: admin.create_user("ada", temporary_password=7),
    "an empty password": lambda admin: admin.set_password("ada", ""),
    "a text for a flag": lambda admin: admin.create_user("ada", invite="canary"),
    "another text for a flag": lambda admin: admin.create_user("ada", takes_over="canary"),
    "a third text for a flag": lambda admin: admin.set_password("ada", "x", permanent="canary"),
    "another way": lambda admin: admin.create_user("ada", by=["PIGEON"]),
    "one way for a list": lambda admin: admin.create_user("ada", by="EMAIL"),
    "no list of ways": lambda admin: admin.resend_invitation("ada", by=7),
    "attributes that are none": lambda admin: admin.create_user("ada", attributes=["canary"]),
    "no attributes": lambda admin: admin.update_attributes("ada", {}),
    "no names": lambda admin: admin.delete_attributes("ada", []),
    "metadata that is none": lambda admin: admin.reset_password("ada", client_metadata="canary"),
    "no group": lambda admin: admin.group(""),
    "a number for a group": lambda admin: admin.add_to_group("ada", 7),
    "a number for a description": lambda admin: admin.create_group("x", description=7),
    "a role that no text can hold": lambda admin: admin.update_group("x", role_arn="\ud800"),
    "a rank below all": lambda admin: admin.create_group("x", precedence=-1),
    "a rank that is none": lambda admin: admin.create_group("x", precedence=True),
    "too long a page": lambda admin: _listed(admin.users(page=61)),
    "no page": lambda admin: _listed(admin.users(page=0)),
    "a filter that is none": lambda admin: _listed(admin.users(matching=["canary"])),
    "one attribute for a list": lambda admin: _listed(admin.users(attributes="email")),
    "members of nothing": lambda admin: _listed(admin.members_of("")),
    "groups of nobody": lambda admin: _listed(admin.groups_of(None)),
    "a user's context": lambda admin: admin.sign_in(
        "ada", "x", context=UserContext(ip_address="203.0.113.7")
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
async def test_what_makes_no_sense_is_not_sent(scripted, wrong):
    async with scripted.serve() as server, AdminClient(server.config()) as admin:
        with pytest.raises(MisuseError) as refused:
            await WRONG[wrong](admin)
    assert "canary" not in str(refused.value)
    assert server.requests == []


REFUSED: list[tuple[str, str, str, type[AuthFlowError]]] = [
    *(
        (name, "UserNotFoundException", "User does not exist.", UserNotFoundError)
        for name in CALLS
        if CALLS[name][2].startswith("Admin")
    ),
    ("a user", "UsernameExistsException", "User account already exists", AliasExistsError),
    ("a look", "AccessDeniedException", "User: arn is not authorized", RequestBlockedError),
    ("a look", "UnrecognizedClientException", "The security token", RequestBlockedError),
    ("a look", "ExpiredTokenException", "The security token", RequestBlockedError),
    ("a look", "ResourceNotFoundException", "User pool x does not exist.", PoolNotFoundError),
    ("a look at a group", "ResourceNotFoundException", "Group not found.", RequestRejectedError),
]


@pytest.mark.parametrize(
    ("call", "aws_code", "text", "kind"), REFUSED, ids=[f"{row[0]}: {row[1]}" for row in REFUSED]
)
async def test_a_refusal_has_its_class(scripted, call, aws_code, text, kind):
    refusal = scripted.error(aws_code, text)
    async with scripted.serve(refusal) as server, AdminClient(server.config()) as admin:
        with pytest.raises(kind) as refused:
            await CALLS[call][0](admin)
    assert type(refused.value) is kind
    assert refused.value.aws_code == aws_code


def config_file(tmp_path: Path, text: str) -> dict[str, str | None]:
    """An environment whose credentials are those of a configuration file."""
    path = tmp_path / "config"
    path.write_text(text)
    file = {"AWS_CONFIG_FILE": str(path), "AWS_PROFILE": "p"}
    return {**file, "AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}


PRINTED = """'{"Version": 1, "AccessKeyId": "AKID", SecretAccessKey: canary'"""
ENVIRONMENTS: dict[str, Callable[[Path], dict[str, str | None]]] = {
    "none": lambda _: {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None},
    "half of them": lambda _: {"AWS_SECRET_ACCESS_KEY": None},
    "no such profile": lambda _: {"AWS_PROFILE": "nope"},
    "a line break in the key's id": lambda _: {"AWS_ACCESS_KEY_ID": "AKID\ncanary: x"},
    "a line break in the token": lambda _: {"AWS_SESSION_TOKEN": "token\r\ncanary: x"},
    "a broken file": lambda path: config_file(path, "[profile p\ncanary"),
    "a role of nobody's": lambda path: config_file(path, "[profile p]\nrole_arn = arn:canary"),
    "roles in a circle": lambda path: config_file(
        path,
        "[profile p]\nrole_arn = a\nsource_profile = q\n"
        "[profile q]\nrole_arn = b\nsource_profile = p\n",
    ),
    "a process that fails": lambda path: config_file(
        path, "[profile p]\ncredential_process = false"
    ),
    "no such process": lambda path: config_file(
        path, "[profile p]\ncredential_process = /nowhere/canary"
    ),
    "a process that prints no JSON": lambda path: config_file(
        path, f"[profile p]\ncredential_process = echo {PRINTED}"
    ),
    "a token file that is missing": lambda path: config_file(
        path,
        "[profile p]\nrole_arn = arn:aws:iam::1:role/x\nweb_identity_token_file = /nowhere/canary",
    ),
    "a session of single sign-on that has ended": lambda path: config_file(
        path,
        "[profile p]\nsso_session = s\nsso_account_id = 1\nsso_role_name = r\n"
        "[sso-session s]\nsso_region = eu-central-1\nsso_start_url = https://canary.example\n",
    ),
}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
async def test_credentials_that_cannot_be_used_are_told_as_that_and_not_shown(
    scripted, monkeypatch, tmp_path, everything_told, environment
):
    monkeypatch.setenv("HOME", str(tmp_path))
    for name, value in ENVIRONMENTS[environment](tmp_path).items():
        monkeypatch.setenv(name, value) if value is not None else monkeypatch.delenv(name)
    async with scripted.serve() as server:
        with pytest.raises(ConfigError, match="AWS credentials") as refused:
            async with AdminClient(server.config()) as admin:
                await admin.user("ada")
    assert "canary" not in everything_told(refused.value)
    assert server.requests == []


async def test_credentials_that_fail_later_are_told_as_that(scripted, monkeypatch):
    async with scripted.serve() as server, AdminClient(server.config()) as admin:
        signer = admin._open_transport._client._request_signer

        async def gone(*_: object) -> None:
            raise FileNotFoundError("canary")

        monkeypatch.setattr(signer._credentials, "get_frozen_credentials", gone)
        with pytest.raises(ConfigError, match="FileNotFoundError") as refused:
            await admin.user("ada")
    assert "canary" not in str(refused.value)
    assert server.requests == []


LOST_ONCE = {
    *("AdminCreateUser", "AdminConfirmSignUp", "AdminDeleteUser", "AdminResetUserPassword"),
    *("CreateGroup", "DeleteGroup"),
}


@pytest.mark.parametrize("call", CALLS)
async def test_whether_something_counted_is_unknown_if_the_reply_is_lost(scripted, call):
    async with scripted.serve(scripted.hang_up) as server, AdminClient(server.config()) as admin:
        with pytest.raises(AuthFlowError) as lost:
            await CALLS[call][0](admin)
    assert isinstance(lost.value, OutcomeUnknownError) is (CALLS[call][2] in LOST_ONCE)
    assert len(server.requests) == 1


async def test_an_observer_is_told_what_was_sent(scripted):
    told: list[Any] = []
    refusal = scripted.error("NotAuthorizedException", "Incorrect username or password.")
    async with (
        scripted.serve(refusal) as server,
        AdminClient(server.config(), observer=told.append) as admin,
    ):
        with pytest.raises(BadCredentialsError):
            await admin.sign_in("ada", "x", flow=AuthFlow.USER_PASSWORD_AUTH)
    (exchange,) = told
    assert exchange.operation == "AdminInitiateAuth"
    assert exchange.sent["AuthFlow"] == "ADMIN_USER_PASSWORD_AUTH"
    assert exchange.sent.keys() == server.requests[0][1].keys()


async def test_words_of_the_request_are_told_and_headers_of_the_user_are_not(scripted):
    context = AdminContext(
        ip_address="203.0.113.7",
        server_name="api",
        server_path="/sign-in",
        headers=[("X-Session", "sk-live-zzyyxxww")],
    )
    words = ["Rapid attempts: please wait, then sign-in again", "header sk-live-zzyyxxww is bad"]
    refusals = [scripted.error("UserLambdaValidationException", each) for each in words]
    state = scripted.error("UnsupportedUserStateException", "RESEND: not in this state")
    async with (
        scripted.serve(*refusals, state) as server,
        AdminClient(server.config()) as admin,
    ):
        texts = []
        for _ in words:
            with pytest.raises(AuthFlowError) as refused:
                await admin.sign_in("ada", "x", flow=AuthFlow.USER_PASSWORD_AUTH, context=context)
            texts.append(str(refused.value))
        with pytest.raises(RequestRejectedError, match="RESEND: not in this state"):
            await admin.resend_invitation("ada")
    assert words[0] in texts[0]
    assert "zzyyxxww" not in texts[1]


@pytest.mark.parametrize("call", ["reset_password", "confirm_sign_up", "resend_invitation"])
async def test_metadata_that_is_wrong_stands_in_no_frame(scripted, everything_told, call):
    async with scripted.serve() as server, AdminClient(server.config()) as admin:
        with pytest.raises(MisuseError, match="client_metadata") as refused:
            await getattr(admin, call)("ada", client_metadata={"a": "canary", "b": 5})
    assert "canary" not in everything_told(refused.value)


@pytest.mark.parametrize(
    "call",
    [
        lambda admin: admin.create_user("ada", by="canary"),
        lambda admin: admin.create_user("", by="canary"),
        lambda admin: admin.create_user("ada", by=["EMAIL", "canary"]),
        lambda admin: admin.resend_invitation("ada", by={"canary": 1}),
        lambda admin: admin.resend_invitation("", by=["canary", 7]),
        lambda admin: admin.delete_attributes("ada", "canary"),
        lambda admin: _listed(admin.users(attributes="canary")),
        lambda admin: _listed(admin.users(matching=b"canary")),
        lambda admin: _listed(admin.users(matching=b"canary", attributes="canary")),
    ],
)
async def test_what_is_no_list_of_names_stands_in_no_frame(scripted, everything_told, call):
    async with scripted.serve() as server, AdminClient(server.config()) as admin:
        with pytest.raises(MisuseError) as refused:
            await call(admin)
    assert "canary" not in everything_told(refused.value)


async def test_whoever_only_administers_names_no_app_client(scripted, everything_told):
    replies = [{"User": TOLD}]
    tokens = Tokens(access_token=Secret("canary"), id_token=Secret("canary"))
    signed_in = SignedIn(username="ada", tokens=tokens, flow=AuthFlow.USER_SRP_AUTH)
    calls: list[Callable[[AdminClient], Any]] = [
        lambda admin: admin.sign_in("ada", "canary"),
        lambda admin: admin.refresh("canary"),
        lambda admin: admin.revoke("canary"),
        lambda admin: admin.resume("canary"),
        lambda admin: admin.kept("canary"),
        lambda admin: admin.keep(signed_in),
        lambda admin: admin.verify(signed_in),
    ]
    async with scripted.serve(*replies) as server:
        config = evolve(server.config(), client_id=None, verify_tokens=True)
        async with AdminClient(config, keys=KeyRing.generate()) as admin:
            assert await admin.create_user("ada") == USER
            for call in calls:
                with pytest.raises(ConfigError, match="AUTHFLOW_CLIENT_ID") as refused:
                    await call(admin)
                assert "canary" not in everything_told(refused.value)
        assert server.operations == ["AdminCreateUser"]
        with pytest.raises(ConfigError, match="AUTHFLOW_CLIENT_ID"):
            AuthClient(config)


async def test_who_signs_in_learns_from_no_error_who_exists(scripted):
    refusal = scripted.error("UserNotFoundException", "User does not exist.")
    async with scripted.serve(refusal) as server, AdminClient(server.config()) as admin:
        with pytest.raises(BadCredentialsError):
            await admin.sign_in("ada", "x", flow=AuthFlow.USER_PASSWORD_AUTH)
    assert server.operations == ["AdminInitiateAuth"]


async def test_threat_protection_is_told_of_the_users_device(scripted):
    refusal = scripted.error("NotAuthorizedException", "Incorrect username or password.")
    context = AdminContext(ip_address="203.0.113.7", server_name="api", server_path="/login")
    async with scripted.serve(refusal) as server, AdminClient(server.config()) as admin:
        with pytest.raises(BadCredentialsError):
            await admin.sign_in("ada", "x", flow=AuthFlow.USER_PASSWORD_AUTH, context=context)
    ((_, body),) = server.requests
    assert body["ContextData"] == {
        "IpAddress": "203.0.113.7",
        "ServerName": "api",
        "ServerPath": "/login",
        "HttpHeaders": [],
    }
    assert "UserContextData" not in body


@pytest.mark.parametrize("flow", ["USER_SRP_AUTH", "USER_PASSWORD_AUTH", "CUSTOM_AUTH"])
async def test_a_service_signs_a_user_in_by_every_flow(live_pool, flow):
    triggers = Triggers(policy=sequence(password(), challenge("word")), challenges=[Word])
    told: list[Any] = []
    async with live_pool(users={"ada": PASSWORD}, triggers=triggers) as pool:
        await pool.call(
            "UpdateUserPoolClient",
            UserPoolId=pool.user_pool_id,
            ClientId=pool.client_id,
            ExplicitAuthFlows=[
                *("ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_CUSTOM_AUTH"),
                "ALLOW_REFRESH_TOKEN_AUTH",
            ],
        )
        async with AdminClient(pool.config, observer=told.append) as admin:
            result = await admin.sign_in("ada", PASSWORD, flow=AuthFlow(flow))
            if flow == "CUSTOM_AUTH":
                result = await admin.answer(result, "open sesame")
            assert isinstance(result, SignedIn)
            tokens = await admin.refresh(result.tokens.refresh_token)
            assert tokens.access_token != result.tokens.access_token
    operations = [each.operation for each in told]
    assert operations[0] == "AdminInitiateAuth"
    assert not {"InitiateAuth", "RespondToAuthChallenge"} & set(operations)

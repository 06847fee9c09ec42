"""The calls of a user's life: what is sent, what is read, and what is not sent at all."""

import base64
import hmac
from typing import Any

import pytest

from authflow import (
    AuthClient,
    CodeDelivery,
    ConfirmedSignUp,
    MfaPreference,
    SecondFactor,
    Secret,
    SignedUp,
    UserContext,
    UserProfile,
)
from authflow.errors import (
    AliasExistsError,
    AuthFlowError,
    BadCredentialsError,
    CodeExpiredError,
    CodeMismatchError,
    LockedOutError,
    MalformedReplyError,
    MisuseError,
    NextStep,
    OutcomeUnknownError,
    PoolSetupError,
    TokenRevokedError,
)

SENT = {"Destination": "a***@e***", "DeliveryMedium": "EMAIL", "AttributeName": "email"}
DELIVERY = CodeDelivery(destination="a***@e***", medium="EMAIL", attribute="email")
SESSION = "s" * 20
NAMED = {"ClientId": "1example23456789", "Username": "ada"}
TOKEN = {"AccessToken": "token"}
UP = {"UserConfirmed": False, "UserSub": "an id"}
SIGNED_UP = SignedUp(username="ada", sub="an id", confirmed=False)

CALLS: dict[str, tuple[Any, dict[str, Any], str, dict[str, Any], Any]] = {
    "an account": (
        lambda auth: auth.sign_up(
            "ada",
            "pass word",
            attributes={"email": "a@e.org", "custom:x": ""},
            validation_data={"k": "v"},
            client_metadata={"m": "n"},
        ),
        {**UP, "CodeDeliveryDetails": SENT, "Session": SESSION},
        "SignUp",
        {
            **NAMED,
            "Password": "pass word",
            "UserAttributes": [
                {"Name": "email", "Value": "a@e.org"},
                {"Name": "custom:x", "Value": ""},
            ],
            "ValidationData": [{"Name": "k", "Value": "v"}],
            "ClientMetadata": {"m": "n"},
        },
        SignedUp(
            username="ada", sub="an id", confirmed=False, delivery=DELIVERY, session=Secret(SESSION)
        ),
    ),
    "an account without a password": (
        lambda auth: auth.sign_up("ada"),
        {"UserConfirmed": True, "UserSub": "an id"},
        "SignUp",
        NAMED,
        SignedUp(username="ada", sub="an id", confirmed=True),
    ),
    "a code": (
        lambda auth: auth.confirm_sign_up("ada", " 123 456\n"),
        {},
        "ConfirmSignUp",
        {**NAMED, "ConfirmationCode": "123456"},
        ConfirmedSignUp(username="ada"),
    ),
    "a code for an address of others": (
        lambda auth: auth.confirm_sign_up("ada", "123456", takes_over=True),
        {"Session": SESSION},
        "ConfirmSignUp",
        {**NAMED, "ConfirmationCode": "123456", "ForceAliasCreation": True},
        ConfirmedSignUp(username="ada", session=Secret(SESSION)),
    ),
    "a code for what was signed up": (
        lambda auth: auth.confirm_sign_up(
            SignedUp(username="ada", sub="x", confirmed=False, session=Secret(SESSION)), "123456"
        ),
        {},
        "ConfirmSignUp",
        {**NAMED, "ConfirmationCode": "123456", "Session": SESSION},
        ConfirmedSignUp(username="ada"),
    ),
    "another code": (
        lambda auth: auth.resend_code(SIGNED_UP, client_metadata={"m": "n"}),
        {"CodeDeliveryDetails": SENT},
        "ResendConfirmationCode",
        {**NAMED, "ClientMetadata": {"m": "n"}},
        DELIVERY,
    ),
    "a forgotten password": (
        lambda auth: auth.forgot_password("ada"),
        {"CodeDeliveryDetails": SENT},
        "ForgotPassword",
        NAMED,
        DELIVERY,
    ),
    "a password by a code": (
        lambda auth: auth.confirm_forgot_password("ada", "123-456", Secret("new one")),
        {},
        "ConfirmForgotPassword",
        {**NAMED, "ConfirmationCode": "123456", "Password": "new one"},
        None,
    ),
    "another password": (
        lambda auth: auth.change_password("token", "old", "new"),
        {},
        "ChangePassword",
        {**TOKEN, "PreviousPassword": "old", "ProposedPassword": "new"},
        None,
    ),
    "a first password": (
        lambda auth: auth.change_password("token", None, "new"),
        {},
        "ChangePassword",
        {**TOKEN, "ProposedPassword": "new"},
        None,
    ),
    "the profile": (
        lambda auth: auth.user(Secret("token")),
        {
            "Username": "ada",
            "UserAttributes": [{"Name": "sub", "Value": "an id"}, {"Name": "nickname"}],
            "UserMFASettingList": ["SMS_MFA"],
        },
        "GetUser",
        TOKEN,
        UserProfile(
            username="ada",
            attributes={"sub": "an id", "nickname": ""},
            mfa=MfaPreference(on=frozenset({SecondFactor.SMS_MFA})),
        ),
    ),
    "attributes": (
        lambda auth: auth.update_attributes("token", {"email": "b@e.org"}),
        {"CodeDeliveryDetailsList": [SENT]},
        "UpdateUserAttributes",
        {**TOKEN, "UserAttributes": [{"Name": "email", "Value": "b@e.org"}]},
        (DELIVERY,),
    ),
    "attributes that send nothing": (
        lambda auth: auth.update_attributes("token", {"name": "A"}, client_metadata={"m": "n"}),
        {},
        "UpdateUserAttributes",
        {
            **TOKEN,
            "UserAttributes": [{"Name": "name", "Value": "A"}],
            "ClientMetadata": {"m": "n"},
        },
        (),
    ),
    "attributes that go": (
        lambda auth: auth.delete_attributes("token", ("nickname", "custom:x")),
        {},
        "DeleteUserAttributes",
        {**TOKEN, "UserAttributeNames": ["nickname", "custom:x"]},
        None,
    ),
    "an attribute's code": (
        lambda auth: auth.send_attribute_code("token", "email"),
        {"CodeDeliveryDetails": SENT},
        "GetUserAttributeVerificationCode",
        {**TOKEN, "AttributeName": "email"},
        DELIVERY,
    ),
    "a verified attribute": (
        lambda auth: auth.verify_attribute("token", "email", "123456"),
        {},
        "VerifyUserAttribute",
        {**TOKEN, "AttributeName": "email", "Code": "123456"},
        None,
    ),
    "the end": (lambda auth: auth.delete_user("token"), {}, "DeleteUser", TOKEN, None),
}
calls = pytest.mark.parametrize("call", CALLS)


@calls
async def test_a_call_is_one_request_and_its_reply_a_value(scripted, call):
    act, reply, operation, sent, read = CALLS[call]
    async with scripted.serve(reply) as server, AuthClient(server.config()) as auth:
        assert await act(auth) == read
    assert server.requests == [(operation, sent)]


@pytest.mark.parametrize("call", [name for name in CALLS if "ClientId" in CALLS[name][3]])
async def test_an_app_client_with_a_secret_signs_the_name_and_tells_the_device(scripted, call):
    act, reply, operation, sent, _ = CALLS[call]
    good = "second secret"
    key = (good.encode(), b"ada1example23456789", "sha256")
    refused = scripted.error("NotAuthorizedException", "Unable to verify secret hash for client 1")
    async with (
        scripted.serve(refused, reply) as server,
        AuthClient(server.config(client_secret=("first secret", good))) as auth,
    ):
        await act(auth)
    assert [name for name, _ in server.requests] == [operation] * 2
    hashes = [body.pop("SecretHash") for _, body in server.requests]
    assert hashes[1] == base64.b64encode(hmac.digest(*key)).decode() != hashes[0]
    assert server.requests[1][1] == sent


async def test_threat_protection_is_told_of_whoever_signs_up_or_forgets(scripted):
    context = UserContext(ip_address="203.0.113.7")
    sent = {"CodeDeliveryDetails": SENT}
    async with (
        scripted.serve(UP, {}, sent, sent, {}) as server,
        AuthClient(server.config()) as auth,
    ):
        await auth.sign_up("ada", "pass word", context=context)
        await auth.confirm_sign_up("ada", "123456", context=context)
        await auth.resend_code("ada", context=context)
        await auth.forgot_password("ada", context=context)
        await auth.confirm_forgot_password("ada", "123456", "new", context=context)
    for _, body in server.requests:
        assert body["UserContextData"]["IpAddress"] == "203.0.113.7"


NO_DELIVERY = [None, 7, "x", [SENT], {"Destination": 7}, {**SENT, "DeliveryMedium": ["EMAIL"]}]
BROKEN: dict[str, list[dict[str, Any]]] = {
    "an account": [
        *({}, {"UserConfirmed": 1, "UserSub": "x"}, {"UserConfirmed": True, "UserSub": ""}),
        *({**UP, "Session": "short"}, {**UP, "UserSub": ["x"]}),
        *({**UP, "CodeDeliveryDetails": each} for each in NO_DELIVERY[1:]),
    ],
    "a code": [{"Session": 7}, {"Session": "short"}],
    "another code": [{}, *({"CodeDeliveryDetails": each} for each in NO_DELIVERY)],
    "a forgotten password": [{}, *({"CodeDeliveryDetails": each} for each in NO_DELIVERY)],
    "an attribute's code": [{}, *({"CodeDeliveryDetails": each} for each in NO_DELIVERY)],
    "attributes": [{"CodeDeliveryDetailsList": each} for each in ("x", [7], [{"Destination": 7}])],
    "the profile": [
        *({}, {"Username": "ada"}, {"Username": "", "UserAttributes": []}),
        *({"Username": "ada", "UserAttributes": each} for each in ([7], [{}], [{"Name": 7}])),
        {"Username": "ada", "UserAttributes": [{"Name": "a", "Value": 7}]},
    ],
}


@pytest.mark.parametrize("call", BROKEN)
async def test_a_reply_of_another_form_is_refused(scripted, call):
    async with scripted.serve(*BROKEN[call]) as server, AuthClient(server.config()) as auth:
        for _ in BROKEN[call]:
            with pytest.raises(MalformedReplyError):
                await CALLS[call][0](auth)
    assert len(server.requests) == len(BROKEN[call])


WRONG: dict[str, Any] = {
    "no name": lambda auth: auth.sign_up("", "x"),
    "a name that is none": lambda auth: auth.forgot_password(7),
    "an empty password": lambda auth: auth.sign_up("ada", ""),
    "a name for a context": lambda auth: auth.sign_up("ada", "x", context="canary"),
    "attributes that are none": lambda auth: auth.sign_up("ada", "x", attributes=["canary"]),
    "a number for an attribute": lambda auth: auth.sign_up("ada", "x", attributes={"a": 7}),
    "data that is none": lambda auth: auth.sign_up("ada", "x", validation_data="canary"),
    "metadata that is none": lambda auth: auth.resend_code("ada", client_metadata={7: "canary"}),
    "a text for a flag": lambda auth: auth.confirm_sign_up("ada", "123", takes_over="canary"),
    "tokens for a user": lambda auth: auth.confirm_sign_up({"canary": 1}, "123"),
    "no attributes": lambda auth: auth.update_attributes("token", {}),
    "a list of attributes": lambda auth: auth.update_attributes("token", [("a", "canary")]),
    "no names": lambda auth: auth.delete_attributes("token", []),
    "one name for a list": lambda auth: auth.delete_attributes("token", "nickname"),
    "a number for a list": lambda auth: auth.delete_attributes("token", 7),
    "a name that no text can hold": lambda auth: auth.delete_attributes("token", ["\ud800"]),
    "no attribute": lambda auth: auth.send_attribute_code("token", ""),
    "a number for an attribute's name": lambda auth: auth.verify_attribute("token", 7, "123"),
}


@pytest.mark.parametrize("wrong", WRONG)
async def test_what_makes_no_sense_is_not_sent(scripted, wrong):
    async with scripted.serve() as server, AuthClient(server.config()) as auth:
        with pytest.raises(MisuseError) as refused:
            await WRONG[wrong](auth)
    assert "canary" not in str(refused.value)
    assert server.requests == []


@pytest.mark.parametrize("typed", ["", " ", "- -", "\u200b"])
async def test_a_code_of_nothing_is_not_sent(scripted, typed):
    async with scripted.serve() as server, AuthClient(server.config()) as auth:
        for act in (
            lambda: auth.confirm_sign_up("ada", typed),
            lambda: auth.confirm_forgot_password("ada", typed, "new"),
            lambda: auth.verify_attribute("token", "email", typed),
        ):
            with pytest.raises((CodeMismatchError, MisuseError)):
                await act()
    assert server.requests == []


REFUSED: list[tuple[str, str, str, type[AuthFlowError]]] = [
    ("an account", "UsernameExistsException", "User already exists", AliasExistsError),
    ("an account", "NotAuthorizedException", "SignUp is not permitted for this user pool",
     PoolSetupError),
    ("a code", "CodeMismatchException", "Invalid verification code provided, please try again.",
     CodeMismatchError),
    ("a code", "ExpiredCodeException", "Invalid code provided, please request a code again.",
     CodeExpiredError),
    ("a code", "AliasExistsException", "An account with the email already exists.",
     AliasExistsError),
    ("a code", "LimitExceededException", "Attempt limit exceeded, please try after some time.",
     LockedOutError),
    ("another password", "NotAuthorizedException", "Incorrect username or password.",
     BadCredentialsError),
    ("another password", "NotAuthorizedException", "Access Token has been revoked",
     TokenRevokedError),
    *(
        (name, "UserNotFoundException", "User does not exist.", TokenRevokedError)
        for name in CALLS
        if "AccessToken" in CALLS[name][3]
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("call", "aws_code", "text", "kind"), REFUSED, ids=[f"{row[0]}: {row[1]}" for row in REFUSED]
)
async def test_a_refusal_has_its_class(scripted, call, aws_code, text, kind):
    refusal = scripted.error(aws_code, text)
    async with scripted.serve(refusal) as server, AuthClient(server.config()) as auth:
        with pytest.raises(kind) as refused:
            await CALLS[call][0](auth)
    assert type(refused.value) is kind


@pytest.mark.parametrize(
    ("aws_code", "step", "way"),
    [
        ("UserNotConfirmedException", NextStep.CONFIRM_SIGN_UP, "resend_code"),
        ("PasswordResetRequiredException", NextStep.RESET_PASSWORD, "forgot_password"),
    ],
)
async def test_a_sign_in_that_is_not_possible_yet_says_the_way_on(scripted, aws_code, step, way):
    async with (
        scripted.serve(scripted.error(aws_code, "x")) as server,
        AuthClient(server.config()) as auth,
    ):
        with pytest.raises(AuthFlowError, match=way) as refused:
            await auth.sign_in("ada", "pass word")
    assert refused.value.next_step is step
    assert callable(getattr(auth, way))


USED_UP = {
    *("an account", "a code", "a password by a code", "another password", "a verified attribute"),
    *("attributes", "the end"),
}


@calls
async def test_whether_something_counted_is_unknown_if_the_reply_is_lost(scripted, call):
    async with scripted.serve(scripted.hang_up) as server, AuthClient(server.config()) as auth:
        with pytest.raises(AuthFlowError) as lost:
            await CALLS[call][0](auth)
    once = CALLS[call][2] in {CALLS[name][2] for name in USED_UP}
    assert isinstance(lost.value, OutcomeUnknownError) is once
    assert len(server.requests) == 1

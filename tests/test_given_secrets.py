"""What is given as a secret is a text or a `Secret` of one; anything else is told so, unseen.

Every public call of the client's side that takes a secret, with every wrong value.
"""

import inspect
import traceback
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from authflow import (
    AuthClient,
    AuthConfig,
    AuthFlow,
    Code,
    Device,
    EmailAddress,
    NewPassword,
    Secret,
    SignedIn,
    Tokens,
)
from authflow.client import TokenVerifier
from authflow.errors import MisuseError, SealError, SignedOutError, TokenError
from authflow.given_secrets import checked, wrapped
from authflow.keys import KeyRing
from authflow.results import Challenge, ChallengeRequired
from authflow.sign_in import SignIn, State

CONFIG = AuthConfig(user_pool_id="eu-central-1_A", client_id="1", endpoint="http://127.0.0.1:1")
TOKENS = Tokens(access_token=Secret("canary"), id_token=Secret("canary"))


def pending(name: str = "SMS_MFA", **parameters: str) -> ChallengeRequired:
    sign_in = SignIn(
        flow=AuthFlow.USER_SRP_AUTH,
        state=State(name),
        username="ada",
        canonical_username="ada",
        session=Secret("s" * 20),
        expires_at=1e12,
    )
    challenge = Challenge(name=name, kind=parameters.get("challenge"), parameters=parameters)
    return ChallengeRequired(challenge=challenge, sign_in=sign_in)


CALLS: dict[str, Callable[[AuthClient, Any], Any]] = {
    "sign_in": lambda auth, given: auth.sign_in("ada", given),
    "sign_in by another flow": lambda auth, given: auth.sign_in(
        "ada", given, flow=AuthFlow.USER_PASSWORD_AUTH
    ),
    "answer": lambda auth, given: auth.answer(pending(), given),
    "answer with attributes": lambda auth, given: auth.answer(
        pending("NEW_PASSWORD_REQUIRED"), given, attributes={"name": "Ada"}
    ),
    "refresh": lambda auth, given: auth.refresh(given),
    "kept": lambda auth, given: auth.kept(given),
    "resume": lambda auth, given: auth.resume(given),
    "revoke": lambda auth, given: auth.revoke(given),
    "sign_out": lambda auth, given: auth.sign_out(given),
    "enrol_totp": lambda auth, given: auth.enrol_totp(given),
    "verify_totp": lambda auth, given: auth.verify_totp(given, "123"),
    "verify_totp by its code": lambda auth, given: auth.verify_totp("token", given),
    "set_mfa_preference": lambda auth, given: auth.set_mfa_preference(given, on=["SMS_MFA"]),
    "mfa_preference": lambda auth, given: auth.mfa_preference(given),
    "devices": lambda auth, given: auth.devices(given),
    "device": lambda auth, given: auth.device(given, "key"),
    "set_device_status": lambda auth, given: auth.set_device_status(given, "key", remembered=True),
    "forget_device": lambda auth, given: auth.forget_device(given, "key"),
    "sign_up": lambda auth, given: auth.sign_up("ada", given),
    "confirm_sign_up": lambda auth, given: auth.confirm_sign_up("ada", given),
    "confirm_forgot_password": lambda auth, given: auth.confirm_forgot_password("ada", given, "x"),
    "confirm_forgot_password by its password": lambda auth, given: auth.confirm_forgot_password(
        "ada", "123", given
    ),
    "change_password": lambda auth, given: auth.change_password(given, "x", "y"),
    "change_password by the old one": lambda auth, given: auth.change_password("x", given, "y"),
    "change_password by the new one": lambda auth, given: auth.change_password("x", "y", given),
    "user": lambda auth, given: auth.user(given),
    "update_attributes": lambda auth, given: auth.update_attributes(given, {"name": "Ada"}),
    "delete_attributes": lambda auth, given: auth.delete_attributes(given, ["name"]),
    "send_attribute_code": lambda auth, given: auth.send_attribute_code(given, "email"),
    "verify_attribute": lambda auth, given: auth.verify_attribute(given, "email", "123"),
    "verify_attribute by its code": lambda auth, given: auth.verify_attribute("x", "email", given),
    "delete_user": lambda auth, given: auth.delete_user(given),
    "Device": lambda _, given: Device(key="key", group_key="group", password=given),
    "claims": lambda _, given: TokenVerifier(config=CONFIG).claims(given, "access"),
    "Code": lambda _, given: Code(given),
    "EmailAddress": lambda _, given: EmailAddress(given),
    "NewPassword": lambda _, given: NewPassword(given),
    "NewPassword by name": lambda _, given: NewPassword(password=given),
    "AuthConfig": lambda _, given: AuthConfig(
        user_pool_id="eu-central-1_A", client_id="1", client_secret=given
    ),
    "from_env": lambda _, given: AuthConfig.from_env(
        environ={"AUTHFLOW_USER_POOL_ID": "eu-central-1_A", "AUTHFLOW_CLIENT_ID": "1"},
        client_secret=given,
    ),
    "from_amplify_outputs": lambda _, given: AuthConfig.from_amplify_outputs(
        {
            "auth": {
                "user_pool_id": "eu-central-1_A",
                "user_pool_client_id": "1",
                "aws_region": "eu-central-1",
            }
        },
        client_secret=given,
    ),
}
OPTIONAL = {
    *("sign_in", "sign_in by another flow", "AuthConfig", "from_env", "from_amplify_outputs"),
    *("Device", "sign_up", "change_password by the old one"),
}
"""Where None means that there is none."""
SEVERAL = {"AuthConfig", "from_env", "from_amplify_outputs"}
"""Where a list of secrets is right: an app client may have two."""
FROM_OUTSIDE = {"claims": TokenError, "kept": SignedOutError, "resume": SealError}
"""Where a text that is none of ours is nobody's mistake but the sender's."""

WRONG: dict[str, Any] = {
    "None": None,
    "bytes": b"canary",
    "a byte array": bytearray(b"canary"),
    "a number": 123456,
    "a float": 1.5,
    "True": True,
    "a list": ["canary"],
    "a dict": {"token": "canary"},
    "a class": str,
    "an object": object(),
    "a Secret of bytes": Secret(b"canary"),
    "a Secret of a number": Secret(123456),
    "Tokens": TOKENS,
    "SignedIn": SignedIn(tokens=TOKENS, username="ada", flow=AuthFlow.USER_SRP_AUTH),
    "half a surrogate pair": "canary\ud800",
    "a Secret of half a surrogate pair": Secret("canary\udfff"),
}


def shown(error: BaseException) -> str:
    """All that a crash reporter can show: texts, and the locals of every frame but the test's."""
    told = [repr(error), str(error)]
    for link in filter(None, (error, error.__cause__, error.__context__)):
        for frame, _ in traceback.walk_tb(link.__traceback__):
            if frame.f_code.co_filename != __file__:
                told.extend(map(_repr, frame.f_locals.values()))
    return "\n".join(told)


def _repr(value: object) -> str:
    try:
        return repr(value)
    except AttributeError as half_made:  # a reporter could not show it either
        return f"{half_made} {[getattr(value, each, None) for each in value.__slots__]}"


@pytest.fixture
async def outcome() -> AsyncIterator[Any]:
    """Calls, and gives what was raised."""
    async with AuthClient(CONFIG, keys=KeyRing.generate()) as auth:

        async def raised(call: Callable[[AuthClient, Any], Any], given: Any) -> Exception | None:
            try:
                made = call(auth, given)
                if inspect.isawaitable(made):
                    await made
            except Exception as error:  # noqa: BLE001  # the test looks at it
                return error
            return None

        yield raised


@pytest.mark.parametrize("wrong", WRONG)
async def test_every_call_says_what_it_takes_and_shows_no_value(outcome, wrong):
    value = WRONG[wrong]
    for name, call in CALLS.items():
        if value is None and name in OPTIONAL:
            continue
        if wrong == "a list" and name in SEVERAL:
            continue
        error = await outcome(call, value)
        text = "surrogate" in wrong
        kind = FROM_OUTSIDE.get(name, MisuseError) if text else MisuseError
        assert isinstance(error, kind), (name, error)
        everything = shown(error)
        for canary in ("canary", "123456"):
            assert canary not in everything, (name, everything)
        if not text:
            assert " or a Secret of one, not " in str(
                error
            ) or "a Secret, a filled form, Code" in str(error), name


async def test_an_empty_token_is_misuse_and_is_not_sent(outcome):
    for name in ("refresh", "revoke", "sign_out"):
        for given in ("", Secret("")):
            error = await outcome(CALLS[name], given)
            assert isinstance(error, MisuseError)
            assert "must not be empty" in str(error)


@pytest.mark.parametrize("whole", ["Tokens", "SignedIn"])
async def test_who_passes_a_whole_object_is_told_what_to_pass(outcome, whole):
    for name in ("refresh", "revoke", "sign_out", "claims"):
        error = await outcome(CALLS[name], WRONG[whole])
        assert "pass one of its tokens, such as" in str(error)


@pytest.mark.parametrize(
    "settings",
    [
        {"user_pool_id": "no"},
        {"client_id": ""},
        {"endpoint": "http://other.example"},
        {"flow": "x"},
        {"max_concurrency": 0},
        {"jwks": {}},
    ],
    ids=str,
)
def test_a_setting_that_is_refused_shows_no_client_secret_beside_it(settings, monkeypatch):
    good = {"user_pool_id": "eu-central-1_A", "client_id": "1", "client_secret": "canary"}
    environ = {f"AUTHFLOW_{name.upper()}": value for name, value in good.items()}
    monkeypatch.setenv("AUTHFLOW_CLIENT_SECRET", "canary")
    outputs = {
        "auth": {
            "user_pool_id": "eu-central-1_A",
            "user_pool_client_id": "1",
            "aws_region": "eu-central-1",
        }
    }
    for make in (
        lambda: AuthConfig(**{**good, **settings}),
        lambda: AuthConfig.from_env(environ=environ, **settings),
        lambda: AuthConfig.from_amplify_outputs(outputs, client_secret="canary", **settings),
        AuthConfig.from_env,
        lambda: AuthConfig.from_env(
            environ={**environ, "AUTHFLOW_MAX_CONCURRENCY": "many"}, client_secret="canary"
        ),
    ):
        with pytest.raises(MisuseError) as refused:
            make()
        assert "canary" not in shown(refused.value)


@pytest.mark.parametrize(
    ("challenge", "answer"),
    [
        (pending("CUSTOM_CHALLENGE", challenge="choice", options="otp captcha"), "canary"),
        (pending("SELECT_MFA_TYPE", MFAS_CAN_CHOOSE='["SMS_MFA"]'), "canary"),
        (pending("PASSWORD_VERIFIER"), "canary"),
    ],
    ids=lambda value: getattr(value, "challenge", Challenge(name="")).name,
)
async def test_an_answer_that_does_not_fit_is_shown_nowhere(outcome, challenge, answer):
    error = await outcome(lambda auth, given: auth.answer(challenge, given), answer)
    assert isinstance(error, MisuseError)
    assert "canary" not in shown(error)


def test_what_is_wrapped_once_stays_as_it_is():
    for value in ("text", Secret("text"), None, "\ud800"):
        once = wrapped(value)
        assert wrapped(once) is once
    assert checked("x", wrapped("text")) == Secret("text")


def test_every_public_call_that_takes_a_secret_is_among_these():
    named = {name.split()[0] for name in CALLS}
    for kind in (AuthClient, TokenVerifier):
        for name, method in inspect.getmembers(kind, inspect.iscoroutinefunction):
            parameters = inspect.signature(method).parameters.values()
            secret = any("Secret" in str(each.annotation) for each in parameters)
            if secret and not name.startswith("_"):
                assert name in named

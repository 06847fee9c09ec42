"""Whatever a call ends with, its error leads to no secret: every flow, and every kind of end.

The canaries are looked for in the whole chain of an error, in every local variable of every frame
but the tests' own, and in what these variables hold, to a depth at which requests, replies, bodies
and their bytes would be found.
"""

import asyncio
import itertools
import time
import traceback
from collections.abc import Awaitable, Callable
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import anyio
import pytest
from attrs import evolve

from authflow import (
    AuthClient,
    AuthFlow,
    ChallengeRequired,
    Device,
    Secret,
    SignedIn,
    Tokens,
    UnconfirmedDevice,
)
from authflow.answers import Code, NewPassword
from authflow.errors import MisuseError, PasswordRequiredError, SessionExpiredError
from authflow.machine import State
from authflow.mfa import NewAuthenticator
from authflow.results import Challenge
from authflow.sign_in import SignIn
from authflow.srp import COGNITO
from authflow.triggers import Triggers, challenge, password, sequence

PASSWORD = "canary-Passw0rd"
SESSION = "canary-session-" + "s" * 20
TOKENS = {
    "AuthenticationResult": {
        "AccessToken": "canary-access",
        "IdToken": "canary-id",
        "RefreshToken": "canary-new-refresh",
        "ExpiresIn": 3600,
    },
    "Device": {"DeviceKey": "key"},  # for the call that reads one
}
VERIFIER = {
    "ChallengeName": "PASSWORD_VERIFIER",
    "Session": SESSION,
    "ChallengeParameters": {
        "SALT": "ab" * 16,
        "SRP_B": f"{COGNITO.public_a(12345):x}",
        "SECRET_BLOCK": "c2VjcmV0",
        "USER_ID_FOR_SRP": "ada",
    },
}
CUSTOM = {
    "ChallengeName": "CUSTOM_CHALLENGE",
    "Session": SESSION,
    "ChallengeParameters": {"challenge": "word"},
}

WATCHER = SimpleNamespace(observe=repr)
"""An observer: what tells it stands in the frames of every call, too."""


class Told:
    """Answers, raises or waits as the prompt says."""

    name = "word"

    async def answer(self, challenge: Any, prompt: Any) -> Any:
        return await prompt.ask("?")


class Person:
    """A prompt that does what a test says."""

    def __init__(self, does: Any) -> None:
        self.does = does

    async def ask(self, question: str, *, hidden: bool = False) -> Any:
        if self.does == "wait":
            await anyio.sleep_forever()
        if isinstance(self.does, BaseException):
            raise self.does
        return self.does


def pending(name: str, **parameters: str) -> ChallengeRequired:
    return ChallengeRequired(
        challenge=Challenge(name=name, kind=parameters.get("challenge"), parameters=parameters),
        sign_in=SignIn(
            flow=AuthFlow.CUSTOM_AUTH if name == "CUSTOM_CHALLENGE" else AuthFlow.USER_SRP_AUTH,
            state=State(name),
            username="ada",
            canonical_username="ada",
            session=Secret(SESSION),
            expires_at=time.time() + 1e6,
        ),
    )


SETTING_UP = evolve(
    pending("MFA_SETUP"),
    challenge=Challenge(
        name="MFA_SETUP",
        kind="SOFTWARE_TOKEN_MFA",
        new_authenticator=NewAuthenticator(
            key=Secret("canary-key"), account="ada", app_name="Shop"
        ),
    ),
)
MY_DEVICE = Device(key="key", group_key="group", password=Secret("canary-device"))
NUMBERS = itertools.count()


def from_a_new_device() -> SignedIn:
    """A device of its own for each call, since one is confirmed once."""
    return SignedIn(
        tokens=Tokens(
            access_token=Secret("canary-access"),
            id_token=Secret("canary-id"),
            device=UnconfirmedDevice(key=f"key{next(NUMBERS)}", group_key="group"),
        ),
        username="ada",
        flow=AuthFlow.USER_SRP_AUTH,
    )


FROM_NEW = {
    "AuthenticationResult": {
        **TOKENS["AuthenticationResult"],
        "NewDeviceMetadata": {"DeviceKey": "key", "DeviceGroupKey": "group"},
    }
}
DEVICE_SRP = {"ChallengeName": "DEVICE_SRP_AUTH", "Session": SESSION}
DEVICE_VERIFIER = {
    "ChallengeName": "DEVICE_PASSWORD_VERIFIER",
    "Session": SESSION,
    "ChallengeParameters": {**VERIFIER["ChallengeParameters"], "DEVICE_KEY": "key"},
}
VERIFIED = {"Status": "SUCCESS", "Session": "canary-session-verified"}
CHOICE = {"challenge": "choice", "options": "aa bb"}
Act = Callable[[AuthClient], Awaitable[Any]]
FLOWS: dict[str, tuple[Act, list[Any]]] = {
    "USER_SRP_AUTH": (lambda auth: auth.sign_in("ada", PASSWORD), [VERIFIER]),
    "USER_PASSWORD_AUTH": (
        lambda auth: auth.sign_in("ada", PASSWORD, flow=AuthFlow.USER_PASSWORD_AUTH),
        [],
    ),
    "CUSTOM_AUTH with SRP": (
        lambda auth: auth.sign_in(
            "ada", PASSWORD, flow=AuthFlow.CUSTOM_AUTH, prompt=Person("canary-answer")
        ),
        [VERIFIER, CUSTOM],
    ),
    "CUSTOM_AUTH": (
        lambda auth: auth.sign_in("ada", flow=AuthFlow.CUSTOM_AUTH, prompt=Person("canary-answer")),
        [CUSTOM],
    ),
    "a custom answer": (lambda auth: auth.answer(pending("CUSTOM_CHALLENGE"), "canary-answer"), []),
    "a code": (lambda auth: auth.answer(pending("SMS_MFA"), Code("canary-code")), []),
    "a new password": (
        lambda auth: auth.answer(
            pending("NEW_PASSWORD_REQUIRED"),
            NewPassword("canary-new-password", attributes={"name": "Ada"}),
        ),
        [],
    ),
    "a first code": (
        lambda auth: auth.answer(
            SETTING_UP,
            Code("123456", device_name="a telephone"),
        ),
        [VERIFIED],
    ),
    "the second factors": (lambda auth: auth.mfa_preference(Secret("canary-access")), []),
    "a preferred factor": (
        lambda auth: auth.set_mfa_preference(Secret("canary-access"), preferred="SMS_MFA"),
        [],
    ),
    "the proof of a device": (
        lambda auth: auth.sign_in(
            "ada", PASSWORD, flow=AuthFlow.USER_PASSWORD_AUTH, device=MY_DEVICE
        ),
        [DEVICE_SRP, DEVICE_VERIFIER],
    ),
    "the first sign-in from a device": (
        lambda auth: auth.sign_in("ada", PASSWORD, flow=AuthFlow.USER_PASSWORD_AUTH),
        [FROM_NEW],
    ),
    "a new device": (lambda auth: auth.remember_device(from_a_new_device()), []),
    "a device's status": (
        lambda auth: auth.set_device_status(Secret("canary-access"), "key", remembered=True),
        [],
    ),
    "a device": (lambda auth: auth.device(Secret("canary-access"), "key"), []),
    "the devices": (lambda auth: auth.devices(Secret("canary-access")), []),
    "forgetting a device": (
        lambda auth: auth.forget_device(Secret("canary-access"), MY_DEVICE),
        [],
    ),
    "refresh from a device": (
        lambda auth: auth.refresh(Secret("canary-refresh"), device=MY_DEVICE),
        [],
    ),
    "refresh": (lambda auth: auth.refresh(Secret("canary-refresh")), []),
    "revoke": (lambda auth: auth.revoke(Secret("canary-refresh")), []),
    "sign_out": (lambda auth: auth.sign_out(Secret("canary-access")), []),
    "a sign-up": (
        lambda auth: auth.sign_up(
            "ada",
            PASSWORD,
            attributes={"email": "canary-address@example.org"},
            validation_data={"token": "canary-solved"},
        ),
        [],
    ),
    "the code of a sign-up": (lambda auth: auth.confirm_sign_up("ada", "canary-code"), []),
    "another code": (
        lambda auth: auth.resend_code("ada", client_metadata={"token": "canary-solved"}),
        [],
    ),
    "a forgotten password": (
        lambda auth: auth.forgot_password("ada", client_metadata={"token": "canary-solved"}),
        [],
    ),
    "a password by a code": (
        lambda auth: auth.confirm_forgot_password("ada", "canary-code", PASSWORD),
        [],
    ),
    "another password": (
        lambda auth: auth.change_password(Secret("canary-access"), PASSWORD, "canary-new-password"),
        [],
    ),
    "the profile": (lambda auth: auth.user(Secret("canary-access")), []),
    "changed attributes": (
        lambda auth: auth.update_attributes(
            Secret("canary-access"), {"email": "canary-address@example.org"}
        ),
        [],
    ),
    "attributes that go": (
        lambda auth: auth.delete_attributes(Secret("canary-access"), ["nickname"]),
        [],
    ),
    "an attribute's code": (
        lambda auth: auth.send_attribute_code(Secret("canary-access"), "email"),
        [],
    ),
    "a verified attribute": (
        lambda auth: auth.verify_attribute(Secret("canary-access"), "email", "canary-code"),
        [],
    ),
    "the end of an account": (lambda auth: auth.delete_user(Secret("canary-access")), []),
}
DONE = {
    **TOKENS,
    "UserConfirmed": False,
    "UserSub": "an id",
    "Username": "ada",
    "UserAttributes": [],
    "CodeDeliveryDetails": {
        "Destination": "a***@e***",
        "DeliveryMedium": "EMAIL",
        "AttributeName": "email",
    },
}
"""A reply that every last request takes."""


def ends(scripted: Any) -> dict[str, Any]:
    """What a server ends an exchange with."""
    json_type = b"content-type: application/x-amz-json-1.1\r\n"
    long = b'{"Session": "canary-session", "x": "' + b"x" * 2**20 + b'"}'
    return {
        "nothing": scripted.hang_up,
        "half a reply": scripted.raw(
            b"HTTP/1.1 200 OK\r\n" + json_type + b'content-length: 500\r\n\r\n{"x": "canary-reply'
        ),
        "no reply": scripted.hang,
        "throttling": scripted.error("TooManyRequestsException", "canary-password"),
        "a server's fault": scripted.error("InternalErrorException", PASSWORD, status=500),
        "a refusal": scripted.error("NotAuthorizedException", f"Incorrect username: {PASSWORD}"),
        "another refusal": scripted.error("OddException", "canary-Passw0rd canary-refresh"),
        "a lock": scripted.error("NotAuthorizedException", "Password attempts exceeded"),
        "a web page": scripted.raw(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 12\r\n\r\ncanary-reply"
        ),
        "a redirect": scripted.raw(
            b"HTTP/1.1 307 X\r\nlocation: /canary-place\r\ncontent-length: 0\r\n\r\n"
        ),
        "too long a reply": scripted.raw(
            b"HTTP/1.1 200 OK\r\n" + json_type + b"content-length: %d\r\n\r\n" % len(long) + long
        ),
        "both at once": {**TOKENS, **CUSTOM},
        "half of the tokens": {"AuthenticationResult": {"AccessToken": "canary-access"}},
        "tokens of another form": {
            "AuthenticationResult": {**TOKENS["AuthenticationResult"], "RefreshToken": 7}
        },
        "an odd parameter": {**CUSTOM, "ChallengeParameters": {"a": ["canary-parameter"]}},
        "another challenge": {**CUSTOM, "ChallengeName": "canary-name"},
        "a verifier again": VERIFIER,
        "an unsafe B": {
            **VERIFIER,
            "ChallengeParameters": {**VERIFIER["ChallengeParameters"], "SRP_B": "0"},
        },
        "a B that is none": {
            **VERIFIER,
            "ChallengeParameters": {**VERIFIER["ChallengeParameters"], "SRP_B": "canary"},
        },
        "a choice": {**CUSTOM, "ChallengeParameters": CHOICE},
        "forged tokens": TOKENS,
    }


RANDOM = b"canary-of-srp" * 3
"""SRP's private value a, as it is drawn; what is computed with it is a number."""


@pytest.fixture(autouse=True)
def _known_random_bytes(monkeypatch):
    drawn = SimpleNamespace(token_bytes=lambda _: RANDOM)
    monkeypatch.setattr("authflow.client.password_proof.secrets", drawn)


def leak(told: str) -> str:
    """The first canary in what was told, with the place where it stands."""
    found = max(told.find("canary"), told.find(str(int.from_bytes(RANDOM, "big"))))
    if found < 0:
        return ""
    frame = told.rfind("\n", 0, told.rfind("\n    ", 0, found))
    return told[max(frame, found - 300) : found + 40]


EARLY = {"no reply", "a refusal", "both at once", "a web page", "a lock"}
"""What ends a sign-in before its last request, too."""
PUBLIC = ("canary-name",)
"""What a refusal may repeat: it is no secret."""


@pytest.mark.parametrize("flow", FLOWS)
async def test_no_error_leads_to_a_secret_whatever_the_server_does(
    scripted, everything_told, monkeypatch, flow
):
    monkeypatch.setattr("authflow.client.transport._PAUSES", (0, 0))
    act, before = FLOWS[flow]
    leaks, errors = {}, set[str]()
    async with scripted.serve() as server:
        config = evolve(server.config(read_timeout=0.05), client_secret="canary-client-secret")
        verifying = evolve(config, verify_tokens=True)
        async with AuthClient(verifying, challenges=[Told], observer=WATCHER) as auth:
            for at in range(len(before) + 1):
                for kind, end in ends(scripted).items():
                    if at < len(before) and kind not in EARLY:
                        continue
                    server.script[:] = [*before[:at], *[end] * 3]
                    try:
                        await act(auth)
                    except Exception as error:  # noqa: BLE001  # whatever it is, it must not leak
                        errors.add(type(error).__name__)
                        told = everything_told(error)
                        for public in PUBLIC:
                            told = told.replace(public, "")
                        if found := leak(told):
                            leaks[at, kind, type(error).__name__] = found
    assert leaks == {}
    assert {"MalformedReplyError", "OutcomeUnknownError"} & errors


@pytest.mark.parametrize("flow", FLOWS)
async def test_no_cancellation_leads_to_a_secret_wherever_it_comes(scripted, everything_told, flow):
    act, before = FLOWS[flow]
    leaks, cancelled = {}, 0
    async with scripted.serve() as server:
        config = evolve(server.config(), client_secret="canary-client-secret")
        async with AuthClient(config, challenges=[Told], observer=WATCHER) as auth:
            server.script[:] = [*before, DONE]
            await act(auth)  # the connection is there, and will be kept open
            for at in range(len(before) + 1):
                for by in ("cancel", "asyncio.timeout", "anyio", "twice"):
                    server.script[:] = [*before[:at], scripted.hang]
                    server.requests.clear()
                    error = await cancelled_by(
                        by, act, auth, lambda at=at: len(server.requests) > at
                    )
                    cancelled += 1
                    if found := leak(everything_told(error)):
                        leaks[at, by] = found
            for steps in (0, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89):
                server.script[:] = [*before, DONE]
                error = await cancelled_by("cancel", act, auth, ticks(steps))
                if error is not None and (found := leak(everything_told(error))):
                    leaks[steps] = found
    assert leaks == {}
    assert cancelled >= 4


def ticks(number: int) -> Callable[[], bool]:
    """Is true after so many turns of the event loop."""
    left = iter(range(number))
    return lambda: next(left, None) is None


async def cancelled_by(
    by: str, act: Act, auth: AuthClient, when: Callable[[], bool]
) -> BaseException | None:
    """Give what an action raises that is ended from outside."""
    caught: list[BaseException] = []

    async def run() -> None:
        try:
            await act(auth)
        except BaseException as error:
            caught.append(error)
            raise

    async def wait_until() -> None:
        while not when():
            await asyncio.sleep(0)

    if by in {"cancel", "twice"}:
        task = asyncio.ensure_future(run())
        await wait_until()
        task.cancel()
        if by == "twice":
            await asyncio.sleep(0)
            task.cancel()
        await asyncio.wait([task])
        assert task.cancelled() or not caught
    elif by == "asyncio.timeout":
        waiter = asyncio.ensure_future(wait_until())
        with suppress(TimeoutError):
            async with asyncio.timeout(None) as limit:
                waiter.add_done_callback(
                    lambda _: limit.reschedule(asyncio.get_running_loop().time())
                )
                await run()
        assert limit.expired()
    else:
        async with anyio.create_task_group() as tasks:

            async def end() -> None:
                await wait_until()
                tasks.cancel_scope.cancel()

            tasks.start_soon(end)
            with suppress(asyncio.CancelledError):
                await run()
    return caught[0] if caught else None


CYCLIC: dict[str, Any] = {"token": "canary-metadata"}
CYCLIC["x"] = CYCLIC


class Raising(dict[str, str]):
    """A mapping that cannot be read."""

    def items(self) -> Any:
        raise KeyError("canary-metadata")


MAPS: dict[str, Any] = {
    "a Secret": {"captcha": Secret("canary-metadata"), "x": "canary-metadata"},
    "a list": ["canary-metadata"],
    "a text": "canary-metadata",
    "a number": 5,
    "True": True,
    "nothing": [],
    "an object": {"n": object(), "x": "canary-metadata"},
    "bytes": {"a": b"canary-metadata"},
    "a number as name": {1: "canary-metadata"},
    "None as name": {None: "canary-metadata"},
    "a number as value": {"a": 1, "x": "canary-metadata"},
    "None as value": {"a": None, "x": "canary-metadata"},
    "a surrogate": {"a": "canary-metadata\ud800"},
    "a surrogate as name": {"\ud800": "canary-metadata"},
    "a map in it": {"a": {"b": "canary-metadata"}},
    "a circle": CYCLIC,
    "names of two kinds": {"a": "canary-metadata", 1: "canary-metadata"},
    "what cannot be read": Raising(a="canary-metadata"),
}
CALLS: dict[str, Any] = {
    "sign_in": lambda auth, **given: auth.sign_in(
        "ada", PASSWORD, flow=AuthFlow.USER_PASSWORD_AUTH, **given
    ),
    "sign_in by SRP": lambda auth, **given: auth.sign_in("ada", PASSWORD, **given),
    "answer": lambda auth, **given: auth.answer(pending("SMS_MFA"), "canary-code", **given),
    "refresh": lambda auth, **given: auth.refresh("canary-refresh", **given),
}
OLD = Tokens(access_token=Secret("canary-access"), id_token=Secret("canary-id"))


def act_on(auth: AuthClient, *, username: Any = "ada", **given: Any) -> Awaitable[Any]:
    return auth.sign_in(username, PASSWORD, **given)


WRONG: dict[str, Act] = {
    "a flow that is none": lambda auth: auth.sign_in("ada", PASSWORD, flow="canary"[:0]),
    "no name": lambda auth: auth.sign_in("", PASSWORD),
    "a name that is none": lambda auth: auth.sign_in(7, PASSWORD),
    "metadata of another form": lambda auth: auth.sign_in("ada", PASSWORD, client_metadata={1: 2}),
    **{
        f"metadata: {kind} in {call}": lambda auth, act=act, given=given: act(
            auth, client_metadata=given
        )
        for kind, given in MAPS.items()
        for call, act in CALLS.items()
    },
    **{
        f"attributes: {kind}": lambda auth, given=given: auth.answer(
            pending("NEW_PASSWORD_REQUIRED"), "canary-new-password", attributes=given
        )
        for kind, given in MAPS.items()
    },
    **{
        f"attributes of NewPassword: {kind}": lambda auth, given=given: auth.answer(
            pending("NEW_PASSWORD_REQUIRED"), NewPassword("canary-new-password", attributes=given)
        )
        for kind, given in MAPS.items()
    },
    **{
        f"{name} is {odd!r:.20}": lambda auth, name=name, odd=odd: act_on(auth, **{name: odd})
        for name in ("username", "flow", "prompt")
        for odd in (5, b"x", ["x"], "\ud800", object(), type, Person)
    },
    **{
        f"pending is {type(odd).__name__}": lambda auth, odd=odd: auth.answer(odd, "canary-answer")
        for odd in (
            *(None, 5, "canary-answer", Challenge(name="SMS_MFA"), "canary-answer\ud800", object()),
            SignedIn(tokens=OLD, username="ada", flow=AuthFlow.CUSTOM_AUTH),
            ChallengeRequired(challenge=None, sign_in=None),
        )
    },
    "a password that is none": lambda auth: auth.sign_in("ada", b"canary-password"),
    "a password with a surrogate": lambda auth: auth.sign_in("ada", "canary-password\ud800"),
    "an answer that is none": lambda auth: auth.answer(pending("SMS_MFA"), ["canary-answer"]),
    "an answer with a surrogate": lambda auth: auth.answer(pending("SMS_MFA"), "canary\udfff"),
    "an answer of another kind": lambda auth: auth.answer(
        pending("CUSTOM_CHALLENGE"), Code("canary")
    ),
    "an answer that is no option": lambda auth: auth.answer(
        pending("CUSTOM_CHALLENGE", **CHOICE), "canary-answer"
    ),
    "a factor that is no option": lambda auth: auth.answer(
        pending("SELECT_MFA_TYPE", MFAS_CAN_CHOOSE='["SMS_MFA"]'), "canary-answer"
    ),
    "a factor where none is told": lambda auth: auth.answer(
        pending("SELECT_MFA_TYPE"), "canary-answer"
    ),
    "attributes beside a code": lambda auth: auth.answer(
        pending("SMS_MFA"), "canary-code", attributes={"name": "x"}
    ),
    "a proof that is asked later": lambda auth: auth.answer(
        pending("PASSWORD_VERIFIER"), "canary-answer"
    ),
    "an answer that comes too late": lambda auth: auth.answer(
        evolve(pending("SMS_MFA"), sign_in=evolve(pending("SMS_MFA").sign_in, expires_at=1.0)),
        "canary-code",
    ),
}
PEOPLE: dict[str, Any] = {
    "raises": ZeroDivisionError("of the plugin"),
    "gives bytes": b"canary-answer",
    "gives a list": ["canary-answer"],
    "gives a surrogate": "canary\ud800",
}


async def test_no_misuse_leads_to_a_secret(scripted, everything_told):
    leaks, none = {}, []
    async with (
        scripted.serve() as server,
        AuthClient(server.config(read_timeout=0.05), challenges=[Told], observer=WATCHER) as auth,
    ):
        for kind, act in WRONG.items():
            try:
                await act(auth)
                none.append(kind)
            except Exception as error:  # noqa: BLE001  # whatever it is, it must not leak
                if not isinstance(error, MisuseError | SessionExpiredError | PasswordRequiredError):
                    leaks[kind, "kind"] = repr(error)
                traceback.TracebackException.from_exception(error, capture_locals=True)
                if found := leak(everything_told(error)):
                    leaks[kind] = found
        for kind, does in PEOPLE.items():
            server.script[:] = [CUSTOM]
            try:
                await auth.sign_in("ada", flow=AuthFlow.CUSTOM_AUTH, prompt=Person(does))
                none.append(kind)
            except Exception as error:  # noqa: BLE001
                if found := leak(everything_told(error)):
                    leaks[kind] = found
        assert server.requests[len(PEOPLE) :] == []  # whatever is wrong is told before it is sent
    assert leaks == {}
    assert none == []


async def test_no_error_of_a_real_pool_leads_to_a_secret(live_pool, word, everything_told):
    """Also the pool's own session, tokens and SRP values, which no test has made up."""
    triggers = Triggers(policy=sequence(password(), challenge("word")), challenges=[word])
    secrets: set[str] = set()
    errors: list[BaseException] = []

    async def attempt(call: Awaitable[Any]) -> Any:
        try:
            result = await call
        except BaseException as error:  # noqa: BLE001
            errors.append(error)
            return None
        if isinstance(result, SignedIn):
            for token in (
                result.tokens.access_token,
                result.tokens.id_token,
                result.tokens.refresh_token,
            ):
                secrets.add(token.reveal())
        elif isinstance(result, ChallengeRequired):
            secrets.add(result.sign_in.session.reveal())
        return result

    async with live_pool(triggers=triggers) as pool:
        await pool.add_user("ada", PASSWORD)
        config = await pool.app_client(secret=True)
        async with AuthClient(config) as auth:
            done = await attempt(auth.sign_in("ada", PASSWORD))
            waiting = await attempt(auth.sign_in("ada", PASSWORD, flow=AuthFlow.CUSTOM_AUTH))
            for flow in AuthFlow:
                await attempt(auth.sign_in("ada", "canary-wrong", flow=flow))
            again = await attempt(auth.answer(waiting, "canary-wrong"))
            await attempt(auth.answer(waiting, "canary-answer"))
            await attempt(auth.answer(again, "canary-wrong"))
            for flow in AuthFlow:
                for steps in (3, 10, 30):
                    task = asyncio.ensure_future(auth.sign_in("ada", PASSWORD, flow=flow))
                    for _ in range(steps):
                        await asyncio.sleep(0)
                    task.cancel()
                    with suppress(asyncio.CancelledError):
                        await task
                    with suppress(asyncio.CancelledError):
                        errors += filter(None, [task.exception()])
            await attempt(auth.revoke(done.tokens.refresh_token))
            await attempt(auth.refresh(done.tokens.refresh_token))
            await attempt(auth.sign_out(Secret("canary-access")))
    assert len(secrets) >= 5
    assert len(errors) >= 6
    leaks = {
        repr(error): leak(told) or "a session or token"
        for error in errors
        if "canary" in (told := everything_told(error)) or any(each in told for each in secrets)
    }
    assert leaks == {}


def test_the_search_finds_what_frames_hold(everything_told):
    """Of a function that is not this file's: its locals, what they hold, and an error's chain."""
    source = (
        "def fail(body, generator):\n"
        "    try:\n        raise KeyError\n"
        "    except KeyError as error:\n        raise ValueError from error\n"
    )
    space: dict[str, Any] = {}
    exec(compile(source, "/elsewhere.py", "exec"), space)  # noqa: S102

    def generator(text: str) -> Any:
        yield text

    for body in (
        "canary",
        {"a": [b"canary"]},
        Challenge(name="x", parameters={"a": "canary"}),
        generator("canary"),
        NewPassword("x", attributes={"a": "canary"}),
    ):
        if hasattr(body, "send"):
            next(body)
        with pytest.raises(ValueError) as found:
            space["fail"](body, None)
        assert leak(everything_told(found.value))
    with pytest.raises(ValueError) as found:
        space["fail"](Secret("canary"), Code("canary"))
    assert not leak(everything_told(found.value))

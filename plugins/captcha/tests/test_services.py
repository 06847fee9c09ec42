"""Tokens of services: which are right, and what happens when a service cannot tell."""

import asyncio
import logging
import time
import traceback
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web
from authflow_captcha.errors import (
    ServiceRefusedError,
    ServiceReplyError,
    ServiceUnavailableError,
)
from authflow_captcha.services import HCaptcha, ReCaptcha, Service, Turnstile

from authflow.errors import (
    AuthFlowError,
    ConfigError,
    NextStep,
    PluginFailedError,
    RemoteProtocolError,
    TransportError,
)
from authflow.plugins import (
    TRIGGER_CHALLENGES,
    CreateContext,
    Outcome,
    PluginRegistry,
    Secret,
    VerifyContext,
)
from authflow.triggers import KeyRing, Limits, MemoryStore, Triggers, challenge, password
from authflow.triggers import sequence as in_sequence

Answered = Callable[..., VerifyContext]
Made = Callable[..., Service]
Created = Callable[[Triggers], Awaitable[Any]]
Passes = Callable[[Triggers, Any, str], Awaitable[Any]]

KEY = "0x4AAAAAAADnPIDROrmt1Wwj"
TOKEN = "token-canary.0_x"
ROUND = {"round": "00ff" * 8}
SETTINGS: dict[str, dict[str, Any]] = {
    "turnstile": {"action": "sign-in"},
    "hcaptcha": {},
    "recaptcha": {"version": "v3", "action": "sign-in"},
}
GOOD = {"hostname": "example.com", "action": "sign-in"}
CLASSES: dict[str, type[Service]] = {
    "turnstile": Turnstile,
    "hcaptcha": HCaptcha,
    "recaptcha": ReCaptcha,
}
all_services = pytest.mark.parametrize("name", list(CLASSES))


def known(name: str, **more: Any) -> dict[str, Any]:
    """Give what a service knows of a good token."""
    return GOOD | ({"score": 0.9} if name == "recaptcha" else {}) | more


@pytest.fixture
def made(siteverify: Any) -> Made:
    """Make a service's challenge that asks the local server."""

    def made(name: str, **more: Any) -> Service:
        settings = {
            "site_key": KEY,
            "secret": Secret(siteverify.secret),
            "hostnames": ["example.com"],
            "url": siteverify.url,
        }
        return CLASSES[name](**settings | SETTINGS[name] | more)

    return made


@all_services
async def test_a_good_token_passes_and_the_service_is_asked_once(
    made: Made, siteverify: Any, answered: Answered, name: str
) -> None:
    siteverify.tokens[TOKEN] = known(name)
    assert await made(name).verify(answered(TOKEN, ROUND)) == Outcome.passed()
    (form,) = siteverify.forms
    assert (form["secret"], form["response"]) == (siteverify.secret, TOKEN)


@all_services
async def test_a_token_is_judged_for_an_unknown_user_as_for_a_known_one(
    made: Made, siteverify: Any, answered: Answered, name: str
) -> None:
    siteverify.tokens[TOKEN] = known(name)
    context = answered(TOKEN, ROUND, user_not_found=True)
    assert await made(name).verify(context) == Outcome.passed()


@all_services
async def test_a_token_that_the_service_does_not_know_is_refused(
    made: Made, answered: Answered, name: str
) -> None:
    assert await made(name).verify(answered(TOKEN, ROUND)) == Outcome.retry("refused")


@all_services
@pytest.mark.parametrize(
    "code",
    [
        "timeout-or-duplicate",
        "expired-input-response",
        "already-seen-response",
        "invalid-or-already-seen-response",
    ],
)
async def test_a_token_that_was_used_or_has_expired_is_spent(
    made: Made, siteverify: Any, answered: Answered, name: str, code: str
) -> None:
    siteverify.fault = replying({"success": False, "error-codes": [code]})
    assert await made(name).verify(answered(TOKEN, ROUND)) == Outcome.retry("spent")


@all_services
@pytest.mark.parametrize(
    "host", ["evil.example", "www.example.com", "example.com.evil.example", "", None, 7]
)
async def test_a_token_of_another_host_is_refused(
    made: Made, siteverify: Any, answered: Answered, name: str, host: Any
) -> None:
    siteverify.tokens[TOKEN] = known(name, hostname=host)
    assert await made(name).verify(answered(TOKEN, ROUND)) == Outcome.retry("hostname")


@all_services
async def test_each_of_several_hosts_will_do_in_any_case(
    made: Made, siteverify: Any, answered: Answered, name: str
) -> None:
    service = made(name, hostnames={"example.com", "login.example.com"})
    siteverify.tokens[TOKEN] = known(name, hostname="Login.Example.com")
    assert await service.verify(answered(TOKEN, ROUND)) == Outcome.passed()


@pytest.mark.parametrize("name", ["turnstile", "recaptcha"])
@pytest.mark.parametrize("action", ["sign-up", "", None, ["sign-in"]])
async def test_a_token_for_another_action_is_refused(
    made: Made, siteverify: Any, answered: Answered, name: str, action: Any
) -> None:
    siteverify.tokens[TOKEN] = known(name, action=action)
    assert await made(name).verify(answered(TOKEN, ROUND)) == Outcome.retry("action")


async def test_turnstile_takes_any_action_where_none_is_set(
    made: Made, siteverify: Any, answered: Answered
) -> None:
    siteverify.tokens[TOKEN] = known("turnstile", action="anything")
    service = made("turnstile", action=None)
    assert await service.verify(answered(TOKEN, ROUND)) == Outcome.passed()


@pytest.mark.parametrize(
    ("score", "verdict"),
    [
        (1, Outcome.passed()),
        (0.7, Outcome.passed()),
        (0.69, Outcome.retry("score")),
        (0.0, Outcome.retry("score")),
    ],
)
async def test_version_3_needs_the_score_that_is_set(
    made: Made, siteverify: Any, answered: Answered, score: float, verdict: Outcome
) -> None:
    siteverify.tokens[TOKEN] = known("recaptcha", score=score)
    service = made("recaptcha", least_score=0.7)
    assert await service.verify(answered(TOKEN, ROUND)) == verdict


@pytest.mark.parametrize("score", [None, "0.9", True, -0.1, 1.1, float("nan")])
async def test_version_3_without_a_score_is_an_error(
    made: Made, siteverify: Any, answered: Answered, score: Any
) -> None:
    siteverify.tokens[TOKEN] = known("recaptcha", score=score)
    with pytest.raises(ServiceReplyError, match="not of v3"):
        await made("recaptcha").verify(answered(TOKEN, ROUND))


async def test_version_2_has_no_score_and_a_token_of_version_3_is_an_error_there(
    made: Made, siteverify: Any, answered: Answered
) -> None:
    service = made("recaptcha", version="v2", action=None)
    siteverify.tokens[TOKEN] = {"hostname": "example.com"}
    assert await service.verify(answered(TOKEN, ROUND)) == Outcome.passed()
    siteverify.tokens["second"] = {"hostname": "example.com", "score": 0.1, "action": "sign-in"}
    with pytest.raises(ServiceReplyError, match="not of v2"):
        await service.verify(answered("second", ROUND))


@all_services
@pytest.mark.parametrize(
    "answer",
    ["", " ", "a b", "tok\nen", "tok\0en", "tökén", "\u202etoken", f"{TOKEN} ", "x" * 9000],
)
async def test_what_cannot_be_a_token_is_wrong_and_is_not_sent(
    made: Made, siteverify: Any, answered: Answered, name: str, answer: str
) -> None:
    assert await made(name).verify(answered(answer, ROUND)) == Outcome.retry("malformed")
    assert siteverify.forms == []


@all_services
async def test_a_token_of_the_greatest_length_is_sent_and_a_longer_one_is_not(
    made: Made, siteverify: Any, answered: Answered, name: str
) -> None:
    service = made(name)
    for length, sent in ((service.longest_token, 1), (service.longest_token + 1, 1)):
        await service.verify(answered("x" * length, ROUND))
        assert len(siteverify.forms) == sent


@all_services
async def test_a_challenge_of_another_plugin_is_an_error(
    made: Made, answered: Answered, name: str
) -> None:
    with pytest.raises(PluginFailedError, match="lack 'round'"):
        await made(name).verify(answered(TOKEN, {}))


def replying(
    body: Any, *, status: int = 200
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def reply(_request: web.Request) -> web.StreamResponse:
        if isinstance(body, bytes):
            return web.Response(body=body, status=status, content_type="application/json")
        return web.json_response(body, status=status)

    return reply


@all_services
@pytest.mark.parametrize(
    ("body", "status", "error", "says"),
    [
        ({"success": True}, 500, ServiceUnavailableError, "HTTP status 500"),
        ({"success": True}, 503, ServiceUnavailableError, "HTTP status 503"),
        ({"success": True}, 429, ServiceUnavailableError, "HTTP status 429"),
        ({"success": True} | GOOD, 404, ServiceReplyError, "a yes with the HTTP status 404"),
        (b"", 200, ServiceReplyError, "something else than a verdict"),
        (b"<html>", 200, ServiceReplyError, "something else"),
        (b"\xff\xfe{", 200, ServiceReplyError, "something else"),
        (b"[" * 50_000, 200, ServiceReplyError, "something else"),
        (b'{"success": true, "x": "' + b"x" * 70_000 + b'"}', 200, ServiceReplyError, "something"),
        ([], 200, ServiceReplyError, "something else"),
        ({}, 200, ServiceReplyError, "something else"),
        ({"success": "true"}, 200, ServiceReplyError, "something else"),
        ({"success": 1} | GOOD, 200, ServiceReplyError, "something else"),
        (
            {"success": False, "error-codes": ["internal-error"]},
            200,
            ServiceUnavailableError,
            "it failed",
        ),
        (
            {"success": False, "error-codes": ["missing-input-secret"]},
            400,
            ServiceRefusedError,
            "check the secret",
        ),
        (
            {"success": False, "error-codes": ["sitekey-secret-mismatch"]},
            200,
            ServiceRefusedError,
            "sitekey-secret-mismatch",
        ),
        ({"success": False, "error-codes": ["bad-request"]}, 400, ServiceRefusedError, "request"),
    ],
)
async def test_where_a_service_cannot_tell_there_is_an_error_and_nobody_passes(
    made: Made,
    siteverify: Any,
    answered: Answered,
    *,
    name: str,
    body: Any,
    status: int,
    error: type[AuthFlowError],
    says: str,
) -> None:
    siteverify.fault = replying(body, status=status)
    with pytest.raises(error, match=says):
        await made(name).verify(answered(TOKEN, ROUND))


@all_services
@pytest.mark.parametrize("codes", [None, "x", [], [7], ["\x1b[2J"], ["new-code"], [["a"]]])
async def test_a_no_for_unknown_reasons_is_a_no(
    made: Made, siteverify: Any, answered: Answered, name: str, codes: Any
) -> None:
    siteverify.fault = replying({"success": False, "error-codes": codes})
    assert await made(name).verify(answered(TOKEN, ROUND)) == Outcome.retry("refused")


@all_services
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(
    made: Made, siteverify: Any, answered: Answered, name: str, status: int
) -> None:
    async def redirect(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, headers={"Location": siteverify.url})

    siteverify.fault = redirect
    with pytest.raises(ServiceUnavailableError, match=f"HTTP status {status}"):
        await made(name).verify(answered(TOKEN, ROUND))
    assert len(siteverify.forms) == 1


@all_services
async def test_a_service_that_hangs_is_given_up_in_time(
    made: Made, siteverify: Any, answered: Answered, name: str
) -> None:
    over = asyncio.Event()

    async def hang(_request: web.Request) -> web.StreamResponse:
        await over.wait()
        return web.Response()

    siteverify.fault = hang
    begun = time.monotonic()
    with pytest.raises(ServiceUnavailableError, match="TimeoutError"):
        await made(name, timeout=0.2).verify(answered(TOKEN, ROUND))
    over.set()
    assert time.monotonic() - begun < 4


@all_services
async def test_a_service_that_sends_a_byte_now_and_then_is_given_up_in_time(
    made: Made, siteverify: Any, answered: Answered, name: str
) -> None:
    async def drip(request: web.Request) -> web.StreamResponse:
        reply = web.StreamResponse()
        await reply.prepare(request)
        for _ in range(100):
            await reply.write(b" ")
            await asyncio.sleep(0.05)
        return reply

    siteverify.fault = drip
    with pytest.raises(ServiceUnavailableError, match="TimeoutError"):
        await made(name, timeout=0.2).verify(answered(TOKEN, ROUND))


@all_services
async def test_a_service_that_nobody_runs_is_unavailable(
    made: Made, answered: Answered, name: str, unused_tcp_port: int
) -> None:
    service = made(name, url=f"http://127.0.0.1:{unused_tcp_port}/siteverify")
    with pytest.raises(ServiceUnavailableError, match="cannot be asked") as caught:
        await service.verify(answered(TOKEN, ROUND))
    assert caught.value.next_step is NextStep.WAIT


@pytest.fixture
def unused_tcp_port() -> int:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
    return port


@all_services
async def test_neither_secret_nor_token_is_in_logs_errors_or_reprs(
    made: Made,
    siteverify: Any,
    answered: Answered,
    caplog: pytest.LogCaptureFixture,
    name: str,
) -> None:
    caplog.set_level(logging.DEBUG)
    service, shown = made(name), []
    faults = [
        None,
        replying({"success": False, "error-codes": ["invalid-input-secret"]}),
        replying(f"{siteverify.secret} {TOKEN}".encode(), status=500),
        replying({"success": False, "error-codes": [siteverify.secret, TOKEN]}),
    ]
    for fault in faults:
        siteverify.fault = fault
        try:
            shown.append(repr(await service.verify(answered(TOKEN, ROUND))))
        except AuthFlowError as error:
            shown.append("".join(traceback.format_exception(error)))
    everything = "\n".join([*shown, repr(service), caplog.text])
    assert siteverify.secret not in everything
    assert TOKEN not in everything
    assert len(siteverify.forms) == len(faults)


@all_services
async def test_the_client_gets_the_site_key_and_no_secret(
    made: Made, siteverify: Any, asked: CreateContext, name: str
) -> None:
    issued = await made(name).create(asked)
    assert issued.public["siteKey"] == KEY
    told = {"turnstile": {"action"}, "hcaptcha": set(), "recaptcha": {"action", "version"}}
    assert issued.public.keys() == {"siteKey"} | told[name]
    assert siteverify.secret not in str(issued.public) + str(issued.private)


async def test_hcaptcha_is_told_whose_token_it_should_be(
    made: Made, siteverify: Any, answered: Answered
) -> None:
    await made("hcaptcha").verify(answered(TOKEN, ROUND))
    assert siteverify.forms[0]["sitekey"] == KEY


async def test_turnstiles_key_is_a_uuid_of_the_token_and_the_round_and_tells_neither(
    made: Made, siteverify: Any, answered: Answered
) -> None:
    service = made("turnstile")
    for token, this_round in ((TOKEN, "a"), (TOKEN, "a"), (TOKEN, "b"), ("other", "a")):
        await service.verify(answered(token, {"round": this_round}))
    keys = [form["idempotency_key"] for form in siteverify.forms]
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3
    assert all(str(uuid.UUID(key)) == key and uuid.UUID(key).version == 4 for key in keys)


def serving(service: Service, **more: Any) -> Triggers:
    names = ("site_key", "secret", "hostnames", "url", "action", "version")
    settings = {name: getattr(service, name) for name in names if hasattr(service, name)}
    step = challenge(service.name, **settings)
    return Triggers(policy=in_sequence(password(), step), challenges=[type(service)], **more)


async def test_cognitos_three_runs_of_verify_get_turnstiles_same_verdict(
    made: Made, siteverify: Any, created: Created, passes: Passes
) -> None:
    siteverify.tokens[TOKEN] = known("turnstile")
    triggers = serving(made("turnstile"))
    private = (await created(triggers)).private
    assert [await passes(triggers, private, TOKEN) for _ in range(3)] == [True] * 3
    another = (await created(triggers)).private
    assert await passes(triggers, another, TOKEN) is False


@pytest.mark.parametrize("name", ["hcaptcha", "recaptcha"])
async def test_without_limits_a_further_run_is_refused_where_the_service_has_no_keys(
    made: Made, siteverify: Any, name: str, created: Created, passes: Passes
) -> None:
    siteverify.tokens[TOKEN] = known(name)
    triggers = serving(made(name))
    private = (await created(triggers)).private
    assert [await passes(triggers, private, TOKEN) for _ in range(2)] == [True, False]


@all_services
async def test_with_limits_cognitos_three_runs_of_verify_get_the_same_verdict(
    made: Made, siteverify: Any, name: str, created: Created, passes: Passes
) -> None:
    siteverify.tokens |= {"good": known(name), "elsewhere": known(name, hostname="evil.example")}
    triggers = serving(made(name), limits=Limits(store=MemoryStore(), keys=KeyRing.generate()))
    for token, right in (("good", True), ("elsewhere", False), ("unknown", False)):
        private = (await created(triggers)).private
        assert [await passes(triggers, private, token) for _ in range(3)] == [right] * 3


@all_services
async def test_with_limits_a_token_of_another_answer_is_not_even_asked_about(
    made: Made, siteverify: Any, name: str, created: Created, passes: Passes
) -> None:
    siteverify.tokens[TOKEN] = known(name)
    triggers = serving(made(name), limits=Limits(store=MemoryStore(), keys=KeyRing.generate()))
    first = (await created(triggers)).private
    second = (await created(triggers)).private
    assert await passes(triggers, first, TOKEN) is True
    assert await passes(triggers, second, TOKEN) is False
    assert len(siteverify.forms) == 1


@all_services
async def test_with_limits_a_run_after_a_failed_one_may_ask_again(
    made: Made, siteverify: Any, name: str, created: Created, passes: Passes
) -> None:
    siteverify.tokens[TOKEN] = known(name)
    triggers = serving(made(name), limits=Limits(store=MemoryStore(), keys=KeyRing.generate()))
    private = (await created(triggers)).private
    for fault, whose in (
        (replying({}, status=503), TransportError),
        (replying({"success": "yes"}), RemoteProtocolError),
        (replying({"success": False, "error-codes": ["invalid-input-secret"]}), ConfigError),
    ):
        siteverify.fault = fault
        with pytest.raises(whose, match=rf"^the challenge '{name}' failed$"):
            await passes(triggers, private, TOKEN)
    siteverify.fault = None
    assert await passes(triggers, private, TOKEN) is True


@all_services
@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"site_key": ""}, "site_key is the public key"),
        ({"site_key": "a b"}, "site_key is"),
        ({"site_key": None}, "site_key is"),
        ({"site_key": '"><script>'}, "site_key is"),
        ({"secret": "plain"}, "wrap the secret"),
        ({"secret": Secret("")}, "wrap the secret"),
        ({"hostnames": []}, "hostnames names the hosts"),
        ({"hostnames": "example.com"}, "hostnames names"),
        ({"hostnames": ["https://example.com"]}, "hostnames names"),
        ({"hostnames": ["example.com:443"]}, "hostnames names"),
        ({"hostnames": ["Example.com"]}, "hostnames names"),
        ({"hostnames": [None]}, "hostnames names"),
        ({"hostnames": None}, "hostnames names"),
        ({"url": "http://example.com/siteverify"}, "url must be https"),
        ({"url": "ftp://example.com"}, "url must be"),
        ({"url": "https://"}, "url must be"),
        ({"url": "https://[::1"}, "url must be"),
        ({"url": 7}, "url must be"),
        ({"timeout": 0}, "timeout is more than 0 and at most 4"),
        ({"timeout": 4.5}, "timeout is"),
        ({"timeout": True}, "timeout is"),
        ({"timeout": float("nan")}, "timeout is"),
        ({"timeout": "3"}, "timeout is"),
    ],
)
async def test_a_setting_that_is_malformed_or_unsafe_is_refused(
    made: Made, name: str, wrong: dict[str, Any], says: str
) -> None:
    with pytest.raises(ConfigError, match=f"{name}: {says}"):
        made(name, **wrong)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"version": "v1"}, "version is one of v2, v3"),
        ({"version": 3}, "version is one of"),
        ({"action": None}, "v3 needs an action"),
        ({"version": "v2"}, "v2 has none"),
        ({"action": "sign in"}, "action is a name"),
        ({"least_score": 0}, "least_score is more than 0"),
        ({"least_score": 1.1}, "least_score is"),
        ({"least_score": True}, "least_score is"),
        ({"least_score": float("nan")}, "least_score is"),
        ({"least_score": "0.5"}, "least_score is"),
    ],
)
async def test_a_setting_of_recaptcha_that_makes_no_sense_is_refused(
    made: Made, wrong: dict[str, Any], says: str
) -> None:
    with pytest.raises(ConfigError, match=says):
        made("recaptcha", **wrong)


@all_services
def test_it_is_an_extra_step_that_asks_its_service_over_tls(name: str) -> None:
    kind = CLASSES[name]
    assert (kind.name, kind.interface, kind.suffices) == (name, 2, False)
    assert kind.address.startswith("https://")


def test_no_two_services_share_their_metadata() -> None:
    assert len({kind.metadata for kind in CLASSES.values()}) == len(CLASSES)


@all_services
def test_it_is_found_by_its_entry_point(name: str) -> None:
    assert PluginRegistry(TRIGGER_CHALLENGES).find(name) is CLASSES[name]

"""What a client tells its observer: for each flow and each end of it exactly these events."""

import asyncio
import base64
import json
import pickle
import re
from typing import Any, get_args, get_type_hints

import anyio
import attrs
import pytest

from authflow import AuthClient, AuthConfig, AuthFlow, ChallengeRequired, Declined, NextStep, Secret
from authflow.client import ScriptedPrompt, events, transport
from authflow.client.events import ClientEvent
from authflow.errors import AuthFlowError, MisuseError, PluginFailedError
from authflow.integrations.event_fields import event_fields
from authflow.keys import KeyRing
from authflow.srp import COGNITO
from testbed.listening import listen
from testbed.told_events import Told, line

PASSWORD = "Canary-passw0rd-1"
TOKENS = {"AuthenticationResult": {"AccessToken": "a", "IdToken": "i", "ExpiresIn": 3600}}
VERIFIER = {
    "ChallengeName": "PASSWORD_VERIFIER",
    "ChallengeParameters": {
        "SALT": "ab" * 16,
        "SRP_B": f"{COGNITO.public_a(12345):x}",
        "SECRET_BLOCK": "c2VjcmV0",
        "USER_ID_FOR_SRP": "ada",
        "USERNAME": "ada",
    },
}
ASKED = {
    "ChallengeName": "CUSTOM_CHALLENGE",
    "ChallengeParameters": {"challenge": "word", "hint": "?", "USERNAME": "ada"},
    "Session": "s" * 20,
}


class WordClient:
    name = "word"

    async def answer(self, challenge: Any, prompt: Any) -> str:
        return await prompt.ask("?")


class Broken(WordClient):
    async def answer(self, challenge: Any, prompt: Any) -> str:
        raise ValueError("canary")


class Interrupting(WordClient):
    async def answer(self, challenge: Any, prompt: Any) -> str:
        raise asyncio.CancelledError


EVENTS = [
    each
    for each in vars(events).values()
    if isinstance(each, type) and issubclass(each, ClientEvent)
]
SENT = "request_began InitiateAuth 1"
ANSWERED = "request_began RespondToAuthChallenge 1"
PROVED = [
    *(SENT, "request_ended ok", "challenge_asked PASSWORD_VERIFIER 1"),
    *("answer_given PASSWORD_VERIFIER 1 client", ANSWERED),
]
WORD = ["challenge_asked CUSTOM_CHALLENGE word 1", "answer_given CUSTOM_CHALLENGE word 1 client"]
FLOWS: dict[str, tuple[dict[str, Any], list[Any], list[str], str | None]] = {
    "a plain password": (
        {"password": PASSWORD, "flow": AuthFlow.USER_PASSWORD_AUTH},
        [],
        [SENT],
        None,
    ),
    "SRP": (
        {"password": PASSWORD, "flow": AuthFlow.USER_SRP_AUTH},
        [VERIFIER],
        PROVED,
        "PASSWORD_VERIFIER 1",
    ),
    "challenges": (
        {"flow": AuthFlow.CUSTOM_AUTH},
        [ASKED],
        [SENT, "request_ended ok", *WORD, ANSWERED],
        "CUSTOM_CHALLENGE word 1",
    ),
    "challenges after SRP": (
        {"password": PASSWORD, "flow": AuthFlow.CUSTOM_AUTH},
        [VERIFIER, ASKED],
        [*PROVED, "request_ended ok", *WORD, ANSWERED],
        "CUSTOM_CHALLENGE word 1",
    ),
}
"""For each flow its arguments, the replies before the last one, what is told up to the last
request, and the challenge that this answers."""

ENDS: dict[str, tuple[Any, str, str]] = {
    "right": (TOKENS, "ok", "user_signed_in"),
    "wrong": ("NotAuthorizedException", "bad_credentials restart", "call_refused"),
    "a wrong code": ("CodeMismatchException", "code_mismatch retry_same_challenge", "call_refused"),
    "expired": ("ExpiredCodeException", "code_expired restart", "call_refused"),
    "locked out": ("TooManyFailedAttemptsException", "locked_out wait", "call_refused"),
    "malformed": ({"ChallengeName": 7}, "malformed_reply give_up", "call_failed"),
    "nothing that the flow allows": (
        {**ASKED, "ChallengeName": "DEVICE_PASSWORD_VERIFIER"},
        "unexpected_reply give_up",
        "call_failed",
    ),
}


SAID = {
    "NotAuthorizedException": "Incorrect username or password.",
    "CodeMismatchException": "Invalid code provided, please request a code again.",
}


def ended(flow: str, code: str, end: str) -> list[str]:
    """What is told from the last request's end on."""
    answers = FLOWS[flow][3]
    if end == "user_signed_in":
        return ["request_ended ok", end]
    if code.startswith("code_mismatch") and "word" in str(answers):  # the prompt is asked again
        return [
            *("request_ended code_mismatch", f"answer_refused {answers} {code}"),
            *(each.replace("1", "2") for each in WORD),
            *(ANSWERED, "request_ended ok", "user_signed_in"),
        ]
    refused = (
        [] if end != "call_refused" or answers is None else [f"answer_refused {answers} {code}"]
    )
    return [f"request_ended {code.split(maxsplit=1)[0]}", *refused, f"{end} {code}"]


@pytest.mark.parametrize("flow", FLOWS)
async def test_each_flow_and_end_is_told_by_exactly_these_events(scripted, flow: str):
    arguments, replies, told_before, _ = FLOWS[flow]
    told = Told()
    async with (
        scripted.serve() as server,
        AuthClient(server.config(), challenges=[WordClient], observer=told) as auth,
    ):
        for end, (reply, code, event) in ENDS.items():
            said = scripted.error(reply, SAID.get(reply, "?")) if isinstance(reply, str) else reply
            server.script[:] = [*replies, said, TOKENS]
            try:
                await auth.sign_in("ada", **arguments, prompt=ScriptedPrompt(["open sesame"] * 2))
            except AuthFlowError:
                assert end != "right"
            begun, seen = ["sign_in_began sign_in", *told_before], told.lines()
            if end == "nothing that the flow allows":
                assert (seen[: len(begun)], seen[-1]) == (begun, f"{event} {code}")
            else:
                assert seen == [*begun, *ended(flow, code, event)], end


LATE = ["cancelled", "asyncio.timeout", "anyio.fail_after"]


@pytest.mark.parametrize("flow", FLOWS)
async def test_a_call_that_is_broken_off_has_one_end_too(scripted, flow: str):
    arguments, replies, told_before, _ = FLOWS[flow]
    told = Told()
    async with (
        scripted.serve() as server,
        AuthClient(server.config(), challenges=[WordClient], observer=told) as auth,
    ):

        async def sign_in(how: str, limit: asyncio.Timeout, scope: anyio.CancelScope) -> None:
            call = auth.sign_in("ada", **arguments, prompt=ScriptedPrompt(["open sesame"]))
            if how == "asyncio.timeout":
                async with limit:
                    await call
            with scope:
                await call

        for how in LATE:
            server.script[:] = [*replies, scripted.hang]
            limit, scope, sent = asyncio.timeout(None), anyio.CancelScope(), len(server.requests)
            task = asyncio.ensure_future(sign_in(how, limit, scope))
            with anyio.fail_after(40):
                while len(server.requests) - sent <= len(replies):
                    await asyncio.sleep(0.001)
            if how == "asyncio.timeout":
                limit.reschedule(0)
            elif how == "anyio.fail_after":
                scope.deadline = 0
            else:
                task.cancel()
            await asyncio.wait([task])
            assert how == "anyio.fail_after" or task.cancelled() or task.exception() is not None
            end = ["request_ended broken_off", "call_cancelled"]
            assert told.lines() == ["sign_in_began sign_in", *told_before, *end], how


@pytest.mark.parametrize("lost", ["hang_up", "hang"])
@pytest.mark.parametrize("flow", ["a plain password", "challenges after SRP"])
async def test_a_lost_reply_ends_the_request_and_the_call(scripted, flow: str, lost: str):
    arguments, replies, told_before, answers = FLOWS[flow]
    told = Told()
    settings = {"request_timeout": 1.5} if lost == "hang" else {}
    async with (
        scripted.serve(*replies, getattr(scripted, lost)) as server,
        AuthClient(server.config(**settings), challenges=[WordClient], observer=told) as auth,
    ):
        with pytest.raises(AuthFlowError):
            await auth.sign_in("ada", **arguments, prompt=ScriptedPrompt(["open sesame"]))
    code, step = {"hang_up": "unreachable", "hang": "timed_out"}[lost], "wait"
    if answers is not None:
        code, step = "outcome_unknown", "restart"
    end = [f"request_ended {code}", f"call_failed {code} {step}"]
    assert told.lines() == ["sign_in_began sign_in", *told_before, *end]


async def test_what_is_sent_again_is_told_each_time(scripted, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(transport, "_PAUSES", (0.0, 0.0))
    throttled = scripted.error("TooManyRequestsException", "Rate exceeded")
    told = Told()
    async with (
        scripted.serve(throttled, throttled, TOKENS, throttled, throttled, throttled) as server,
        AuthClient(server.config(), observer=told) as auth,
    ):
        await auth.sign_in("ada", PASSWORD, flow=AuthFlow.USER_PASSWORD_AUTH)
        with pytest.raises(AuthFlowError):
            await auth.sign_in("ada", PASSWORD, flow=AuthFlow.USER_PASSWORD_AUTH)
    twice = ["request_ended throttled", "request_began InitiateAuth 2", "request_ended throttled"]
    begun = ["sign_in_began sign_in", SENT, *twice, "request_began InitiateAuth 3"]
    assert told.lines() == [
        *(*begun, "request_ended ok", "user_signed_in"),
        *(*begun, "request_ended throttled", "call_failed throttled wait"),
    ]


async def test_a_server_that_is_not_there_is_told_of(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(transport, "_PAUSES", ())
    told = Told()
    config = AuthConfig(
        user_pool_id="eu-central-1_Abc123def",
        client_id="1",
        endpoint="http://127.0.0.1:9",
        verify_tokens=False,
    )
    async with AuthClient(config, observer=told) as auth:
        with pytest.raises(AuthFlowError):
            await auth.sign_in("ada", PASSWORD)
    assert told.lines() == [
        *("sign_in_began sign_in", SENT, "request_ended unreachable"),
        "call_failed unreachable wait",
    ]


@pytest.mark.parametrize(
    ("plugin", "error", "end"),
    [
        (Broken, PluginFailedError, "call_failed plugin_failed give_up"),
        (Interrupting, asyncio.CancelledError, "call_cancelled"),
    ],
)
async def test_a_plugin_that_fails_ends_the_call_once(scripted, plugin: Any, error: Any, end: str):
    told = Told()
    async with (
        scripted.serve(ASKED) as server,
        AuthClient(server.config(), challenges=[plugin], observer=told) as auth,
    ):
        with pytest.raises(error):
            await auth.sign_in("ada", flow=AuthFlow.CUSTOM_AUTH, prompt=ScriptedPrompt([]))
    assert told.lines() == [
        *("sign_in_began sign_in", SENT, "request_ended ok", WORD[0]),
        end,
    ]


class OwnError(PluginFailedError):
    """A plugin's own, which says what it likes."""

    def __init__(self, wait: Any) -> None:
        super().__init__("canary", retry_after=wait)
        self.code = self.next_step = PASSWORD


class UnmadeError(PluginFailedError):
    """A plugin's own, which is not made as ours are."""

    def __init__(self, _: Any) -> None: ...


class RefusingError(OwnError):
    """A plugin's own, which tells nothing."""

    @property
    def retry_after(self) -> float:  # type: ignore[override]
        raise ValueError(PASSWORD)

    @retry_after.setter
    def retry_after(self, _: Any) -> None: ...


WAITS = [
    *((7, 7.0), (0.5, 0.5), (PASSWORD, None), (10**400, None), (True, None), (-1, None)),
    *((float("nan"), None), (float("inf"), None), (None, None)),
]


async def test_an_error_of_a_plugins_own_is_told_by_the_nearest_of_ours(scripted):
    class Own(WordClient):
        async def answer(self, challenge: Any, prompt: Any) -> str:
            raise errors.pop(0)

    errors: list[AuthFlowError] = [OwnError(wait) for wait, _ in WAITS]
    errors += [UnmadeError("x"), RefusingError(1)]
    count, told = len(errors), Told()
    async with (
        scripted.serve(*[ASKED] * count) as server,
        AuthClient(server.config(), challenges=[Own], observer=told) as auth,
    ):
        for _ in range(count):
            with pytest.raises(PluginFailedError):
                await auth.sign_in("ada", flow=AuthFlow.CUSTOM_AUTH, prompt=ScriptedPrompt([]))
    ends = [each for each in told.events if isinstance(each, events.CallEnded)]
    assert [each.retry_after for each in ends] == [*(wait for _, wait in WAITS), None, None]
    assert PASSWORD not in repr(told.events)
    assert json.loads(json.dumps([event_fields(each) for each in told.events], allow_nan=False))
    assert told.lines().count("call_failed plugin_failed give_up") == count


class Raising:
    """A prompt that raises what it was told to."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    async def ask(self, *_: Any, **__: Any) -> str:
        raise self.error

    async def tell(self, *_: Any, **__: Any) -> None: ...

    async def show(self, *_: Any, **__: Any) -> None: ...

    async def choose(self, *_: Any, **__: Any) -> str:
        raise self.error


@pytest.mark.parametrize(
    ("error", "end"),
    [
        (ValueError("canary"), "call_failed prompt give_up"),
        (KeyboardInterrupt(), "call_cancelled"),
        (SystemExit(3), "call_cancelled"),
        (GeneratorExit(), "call_cancelled"),
    ],
)
async def test_a_prompt_that_raises_anything_ends_the_call_once(scripted, error: Any, end: str):
    told = Told()
    async with (
        scripted.serve(ASKED) as server,
        AuthClient(server.config(), challenges=[WordClient], observer=told) as auth,
    ):
        signing = auth.sign_in("ada", flow=AuthFlow.CUSTOM_AUTH, prompt=Raising(error))
        with pytest.raises((AuthFlowError, type(error))):
            await signing
    assert told.lines()[-1].startswith(end.split(maxsplit=1)[0])


async def test_a_call_whose_coroutine_is_thrown_away_has_an_end(scripted):
    told = Told()
    async with (
        scripted.serve(TOKENS) as server,
        AuthClient(server.config(), observer=told) as auth,
    ):
        call = auth.sign_in("ada", PASSWORD)
        call.send(None)
        call.close()
        unbegun = auth.sign_in("ada", PASSWORD)
        unbegun.close()
    assert told.lines() == ["sign_in_began sign_in", "call_cancelled"]


async def test_a_call_that_is_refused_for_its_arguments_is_told_of_by_nothing(scripted):
    told = Told()
    async with (
        scripted.serve() as server,
        AuthClient(server.config(), observer=told) as auth,
    ):
        wrong: Any = 5
        for call in (auth.sign_in(wrong, PASSWORD), auth.answer(wrong, "x"), auth.seal(wrong)):
            with pytest.raises(MisuseError):
                await call
    assert told.events == []


async def test_a_sign_in_is_known_by_one_id_in_all_its_calls_and_through_tickets(scripted):
    told, elsewhere, keys = Told(), Told(), KeyRing.generate()
    again = {**ASKED, "Session": "t" * 20}
    async with scripted.serve(ASKED, again, TOKENS, ASKED) as server:
        config = server.config()
        async with (
            AuthClient(config, challenges=[WordClient], observer=told, keys=keys) as one,
            AuthClient(config, challenges=[WordClient], observer=elsewhere, keys=keys) as two,
        ):
            pending = await one.sign_in("ada", flow=AuthFlow.CUSTOM_AUTH)
            ticket = await one.seal(pending)
            pending = await two.answer(await two.resume(ticket), "wrong")
            ticket = await two.seal(pending)
            await one.answer(await one.resume(ticket), "open sesame")
            other = await one.sign_in("ada", flow=AuthFlow.CUSTOM_AUTH)
    all_told = [*told.events, *elsewhere.events]
    ids = {each.sign_in_id for each in all_told if each.sign_in_id is not None}
    assert len(ids) == 2
    assert all(re.fullmatch(r"[0-9a-f]{32}", each) for each in ids)
    assert {each.sign_in_id for each in elsewhere.events if each.sign_in_id} < ids
    assert other.sign_in.id in ids
    assert len({each.user for each in all_told if each.user is not None}) == 1
    assert told.lines() == [
        *("sign_in_began sign_in", SENT, "request_ended ok", WORD[0]),
        *("answer_awaited CUSTOM_CHALLENGE word 1", "call_began seal", "ticket_sealed"),
        *("call_began resume", "ticket_resumed", "call_began answer"),
        *("answer_given CUSTOM_CHALLENGE word 2 caller", ANSWERED, "request_ended ok"),
        *("user_signed_in", "sign_in_began sign_in", SENT, "request_ended ok", WORD[0]),
        "answer_awaited CUSTOM_CHALLENGE word 1",
    ]
    assert elsewhere.lines() == [
        *("call_began resume", "ticket_resumed", "call_began answer"),
        *("answer_given CUSTOM_CHALLENGE word 1 caller", ANSWERED, "request_ended ok"),
        "answer_refused CUSTOM_CHALLENGE word 1",
        *("challenge_asked CUSTOM_CHALLENGE word 2", "answer_awaited CUSTOM_CHALLENGE word 2"),
        *("call_began seal", "ticket_sealed"),
    ]


async def test_a_sign_in_that_was_begun_unobserved_has_an_id_from_there_on(scripted):
    told, keys = Told(), KeyRing.generate()
    async with scripted.serve(ASKED, {**ASKED, "Session": "t" * 20}, TOKENS) as server:
        async with AuthClient(server.config(), keys=keys) as unobserved:
            pending = await unobserved.sign_in("ada", flow=AuthFlow.CUSTOM_AUTH)
            assert pending.sign_in.id is None
            ticket = await unobserved.seal(pending)
        async with AuthClient(server.config(), observer=told, keys=keys) as auth:
            pending = await auth.answer(await auth.resume(ticket), "wrong")
            await auth.answer(pending, "open sesame")
    assert len({each.sign_in_id for each in told.events if each.call == "answer"}) == 1
    told.check()


async def test_a_ticket_takes_the_id_along_that_its_sealing_was_told_by(scripted):
    told, keys = Told(), KeyRing.generate()
    async with (
        scripted.serve(ASKED) as server,
        AuthClient(server.config(), keys=keys) as unobserved,
        AuthClient(server.config(), observer=told, keys=keys) as auth,
    ):
        pending = await unobserved.sign_in("ada", flow=AuthFlow.CUSTOM_AUTH)
        await auth.resume(await auth.seal(pending))
    ends = [each.sign_in_id for each in told.events if isinstance(each, events.CallEnded)]
    assert len(ends) == 2
    assert len(set(ends)) == 1


async def test_a_user_who_types_an_alias_has_the_mark_of_the_pools_name_once_that_is_told(scripted):
    claims = base64.urlsafe_b64encode(b'{"username":"grace"}').decode().rstrip("=")
    token = f"eyJhbGciOiJSUzI1NiJ9.{claims}.c2ln"
    done = {"AuthenticationResult": {**TOKENS["AuthenticationResult"], "AccessToken": token}}
    no = scripted.error("NotAuthorizedException", SAID["NotAuthorizedException"])
    told = Told()
    async with (
        scripted.serve(done, VERIFIER, no) as server,
        AuthClient(server.config(), observer=told) as auth,
    ):
        await auth.sign_in("alias@example.com", PASSWORD, flow=AuthFlow.USER_PASSWORD_AUTH)
        with pytest.raises(AuthFlowError):
            await auth.sign_in("alias@example.com", PASSWORD, flow=AuthFlow.USER_SRP_AUTH)
        alias, grace, ada = map(auth._calls._marks.mark, ("alias@example.com", "grace", "ada"))
    begun = [each.user for each in told.events if isinstance(each, events.CallBegan)]
    ended = [each.user for each in told.events if isinstance(each, events.CallEnded)]
    assert begun == [alias, alias]
    assert ended == [grace, ada]  # as the tokens tell it, and as the challenge does


@pytest.mark.parametrize("bad", ["refused", "other keys"])
async def test_a_ticket_that_is_none_is_a_call_that_failed(scripted, bad: str):
    told = Told()
    async with (
        scripted.serve(ASKED) as server,
        AuthClient(server.config(), observer=told, keys=KeyRing.generate()) as auth,
        AuthClient(server.config(), keys=KeyRing.generate()) as stranger,
    ):
        ticket = "canary"
        if bad == "other keys":
            ticket = await stranger.seal(await stranger.sign_in("ada", flow=AuthFlow.CUSTOM_AUTH))
        with pytest.raises(AuthFlowError):
            await auth.resume(ticket)
    assert told.lines() == ["call_began resume", "call_failed seal restart"]


async def test_the_calls_of_accounts_are_named_by_their_operations(scripted):
    told = Told()
    delivered = {"CodeDeliveryDetails": {"DeliveryMedium": "EMAIL", "Destination": "a***"}}
    no = scripted.error("NotAuthorizedException", "Access Token has been revoked")
    async with (
        scripted.serve({}, delivered, {}, no, TOKENS) as server,
        AuthClient(server.config(), observer=told) as auth,
    ):
        await auth.change_password("canary-token", PASSWORD, "Another-1")
        await auth.forgot_password("ada")
        await auth.sign_out("canary-token")
        with pytest.raises(AuthFlowError):
            await auth.sign_out("canary-token")
        await auth.refresh("canary-refresh-token")
    assert told.lines() == [
        *("call_began change_password", "request_began ChangePassword 1", "request_ended ok"),
        *("call_succeeded", "call_began forgot_password", "request_began ForgotPassword 1"),
        *("request_ended ok", "call_succeeded", "call_began global_sign_out"),
        *("request_began GlobalSignOut 1", "request_ended ok", "user_signed_out"),
        *("call_began global_sign_out", "request_began GlobalSignOut 1"),
        *("request_ended token_revoked", "call_refused token_revoked restart"),
        *("call_began refresh", "request_began GetTokensFromRefreshToken 1", "request_ended ok"),
        "tokens_refreshed",
    ]


async def test_names_that_nobody_knows_here_are_told_as_other(scripted):
    told = Told()
    named = {"challenge": "canary-kind", "hint": "?", "USERNAME": "ada"}
    async with (
        scripted.serve(
            {**ASKED, "ChallengeParameters": named},
            {**ASKED, "ChallengeName": PASSWORD},
        ) as server,
        AuthClient(server.config(), challenges=[WordClient], observer=told) as auth,
    ):
        await auth.sign_in("ada", flow=AuthFlow.CUSTOM_AUTH)
        with pytest.raises(AuthFlowError):
            await auth.sign_in("ada", PASSWORD, flow=AuthFlow.USER_PASSWORD_AUTH)
    assert "canary" not in repr(told.events).lower()
    assert "challenge_asked CUSTOM_CHALLENGE other 1" in told.lines()


async def test_an_id_that_is_no_request_id_of_aws_is_not_told(scripted):
    def raw(number: str) -> Any:
        body = json.dumps(TOKENS)
        return scripted.raw(
            (
                "HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.1\r\n"
                f"x-amzn-requestid: {number}\r\ncontent-length: {len(body)}\r\n\r\n{body}"
            ).encode()
        )

    told, good = Told(), "79b9da39-b7ae-408a-a6bc-864b2829c622"
    sub, word = f"1{good[1:]}", f"2{good[1:]}"
    async with (
        scripted.serve(raw(PASSWORD), raw(sub), raw(word), raw(good)) as server,
        AuthClient(server.config(), observer=told) as auth,
    ):
        for _ in range(4):
            await auth.sign_in(sub, word.upper(), flow=AuthFlow.USER_PASSWORD_AUTH)
    numbers = [each.request_id for each in told.events if isinstance(each, events.RequestEnded)]
    assert numbers == [None, None, None, good]  # the others repeat what was sent


async def test_a_thousand_sign_ins_side_by_side_do_not_mix():
    """Each user's password is wrong or right by the number in the name, and so are the events."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            length = int(re.search(r"content-length: (\d+)", head)[1])
            body = json.loads(await reader.readexactly(length))
            number = int(body["AuthParameters"]["USERNAME"].removeprefix("user"))
            await asyncio.sleep(0)
            members: dict[str, Any] = TOKENS
            status = 200
            if number % 3 == 1:
                members, status = {"__type": "NotAuthorizedException", "message": "?"}, 400
            if number % 3 == 2:
                members = ASKED
            data = json.dumps(members)
            writer.write(
                f"HTTP/1.1 {status} X\r\ncontent-type: application/x-amz-json-1.1\r\n"
                f"content-length: {len(data)}\r\n\r\n{data}".encode()
            )
            await writer.drain()

    told = Told()
    users = [f"user{number}" for number in range(1_000)]
    async with listen(serve) as port:
        config = AuthConfig(
            user_pool_id="eu-central-1_Abc123def",
            client_id="1",
            endpoint=f"http://127.0.0.1:{port}",
            verify_tokens=False,
        )
        async with AuthClient(config, observer=told, discover=False) as auth:

            async def sign_in(name: str) -> Any:
                flow = AuthFlow.USER_PASSWORD_AUTH
                if int(name.removeprefix("user")) % 3 == 2:
                    return await auth.sign_in(name, flow=AuthFlow.CUSTOM_AUTH)
                try:
                    return await auth.sign_in(name, PASSWORD, flow=flow)
                except AuthFlowError as error:
                    return error

            results = await asyncio.gather(*map(sign_in, users))
            marks = auth._calls._marks
            wanted = {marks.mark(name): number for number, name in enumerate(users)}
            ada = marks.mark("ada")
    told.check()
    by_sign_in: dict[str, list[ClientEvent]] = {}
    for event in told.events:
        by_sign_in.setdefault(event.sign_in_id, []).append(event)
    assert len(by_sign_in) == len(users)
    for each in by_sign_in.values():
        number = wanted[each[0].user]
        assert {event.user for event in each} <= {each[0].user, ada}
        assert [line(event).split()[0] for event in each] == [
            *("sign_in_began", "request_began", "request_ended"),
            *(
                ["user_signed_in"],
                ["call_refused"],
                ["challenge_asked", "answer_awaited"],
            )[number % 3],
        ]
        if isinstance(results[number], ChallengeRequired):
            assert results[number].sign_in.id == each[0].sign_in_id


def test_every_event_is_named_in_the_past_tense_by_its_class():
    names = [each.name for each in EVENTS]
    assert len(set(names)) == len(names)
    for each in EVENTS:
        assert each.name == re.sub(r"(?<!^)(?=[A-Z])", "_", each.__name__).lower()
        if each is not ClientEvent:
            assert re.search(r"(ed|began|given|signed_in|signed_out)$", each.name), each.name


def test_an_event_cannot_be_changed_and_goes_anywhere():
    event = events.RequestEnded(
        call="sign_in", call_id="1", operation="InitiateAuth", seconds=0.1, code="timed_out"
    )
    for name in ("code", "new"):
        with pytest.raises((attrs.exceptions.FrozenInstanceError, AttributeError)):
            setattr(event, name, "x")
    assert pickle.loads(pickle.dumps(event)) == event  # noqa: S301  # its own
    assert hash(event) == hash(attrs.evolve(event))


def test_an_event_has_no_room_for_secrets():
    """Of a Secret, a mapping, an exception or any object there is none in any field."""
    allowed = {str, int, float, bool, type(None), AuthFlow, NextStep, "caller", "client"}
    for each in EVENTS:
        for name, kind in get_type_hints(each).items():
            if name != "name":
                assert set(get_args(kind) or [kind]) <= allowed, (each, name)


async def test_a_secret_or_a_name_is_in_no_event(scripted):
    told = Told()
    secrets = [PASSWORD, "canary-metadata", "canary-answer", "canary-user", "canary-refresh"]
    async with (
        scripted.serve(ASKED, ASKED, TOKENS, {}) as server,
        AuthClient(server.config(), observer=told, keys=KeyRing.generate()) as auth,
    ):
        pending = await auth.sign_in(
            "canary-user",
            flow=AuthFlow.CUSTOM_AUTH,
            client_metadata={"language": "canary-metadata"},
        )
        ticket = await auth.seal(pending)
        pending = await auth.answer(await auth.resume(ticket), "canary-answer")
        await auth.answer(pending, Secret("canary-answer"))
        await auth.revoke("canary-refresh")
    text = repr(told.events)
    assert len(told.events) > 15
    assert [each for each in (*secrets, ticket, "s" * 20, "hint") if each in text] == []


async def test_somebody_who_declines_leaves_the_answer_to_the_caller(scripted):
    class Declining(WordClient):
        async def answer(self, challenge: Any, prompt: Any) -> Declined:
            return Declined("canary")

    told = Told()
    async with (
        scripted.serve(ASKED) as server,
        AuthClient(server.config(), challenges=[Declining], observer=told) as auth,
    ):
        await auth.sign_in("ada", flow=AuthFlow.CUSTOM_AUTH, prompt=ScriptedPrompt([]))
    assert told.lines() == [
        *("sign_in_began sign_in", SENT, "request_ended ok", WORD[0]),
        "answer_awaited CUSTOM_CHALLENGE word 1",
    ]

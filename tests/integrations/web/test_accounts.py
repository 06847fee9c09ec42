"""Sign-ups and passwords over HTTP, in each framework, and what strangers learn from them."""

from uuid import uuid4

import httpx
import pytest

from authflow import AuthClient
from authflow.errors import CodeDeliveryError, DeniedError, PoolSetupError, TriggerFailedError
from authflow.refusals import read_error
from authflow.testing import PASSWORD

NEW = "Another-horse-2"


def names() -> tuple[str, str]:
    name = f"n{uuid4().hex[:12]}"
    return name, f"{name}@example.org"


async def code_for(site, name: str) -> str:
    return (await site.pool.messages(name))[-1].code.reveal()


async def test_somebody_signs_up_confirms_and_signs_in(site):
    (name, email), page = names(), site.browser()
    await page.get("/csrf")
    made = await page.post(
        "/sign-up", {"username": name, "password": PASSWORD, "attributes": {"email": email}}
    )
    assert (made.status_code, made.json()) == (202, {"status": "confirm_sign_up"})
    early = await page.begin(name)
    assert early.json()["error"]["next"] == "confirm_sign_up"
    again = await page.post("/sign-up/resend", {"username": name})
    assert (again.status_code, again.json()) == (202, {"status": "confirm_sign_up"})
    wrong = await page.post("/sign-up/confirm", {"username": name, "code": "000000"})
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (422, "code_mismatch")
    code = await code_for(site, name)
    right = await page.post("/sign-up/confirm", {"username": name, "code": code})
    assert (right.status_code, right.json()) == (200, {"status": "none"})
    await page.sign_in(name)


async def test_a_lost_password_is_replaced_by_a_code(site):
    ada, page = await site.user(), site.browser()
    await site.pool.call(
        "AdminUpdateUserAttributes",
        UserPoolId=site.pool.user_pool_id,
        Username=ada,
        UserAttributes=[{"Name": "email_verified", "Value": "true"}],
    )
    await page.get("/csrf")
    sent = await page.post("/password/forgot", {"username": ada})
    assert (sent.status_code, sent.json()) == (202, {"status": "reset_password"})
    answer = {"username": ada, "code": await code_for(site, ada)}
    weak = await page.post("/password/reset", {**answer, "new_password": "short"})
    assert (weak.status_code, weak.json()["error"]["code"]) == (422, "new_password_rejected")
    done = await page.post("/password/reset", {**answer, "new_password": NEW})
    assert (done.status_code, done.json()) == (200, {"status": "none"})
    assert (await page.begin(ada, NEW)).json()["status"] == "signed_in"


async def test_a_user_changes_the_password_by_a_session_and_by_a_token(site):
    ada, page = await site.user(), site.browser()
    nobody = await page.post("/password/change", {"old_password": "x", "new_password": NEW})
    assert nobody.status_code == 401
    await page.sign_in(ada)
    wrong = await page.post("/password/change", {"old_password": "x", "new_password": NEW})
    assert wrong.status_code == 422
    assert wrong.json()["error"]["field"] == "old_password"
    change = {"old_password": PASSWORD, "new_password": NEW}
    kept, page.token = page.token, None
    assert (await page.post("/password/change", change)).status_code == 403
    page.token = kept
    assert (await page.post("/password/change", change)).json() == {"status": "signed_in"}
    tokens = (await site.client.sign_in(ada, NEW)).tokens
    program = site.browser()
    back = await program.post(
        "/password/change",
        {"old_password": NEW, "new_password": PASSWORD},
        authorization=f"Bearer {tokens.access_token.reveal()}",
    )
    assert back.json() == {"status": "signed_in"}


def same(replies: list[httpx.Response]) -> None:
    told = {
        (each.status_code, each.text, tuple(sorted(each.headers.multi_items()))) for each in replies
    }
    assert len(told) == 1, told


async def test_nobody_learns_from_a_reply_who_has_an_account(one_site):
    page = one_site.browser()
    await page.get("/csrf")
    taken, disabled, (free, email), (waiting, other) = (
        await one_site.user(),
        await one_site.user(),
        names(),
        names(),
    )
    await one_site.pool.call(
        "AdminDisableUser", UserPoolId=one_site.pool.user_pool_id, Username=disabled
    )
    await one_site.client.sign_up(waiting, PASSWORD, attributes={"email": other})
    everyone = (taken, disabled, waiting, f"nobody-{uuid4().hex}")
    body = {"password": PASSWORD, "attributes": {"email": email}}
    same([await page.post("/sign-up", {"username": each, **body}) for each in (taken, free)])
    for path, more in (
        ("/sign-up/resend", {}),
        ("/password/forgot", {}),
        ("/sign-up/confirm", {"code": "000000"}),
        ("/password/reset", {"code": "000000", "new_password": NEW}),
    ):
        same([await page.post(path, {"username": each, **more}) for each in everyone])


async def test_nobody_learns_it_either_where_the_app_client_tells_who_exists(site_of, pool):
    config = await pool.app_client(members={"PreventUserExistenceErrors": "LEGACY"})
    async with site_of(config=config) as site:
        page, (waiting, other) = site.browser(), names()
        await page.get("/csrf")
        await site.client.sign_up(waiting, PASSWORD, attributes={"email": other})
        everyone = (await site.user(), waiting, f"nobody-{uuid4().hex}")
        for path, more in (
            ("/sign-up/resend", {}),
            ("/password/forgot", {}),
            ("/sign-up/confirm", {"code": "000000"}),
            ("/password/reset", {"code": "000000", "new_password": NEW}),
        ):
            same([await page.post(path, {"username": each, **more}) for each in everyone])


@pytest.mark.parametrize(
    "failure", [CodeDeliveryError, PoolSetupError, TriggerFailedError, DeniedError]
)
async def test_a_code_that_cannot_be_sent_shows_in_the_log_and_not_who_exists(
    one_site, monkeypatch, caplog, failure
):
    async def sends(_self: object, username: str, **_: object) -> None:
        if username == "taken":  # for the others there is nothing to send
            raise failure("no role for e-mail")

    page = one_site.browser()
    await page.get("/csrf")
    for path, call in (("/password/forgot", "forgot_password"), ("/sign-up/resend", "resend_code")):
        caplog.clear()
        monkeypatch.setattr(AuthClient, call, sends)
        same([await page.post(path, {"username": each}) for each in ("taken", "free")])
        assert "no role for e-mail" in caplog.text


@pytest.mark.parametrize(
    "error",
    [
        CodeDeliveryError("no role for e-mail"),
        *(
            read_error(code, "no role for e-mail", operation="SignUp")
            for code in (
                *("InvalidEmailRoleAccessPolicyException", "InvalidSmsRoleAccessPolicyException"),
                "InvalidSmsRoleTrustRelationshipException",
            )
        ),
        read_error(
            "UserLambdaValidationException",
            "CustomMessage failed with error x.",
            operation="SignUp",
        ),
        read_error(
            "UnexpectedLambdaException",
            "CustomEmailSender failed with error x.",
            operation="SignUp",
        ),
    ],
)
async def test_a_sign_up_whose_code_cannot_be_sent_shows_in_the_log(
    one_site, monkeypatch, caplog, error
):
    async def fails(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(AuthClient, "sign_up", fails)
    page = one_site.browser()
    await page.get("/csrf")
    made = await page.post("/sign-up", {"username": "ada", "password": PASSWORD})
    assert (made.status_code, made.json()) == (202, {"status": "confirm_sign_up"})
    assert f"no code was sent: {error.code}: {error.message}" in caplog.text


@pytest.mark.parametrize(
    ("code", "text", "status"),
    [
        ("UserLambdaValidationException", "PreSignUp failed with error guests only.", 502),
        ("NotAuthorizedException", "SignUp is not permitted for this user pool", 500),
    ],
)
async def test_a_sign_up_that_was_not_made_is_not_said_to_be(
    one_site, monkeypatch, code, text, status
):
    async def fails(*_: object, **__: object) -> None:
        raise read_error(code, text, operation="SignUp")

    monkeypatch.setattr(AuthClient, "sign_up", fails)
    page = one_site.browser()
    await page.get("/csrf")
    assert (await page.post("/sign-up", {"username": "ada"})).status_code == status


async def test_a_taken_name_is_told_where_the_service_wants_that(site_of):
    async with site_of(tells_taken_names=True) as site:
        page = site.browser()
        await page.get("/csrf")
        body = {"password": PASSWORD, "attributes": {"email": "a@example.org"}}
        told = await page.post("/sign-up", {"username": await site.user(), **body})
        assert (told.status_code, told.json()["error"]["code"]) == (409, "alias_exists")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/sign-up", {"username": "a", "password": "short", "attributes": {"email": "a@b.org"}}),
        ("/sign-up", {"username": "a", "password": PASSWORD, "attributes": {"email": "canary"}}),
    ],
)
async def test_what_can_be_mended_is_422(one_site, path, body):
    page = one_site.browser()
    await page.get("/csrf")
    reply = await page.post(path, body)
    assert reply.status_code == 422
    assert "canary" not in reply.text


async def test_every_change_needs_a_csrf_token(one_site):
    for route in one_site.auth.routes():
        if route.method == "GET" or route.name == "change_password":
            continue
        reply = await one_site.browser().ask(route.method, f"/auth{route.path}", {})
        assert (reply.status_code, reply.json()["error"]["code"]) == (403, "csrf_missing")
        assert route.protected

"""FastAPI: what OpenAPI shows, and its dependencies."""

from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI, WebSocket

from authflow import AuthClient, AuthConfig
from authflow.errors import ConfigError
from authflow.integrations.fastapi import FastAPIAuth, WebSettings, WebUser
from authflow.keys import KeyRing
from authflow.stores import MemoryStore
from authflow.tokens import TokenVerifier

CONFIG = AuthConfig(user_pool_id="eu-central-1_Abc123def", client_id="abc")


def made(**settings: Any) -> FastAPIAuth:
    client = AuthClient(CONFIG, keys=KeyRing.generate(), store=MemoryStore())
    return FastAPIAuth(client, settings=WebSettings(**settings))


def app_of(auth: FastAPIAuth) -> FastAPI:
    app = FastAPI(lifespan=auth.lifespan, exception_handlers=auth.exception_handlers)

    @app.get("/orders")
    async def orders(user: Annotated[WebUser, Depends(auth.requires(groups="staff"))]) -> str:
        return str(user.username)

    @app.websocket("/live")
    async def live(socket: WebSocket, user: Annotated[WebUser, Depends(auth.current_user)]) -> None:
        raise AssertionError

    return app


@pytest.mark.parametrize("after", ["session", "tokens"])
def test_openapi_shows_every_route_with_its_models_and_errors(after: str):
    auth = made(after_sign_in=after)
    app = app_of(auth)
    app.include_router(auth.sign_in_router(), prefix="/auth")
    shown = app.openapi()
    for route in auth.routes():
        operation = shown["paths"][f"/auth{route.path}"][route.method.lower()]
        assert operation["summary"] == route.summary
        replies = {int(each) for each in operation["responses"]}
        assert replies == {route.status, *route.statuses} | (
            {200} if route.name == "sign_up" else set()
        )
        for status, reply in operation["responses"].items():
            schema = reply["content"]["application/json"]["schema"]
            is_error = schema == {"$ref": "#/components/schemas/ErrorReply"}
            assert is_error is (int(status) >= 400), (route.name, status)
        needs = {each["name"]: each["required"] for each in operation.get("parameters", [])}
        if route.protected or route.name == "change_password":  # which a bearer token does as well
            assert needs == {"X-Csrf-Token": route.protected}
        else:
            assert not needs
        body = operation.get("requestBody", {}).get("content", {}).get("application/json")
        assert (body is not None) is bool(route.body)
        if body is not None:
            assert set(body["schema"]["required"]) == set(route.needed)
            assert set(body["schema"]["properties"]) == set(route.body)
    schemes = [{"bearer": []}, {"session": []}]
    assert shown["paths"]["/orders"]["get"]["security"] == schemes
    for route in auth.routes():
        operation = shown["paths"][f"/auth{route.path}"][route.method.lower()]
        knows_its_user = route.name in {"who", "change_password"}
        assert operation.get("security") == (schemes if knows_its_user else None)
    assert shown["components"]["securitySchemes"]["session"]["name"] == "__Host-authflow-session"


def test_where_only_tokens_are_verified_openapi_shows_no_session():
    auth = FastAPIAuth(verifier=TokenVerifier(config=CONFIG))
    shown = app_of(auth).openapi()
    assert shown["paths"]["/orders"]["get"]["security"] == [{"bearer": []}]
    assert set(shown["components"]["securitySchemes"]) == {"bearer"}


def test_nobody_is_answered_by_401_on_a_route_and_on_a_websocket(testclient):
    app = app_of(made())
    with testclient.TestClient(app, base_url="https://testserver") as client:
        reply = client.get("/orders")
        assert (reply.status_code, reply.headers["www-authenticate"]) == (401, "Bearer")
        with (
            pytest.raises(testclient.WebSocketDenialResponse) as denied,
            client.websocket_connect("/live"),
        ):
            pass
        assert denied.value.status_code == 401


def test_a_dependency_can_be_overridden_in_a_services_own_tests(testclient):
    auth = made()
    app = app_of(auth)

    @app.get("/me")
    async def me(user: Annotated[WebUser, Depends(auth.current_user)]) -> str:
        return str(user)

    app.dependency_overrides[auth.current_user] = lambda: "ada"
    with testclient.TestClient(app, base_url="https://testserver") as client:
        assert client.get("/me").json() == "ada"


def test_an_app_without_the_handlers_does_not_start(testclient):
    with (
        pytest.raises(ConfigError, match="FastAPI"),
        testclient.TestClient(FastAPI(lifespan=made().lifespan)),
    ):
        pass


def test_two_adapters_in_one_app_have_operations_and_schemes_of_their_own():
    first, second = made(), made(cookie_name="other-one")
    app = app_of(first)
    app.include_router(first.sign_in_router(), prefix="/auth")
    app.include_router(second.sign_in_router(), prefix="/other")
    shown = app.openapi()  # it warns of operations with one name, and warnings are errors here
    named = [each["operationId"] for path in shown["paths"].values() for each in path.values()]
    assert len(set(named)) == len(named)
    schemes = shown["components"]["securitySchemes"]
    assert {name: each.get("name") for name, each in schemes.items()} == {
        "bearer": None,
        "session": "__Host-authflow-session",
        "other-one-session": "__Host-other-one-session",
    }

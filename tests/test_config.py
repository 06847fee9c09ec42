"""AuthConfig: every way to give the settings, and every setting that is refused."""

import json
from datetime import timedelta
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from authflow import AuthConfig, AuthFlow, Secret
from authflow.errors import ConfigError
from authflow.tokens import TokenVerifier, TrustedPool

POOL = {"user_pool_id": "eu-central-1_Abc123def", "client_id": "1example23456789"}


def test_the_region_and_the_issuer_come_from_the_pool_id():
    config = AuthConfig(**POOL)
    assert config.region == "eu-central-1"
    assert config.issuer == "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Abc123def"
    assert config.jwks_url == f"{config.issuer}/.well-known/jwks.json"
    assert config.flow is AuthFlow.USER_SRP_AUTH


def test_a_pool_in_china_has_its_own_domain():
    config = AuthConfig(user_pool_id="cn-north-1_Abc123def", client_id="1example")
    assert config.issuer.startswith("https://cognito-idp.cn-north-1.amazonaws.com.cn/")


def test_a_local_endpoint_is_the_issuer_and_publishes_the_keys():
    config = AuthConfig(**POOL, endpoint="http://127.0.0.1:9229/")
    assert config.issuer == "http://127.0.0.1:9229/eu-central-1_Abc123def"
    assert config.jwks_url == f"{config.issuer}/.well-known/jwks.json"


def test_an_issuer_of_its_own_leaves_the_keys_at_the_endpoint():
    config = AuthConfig(**POOL, endpoint="http://127.0.0.1:9229", issuer="https://id.example")
    assert config.issuer == "https://id.example"
    assert config.jwks_url.startswith("http://127.0.0.1:9229/")


def test_an_issuer_stays_as_it_is_written_for_tokens_name_it_so():
    config = AuthConfig(**POOL, issuer="HTTPS://Id.example/Pool/")
    assert config.issuer == "HTTPS://Id.example/Pool/"
    assert config.jwks_url == "HTTPS://Id.example/Pool/.well-known/jwks.json"


@pytest.mark.parametrize(
    "endpoint",
    ["http://localhost:9229", "http://127.0.0.9", "http://[::1]:1", "https://idp.example"],
)
def test_https_anywhere_and_http_on_this_machine_are_allowed(endpoint):
    assert AuthConfig(**POOL, endpoint=endpoint).endpoint == endpoint


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://idp.example",
        "http://10.0.0.1:9229",
        "http://127.0.0.1.example",
        "http://localhost.example",
        "ftp://127.0.0.1",
        "127.0.0.1:9229",
        "http://",
        "http://[::1",
        "https://user:secret@idp.example",
    ],
)
def test_an_endpoint_that_is_unsafe_or_malformed_is_refused(endpoint):
    with pytest.raises(ConfigError, match="endpoint") as refused:
        AuthConfig(**POOL, endpoint=endpoint)
    assert "secret" not in str(refused.value)


def test_an_http_endpoint_elsewhere_needs_the_word_for_it():
    config = AuthConfig(**POOL, endpoint="http://10.0.0.1:9229", allow_insecure_endpoint=True)
    assert config.endpoint == "http://10.0.0.1:9229"


@pytest.mark.parametrize(
    "setting",
    [
        {"user_pool_id": "Abc123def"},
        {"user_pool_id": ""},
        {"user_pool_id": "eu-central-1_Abc/../x"},
        {"user_pool_id": None},
        {"client_id": ""},
        {"client_id": "a b"},
        {"client_id": "x" * 129},
        {"region": "eu central"},
        {"flow": "USER_MAGIC_AUTH"},
        {"session_validity": timedelta(minutes=2)},
        {"session_validity": timedelta(minutes=16)},
        {"max_concurrency": 0},
        {"connect_timeout": 0},
        {"read_timeout": -1},
        {"request_timeout": 0},
        {"request_timeout": float("inf")},
        {"request_timeout": float("nan")},
        {"request_timeout": True},
        {"connect_timeout": "5"},
        {"read_timeout": None},
    ],
    ids=str,
)
def test_a_setting_that_makes_no_sense_is_refused(setting):
    (name,) = setting
    with pytest.raises(ConfigError, match=name):
        AuthConfig(**{**POOL, **setting})


def test_the_client_secret_is_not_printed():
    config = AuthConfig(**POOL, client_secret="canary-5up3r")
    assert config.client_secret == Secret("canary-5up3r")
    assert "canary" not in repr(config)
    assert "canary" not in repr(config.app_client)


def test_an_empty_client_secret_is_none():
    assert AuthConfig(**POOL, client_secret="").client_secret is None


def test_the_environment_gives_every_setting():
    config = AuthConfig.from_env(
        environ={
            "AUTHFLOW_USER_POOL_ID": "eu-central-1_Abc123def",
            "AUTHFLOW_CLIENT_ID": "1example",
            "AUTHFLOW_CLIENT_SECRET": "s3cret",
            "AUTHFLOW_REGION": "eu-west-1",
            "AUTHFLOW_ENDPOINT": "http://localhost:9229",
            "AUTHFLOW_ISSUER": "https://id.example",
            "AUTHFLOW_FLOW": "CUSTOM_AUTH",
            "AUTHFLOW_SESSION_VALIDITY": "15",
            "AUTHFLOW_MAX_CONCURRENCY": "7",
            "AUTHFLOW_CONNECT_TIMEOUT": "2.5",
            "AUTHFLOW_READ_TIMEOUT": "16",
            "AUTHFLOW_REQUEST_TIMEOUT": "18.25",
        }
    )
    assert config == AuthConfig(
        user_pool_id="eu-central-1_Abc123def",
        client_id="1example",
        client_secret="s3cret",
        region="eu-west-1",
        endpoint="http://localhost:9229",
        issuer="https://id.example",
        flow=AuthFlow.CUSTOM_AUTH,
        session_validity=timedelta(minutes=15),
        max_concurrency=7,
        connect_timeout=2.5,
        read_timeout=16,
        request_timeout=18.25,
    )


def test_the_time_for_a_request_is_by_default_enough_for_two_lost_connections_and_a_reply():
    assert AuthConfig(**POOL).request_timeout == 2 * 5 + 20
    config = AuthConfig(**POOL, connect_timeout=0.5, read_timeout=2)
    assert config.request_timeout == 3


@pytest.mark.parametrize("text", ["x", "-1", "1e3", "nan", "inf", " 5", "٣", "5.", ".5", "0x5"])
@pytest.mark.parametrize("limit", ["CONNECT_TIMEOUT", "READ_TIMEOUT", "REQUEST_TIMEOUT"])
def test_a_time_limit_that_is_no_number_names_its_variable(limit, text):
    environ = {
        "AUTHFLOW_USER_POOL_ID": "eu-central-1_A",
        "AUTHFLOW_CLIENT_ID": "1",
        f"AUTHFLOW_{limit}": text,
    }
    with pytest.raises(ConfigError, match=f"AUTHFLOW_{limit}"):
        AuthConfig.from_env(environ=environ)


def test_the_process_environment_is_the_default(monkeypatch):
    monkeypatch.setenv("MINE_USER_POOL_ID", POOL["user_pool_id"])
    monkeypatch.setenv("MINE_CLIENT_ID", POOL["client_id"])
    assert AuthConfig.from_env("MINE_") == AuthConfig(**POOL)


def test_an_argument_goes_before_the_environment():
    environ = {"AUTHFLOW_USER_POOL_ID": "eu-central-1_Other", "AUTHFLOW_CLIENT_ID": "1example"}
    config = AuthConfig.from_env(environ=environ, user_pool_id="eu-central-1_Abc123def")
    assert config.user_pool_id == "eu-central-1_Abc123def"


def test_a_missing_variable_is_named():
    with pytest.raises(ConfigError, match="AUTHFLOW_USER_POOL_ID"):
        AuthConfig.from_env(environ={"AUTHFLOW_CLIENT_ID": "1"})


def test_a_missing_app_client_is_named_by_what_needs_one():
    config = AuthConfig.from_env(environ={"AUTHFLOW_USER_POOL_ID": "eu-central-1_A"})
    assert config.client_id is None
    for needs in (
        lambda: config.app_client,
        lambda: TrustedPool.of(config),
        lambda: TokenVerifier(config=config),
    ):
        with pytest.raises(ConfigError, match="AUTHFLOW_CLIENT_ID"):
            needs()
    with pytest.raises(ConfigError, match="give its client_id"):
        AuthConfig(user_pool_id="eu-central-1_A", client_secret="canary")


@given(st.text().filter(lambda text: not (text.isascii() and text.isdigit()) and text != ""))
def test_a_number_that_is_none_names_its_variable(text):
    environ = {
        "AUTHFLOW_USER_POOL_ID": "eu-central-1_A",
        "AUTHFLOW_CLIENT_ID": "1",
        "AUTHFLOW_MAX_CONCURRENCY": text,
    }
    with pytest.raises(ConfigError, match="AUTHFLOW_MAX_CONCURRENCY"):
        AuthConfig.from_env(environ=environ)


OUTPUTS = {
    "version": "1",
    "auth": {
        "aws_region": "eu-central-1",
        "user_pool_id": "eu-central-1_Abc123def",
        "user_pool_client_id": "1example23456789",
        "identity_pool_id": "eu-central-1:00000000-0000-0000-0000-000000000000",
        "mfa_methods": [],
    },
    "storage": {"bucket_name": "not-ours"},
}


def test_amplifys_file_is_read(tmp_path):
    path = tmp_path / "amplify_outputs.json"
    path.write_text(json.dumps(OUTPUTS))
    assert AuthConfig.from_amplify_outputs(path) == AuthConfig(**POOL)
    assert AuthConfig.from_amplify_outputs(str(path)) == AuthConfig(**POOL)


def test_amplifys_outputs_may_be_a_mapping_and_arguments_go_first():
    config = AuthConfig.from_amplify_outputs(OUTPUTS, flow="CUSTOM_AUTH", region="eu-west-1")
    assert (config.flow, config.region) == (AuthFlow.CUSTOM_AUTH, "eu-west-1")


@pytest.mark.parametrize(
    "outputs",
    [{}, {"auth": None}, {"auth": {"aws_region": "eu-central-1"}}, [], {"auth": {**POOL}}],
    ids=str,
)
def test_outputs_without_a_user_pool_are_refused(tmp_path, outputs):
    path = tmp_path / "amplify_outputs.json"
    path.write_text(json.dumps(outputs))
    with pytest.raises(ConfigError, match="user_pool_id"):
        AuthConfig.from_amplify_outputs(path)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe"])
def test_a_file_that_is_not_json_is_refused_by_name(tmp_path, content):
    path = tmp_path / "amplify_outputs.json"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"amplify_outputs\.json"):
        AuthConfig.from_amplify_outputs(path)


def test_a_missing_file_is_refused_by_name(tmp_path):
    with pytest.raises(ConfigError, match=r"none\.json"):
        AuthConfig.from_amplify_outputs(tmp_path / "none.json")


WRONG: list[Any] = [
    *(None, 5, -1, 0, 1.5, 10**400, -(10**400), 1e400, float("nan"), "x", "", "\ud800", b"x"),
    *(True, [], {}, object(), type, timedelta(0), timedelta.max, "9" * 5000),
]


@pytest.mark.parametrize("setting", [each.name for each in attrs.fields(AuthConfig)])
def test_whatever_a_setting_is_given_it_is_taken_or_a_config_error(setting):
    refused: list[str] = []
    for wrong in WRONG:
        try:
            AuthConfig(**{"user_pool_id": "eu-central-1_A", "client_id": "1", setting: wrong})
        except ConfigError as error:
            refused.append(str(error))
    assert len(refused) > 5
    assert max(map(len, refused)) < 400


@pytest.mark.parametrize(
    "variable",
    [
        *("SESSION_VALIDITY", "MAX_CONCURRENCY", "CONNECT_TIMEOUT", "READ_TIMEOUT"),
        *("REQUEST_TIMEOUT", "FLOW", "JWKS", "ENDPOINT", "ISSUER", "REGION"),
    ],
)
@pytest.mark.parametrize(
    "text", ["9" * 20, "9" * 5000, "nan", "inf", "-1", "1e9", "zz\x00", "\u0663"]
)
def test_whatever_a_variable_holds_is_a_config_error(variable, text):
    environ = {"AUTHFLOW_USER_POOL_ID": "eu-central-1_A", "AUTHFLOW_CLIENT_ID": "1"}
    if variable == "REGION" and text in {"9" * 20, "nan", "inf", "-1", "1e9"}:
        return  # it may be one some day
    with pytest.raises(ConfigError):
        AuthConfig.from_env(environ={**environ, f"AUTHFLOW_{variable}": text})

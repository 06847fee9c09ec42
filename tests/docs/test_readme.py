"""README's examples run, and what it says of the project is so."""

import re
import tomllib
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from authflow import AuthClient, AuthFlow
from authflow.testing import PASSWORD
from authflow.triggers import Triggers
from testbed.pages import HOME, ROOT, examples, text_of

EXAMPLES = examples("README.md", "client", "tokens", "triggers", "pool")
README = text_of("README.md")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PLUGINS = ("captcha", "otp", "question")
LONGEST = 200
"""It sells in a minute: so many lines. All else stands on the site."""


def test_it_is_read_in_a_minute():
    assert len(README.splitlines()) <= LONGEST


async def test_the_example_of_the_client_signs_in_and_tells_what_is_asked(live_pool):
    triggers: dict[str, Any] = {}
    exec(EXAMPLES["triggers"], triggers)  # noqa: S102  # it is our own page
    assert isinstance(triggers["triggers"], Triggers)
    async with live_pool(triggers=triggers["triggers"], users={"ada": PASSWORD}) as pool:
        namespace: dict[str, Any] = {}
        exec(EXAMPLES["client"], namespace)  # noqa: S102  # it is our own page
        for flow, told in (
            (AuthFlow.USER_SRP_AUTH, "signed in for 3600 seconds"),
            (AuthFlow.CUSTOM_AUTH, "CUSTOM_CHALLENGE is asked"),
        ):
            config = await pool.app_client(flow=flow)
            async with AuthClient(config) as namespace["auth"]:
                assert await namespace["sign_in"]("ada", PASSWORD) == told


async def test_the_example_of_tokens_tells_who_is_in_a_group():
    key = RSAKey.generate_key(2048, {"kid": "k1"})
    keys = {"keys": [key.as_dict(private=False)]}
    example = EXAMPLES["tokens"].replace('["1example"]', '["1example"], jwks=KEYS')
    namespace: dict[str, Any] = {"KEYS": keys}
    exec(example, namespace)  # noqa: S102  # it is our own page
    claims = {
        "iss": "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Abc123def",
        "sub": "3c9d",
        "username": "ada",
        "token_use": "access",
        "client_id": "1example",
        "cognito:groups": ["support"],
        "iat": 1_700_000_000,
        "exp": 4_102_444_800,
    }
    token = jwt.encode({"alg": "RS256", "kid": "k1"}, claims, key)
    assert await namespace["who"](token) == "ada"


async def test_the_example_of_a_test_passes():
    namespace: dict[str, Any] = {}
    exec(EXAMPLES["pool"], namespace)  # noqa: S102  # it is our own page
    await namespace["test_ada_signs_in"]()


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[^a-z0-9-]", each, maxsplit=1)[0] for each in requirements}


def test_every_dependency_is_named_with_its_reason():
    extras = PROJECT["project"]["optional-dependencies"]
    ours = names(PROJECT["project"]["dependencies"])
    for extra in extras.keys() - {"all"}:
        ours |= names(extras[extra])
    table = README.partition("| dependency | why |")[2].partition("\n\n")[0]
    named = set(re.findall(r"`([a-z0-9-]+)`", table)) - (set(extras) - ours)
    assert ours <= named
    for plugin in PLUGINS:
        project = tomllib.loads((ROOT / "plugins" / plugin / "pyproject.toml").read_text())
        ours |= names(project["project"]["dependencies"]) | {f"authflow-{plugin}"}
    assert named <= ours


@pytest.mark.parametrize("target", ["demo", "test"])
def test_the_two_commands_at_the_top_are_targets_of_the_makefile(target):
    assert f"make {target} " in README.partition("##")[0]
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


def test_the_address_of_the_project_is_the_one_that_indexes_show():
    assert PROJECT["project"]["urls"]["Homepage"] + "/blob/main/" == HOME


def test_it_leads_to_every_guide():
    guides = {path.name for path in (ROOT / "docs" / "guides").glob("*.md")} - {"index.md"}
    assert [name for name in guides if f"{HOME}docs/guides/{name}" not in README] == []


def test_no_file_records_the_address_of_a_registry():
    names = ["constraints.txt", "constraints-ldap.txt", "pyproject.toml", "Makefile"]
    names += [f"plugins/{plugin}/pyproject.toml" for plugin in PLUGINS]
    names += [f"tests/interop/identity_js/{file}.json" for file in ("package", "package-lock")]
    for name in names:
        text = (ROOT / name).read_text()
        assert not re.search(r"index-url|find-links|https?://\S*(simple|pypi|registry)", text), name
        assert '"resolved"' not in text, name


def test_every_pin_has_hashes():
    pins = re.split(r"\n(?=[a-z])", (ROOT / "constraints.txt").read_text().strip())
    assert len(pins) > 40
    assert all("==" in pin and "--hash=sha256:" in pin for pin in pins)

"""docs/guides/migrate-users.md: its examples move users into a pool.

That of LDAP is run in tests/triggers/directories/test_ldap_directory.py, where there is a server.
"""

import sqlite3
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.hashers import make_password

from authflow import AuthFlow, BadCredentialsError, SignedIn
from authflow.testing import PASSWORD
from testbed.pages import examples

EXAMPLES = examples("docs/guides/migrate-users.md", "Django", "LDAP", "anything else")

if not settings.configured:
    settings.configure()


async def moves_in(live_pool: Any, triggers: Any) -> Any:
    """Sign ada in as somebody who is not in the pool yet, and then as one who is."""
    async with live_pool(triggers=triggers) as pool, pool.client() as auth:
        with pytest.raises(BadCredentialsError):
            await auth.sign_in("ada", PASSWORD)  # by SRP nobody is asked about
        for password in ("wrong", PASSWORD):
            flow = AuthFlow.USER_PASSWORD_AUTH
            if password == PASSWORD:
                moved = await auth.sign_in("ada", password, flow=flow)
                assert isinstance(moved, SignedIn)
            else:
                with pytest.raises(BadCredentialsError):
                    await auth.sign_in("ada", password, flow=flow)
        assert isinstance(await auth.sign_in("ada", PASSWORD), SignedIn)
        return (await auth.user(moved.tokens.access_token)).attributes


async def test_the_example_of_django_moves_who_is_active(live_pool, tmp_path, monkeypatch):
    file = tmp_path / "shop.sqlite"
    with sqlite3.connect(file) as shop:
        shop.execute("CREATE TABLE auth_user (username, password, email, is_active BOOLEAN)")
        for name, active in (("ada", True), ("bob", False)):
            row = (name, make_password(PASSWORD), f"{name}@example.org", active)
            shop.execute("INSERT INTO auth_user VALUES (?, ?, ?, ?)", row)
    monkeypatch.setenv("DATABASE_URL", f"sqlite+aiosqlite:///{file}")
    namespace: dict[str, Any] = {}
    exec(EXAMPLES["Django"], namespace)  # noqa: S102  # it is our own page
    attributes = await moves_in(live_pool, namespace["triggers"])
    assert (attributes["email"], attributes["email_verified"]) == ("ada@example.org", "true")
    async with live_pool(triggers=namespace["triggers"]) as pool, pool.client() as auth:
        with pytest.raises(BadCredentialsError):
            await auth.sign_in("bob", PASSWORD, flow=AuthFlow.USER_PASSWORD_AUTH)


async def test_the_example_of_anything_else_moves_who_is_found_there(live_pool):
    namespace: dict[str, Any] = {}
    exec(EXAMPLES["anything else"], namespace)  # noqa: S102  # it is our own page
    attributes = await moves_in(live_pool, namespace["triggers"])
    assert attributes["email"] == "ada@example.org"
    async with live_pool(triggers=namespace["triggers"]) as pool, pool.client() as auth:
        sent = await auth.forgot_password("ada")
        assert sent.destination == "a***@e***"

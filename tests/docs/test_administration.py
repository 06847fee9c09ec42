"""docs/guides/administration.md: its example invites users and signs them in."""

from typing import Any

from authflow import AdminClient, SignedIn
from authflow.testing import PASSWORD
from testbed.pages import examples

EXAMPLES = examples(
    "docs/guides/administration.md",
    "administration",
)


async def test_the_example_of_administration_invites_and_signs_in(live_pool, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "any")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "any")
    namespace: dict[str, Any] = {}
    exec(EXAMPLES["administration"], namespace)  # noqa: S102  # it is our own page
    async with live_pool(users={"ben": PASSWORD}) as pool:
        async with AdminClient(pool.config) as admin:
            await admin.create_group("staff")
            await admin.add_to_group("ben", "staff")
            signed_in = await namespace["signed_in"](admin, "ben", PASSWORD, "203.0.113.7")
            assert isinstance(signed_in, SignedIn)
        members = await namespace["hired"](pool.config, "ada", "ada@example.org")
        assert sorted(members) == ["ada", "ben"]
        (invitation,) = await pool.messages("ada")
        assert invitation.destination == "ada@example.org"

"""docs/guides/accounts.md: its example leads through a user's life."""

from typing import Any

from authflow import AuthClient, SignedIn
from authflow.client import ScriptedPrompt
from authflow.testing import PASSWORD
from testbed.pages import examples

EXAMPLES = examples(
    "docs/guides/accounts.md",
    "accounts",
)


async def test_the_example_of_accounts_leads_through_a_users_life(live_pool):
    namespace: dict[str, Any] = {}
    exec(EXAMPLES["accounts"], namespace)  # noqa: S102  # it is our own page
    async with live_pool(users={}, pool={"AutoVerifiedAttributes": ["email"]}) as pool:

        class Person(ScriptedPrompt):
            """Reads the newest mail, and types its code as it was written."""

            async def ask(self, question: str, *, hidden: bool = False) -> str:
                if hidden:
                    return "An0ther-password"
                code = (await pool.messages("ada"))[-1].code
                assert code is not None
                return f" {code.reveal()}\n"

        owner = {"UserPoolId": pool.user_pool_id, "Username": "ada"}
        async with AuthClient(pool.config) as auth:
            ada = Person([])
            sub = await namespace["new_account"](auth, ada, "ada", PASSWORD, "ada@example.org")
            first = await namespace["signed_in"](auth, ada, "ada", PASSWORD)
            profile = await auth.user(first.tokens.access_token)
            assert profile.attributes == {
                "sub": sub,
                "email": "ada@example.org",
                "email_verified": "true",
            }
            moved = await namespace["moved"](auth, ada, first, "lovelace@example.org")
            assert moved == "lovelace@example.org"
            await pool.call("AdminResetUserPassword", **owner)
            again = await namespace["signed_in"](auth, ada, "ada", PASSWORD)
            assert isinstance(again, SignedIn)
            await auth.delete_user(again.tokens.access_token)
            await auth.sign_up("ada", PASSWORD, attributes={"email": "ada@example.org"})
            late = await namespace["signed_in"](auth, ada, "ada", PASSWORD)
            assert isinstance(late, SignedIn)

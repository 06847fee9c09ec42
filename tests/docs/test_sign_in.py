"""docs/guides/sign-in.md: its example answers what the pool asks, with and without a prompt."""

from typing import Any

from authflow import AuthClient, AuthFlow, SignedIn
from authflow.client import ScriptedPrompt
from authflow.testing import PASSWORD, MovableClock
from testbed.authenticator import code_at, other_than
from testbed.pages import examples

EXAMPLES = examples("docs/guides/sign-in.md", "answers and prompts")


async def test_the_example_of_answers_takes_a_second_code_where_the_first_is_wrong(live_pool):
    namespace: dict[str, Any] = {}
    exec(EXAMPLES["answers and prompts"], namespace)  # noqa: S102  # it is our own page
    clock = MovableClock()
    async with live_pool(users={"ada": PASSWORD}, clock=clock) as pool, pool.client() as auth:
        await pool.call(
            "SetUserPoolMfaConfig",
            UserPoolId=pool.user_pool_id,
            MfaConfiguration="OPTIONAL",
            SoftwareTokenMfaConfiguration={"Enabled": True},
        )
        token = (await auth.sign_in("ada", PASSWORD)).tokens.access_token
        key = (await auth.enrol_totp(token)).key.reveal()
        await auth.verify_totp(token, code_at(key, clock.now))
        await auth.set_mfa_preference(token, preferred="SOFTWARE_TOKEN_MFA")
        clock.advance(30)
        code = code_at(key, clock.now)
        asked = []

        def ask(challenge: Any) -> str:
            asked.append(challenge.name)
            return code if len(asked) == 2 else other_than(code)

        result = await namespace["sign_in"](auth, "ada", PASSWORD, ask)
        assert isinstance(result, SignedIn)
        assert asked == ["SOFTWARE_TOKEN_MFA"] * 2


async def test_the_example_of_a_prompt_asks_for_the_code(live_pool):
    namespace: dict[str, Any] = {}
    exec(EXAMPLES["answers and prompts"], namespace)  # noqa: S102  # it is our own page
    async with live_pool(users={"ada": PASSWORD}) as pool:
        config = await pool.app_client(flow=AuthFlow.USER_SRP_AUTH)
        async with AuthClient(config) as auth:
            assert await namespace["sign_in_with_prompt"](auth, "ada", PASSWORD, ScriptedPrompt([]))

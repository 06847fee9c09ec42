"""docs/guides/second-factors.md: its example sets a factor up and is asked for it."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pyotp

from authflow.client import ScriptedPrompt
from authflow.testing import PASSWORD, MovableClock
from testbed.pages import examples

EXAMPLES = examples(
    "docs/guides/second-factors.md",
    "second factors",
)


async def test_the_example_of_second_factors_enrols_and_signs_in_and_leads_through_a_set_up(
    live_pool, capsys
):
    class Person(ScriptedPrompt):
        """Looks at the app for the code; the app gets its key from the link."""

        async def ask(self, question: str, *, hidden: bool = False) -> str:
            (key,) = parse_qs(urlsplit(self.links[-1]).query)["secret"]
            return pyotp.HOTP(key).at(int(clock.now // 30))

    clock = MovableClock()
    namespace: dict[str, Any] = {"__name__": "example"}
    exec(EXAMPLES["second factors"], namespace)  # noqa: S102  # it is our own page
    async with (
        live_pool(users={"ada": PASSWORD, "ben": PASSWORD}, clock=clock) as pool,
        pool.client() as auth,
    ):
        for mode in ("OPTIONAL", "ON"):
            await pool.call(
                "SetUserPoolMfaConfig",
                UserPoolId=pool.user_pool_id,
                MfaConfiguration=mode,
                SoftwareTokenMfaConfiguration={"Enabled": True},
            )
            if mode == "OPTIONAL":
                ada = Person([])
                user = await namespace["signed_in"](auth, "ada", PASSWORD, ada)
                await namespace["turn_on"](auth, user, ada)
                assert capsys.readouterr().out == "asked for from now on: SOFTWARE_TOKEN_MFA\n"
        clock.advance(60)
        assert (await namespace["signed_in"](auth, "ada", PASSWORD, ada)).username == "ada"
        assert (await namespace["signed_in"](auth, "ben", PASSWORD, Person([]))).username == "ben"

"""docs/guides/from-pycognito.md: what it shows before and after does the same."""

import time
from functools import partial
from typing import Any

from anyio import to_thread
from pycognito import Cognito

from authflow.testing import PASSWORD, MovableClock
from testbed.authenticator import code_at
from testbed.pages import examples

EXAMPLES = examples("docs/guides/from-pycognito.md", "a second factor")


async def test_both_examples_sign_in_by_a_second_factor(live_pool):
    namespace: dict[str, Any] = {}
    exec(EXAMPLES["a second factor"], namespace)  # noqa: S102  # it is our own page
    clock = MovableClock(time.time() // 30 * 30 + 15)  # pycognito's proofs have the real time
    async with (
        live_pool(users={"ada": PASSWORD}, clock=clock) as pool,
        pool.client() as auth,
    ):
        await pool.call(
            "SetUserPoolMfaConfig",
            UserPoolId=pool.user_pool_id,
            MfaConfiguration="OPTIONAL",
            SoftwareTokenMfaConfiguration={"Enabled": True},
        )
        token = (await auth.sign_in("ada", PASSWORD)).tokens.access_token
        key = (await auth.enrol_totp(token)).key.reveal()
        await auth.verify_totp(token, code_at(key, clock.now - 30))
        await auth.set_mfa_preference(token, preferred="SOFTWARE_TOKEN_MFA")

        namespace["Cognito"] = partial(  # at this pool, as no environment variable says alone
            Cognito,
            access_key="any",
            secret_key="any",
            boto3_client_kwargs={"endpoint_url": str(pool.config.endpoint)},
        )
        user = (pool.user_pool_id, pool.client_id, "ada", PASSWORD)
        code = code_at(key, clock.now)
        before = await to_thread.run_sync(namespace["before"], *user, code)
        after = await namespace["after"](auth, "ada", PASSWORD, code_at(key, clock.now + 30))
        for token in (before, after):
            assert (await auth.user(token)).username == "ada"

"""docs/guides/pacing.md: its example signs many users in."""

from typing import Any

from authflow.testing import PASSWORD
from testbed.pages import examples

EXAMPLES = examples(
    "docs/guides/pacing.md",
    "pacing",
)


async def test_the_example_of_pacing_signs_many_users_in(live_pool):
    namespace: dict[str, Any] = {}
    exec(EXAMPLES["pacing"], namespace)  # noqa: S102  # it is our own page
    async with live_pool() as pool:
        for username in ("ada", "grace"):
            await pool.add_user(username)
        config = await pool.app_client()
        assert await namespace["signed_in"](config, {"ada": PASSWORD, "grace": PASSWORD}) == 2

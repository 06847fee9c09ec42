"""docs/guides/challenges.md: its example signs a user in by a page."""

from typing import Any

import pytest

from authflow import AskAgainError, AuthClient, AuthFlow, SignedIn
from authflow.triggers import Triggers, challenge, sequence
from testbed.pages import examples

EXAMPLES = examples(
    "docs/guides/challenges.md",
    "forms",
)


async def test_the_example_of_forms_signs_in_by_a_page(live_pool, word):
    namespace: dict[str, Any] = {}
    exec(EXAMPLES["forms"], namespace)  # noqa: S102  # it is our own page

    class Pager(word):
        name, metadata = "pager", "PAGER"

    triggers = Triggers(policy=sequence(challenge("pager", attempts=2)), challenges=[Pager])
    async with live_pool(triggers=triggers) as pool:
        await pool.add_user()
        config = await pool.app_client(flow=AuthFlow.CUSTOM_AUTH)
        async with AuthClient(config, challenges=[namespace["PagerPrompter"]]) as auth:
            pending = await auth.sign_in("ada")
            (part,) = namespace["page"](auth, pending)["parts"]
            assert (part["name"], part["label"]) == ("code", "The code of your pager:")
            with pytest.raises(AskAgainError):
                await namespace["go_on"](auth, pending, {"code": ""})
            result = await namespace["go_on"](auth, pending, {"code": "open sesame"})
    assert isinstance(result, SignedIn)

"""docs/guides/tickets.md: its example goes on in another worker."""

from typing import Any

import pytest
from attrs import evolve

from authflow import Form, SessionSpentError
from authflow.plugins import TextField
from authflow.triggers import KeyRing, Triggers, challenge, sequence
from testbed.pages import examples

EXAMPLES = examples(
    "docs/guides/tickets.md",
    "tickets",
)


@pytest.mark.system("redis-server")
async def test_the_example_of_tickets_goes_on_at_another_worker_that_shares_keys_and_a_store(
    live_pool, word, monkeypatch, redis_url
):
    class PagerForm:
        name, interface = "pager", 2

        def form(self, challenge):
            return Form(parts=(TextField(name="code", label=challenge.parameters["hint"]),))

        def read(self, challenge, filled):
            return filled["code"]

    class Pager(word):
        name, metadata = "pager", "PAGER"

    triggers = Triggers(policy=sequence(challenge("pager", attempts=2)), challenges=[Pager])
    monkeypatch.setenv("AUTHFLOW_KEYS", KeyRing.generate().to_json().reveal())
    monkeypatch.setenv("REDIS_URL", redis_url)
    async with live_pool(triggers=triggers, users={"ada": "Correct-horse-1"}) as pool:
        for name in ("user_pool_id", "client_id", "endpoint"):
            monkeypatch.setenv(f"AUTHFLOW_{name.upper()}", str(getattr(pool.config, name)))
        workers: list[dict[str, Any]] = [{}, {}]
        for namespace in workers:
            exec(EXAMPLES["tickets"], namespace)  # noqa: S102  # it is our own page
        first, second = workers
        auths = [evolve(each["worker"](), challenges=[PagerForm]) for each in workers]
        async with auths[0] as one, auths[1] as two, one.store, two.store:
            shown = await first["begin"](one, "ada")
            assert shown["form"]["parts"][0]["label"] == "a door of thieves"
            again = await second["go_on"](two, shown["ticket"], {"code": ""})
            assert again["ticket"] == shown["ticket"]
            wrong = await second["go_on"](two, shown["ticket"], {"code": "wrong"})
            with pytest.raises(SessionSpentError):  # the page was sent again
                await first["go_on"](one, shown["ticket"], {"code": "open sesame"})
            done = await first["go_on"](one, wrong["ticket"], {"code": "open sesame"})
            assert done == {"signed_in": "ada"}

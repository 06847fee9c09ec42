"""A call of a ticket that is cancelled while the keys or the store hang shows nothing of it."""

import asyncio
import random
import string
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest
from attrs import define, field

from authflow import AuthClient, AuthFlow, ChallengeRequired, Secret
from authflow.keys import KeyRing
from authflow.stores import MemoryStore, Stored

SESSION = "canary-session-" * 8
ASKED = {"ChallengeName": "CUSTOM_CHALLENGE", "Session": SESSION}
LONG = "".join(random.Random(2).choices(string.ascii_letters + string.punctuation, k=9000))


@define
class Hanging:
    """A provider of keys and a store, each of whose answers can be made to hang."""

    ring: KeyRing = field(factory=KeyRing.generate)
    store: MemoryStore = field(factory=MemoryStore)
    after: dict[str, int] = field(factory=dict)
    """How many answers of a kind come before one hangs."""
    hangs: bool = False

    async def _turn(self, kind: str) -> None:
        if kind not in self.after:
            return
        self.after[kind] -= 1
        if self.after[kind] < 0:
            self.hangs = True
            await anyio.sleep_forever()

    async def key_ring(self, *, having: str | None = None) -> KeyRing:
        await self._turn("keys")
        return self.ring

    async def read(self, key: str) -> Stored | None:
        await self._turn("read")
        return await self.store.read(key)

    async def replace(self, key: str, value: bytes, **how: Any) -> bool:
        await self._turn("replace")
        return await self.store.replace(key, value, **how)


Call = Callable[[AuthClient, ChallengeRequired, str], Awaitable[Any]]
CALLS: dict[str, Call] = {
    "seal": lambda auth, pending, _: auth.seal(pending),
    "resume": lambda auth, _, ticket: auth.resume(Secret(ticket)),
    "resume a text": lambda auth, _, ticket: auth.resume(ticket),
    "answer": lambda auth, pending, _: auth.answer(pending, "canary-answer"),
}
WHERE = [
    *[("seal", size, "keys", 0) for size in ("short", "long")],
    *[("seal", "long", "keys", after) for after in (1, 2, 3)],
    ("seal", "long", "replace", 0),
    *[
        (call, *where)
        for call in ("resume", "resume a text")
        for where in (
            *(("short", "keys", 0), ("long", "keys", 0), ("long", "keys", 1)),
            *(("long", "keys", 2), ("long", "read", 0)),
        )
    ],
    *[("answer", "short", kind, 0) for kind in ("keys", "replace")],
]


async def test_no_frame_of_ours_shows_a_ticket_a_session_or_an_answer(scripted, everything_told):
    parts, begun = Hanging(), {}
    asked = [
        {**ASKED, "ChallengeParameters": {"challenge": "word"}},
        {**ASKED, "ChallengeParameters": {"challenge": "word", "hint": LONG}},
    ]
    async with (
        scripted.serve(*asked) as server,
        AuthClient(server.config(), keys=parts, store=parts, discover=False) as auth,
    ):
        for size in ("short", "long"):
            pending = await auth.sign_in("ada", flow=AuthFlow.CUSTOM_AUTH)
            begun[size] = pending, await auth.seal(pending)
        for where in WHERE:
            call, size, kind, after = where
            pending, ticket = begun[size]
            parts.after, parts.hangs = {kind: after}, False
            task = asyncio.ensure_future(CALLS[call](auth, pending, ticket))
            while not parts.hangs:
                assert not task.done(), where
                await anyio.sleep(0)
            parts.after.clear()
            task.cancel()
            with pytest.raises(asyncio.CancelledError) as raised:
                await task
            told = everything_told(raised.value)
            assert "AuthClient" in told, where
            assert ticket not in told, where
            assert ticket.rpartition(".")[2] not in told, where
            assert "canary" not in told, where
            assert await auth.resume(ticket) == pending
        assert server.operations == ["InitiateAuth"] * 2

"""Who plays a sign-in: the client's half back to back with the pool's, or a client for real."""

from collections.abc import Mapping
from typing import Any

from attrs import define, evolve

from authflow import AuthClient, ChallengeRequired, Device, SignInResult
from authflow.answers import TypedAnswer
from authflow.client import Exchange
from authflow.client.conversation import Conversations
from authflow.given_maps import checked_map, wrapped_map
from authflow.machine import AuthFlow
from authflow.secret import Secret
from testbed.pool_half import PoolHalf


@define
class BackToBack:
    """The client's conversations and the pool's operations, with nothing between them.

    Args:
        half: The pool's half, and the conversations about it.
        elsewhere: What other places have, by their names.
        metadata: ClientMetadata of all requests.
    """

    half: PoolHalf
    elsewhere: Mapping[str, PoolHalf]
    metadata: Any = None

    def _at(self, place: str | None) -> tuple[PoolHalf, Conversations]:
        half = self.half if place is None else self.elsewhere[place]
        return half, evolve(half.conversations, client_metadata=self.metadata)

    async def sign_in(
        self,
        flow: AuthFlow,
        name: str,
        word: str | None,
        *,
        place: str | None = None,
        device: Device | None = None,
    ) -> SignInResult:
        """Begin."""
        half, conversations = self._at(place)
        password = None if word is None else Secret(word)
        if half.devices is not None and device is None:
            conversations = evolve(conversations, finds=True)
            device = await half.devices.find(name)
        begun = conversations.sign_in(flow, name, password, now=half.clock(), device=device)
        return await half.talk(begun)

    async def answer(
        self, pending: ChallengeRequired, answer: TypedAnswer, *, place: str | None = None
    ) -> SignInResult:
        """Answer a challenge. A conversation is a value: it goes on from what it ended with."""
        half, conversations = self._at(place)
        sign_in = pending.sign_in
        if place is not None and half.devices is not None:  # no device's password goes elsewhere
            device = await half.devices.find(sign_in.canonical_username)
            pending = evolve(pending, sign_in=evolve(sign_in, device=device))
        return await half.talk(conversations.answer(pending, answer, now=half.clock()))

    async def refresh(self, token: Secret[str], device_key: str | None) -> object:
        """Get new tokens."""
        return await self.half.refresh(token, device_key)

    def carry(self, metadata: dict[str, str] | None) -> None:
        """Send metadata with all requests from now on."""
        self.metadata = checked_map("client_metadata", wrapped_map(metadata))
        self.sent()

    def sent(self) -> list[tuple[str, dict[str, Any]]]:
        """Return what was sent since it was last asked."""
        told = [(each.operation, dict(each.body)) for each in self.half.sent]
        self.half.sent.clear()
        return told


@define
class ForReal:
    """Clients and a pool, over real HTTP.

    Args:
        auth: The client.
        elsewhere: Other clients, by the names of their places.
        told: What all of them have exchanged with the pool.
        metadata: ClientMetadata of all requests.
    """

    auth: AuthClient
    elsewhere: Mapping[str, AuthClient]
    told: list[Exchange]
    metadata: dict[str, str] | None = None

    async def sign_in(
        self,
        flow: AuthFlow,
        name: str,
        word: str | None,
        *,
        place: str | None = None,
        device: Device | None = None,
    ) -> SignInResult:
        """Begin."""
        auth = self.auth if place is None else self.elsewhere[place]
        return await auth.sign_in(
            name, word, flow=flow, client_metadata=self.metadata, device=device
        )

    async def answer(
        self, pending: ChallengeRequired, answer: TypedAnswer, *, place: str | None = None
    ) -> SignInResult:
        """Answer a challenge; elsewhere it is resumed from a ticket."""
        auth = self.auth
        if place is not None:
            ticket = await auth.seal(pending)
            auth = self.elsewhere[place]
            pending = await auth.resume(ticket)
        return await auth.answer(pending, answer, client_metadata=self.metadata)

    async def refresh(self, token: Secret[str], device_key: str | None) -> object:
        """Get new tokens, as a process does that knows of the device what it is told."""
        device = None if device_key is None else Device(key=device_key, group_key="-")
        return await self.elsewhere["another process"].refresh(token, device=device)

    def carry(self, metadata: dict[str, str] | None) -> None:
        """Send metadata with all requests from now on."""
        self.metadata = metadata
        self.sent()

    def sent(self) -> list[tuple[str, dict[str, Any]]]:
        """Return what was sent since it was last asked."""
        told = [(each.operation, dict(each.sent)) for each in self.told]
        self.told.clear()
        return told

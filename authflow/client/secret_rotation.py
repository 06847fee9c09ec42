"""Requests signed by whichever secret of the app client is good, while it is being rotated.

Cognito checks a client's secret before anything else: a request that it refuses for its secret has
used up no session, no refresh token and no try of the user's. So it may be sent again, signed by
the next secret, whatever the operation is.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Self, TypeVar

import anyio
from attrs import define, evolve, field

from authflow.client.transport import Passage, Transport
from authflow.client_secrets import ClientSecrets, several, wrapped_client_secret
from authflow.config import AuthConfig
from authflow.errors import (
    ClientSecretsUnavailableError,
    MisuseError,
    RefusedError,
    RequestBlockedError,
    SecretHashMismatchError,
)
from authflow.raised import kind_and_place
from authflow.secret import Secret
from authflow.wire import ClientIdentity, Request

T = TypeVar("T")


@define(eq=False)
class SecretRotation:
    """Signs one client's requests. Make it with `SecretRotation.of`.

    The secret that worked last goes first. If all are refused the provider, if there is one, is
    asked anew: once for all requests that wait for it, who have one answer or one failure.
    """

    _identity: ClientIdentity
    _provider: ClientSecrets | None = field(repr=False)
    _timeout: float
    _known: tuple[Secret[str], ...]
    _turn: int = 0
    """The number of times that the provider has answered."""
    _failures: int = 0
    """The number of times that it has failed."""
    _failure: str = ""
    """The text that is told of the last time."""
    _asking: anyio.Lock = field(factory=anyio.Lock, repr=False)

    @classmethod
    def of(cls, config: AuthConfig) -> Self:
        """Make the rotation of a client's secrets.

        Args:
            config: The client's settings. A request waits for a provider's answer within its
                `request_timeout`.
        """
        given = config.client_secret
        known: tuple[Secret[str], ...] = ()
        provider: ClientSecrets | None = None
        if isinstance(given, Secret):
            known = (given,)
        elif isinstance(given, tuple):
            known = given
        else:
            provider = given
        return cls(config.app_client, provider, config.request_timeout, known)

    async def identity(self) -> ClientIdentity:
        """Return the app client with the secret to try first.

        Raises:
            ClientSecretsUnavailableError: The provider gives none; nothing was sent.
        """
        if self._provider is not None and not self._known:
            await self._ask_anew(self._turn, anyio.current_time() + self._timeout)
        return (
            evolve(self._identity, client_secret=self._known[0]) if self._known else self._identity
        )

    async def send(
        self,
        transport: Transport,
        request: Request,
        read: Callable[[Mapping[str, Any]], T],
        passage: Passage | None = None,
    ) -> T:
        """Send a request that `identity` made, signed by each secret until one is good.

        Args:
            transport: Where to.
            request: What to send.
            read: As `Transport.send` takes it.
            passage: Likewise.

        Raises:
            SecretHashMismatchError: Cognito refused every secret.
            ClientSecretsUnavailableError: It did, and the provider gives no other one.
            AuthFlowError: As `Transport.send`.
        """
        has_one = self._provider is None and len(self._known) < 2
        if has_one or not request.takes_secret:  # nothing to try
            return await transport.send(request, read, passage)
        tried: list[Secret[str]] = []
        refused: SecretHashMismatchError | None = None
        turn, asked, until = self._turn, False, anyio.current_time() + self._timeout
        try:
            while True:
                secret = next((each for each in self._known if each not in tried), None)
                if secret is not None:
                    turn = self._turn
                    tried.append(secret)
                    try:
                        return await transport.send(
                            request.signed(secret), self._noting(secret, read), passage
                        )
                    except SecretHashMismatchError as error:
                        refused = error
                        if passage is not None:
                            passage.turned_away()  # also if the provider is asked, and fails
                    except RefusedError as error:
                        if not isinstance(error, RequestBlockedError):  # that is no pool's word
                            self._favour(secret)
                        raise
                elif self._provider is not None and not asked:
                    await self._ask_anew(turn, until)
                    asked = True
                elif refused is not None:
                    raise refused
                else:
                    return await transport.send(request, read, passage)
        finally:
            del refused  # otherwise the frame and its error would keep each other alive

    def _noting(
        self, secret: Secret[str], read: Callable[[Mapping[str, Any]], T]
    ) -> Callable[[Mapping[str, Any]], T]:
        """Return a reader of replies that notes first that Cognito took the secret."""

        def noted(reply: Mapping[str, Any]) -> T:
            self._favour(secret)
            return read(reply)

        return noted

    def _favour(self, secret: Secret[str]) -> None:
        """Put a secret first that Cognito took."""
        if secret in self._known[1:]:
            self._known = (secret, *(each for each in self._known if each != secret))

    async def _ask_anew(self, turn: int, until: float) -> None:
        """Ask the provider, unless it has answered or failed while this one waited.

        Args:
            turn: How often it had answered when the secrets were read that are no longer good.
            until: The time, on the event loop's clock, at which whoever asks gives up.

        Raises:
            ClientSecretsUnavailableError: It fails, gives none, or does not answer in time.
        """
        failures, failed = self._failures, self._late()
        with anyio.move_on_after(until - anyio.current_time()) as waiting:
            await self._asking.acquire()
        if not waiting.cancelled_caught:
            try:
                if self._turn != turn:
                    return
                failed = self._failure
                if self._failures == failures:
                    failed = await self._answer(until)
            finally:
                self._asking.release()
        if failed:
            raise ClientSecretsUnavailableError(failed)

    async def _answer(self, until: float) -> str:
        """Take over what the provider says, or return what is wrong, without its own text."""
        given: object = None
        wrong: str | None = self._late()
        with anyio.move_on_after(until - anyio.current_time()):
            try:
                asked = self._asked()
                if asked is None:
                    wrong = self._told("blocks: `secrets` must be a coroutine function (async def)")
                else:
                    given = wrapped_client_secret(await asked)
                    wrong = None
            except asyncio.CancelledError as error:
                task = asyncio.current_task()
                if task is not None and task.cancelling():
                    raise
                wrong = self._told(f"failed: {kind_and_place(error)}")  # nobody has cancelled it
            except Exception as error:  # noqa: BLE001  # whatever a provider raises
                wrong = self._told(f"failed: {kind_and_place(error)}")
        if wrong is None:
            try:
                self._known = several(given if isinstance(given, tuple) else (given,))
            except MisuseError as error:
                wrong = self._told(f"gave no client secrets: {error.message}")
        if wrong is None:
            self._turn += 1
            return ""
        self._failures += 1
        self._failure = wrong
        return wrong

    def _late(self) -> str:
        return self._told(f"did not answer within {self._timeout:g} seconds")

    def _told(self, wrong: str) -> str:
        return f"the provider of client secrets, {type(self._provider).__name__}, {wrong}"

    def _asked(self) -> Awaitable[object] | None:
        """Ask the provider; None if it answers at once, for then it blocks the event loop."""
        answer: object = self._provider.secrets() if self._provider is not None else ()
        return answer if isinstance(answer, Awaitable) else None

"""The pool's half of sign-ins without a network: its operations, called as functions.

Put back to back with the client's conversations, the requests of the one are the input of the
other, and nothing but the two is between them.
"""

import os
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar

from attrs import evolve, field, frozen

from authflow import srp
from authflow.answers import TypedAnswer
from authflow.client.conversation import Conversations
from authflow.client.conversation_steps import (
    Ask,
    Came,
    Conversation,
    DrawProver,
    FindDevice,
    ForgetDevice,
    Prove,
    Send,
    Verify,
    WithoutDevice,
)
from authflow.client.device_book import DeviceBook
from authflow.client.password_proof import PasswordProof
from authflow.client.remembered_devices import RememberedDevices
from authflow.errors import AuthFlowError, DeviceRefusedError, NextStep
from authflow.keys import KeyRing
from authflow.pool.cognito_errors import CognitoError
from authflow.pool.ground import Ground
from authflow.pool.imports.import_runner import ImportRunner
from authflow.pool.messages.delivery import Delivery
from authflow.pool.messages.mailbox import Mailbox, SentMessage
from authflow.pool.operations import operations
from authflow.pool.settings.notices import Notices
from authflow.pool.store.database import Database
from authflow.pool.tokens.issuer import TokenIssuer
from authflow.pool.triggers.custom_senders import CustomSenders
from authflow.pool.triggers.invokers import InProcess, TriggerSource
from authflow.pool.triggers.runner import TriggerRunner
from authflow.pool.workers import Workers
from authflow.refusals import read_error
from authflow.results import SignedIn, SignInResult, Tokens
from authflow.secret import Secret
from authflow.stores import MemoryStore
from authflow.testing import ALL_FLOWS
from authflow.wire import ClientIdentity, Request, password_verifier, read_refreshed

T = TypeVar("T")


@frozen(kw_only=True)
class PoolHalf:
    """A user pool and an app client of it, whose operations are functions.

    Args:
        table: The operations by their names.
        pool_id: The user pool.
        conversations: The client's conversations, about sign-ins at the app client.
        mailbox: What the pool has sent.
        clock: Gives the time to both halves, in seconds since the epoch.
        sent: The requests so far.
        devices: The client's remembered devices; None if it is told of none.
    """

    table: Mapping[str, Callable[[Any], Any]]
    pool_id: str
    conversations: Conversations
    mailbox: Mailbox
    clock: Callable[[], float]
    sent: list[Request] = field(factory=list)
    devices: RememberedDevices | None = None

    async def at_another_client(self, *, secret: bool) -> "PoolHalf":
        """Return this at a new app client of the same pool."""
        settings = {"ClientName": "x", "ExplicitAuthFlows": list(ALL_FLOWS)}
        made = await self.call(
            "CreateUserPoolClient", UserPoolId=self.pool_id, GenerateSecret=secret, **settings
        )
        app, given = made["UserPoolClient"], made["UserPoolClient"].get("ClientSecret")
        identity = ClientIdentity(
            client_id=app["ClientId"], client_secret=None if given is None else Secret(given)
        )
        return evolve(self, conversations=evolve(self.conversations, app_client=identity))

    def remembering(self) -> "PoolHalf":
        """Return this with a client that remembers devices, of which it has none yet."""
        book = DeviceBook(
            place=(self.pool_id, self.conversations.app_client.client_id),
            keys=KeyRing.generate(),
            store=MemoryStore(),
            clock=self.clock,
        )
        devices = RememberedDevices(
            when="always",
            name=None,
            book=book,
            proof=PasswordProof(self.pool_id),
            send=self.send,
            ask_timeout=180,
        )
        return evolve(self, devices=devices)

    async def call(self, operation: str, /, **members: Any) -> dict[str, Any]:
        """Call an operation of the pool's owner."""
        reply: dict[str, Any] = await self.table[operation](members)
        return reply

    async def messages(self, username: str) -> list[SentMessage]:
        """Return what the pool has sent to a user."""
        return await self.mailbox.messages(self.pool_id, username)

    async def talk(
        self, conversation: Conversation, answers: Iterable[TypedAnswer] = ()
    ) -> SignInResult:
        """Hand the conversation's requests to the pool, and its replies to the conversation.

        Args:
            conversation: The client's side.
            answers: What a person says who is asked in between; then it is the caller's turn.
        """
        said = iter(answers)
        try:
            step = next(conversation)
            while True:
                value: Any = None
                match step:
                    case Send():
                        value = await self._reply(step)
                    case DrawProver():
                        value = srp.Prover.start(os.urandom(32))
                    case Prove():
                        value = self._proof(step)
                    case Ask():
                        value = next(said, None)
                    case Verify(signed_in):
                        value = signed_in
                    case FindDevice(name) if self.devices is not None:
                        value = await self.devices.look(name)
                    case ForgetDevice(device, name) if self.devices is not None:
                        await self.devices.drop(device, name)
                step = conversation.send(Came(value, self.clock()))
        except StopIteration as over:
            result: SignInResult = over.value
            if isinstance(result, SignedIn) and self.devices is not None:
                return await self.devices.settled(result, None)
            return result

    async def refresh(self, token: Secret[str], device_key: str | None) -> Tokens:
        """Get new tokens for a refresh token."""
        request = self.conversations.app_client.refresh(token, device_key=device_key)
        return await self.send(request, read_refreshed)

    async def send(self, request: Request, read: Callable[[Mapping[str, Any]], T]) -> T:
        """Return what the pool says.

        Raises:
            AuthFlowError: It refuses.
        """
        self.sent.append(request)
        try:
            return read(await self.table[request.operation](request.body))
        except CognitoError as refused:
            error = read_error(refused.code, refused.message, operation=request.operation)
            raise error from None

    async def _reply(self, step: Send) -> object:
        """Return what the pool says to a sign-in, or an error that this goes on with."""
        try:
            return await self._answered(step, step.request)
        except DeviceRefusedError:
            if step.device is None or self.devices is None:
                raise
        return WithoutDevice(await self._answered(step, step.request.without_device()))

    async def _answered(self, step: Send, request: Request) -> object:
        try:
            return await self.send(request, step.read)
        except AuthFlowError as error:
            again = step.correctable and error.next_step is NextStep.RETRY_SAME_CHALLENGE
            if again or isinstance(error, step.given_back):
                return error
            raise

    def _proof(self, step: Prove) -> password_verifier.Answer:
        posed = srp.ProverChallenge.parse(
            name=srp.pool_name(self.pool_id) if step.name is None else step.name,
            user_id=step.asked.user_id,
            salt=step.asked.salt,
            public_b=step.asked.srp_b,
            secret_block=step.asked.secret_block,
        )
        stamp = srp.timestamp(datetime.fromtimestamp(self.clock(), UTC))
        return password_verifier.Answer(
            secret_block=step.asked.secret_block,
            signature=srp.sign_claim(step.prover.prove(posed, step.password), posed, stamp),
            stamp=stamp,
        )


@asynccontextmanager
async def pool_half(
    triggers: TriggerSource, clock: Callable[[], float], **client: Any
) -> AsyncIterator[PoolHalf]:
    """Make a pool and an app client.

    Args:
        triggers: The pool's triggers.
        clock: Gives the time, in seconds since the epoch.
        **client: Members of CreateUserPoolClient.
    """
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(Database())
        workers = await stack.enter_async_context(Workers())
        runner = TriggerRunner(invokers=[InProcess(triggers=triggers)])
        ground = Ground(database=database, workers=workers, triggers=runner, clock=clock)
        mailbox = Mailbox(database=database)
        senders = await stack.enter_async_context(CustomSenders(triggers=runner, kms=None))
        table = operations(
            ground=ground,
            tokens=TokenIssuer(ground=ground, issuer_base="http://127.0.0.1"),
            delivery=Delivery(mailbox=mailbox, senders=senders),
            import_runner=await stack.enter_async_context(ImportRunner(ground=ground)),
            notices=Notices(),
            region="us-east-1",
            tokens_survive=False,
        )
        pool_id = (await table["CreateUserPool"]({"PoolName": "x"}))["UserPool"]["Id"]
        settings = {"ClientName": "x", "ExplicitAuthFlows": list(ALL_FLOWS), **client}
        app = await table["CreateUserPoolClient"]({"UserPoolId": pool_id, **settings})
        identity = ClientIdentity(client_id=app["UserPoolClient"]["ClientId"])
        yield PoolHalf(
            table=table,
            pool_id=pool_id,
            conversations=Conversations(app_client=identity, session_validity=180, app_name="Shop"),
            mailbox=mailbox,
            clock=clock,
        )

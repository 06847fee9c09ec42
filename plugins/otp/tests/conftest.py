"""What the tests of one-time passwords share: a mail server, a moto, a pool, and a clock."""

import asyncio
import json
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, ClassVar

import anyio
import pytest
import uvicorn
from aiosmtpd.smtp import SMTP, AuthResult
from attrs import define, field, frozen
from authflow_otp.authenticator import Hotp, Totp
from authflow_otp.destinations import Medium
from authflow_otp.link import Link
from authflow_otp.messages import CodeMessage
from authflow_otp.trigger import Otp

from authflow import AuthClient
from authflow.testing import PASSWORD, MovableClock, RunningPool, run_pool
from authflow.triggers import DynamoDbStore, KeyRing, Limits, MemoryStore, Step, Triggers, sequence
from testbed.certificate import Certificate, self_signed

VECTORS = Path(__file__).parent / "vectors"


@pytest.fixture(scope="session")
def load_vectors() -> Callable[[str], Any]:
    """Reads a file of test vectors."""
    return lambda name: json.loads((VECTORS / f"{name}.json").read_text())


@pytest.fixture(scope="session")
def keys() -> KeyRing:
    return KeyRing.generate()


@define
class Outbox:
    """A sender that keeps what it sends. It stands for a carrier, which cannot be asked here."""

    medium: ClassVar[Medium] = Medium.EMAIL
    sent: list[CodeMessage] = field(factory=list)
    failure: Exception | None = None

    async def send(self, message: CodeMessage) -> None:
        if self.failure is not None:
            raise self.failure
        self.sent.append(message)

    @property
    def code(self) -> str:
        return self.sent[-1].code.reveal()


@pytest.fixture
def outbox() -> Outbox:
    return Outbox()


@define(kw_only=True)
class MailServer:
    """A real SMTP server on a port of its own."""

    port: int
    trusted: ssl.SSLContext
    mails: list[EmailMessage] = field(factory=list)
    recipients: list[list[str]] = field(factory=list)
    logins: list[str] = field(factory=list)
    encrypted: list[bool] = field(factory=list)
    refuse: str | None = None
    drop: bool = False

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, _: Any):  # noqa: N802  # aiosmtpd's name
        if self.refuse is not None:
            return self.refuse
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802  # aiosmtpd's name
        if self.drop:
            server.transport.abort()
        self.encrypted.append(session.ssl is not None or server._over_ssl)
        self.recipients.append(envelope.rcpt_tos)
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        return "250 OK"

    def authenticate(self, server: Any, session: Any, envelope: Any, how: str, data: Any):
        self.logins.append(data.login.decode())
        good = (data.login, data.password) == (b"shop", b"Mail-secret-1")
        return AuthResult(success=good, handled=False)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """Gives a certificate for this machine."""
    return self_signed(tmp_path_factory.mktemp("tls"))


@pytest.fixture
async def mail_server(
    certificate: Certificate,
) -> AsyncIterator[Callable[..., Any]]:
    """Starts mail servers that want TLS and a login, or neither."""
    cert, key, authority = certificate.cert, certificate.key, certificate.cert.read_text()
    servers: list[asyncio.Server] = []

    async def start(security: str = "starttls", *, utf8: bool = True) -> MailServer:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(cert, key)
        mails = MailServer(port=0, trusted=ssl.create_default_context(cadata=authority))
        settings: dict[str, Any] = {"hostname": "localhost", "enable_SMTPUTF8": utf8}
        if security == "starttls":
            settings |= {"tls_context": tls, "require_starttls": True, "auth_required": True}
        if security == "tls":
            settings |= {"auth_require_tls": False}  # it knows no TLS but STARTTLS
        if security != "none":
            settings |= {"authenticator": mails.authenticate}
        server = await asyncio.get_running_loop().create_server(
            lambda: SMTP(mails, **settings),
            "127.0.0.1",
            0,
            ssl=tls if security == "tls" else None,
        )
        servers.append(server)
        mails.port = server.sockets[0].getsockname()[1]
        return mails

    yield start
    for server in servers:
        server.close()


@asynccontextmanager
async def served(app: Any) -> AsyncIterator[str]:
    """Serve an ASGI application over HTTP, and give its address."""
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        async with anyio.create_task_group() as group:
            group.start_soon(server._serve, [listener])
            while not server.started:  # it tells nobody
                await anyio.sleep(0.001)
            yield f"http://localhost:{listener.getsockname()[1]}"
            server.should_exit = True


@pytest.fixture
def serving() -> Callable[[Any], AbstractAsyncContextManager[str]]:
    """Serves an ASGI application."""
    return served


@pytest.fixture
def aws(aws_url: str, aws_credentials: None) -> str:
    return aws_url


@pytest.fixture
async def down(aws: str) -> AsyncIterator[DynamoDbStore]:
    """A store that cannot be used: DynamoDB has no such table."""
    async with DynamoDbStore(table="absent", endpoint=aws) as store:
        yield store


def made_limits(keys: KeyRing, clock: MovableClock, **more: Any) -> Limits:
    return Limits(store=MemoryStore(clock=clock), keys=keys, clock=clock, **more)


@pytest.fixture
def limits(keys: KeyRing, clock: MovableClock) -> Limits:
    return made_limits(keys, clock)


@frozen(kw_only=True)
class House:
    """A running user pool whose triggers ask for one-time passwords, and a client of it."""

    auth: AuthClient
    pool: RunningPool
    triggers: Triggers

    async def user(self, username: str = "ada", **attributes: str) -> None:
        """Make a user who can sign in."""
        await self.pool.add_user(username, PASSWORD, attributes)


@pytest.fixture
def open_house(
    keys: KeyRing, clock: MovableClock
) -> Callable[..., AbstractAsyncContextManager[House]]:
    """Opens pools. Time stands still in their triggers."""

    @asynccontextmanager
    async def opened(
        *steps: Step,
        limits: Limits | None = None,
        wrap: Callable[[Triggers], Any] = lambda triggers: triggers,
        case_sensitive: bool | None = None,
    ) -> AsyncIterator[House]:
        triggers = Triggers(
            policy=sequence(*steps),
            challenges=[Otp, Link, Totp, Hotp],
            limits=limits or made_limits(keys, clock),
            case_sensitive=bool(case_sensitive),
        )
        case = {"UsernameConfiguration": {"CaseSensitive": case_sensitive}}
        assert triggers._flow is not None
        triggers._flow.clock = clock
        async with (
            run_pool(
                triggers=wrap(triggers), pool=None if case_sensitive is None else case
            ) as pool,
            AuthClient(pool.config) as auth,
        ):
            yield House(auth=auth, pool=pool, triggers=triggers)

    return opened

"""The server: an embedded user pool on a port, in a process of its own or inside another one."""

import contextlib
import errno
import json
import re
import socket
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from os import PathLike
from types import TracebackType
from typing import Any, Final, Self, TextIO

from attrs import define, field
from attrs.validators import optional

from authflow.errors import ConfigError
from authflow.event_loop import HomeLoop
from authflow.given_numbers import check_count, positive_seconds
from authflow.pool.admission.budgets import Budget
from authflow.pool.admission.gate import MAX_WAIT, NAME_BUDGET, Gate
from authflow.pool.ending import asked_to_end
from authflow.pool.file_limit import most_connections, raise_file_limit
from authflow.pool.ground import Ground
from authflow.pool.http.app import PoolApp
from authflow.pool.http.connections import Connections
from authflow.pool.http.origins import LOOPBACK_NAMES, Origins, is_wildcard, server_name
from authflow.pool.http.refusal_log import RefusalLog
from authflow.pool.http.serving import serving
from authflow.pool.imports.import_runner import ImportRunner
from authflow.pool.imports.uploads import Uploads
from authflow.pool.messages.delivery import Delivery
from authflow.pool.messages.mailbox import Mailbox, SentMessage
from authflow.pool.operations import MOST_SESSIONS, link_confirmation, operations
from authflow.pool.pool_in_thread import PoolInThread
from authflow.pool.settings.notices import Notices, all_settings
from authflow.pool.store.database import MEMORY, Database
from authflow.pool.tokens.issuer import TokenIssuer
from authflow.pool.triggers.custom_senders import CustomSenders
from authflow.pool.triggers.invokers import InProcess, Invoker, TriggerSet, TriggerSource
from authflow.pool.triggers.runner import TIMEOUT, TriggerRunner
from authflow.pool.workers import Workers
from authflow.safe_url import SafeUrl, is_loopback, safe_host, safe_url
from authflow.unframed import whole

_BACKLOG: Final = 2048
_REGION: Final = re.compile(r"[a-z0-9-]{1,32}")  # as in the pools' ids


def _host(host: str) -> str:
    return safe_host(host, "host")


def _most_sessions(number: int) -> int:
    check_count("most_sessions", number)
    return number


def _port(port: int) -> int:
    check_count("port", port, least=0, most=65_535)
    return port


def _max_connections(number: int | None) -> int | None:
    if number is not None:
        most_connections(number)
    return number


def _of(*kinds: type, wanted: str) -> Callable[[object, Any, Any], None]:
    """Return a validator: whatever is not of these kinds is no such setting."""

    def check(_server: object, attribute: Any, value: Any) -> None:
        if not isinstance(value, kinds):
            msg = f"{attribute.name} is {wanted}, not {type(value).__name__}"
            raise ConfigError(msg)

    return check


_is_switch: Final = _of(bool, wanted="True or False")
_is_function: Final = _of(Callable, wanted="a function")  # type: ignore[arg-type]
_is_budget: Final = _of(Budget, wanted="a Budget(per_second=..., burst=...)")


def _server_names(names: Iterable[str]) -> tuple[str, ...]:
    if isinstance(names, str) or not isinstance(names, Iterable):
        msg = "allow_hosts is a list of names, and not one name"
        raise ConfigError(msg)
    return tuple(server_name(name, "allow_hosts (--allow-host)") for name in names)


def _region(region: str) -> str:
    if not isinstance(region, str) or not _REGION.fullmatch(region):
        msg = f"the region {str(region)!r:.40} must look like eu-central-1"
        raise ConfigError(msg)
    return region


def _issuer(issuer: str | None) -> SafeUrl | None:
    # Here it is only a name: the verifier of a token decides where it fetches the keys.
    return safe_url(issuer, "issuer", insecure=True) if issuer else None


def _home() -> HomeLoop:
    return HomeLoop("this server", "open and close it on one, and make another for another one")


@whole
@define(kw_only=True)
class PoolServer:
    """An embedded user pool that serves HTTP; an async context manager.

        async with PoolServer() as pool:
            client = session.client("cognito-idp", endpoint_url=pool.endpoint, ...)

    Args:
        db: The SQLite file; ":memory:" forgets everything at the end.
        host: Where to listen.
        port: The port; 0 takes a free one.
        triggers: Handlers by function name or ARN, or one object that serves all pools.
        lambda_endpoint: The URL of a Lambda endpoint, where functions are invoked that a pool's
            LambdaConfig names and `triggers` does not have.
        allow_insecure_lambda_endpoint: Allow an http endpoint on another machine. Passwords then
            cross the network in clear.
        kms_endpoint: The URL of a KMS endpoint, AWS's own or one on this machine. It encrypts the
            codes for the CustomEmailSender and CustomSMSSender of pools that name a KMSKeyID; both
            run only where there is one. It needs the extra `custom-senders`.
        allow_insecure_kms_endpoint: Allow an http endpoint on another machine. What opens the
            codes then crosses the network in clear.
        issuer: The public address that tokens name, if it is not the one where it listens.
        region: What new user pools' ids begin with.
        allow_remote: Whether `host` may be other than loopback. Operations for administrators
            need no credentials here, so whoever reaches the port may do everything.
        tokens_survive: Whether a user's tokens stay good when the password changes, as they are
            reported to do at Cognito; here they end.
        allow_hosts: Further names under which clients reach the server, without port. Requests
            that name another host are refused, since a web page could have sent them. An address
            that means all of them, such as 0.0.0.0, wants one at least.
        max_connections: How many connections there may be at once; 2048 if it is not given, or as
            many as the process's limit of open files allows. When one more comes, the one that has
            waited longest for its client is closed.
        trigger_timeout: How many seconds a trigger may take.
        most_sessions: How many sign-ins that began under one name may wait for an answer. A further
            one ends the oldest. Those that have passed a challenge, or the password, count apart
            from those that have not: whoever only knows a name ends no sign-in behind it.
        on_message: Told of every message that a pool sends to a user, with the code in it. There is
            no mail server: this, or `mailbox`, is where messages are found. The server does nothing
            else meanwhile: what takes long is to be handed on. Where an app client hides users, it
            runs once the reply is sent. What a custom sender delivers is in the mailbox alone.
        clock: Gives the time, in seconds since the epoch.
        name_budget: How many requests about one name are taken. Beyond this and what follows the
            client hears TooManyRequestsException.
        address_budget: How many requests of one address are taken; if it is not given, 100 a second
            of other machines, and all of this one. An address is whoever opened the connection: a
            proxy is one for all behind it.
        max_wait: How many seconds a sign-in that begins may have to wait for a processor; one that
            goes on may wait twice as long.

    Raises:
        ConfigError: A setting is unsafe, or the port or the file cannot be used.
        MisuseError: It is open on another event loop.
    """

    db: str = field(default=MEMORY, validator=_of(str, PathLike, wanted="the name of a file"))
    host: str = field(default="127.0.0.1", converter=_host)
    port: int = field(default=0, converter=_port)
    triggers: TriggerSource | None = None
    lambda_endpoint: str | None = None
    allow_insecure_lambda_endpoint: bool = field(default=False, validator=_is_switch)
    kms_endpoint: str | None = None
    allow_insecure_kms_endpoint: bool = field(default=False, validator=_is_switch)
    issuer: SafeUrl | None = field(default=None, converter=_issuer)
    region: str = field(default="us-east-1", converter=_region)
    allow_remote: bool = field(default=False, validator=_is_switch)
    tokens_survive: bool = field(default=False, validator=_is_switch)
    allow_hosts: Sequence[str] = field(default=(), converter=_server_names)
    max_connections: int | None = field(default=None, converter=_max_connections)
    trigger_timeout: float = field(default=TIMEOUT, validator=positive_seconds)
    most_sessions: int = field(default=MOST_SESSIONS, converter=_most_sessions)
    on_message: Callable[[SentMessage], object] | None = field(
        default=None, validator=optional(_is_function)
    )
    clock: Callable[[], float] = field(default=time.time, validator=_is_function)
    name_budget: Budget = field(default=NAME_BUDGET, validator=_is_budget)
    address_budget: Budget | None = field(default=None, validator=optional(_is_budget))
    max_wait: float = field(default=MAX_WAIT, validator=positive_seconds)
    endpoint: str = field(default="", init=False)
    _mailbox: Mailbox | None = field(default=None, init=False)
    _stack: AsyncExitStack = field(factory=AsyncExitStack, init=False)
    _loop: HomeLoop = field(factory=_home, init=False, repr=False, eq=False)

    async def __aenter__(self) -> Self:
        self._loop.claim()
        try:
            return await self._start()
        except BaseException:
            self._loop.leave()
            raise

    async def _start(self) -> Self:
        if not (self.allow_remote or is_loopback(self.host)):
            msg = (
                f"{self.host} is not a loopback address, and operations for administrators need "
                "no credentials: allow_remote (--allow-remote) if the network may do everything"
            )
            raise ConfigError(msg)
        if is_wildcard(self.host) and not self.allow_hosts:
            msg = (
                f"{self.host} is every address of this machine, and no name: say under which names"
                " clients reach it, by allow_hosts (--allow-host NAME, such as localhost)"
            )
            raise ConfigError(msg)
        connections = Connections(most=most_connections(self.max_connections))
        async with AsyncExitStack() as stack:
            listener = stack.enter_context(contextlib.closing(self._listen()))
            name = f"[{self.host}]" if ":" in self.host else self.host
            self.endpoint = f"http://{name}:{listener.getsockname()[1]}"
            workers = await stack.enter_async_context(Workers())
            database = await stack.enter_async_context(Database(path=self.db))
            triggers = TriggerRunner(
                invokers=await self._invokers(stack), timeout=self.trigger_timeout
            )
            ground = Ground(database=database, workers=workers, triggers=triggers, clock=self.clock)
            senders = await self._senders(stack, triggers)
            notices = await self._notices(database)
            runner = await stack.enter_async_context(ImportRunner(ground=ground))
            app = self._app(ground, senders, self._gate(connections), notices, runner)
            await stack.enter_async_context(serving(app, listener, connections))
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._loop.leave()
        await self._stack.__aexit__(exc_type, exc, traceback)

    def in_thread(self) -> PoolInThread:
        """Return the server on an event loop of its own, in a thread; a context manager.

        It is for whatever is synchronous, or runs on another event loop: boto3, Django, notebooks.

            with PoolServer(triggers=triggers).in_thread() as pool:
                cognito = boto3.client("cognito-idp", endpoint_url=pool.endpoint, ...)

        Triggers that are asynchronous, `clock` and `on_message` run on that loop: a connection or
        a lock that triggers use is theirs alone, and they cannot call the pool's own synchronous
        methods. Under gevent, too, it is a real thread: a trigger then shares no lock, event or
        socket with the program's greenlets.
        """
        return PoolInThread(self)

    @property
    def mailbox(self) -> Mailbox:
        """The messages that the pools sent to users in the last day.

        Raises:
            RuntimeError: The server has not started yet.
        """
        if self._mailbox is None:
            msg = "the server has not started: use it inside 'async with'"
            raise RuntimeError(msg)
        return self._mailbox

    def _listen(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        # Named, because asyncio turns Nagle's delay off only for sockets that say they are TCP.
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((self.host, self.port))
            listener.listen(_BACKLOG)
            listener.setblocking(False)  # noqa: FBT003  # the standard library's own
        except (OSError, OverflowError) as error:
            listener.close()
            msg = f"cannot listen on {self.host} port {self.port}: {error}"
            if getattr(error, "errno", None) in {errno.EADDRINUSE, errno.EACCES}:
                msg += "; name another port (--port), or 0 for one that is free"
            raise ConfigError(msg) from error
        return listener

    async def _invokers(self, stack: AsyncExitStack) -> list[Invoker]:
        """Return the ways to invoke triggers: handlers in process before Lambda functions."""
        invokers: list[Invoker] = []
        if self.triggers is not None:
            invokers.append(InProcess(triggers=self.triggers))
        if self.lambda_endpoint is not None:
            from authflow.pool.triggers.lambda_endpoint import LambdaEndpoint  # noqa: PLC0415  # slow to import

            endpoint = LambdaEndpoint(
                url=self.lambda_endpoint,
                region=self.region,
                insecure=self.allow_insecure_lambda_endpoint,
            )
            invokers.append(await stack.enter_async_context(endpoint))
        return invokers

    async def _senders(self, stack: AsyncExitStack, triggers: TriggerRunner) -> CustomSenders:
        """Return what invokes the pools' custom senders, if there is a KMS endpoint."""
        kms = None
        if self.kms_endpoint is not None:
            from authflow.pool.triggers.kms_endpoint import KmsEndpoint  # noqa: PLC0415  # slow to import

            endpoint = KmsEndpoint(url=self.kms_endpoint, insecure=self.allow_insecure_kms_endpoint)
            kms = await stack.enter_async_context(endpoint)
        return await stack.enter_async_context(CustomSenders(triggers=triggers, kms=kms))

    async def _notices(self, database: Database) -> Notices:
        """Return the notices, after a look at settings and triggers that have no effect here."""
        notices = Notices(kms=self.kms_endpoint is not None)
        if isinstance(self.triggers, TriggerSet):
            notices.tell_triggers(self.triggers.sources)
        notices.tell_stored(await database.read(all_settings))
        return notices

    def _gate(self, connections: Connections) -> Gate:
        return Gate(
            name_budget=self.name_budget,
            address_budget=self.address_budget,
            max_wait=self.max_wait,
            room=connections.room,
        )

    def _app(
        self,
        ground: Ground,
        senders: CustomSenders,
        gate: Gate,
        notices: Notices,
        runner: ImportRunner,
    ) -> PoolApp:
        tokens = TokenIssuer(ground=ground, issuer_base=self.issuer or self.endpoint)
        self._mailbox = Mailbox(database=ground.database, on_message=self.on_message)
        delivery = Delivery(mailbox=self._mailbox, senders=senders)
        table = operations(
            ground=ground,
            tokens=tokens,
            delivery=delivery,
            import_runner=runner,
            region=self.region,
            tokens_survive=self.tokens_survive,
            notices=notices,
            most_sessions=self.most_sessions,
        )
        return PoolApp(
            operations=table,
            uploads=Uploads(ground=ground),
            tokens=tokens,
            origins=Origins(names={*LOOPBACK_NAMES, self.host, *self.allow_hosts}),
            gate=gate,
            refusals=RefusalLog(database=ground.database),
            follow_link=link_confirmation(ground=ground, tokens=tokens, delivery=delivery),
        )


async def serve(
    *,
    db: str = MEMORY,
    host: str = "127.0.0.1",
    port: int = 9229,
    triggers: TriggerSource | None = None,
    lambda_endpoint: str | None = None,
    allow_insecure_lambda_endpoint: bool = False,
    kms_endpoint: str | None = None,
    allow_insecure_kms_endpoint: bool = False,
    issuer: str | None = None,
    region: str = "us-east-1",
    allow_remote: bool = False,
    tokens_survive: bool = False,
    name_budget: Budget = NAME_BUDGET,
    address_budget: Budget | None = None,
    max_wait: float = MAX_WAIT,
    allow_hosts: Sequence[str] = (),
    show_messages: bool = False,
    out: TextIO | None = None,
) -> None:
    """Serve a pool until SIGTERM or SIGINT, as `authflow serve` does.

    The process may open more files than before, if its limit allows: connections need them.
    When the server is ready, one line of JSON says so: `{"endpoint": "http://127.0.0.1:9229", …}`.

    Args:
        db: See `PoolServer`, here and below.
        host: Where to listen.
        port: The port; 0 takes a free one.
        triggers: The pools' triggers.
        lambda_endpoint: Where functions are invoked that a pool names by ARN.
        allow_insecure_lambda_endpoint: Allow an http endpoint on another machine.
        kms_endpoint: Where codes are encrypted for custom senders.
        allow_insecure_kms_endpoint: Allow an http endpoint on another machine.
        issuer: The public address that tokens name.
        region: What new user pools' ids begin with.
        allow_remote: Whether `host` may be other than loopback.
        tokens_survive: Whether a user's tokens stay good when the password changes.
        name_budget: How many requests about one name are taken.
        address_budget: How many requests of one address are taken.
        max_wait: How many seconds a sign-in that begins may have to wait for a processor.
        allow_hosts: Further names under which clients reach the server.
        show_messages: Print every message to a user, with the code in it, as one more line of JSON.
        out: Where the lines go; standard output if not given.

    Raises:
        ConfigError: A setting is unsafe, or the port or the file cannot be used.
        MisuseError: It is open on another event loop.
    """

    def tell(line: Mapping[str, Any]) -> None:
        print(json.dumps(line), file=out or sys.stdout, flush=True)

    raise_file_limit()
    with asked_to_end() as ending:
        server = PoolServer(
            db=db,
            host=host,
            port=port,
            triggers=triggers,
            lambda_endpoint=lambda_endpoint,
            allow_insecure_lambda_endpoint=allow_insecure_lambda_endpoint,
            kms_endpoint=kms_endpoint,
            allow_insecure_kms_endpoint=allow_insecure_kms_endpoint,
            issuer=issuer,
            region=region,
            allow_remote=allow_remote,
            tokens_survive=tokens_survive,
            name_budget=name_budget,
            address_budget=address_budget,
            max_wait=max_wait,
            allow_hosts=allow_hosts,
            on_message=(lambda message: tell(message.to_json())) if show_messages else None,
        )
        async with server as pool:
            tell({"endpoint": pool.endpoint, "issuer": pool.issuer or pool.endpoint, "db": db})
            await ending.wait()

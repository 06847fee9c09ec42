"""A server with a thread of its own, for synchronous code and for code on other event loops."""

from types import TracebackType
from typing import TYPE_CHECKING, Self

from attrs import define, field

from authflow.errors import MisuseError
from authflow.loop_thread import LoopThread
from authflow.pool.messages.mailbox import SentMessage
from authflow.unframed import whole

if TYPE_CHECKING:
    from authflow.pool.server import PoolServer


@whole
@define(eq=False)
class PoolInThread:
    """A `PoolServer` on an event loop of its own, in a thread of its own; a context manager.

        with PoolServer().in_thread() as pool:
            cognito = boto3.client("cognito-idp", endpoint_url=pool.endpoint, ...)

    Where there is no block, as in a notebook, `start()` and `stop()` do the same. What nobody stops
    ends with the process. It can be used by several threads, and started again once it was stopped.

    Args:
        server: The server; its attributes are the settings.
    """

    server: "PoolServer"
    _thread: LoopThread["PoolServer"] | None = field(default=None, init=False, repr=False)

    def start(self) -> Self:
        """Start the server, and wait until it listens.

        Raises:
            ConfigError: A setting is unsafe, or the port or the file cannot be used.
            MisuseError: It runs already.
        """
        if self._thread is not None:
            msg = "this pool runs already: use it, or stop it first"
            raise MisuseError(msg)
        thread = LoopThread("this pool", lambda: self.server)
        thread.start()
        self._thread = thread
        return self

    def stop(self) -> None:
        """Finish the requests in flight, and end; nothing happens if it does not run.

        Raises:
            MisuseError: It is called by a trigger or another function that the pool runs.
        """
        thread = self._thread
        if thread is None:
            return
        try:
            thread.stop()
        except BaseException:
            if thread.is_over:
                self._thread = None
            raise
        self._thread = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def endpoint(self) -> str:
        """The address for any client of Cognito's protocol.

        Raises:
            MisuseError: The pool does not run.
        """
        self._running()
        return self.server.endpoint

    @property
    def region(self) -> str:
        """The region, which AWS's SDKs want to know."""
        return self.server.region

    def messages(self, pool_id: str, username: str | None = None) -> list[SentMessage]:
        """Return the messages of the last day to users, oldest first; see `Mailbox`.

        Args:
            pool_id: The user pool.
            username: The canonical name of one user; None for all of them.

        Raises:
            MisuseError: The pool does not run, or this is called by what the pool itself runs.
            CognitoError: There is no such user pool.
        """
        return self._running().call(self.server.mailbox.messages, pool_id, username)

    def _running(self) -> LoopThread["PoolServer"]:
        if self._thread is None:
            msg = "this pool does not run: use it inside `with`, or start() it"
            raise MisuseError(msg)
        return self._thread

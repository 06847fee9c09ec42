"""Tells an observer of exchanges. An observer that fails does not stop the sign-in."""

import inspect
import logging
from collections.abc import Callable, Mapping
from typing import Any, Final

from attrs import define, field

from authflow.client.exchange import Exchange
from authflow.errors import AuthFlowError, MisuseError
from authflow.unframed import whole
from authflow.wire import Request

_log: Final = logging.getLogger(__name__)


def _checked(observer: object) -> Callable[[Exchange], object]:
    if not callable(observer):
        msg = f"observer must be a function of an Exchange, not {type(observer).__name__}"
        raise MisuseError(msg)
    if any(map(inspect.iscoroutinefunction, (observer, getattr(observer, "__call__", None)))):  # noqa: B004  # it is called, and what calls it may be `async def`
        msg = "observer must be a plain function: nobody waits for it; start a task in it instead"
        raise MisuseError(msg)
    return observer


@whole
@define(eq=False)
class Observation:
    """Tells one observer, and logs once if the observer fails.

    Args:
        observer: Told of every exchange.

    Raises:
        MisuseError: It cannot be called, or is a coroutine function.
    """

    observer: Callable[[Exchange], object] = field(converter=_checked)
    _warned: bool = field(default=False, init=False)

    def __call__(self, request: Request, outcome: Mapping[str, Any] | AuthFlowError) -> None:
        """Pass a request and its outcome to the observer."""
        try:
            result = self.observer(Exchange.of(request, outcome))
            if inspect.iscoroutine(result):
                result.close()  # otherwise Python warns that it was never awaited
                self._warn("gave a coroutine, which nobody waits for")
        except Exception as error:  # noqa: BLE001  # an observer must not stop a sign-in
            # The error's text and traceback are left out: an observer may put anything there.
            self._warn(f"raised {type(error).__name__}")

    def _warn(self, what: str) -> None:
        if not self._warned:
            self._warned = True
            _log.warning("the observer %s; sign-ins go on, and this is said once", what)

"""Events for structlog: a client's, a verifier's, and triggers'.

    async with AuthClient(config, observer=StructlogObserver()) as auth: ...

Each event is one entry: the event's name is its `event`, its fields are the entry's own. The levels
are those of `authflow.integrations.logging`.

Needs the extra `structlog`: `pip install 'cognito-authflow[structlog]'`.
"""

import inspect
import logging
from typing import Any, Final

from authflow.errors import MisuseError
from authflow.extras import UnavailableImportError, advice
from authflow.integrations.event_fields import Event, event_fields, level_of
from authflow.unframed import whole

try:
    import structlog
except ImportError as error:
    raise UnavailableImportError(advice(error, extra="structlog")) from error

__all__ = ["StructlogObserver"]

_METHODS: Final = {logging.DEBUG: "debug", logging.INFO: "info", logging.WARNING: "warning"}
"""The methods that every logger has, structlog's own and what it wraps: not all have `log`."""


@whole
class StructlogObserver:
    """Logs events of clients, verifiers and triggers: no secrets are in them, and no names.

    Args:
        logger: Where to: any bound logger of structlog's whose methods are plain functions; by
            default `structlog.get_logger("authflow.events")`.

    Raises:
        MisuseError: It is no logger, or an asynchronous one, which somebody would have to await.
    """

    def __init__(self, logger: Any = None) -> None:
        self._logger = structlog.get_logger("authflow.events") if logger is None else logger
        if not all(_is_plain(self._logger, name) for name in _METHODS.values()):
            msg = (
                "logger must be one of structlog.get_logger, and none that is awaited, not"
                f" {type(logger).__name__}"
            )
            raise MisuseError(msg)

    def observe(self, event: Event) -> None:
        """Log an event.

        Args:
            event: What happened.
        """
        getattr(self._logger, _METHODS[level_of(event)])(event.name, **event_fields(event))


def _is_plain(logger: object, name: str) -> bool:
    try:
        method = getattr(logger, name, None)
    except RuntimeError:  # an asynchronous logger is made here, and there is no loop for it
        return False
    return callable(method) and not inspect.iscoroutinefunction(method)

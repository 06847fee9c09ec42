"""Events as lines of the standard library's `logging`: a client's, a verifier's, and triggers'.

    async with AuthClient(config, observer=LoggingObserver()) as auth: ...

Each event is one record of the logger "authflow.events": its message is the event's name and its
fields, `call_refused call=sign_in code=bad_credentials …`, and the record has the same fields as
attributes, each behind "authflow_", for formatters that write JSON. DEBUG shows all; INFO how each
call ended; WARNING what failed.
"""

import logging
from typing import Any, Final

from authflow.errors import MisuseError
from authflow.integrations.event_fields import Event, Field, event_fields, level_of
from authflow.unframed import whole

__all__ = ["LoggingObserver"]

LOGGER: Final = "authflow.events"


@whole
class LoggingObserver:
    """Logs events of clients, verifiers and triggers: no secrets are in them, and no names.

    Args:
        logger: Where to, and an adapter adds what it has; by default the logger "authflow.events".

    Raises:
        MisuseError: It is no logger.
    """

    def __init__(
        self, logger: logging.Logger | logging.LoggerAdapter[logging.Logger] | None = None
    ) -> None:
        if not isinstance(logger, logging.Logger | logging.LoggerAdapter | None):
            msg = f"logger must be one of logging.getLogger, not {type(logger).__name__}"
            raise MisuseError(msg)
        self._logger = logging.getLogger(LOGGER) if logger is None else logger

    def observe(self, event: Event) -> None:
        """Log an event.

        Args:
            event: What happened.
        """
        level = level_of(event)
        if not self._logger.isEnabledFor(level):
            return
        told = event_fields(event)
        line = " ".join((event.name, *(f"{name}={value}" for name, value in told.items())))
        extra: dict[str, Field] = {"authflow_event": event.name}
        extra.update((f"authflow_{name}", value) for name, value in told.items())
        logger, message = self._logger, "%s"
        more: dict[str, Any] = {"extra": extra}
        while isinstance(logger, logging.LoggerAdapter):
            # By its own `log` an adapter puts what it has itself in the place of all fields.
            message, processed = logger.process(message, more)
            more = {**processed, "extra": {**(processed.get("extra") or {}), **extra}}
            logger = logger.logger
        logger.log(level, message, line, **more)

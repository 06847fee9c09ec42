"""A client's events for structlog.

    async with AuthClient(config, observer=StructlogObserver()) as auth: ...

Each event is one entry: the event's name is its `event`, its fields are the entry's own. The levels
are those of `authflow.integrations.logging`.

Needs the extra `structlog`: `pip install 'cognito-authflow[structlog]'`.
"""

from typing import Any

from authflow.client.events import ClientEvent
from authflow.errors import MisuseError
from authflow.extras import UnavailableImportError, advice
from authflow.integrations.event_fields import event_fields, level_of
from authflow.unframed import whole

try:
    import structlog
except ImportError as error:
    raise UnavailableImportError(advice(error, extra="structlog")) from error

__all__ = ["StructlogObserver"]


@whole
class StructlogObserver:
    """Logs a client's events. Nothing in them is secret, and no user is named.

    Args:
        logger: Where to: a bound logger of structlog's, with a `log` method as all have that it
            comes with; by default `structlog.get_logger("authflow.events")`.

    Raises:
        MisuseError: It is no logger.
    """

    def __init__(self, logger: Any = None) -> None:
        self._logger = structlog.get_logger("authflow.events") if logger is None else logger
        if not callable(getattr(self._logger, "log", None)):
            msg = f"logger must be one of structlog.get_logger, not {type(logger).__name__}"
            raise MisuseError(msg)

    def observe(self, event: ClientEvent) -> None:
        """Log an event.

        Args:
            event: What happened.
        """
        self._logger.log(level_of(event), event.name, **event_fields(event))

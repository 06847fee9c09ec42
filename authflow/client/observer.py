"""`Observer`: is told what a client does."""

from collections.abc import Callable, Sequence
from typing import Protocol

from authflow.client.events import ClientEvent
from authflow.client.exchange import Exchange


class Observer(Protocol):
    """Is told what a client does, event by event.

        class Counter:
            def observe(self, event: ClientEvent) -> None:
                match event:
                    case CallRefused(call="sign_in", code=code):
                        count(code)

        AuthClient(config, observer=Counter())

    Any object with this method is one. It is called at once, in the task in which the event
    happened: what takes long keeps all sign-ins waiting, so put it into a queue. What it raises is
    said once in the log, by the error's class and place, and the sign-in goes on; Ctrl-C and
    SystemExit alone pass.
    """

    def observe(self, event: ClientEvent) -> None:
        """Take note of an event.

        Args:
            event: What happened. It is an immutable value.
        """


OneObserver = Observer | Callable[[Exchange], object]
Observers = OneObserver | Sequence[OneObserver]
"""The values that `AuthClient(observer=)` takes."""

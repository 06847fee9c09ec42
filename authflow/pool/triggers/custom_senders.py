"""The custom senders of pools: the owner's functions that deliver messages in the pool's place.

Cognito invokes them asynchronously ("Customizing user pool workflows with Lambda triggers",
important considerations): no reply waits for one, and its failure fails nothing. It is in the log.
"""

import asyncio
import html
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from attrs import define, field

from authflow.errors import AuthFlowError
from authflow.pool.accounts.user_pool import UserPool
from authflow.pool.cognito_errors import CognitoError
from authflow.pool.errands import leave
from authflow.pool.log_limit import limited_logger
from authflow.pool.triggers.occasion import Occasion
from authflow.pool.triggers.runner import TriggerRaisedError, TriggerRunner
from authflow.secret import Secret
from authflow.triggers.events.message_events import CustomEmailSenderEvent, CustomSMSSenderEvent

if TYPE_CHECKING:
    from authflow.pool.triggers.kms_endpoint import KmsEndpoint  # it needs an extra

_LOG: Final = limited_logger("authflow.pool.triggers")
_Kind = type[CustomEmailSenderEvent] | type[CustomSMSSenderEvent]
_EVENTS: Final[Mapping[str, _Kind]] = {"EMAIL": CustomEmailSenderEvent, "SMS": CustomSMSSenderEvent}
MOST: Final = 1000
"""The most messages that wait for their senders at a time, of all pools together."""


@define(kw_only=True)
class CustomSenders:
    """Invokes the pools' custom senders; an async context manager.

    At the end it waits for those that run, as long as a trigger may take, and then ends them.

    Args:
        triggers: Runs the pools' triggers.
        kms: Encrypts the codes; None where the server has no KMS endpoint, and so no senders.
    """

    triggers: TriggerRunner
    kms: "KmsEndpoint | None" = None
    _running: set[asyncio.Task[None]] = field(factory=set, init=False, repr=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        if not self._running:
            return
        _, late = await asyncio.wait(self._running, timeout=self.triggers.timeout)
        for task in late:
            task.cancel()
        if late:
            _LOG.warning("the server ends while %s custom senders run", len(late))
            await asyncio.wait(late)

    def serves(self, pool: UserPool, medium: str) -> bool:
        """Return whether a pool's messages of a medium go to a sender of its owner.

        Args:
            pool: The pool.
            medium: EMAIL or SMS.
        """
        return (
            self.kms is not None
            and pool.kms_key is not None
            and self.triggers.serves(pool, _EVENTS[medium].trigger)
        )

    def send(self, occasion: Occasion, medium: str, code: Secret[str], why: str) -> None:
        """Invoke the sender after the reply, whose time then tells nothing.

        Args:
            occasion: Who asked for the message; its user gets it.
            medium: As in `serves`, which said yes.
            code: The code in the message.
            why: What it is sent for, as the end of the triggerSource: ForgotPassword.
        """

        def begin() -> None:
            if len(self._running) >= MOST:
                _LOG.warning("%s: too many messages wait for custom senders", occasion.pool.id)
                return
            task = asyncio.get_running_loop().create_task(
                self._invoke(_EVENTS[medium], occasion, code, why)
            )
            self._running.add(task)
            task.add_done_callback(self._running.discard)

        leave(begin)

    async def _invoke(self, kind: _Kind, occasion: Occasion, code: Secret[str], why: str) -> None:
        try:
            await self._deliver(kind, occasion, code, why)
        except TriggerRaisedError as error:
            _LOG.warning("a message was not delivered: %s", error.reason)
        except CognitoError as error:
            _LOG.warning("a message was not delivered: %s", error.reason or error.code)
        except AuthFlowError as error:
            _LOG.warning("a message was not delivered, nor %s invoked: %s", kind.trigger, error)
        except Exception:  # noqa: BLE001  # nobody else would tell of it
            _LOG.exception("a message was not delivered: %s could not be invoked", kind.trigger)

    async def _deliver(self, kind: _Kind, occasion: Occasion, code: Secret[str], why: str) -> None:
        assert self.kms is not None  # noqa: S101  # serves() said so; for the type checker
        source = f"{kind.trigger}_{why}"
        if source in kind.escaped:
            code = Secret(html.escape(code.reveal()))
        event = kind(
            **occasion.members,
            source=source,
            code=await self.kms.encrypted(occasion.pool, code),
        )
        await self.triggers.inform(occasion.pool, event)

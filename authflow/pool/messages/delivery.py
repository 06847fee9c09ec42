"""The delivery of messages: the one place that decides how a message that is kept gets to its user.

Where the pool has a custom sender for its medium, that is the only way, as on Cognito; otherwise
`on_message` is told. The mailbox has the message in either case: `put_message` has stored it.
"""

from attrs import define

from authflow.pool.messages.mailbox import Mailbox, SentMessage
from authflow.pool.triggers.custom_senders import CustomSenders
from authflow.pool.triggers.occasion import Occasion


@define(kw_only=True)
class Delivery:
    """Delivers messages that are in the mailbox.

    Args:
        mailbox: Tells of messages.
        senders: The senders of the pools' owners.
    """

    mailbox: Mailbox
    senders: CustomSenders

    def send(
        self,
        occasion: Occasion,
        message: SentMessage,
        source: str | None,
        *,
        after_reply: bool = False,
    ) -> None:
        """Send a message.

        Args:
            occasion: The request that it is sent for, with the user who gets it.
            message: The message.
            source: The triggerSource with which CustomMessage words such a message, as
                CustomMessage_ForgotPassword; None for one without a code, which has none.
            after_reply: Whether the request's time must not tell that a message was sent.

        Raises:
            CognitoError: CodeDeliveryFailureException; `on_message` failed before the reply.
        """
        if (
            source is not None
            and message.code is not None
            and self.senders.serves(occasion.pool, message.medium)
        ):
            why = source.partition("_")[2]
            self.senders.send(occasion, message.medium, message.code, why)
        elif after_reply:
            self.mailbox.announce_later(message)
        else:
            self.mailbox.announce(message)

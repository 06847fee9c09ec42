"""The embedded user pool: it speaks Cognito's protocol and needs no AWS account."""

from authflow.pool.messages.mailbox import Mailbox, Message
from authflow.pool.server import PoolServer, serve

__all__ = ["Mailbox", "Message", "PoolServer", "serve"]

"""The embedded user pool: it speaks Cognito's protocol and needs no AWS account."""

from authflow.pool.admission.budgets import Budget
from authflow.pool.messages.mailbox import Mailbox, Message
from authflow.pool.server import PoolServer, serve

__all__ = ["Budget", "Mailbox", "Message", "PoolServer", "serve"]

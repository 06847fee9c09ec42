"""The embedded user pool: it speaks Cognito's protocol and needs no AWS account.

Needs the extra `pool`: `pip install 'cognito-authflow[pool]'`.
"""

from authflow.extras import UnavailableImportError, advice

try:
    from authflow.pool.admission.budgets import Budget
    from authflow.pool.messages.mailbox import Mailbox, SentMessage
    from authflow.pool.pool_in_thread import PoolInThread
    from authflow.pool.server import PoolServer, serve
except ImportError as error:  # or a library of theirs is broken
    raise UnavailableImportError(advice(error, extra="pool")) from error

__all__ = ["Budget", "Mailbox", "PoolInThread", "PoolServer", "SentMessage", "serve"]

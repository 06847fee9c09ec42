"""Answers that come too late: the session that they find is good for nothing any more.

An expired session is kept for a while, so that its user hears of it. Without this a clock that is
set back would make it, and the code in it, good again. The session of a sign-in that has lost its
device is used up by the answer that hears of it.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from authflow.pool.sign_ins.sessions import (
    LateAnswerError,
    LostDeviceError,
    end_expired,
    end_lost,
)
from authflow.pool.store.database import Database


@asynccontextmanager
async def no_second_chance(database: Database) -> AsyncIterator[None]:
    """Judge an answer; if its session has expired or lost its device, it has for good.

    Args:
        database: Where sessions are.

    Raises:
        CognitoError: What the answer was refused by.
    """
    try:
        yield
    except LateAnswerError as late:
        await database.write(end_expired, late.session_id)
        raise
    except LostDeviceError as lost:
        await database.write(end_lost, lost.session_id)
        raise

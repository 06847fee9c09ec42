"""The pool's replies in a sign-in: a challenge or tokens."""

from typing import Any

from attrs import define, evolve

from authflow.machine import Challenged, State
from authflow.pool.accounts.callers import Caller
from authflow.pool.accounts.users import User
from authflow.pool.ground import Ground
from authflow.pool.sign_ins.next_step import ChallengeOwed
from authflow.pool.sign_ins.sessions import Progress, new_handle, put_session
from authflow.pool.tokens.families import Grant
from authflow.pool.tokens.issuer import TokenIssuer
from authflow.pool.tokens.overrides import TokenOverrides
from authflow.triggers.events.trigger_replies import CreateReply
from authflow.wire import custom
from authflow.wire.members import USERNAME


@define(kw_only=True)
class SignInReplies:
    """Makes replies.

    Args:
        ground: The parts that all services share.
        tokens: Signs tokens.
    """

    ground: Ground
    tokens: TokenIssuer

    async def round(self, caller: Caller, progress: Progress, made: CreateReply) -> dict[str, Any]:
        """Store a sign-in that waits at a custom challenge, and return the challenge."""
        handle = new_handle()
        waiting = evolve(
            progress.follow(Challenged(State.CUSTOM_CHALLENGE)),
            private=made.private,
            metadata=made.metadata,
        )
        await self.keep(caller, waiting, handle)
        owed = ChallengeOwed(
            state=State.CUSTOM_CHALLENGE, parameters=custom.Asked(made.public).write()
        )
        return asked(waiting, owed, handle)

    async def keep(self, caller: Caller, progress: Progress, handle: str) -> None:
        """Store a sign-in until it is answered."""
        now = self.ground.clock()
        expires_at = now + caller.client.session_seconds
        await self.ground.database.write(put_session, handle, progress, now, expires_at)

    async def granted(
        self, caller: Caller, user: User, given: Grant, overrides: TokenOverrides | None = None
    ) -> dict[str, Any]:
        """Return the reply with the tokens of a grant."""
        result = await self.tokens.result(caller.pool, caller.client, user, given, overrides)
        return {"ChallengeParameters": {}, "AuthenticationResult": result}


def asked(progress: Progress, owed: ChallengeOwed, handle: str) -> dict[str, Any]:
    """Return the reply that asks for the answer to a challenge.

    Args:
        progress: Where the sign-in stands.
        owed: The challenge.
        handle: The session's.
    """
    return {
        "ChallengeName": str(owed.state),
        "Session": handle,
        "ChallengeParameters": {**owed.parameters, USERNAME: progress.shown},
    }

"""What the pool answers: a challenge or tokens, and only what the auth flow's table allows."""

from collections.abc import Callable, Mapping
from typing import Any

from attrs import define, evolve

from authflow import wire
from authflow.errors import UnexpectedReplyError
from authflow.machine import Challenged, Event, Outcome, State, advance
from authflow.pool.accounts.app_clients import AppClient
from authflow.pool.accounts.callers import Caller, check_may_sign_in
from authflow.pool.accounts.users import User, find_user_by_sub
from authflow.pool.cognito_errors import invalid_trigger_result, not_authorized
from authflow.pool.sign_ins.sessions import Progress, new_handle, put_session
from authflow.pool.sign_ins.sign_in_triggers import SignInTriggers
from authflow.pool.store.connection import Connection
from authflow.pool.store.database import Database
from authflow.pool.tokens.issuer import Grant, TokenIssuer, start_family
from authflow.pool.tokens.overrides import TokenOverrides


def follow(progress: Progress, event: Event) -> Progress:
    """Advance a sign-in by the table of its flow.

    Raises:
        CognitoError: The table does not allow it. Only a trigger can ask for such a thing.
    """
    try:
        return evolve(progress, state=advance(progress.flow, progress.state, event))
    except UnexpectedReplyError as error:
        raise invalid_trigger_result() from error


def grant(
    connection: Connection, client: AppClient, progress: Progress, user: User, now: float
) -> Grant:
    """Let a sign-in end well, where its table allows that.

    Raises:
        CognitoError: The table does not.
    """
    follow(progress, Outcome.AUTHENTICATED)
    return start_family(connection, client, user, progress.auth_time, now)


def _grant_after_triggers(
    connection: Connection, caller: Caller, progress: Progress, sub: str, now: float
) -> tuple[User, Grant]:
    """Let a sign-in end well whose user was read before triggers took their time.

    Raises:
        CognitoError: Meanwhile the user was deleted, or may no longer sign in.
    """
    user = find_user_by_sub(connection, caller.pool.id, sub)
    if user is None:
        raise not_authorized()
    check_may_sign_in(user)
    return user, grant(connection, caller.client, progress, user, now)


@define(kw_only=True)
class Replies:
    """Makes replies.

    Args:
        database: Where sessions and token families are kept.
        tokens: Signs tokens.
        triggers: What is asked before tokens are given.
        clock: Gives the time, in seconds since the epoch.
    """

    database: Database
    tokens: TokenIssuer
    triggers: SignInTriggers
    clock: Callable[[], float]

    async def challenge(
        self, caller: Caller, progress: Progress, state: State, parameters: Mapping[str, str]
    ) -> dict[str, Any]:
        """Ask for an answer.

        Args:
            caller: Who asked.
            progress: Where the sign-in stands; all but its state is kept with the new session.
            state: The challenge.
            parameters: What the client is told.
        """
        handle = new_handle()
        await self.keep(caller, follow(progress, Challenged(state)), handle)
        return {
            "ChallengeName": str(state),
            "Session": handle,
            "ChallengeParameters": {**parameters, wire.USERNAME: progress.username},
        }

    async def keep(self, caller: Caller, progress: Progress, handle: str) -> None:
        """Keep a sign-in until it is answered."""
        now = self.clock()
        expires_at = now + caller.client.session_seconds
        await self.database.write(put_session, handle, progress, now, expires_at)

    async def signed_in(self, caller: Caller, progress: Progress, user: User) -> dict[str, Any]:
        """Give tokens, if the triggers allow it; nothing is kept of a sign-in that they refuse.

        Raises:
            CognitoError: A trigger refused or failed, or the user may no longer sign in.
        """
        overrides = await self.triggers.after(caller, progress, user)
        user, given = await self.database.write(
            _grant_after_triggers, caller, progress, user.sub, self.clock()
        )
        return await self.granted(caller, user, given, overrides)

    async def granted(
        self, caller: Caller, user: User, given: Grant, overrides: TokenOverrides | None = None
    ) -> dict[str, Any]:
        """Give the tokens of a grant."""
        result = await self.tokens.result(caller.pool, caller.client, user, given, overrides)
        return {"ChallengeParameters": {}, "AuthenticationResult": result}

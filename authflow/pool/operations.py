"""The operations that the pool serves: one table of names and handlers, and their services."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from authflow.pool.accounts.app_clients import AppClients
from authflow.pool.accounts.groups import Groups
from authflow.pool.accounts.user_administration import UserAdministration
from authflow.pool.accounts.user_pools import UserPools
from authflow.pool.confirmations.forgotten_passwords import ForgottenPasswords
from authflow.pool.messages.mailbox import Mailbox
from authflow.pool.messages.wording import Wording
from authflow.pool.settings.notices import Notices
from authflow.pool.sign_ins.challenges.custom import CustomRounds
from authflow.pool.sign_ins.challenges.new_password import NewPasswords
from authflow.pool.sign_ins.challenges.password import PasswordChecks
from authflow.pool.sign_ins.challenges.password_verifier import Handshakes
from authflow.pool.sign_ins.migration import Migration
from authflow.pool.sign_ins.migration_claims import MigrationClaims
from authflow.pool.sign_ins.replies import Replies
from authflow.pool.sign_ins.sign_in import SignIns
from authflow.pool.sign_ins.sign_in_triggers import SignInTriggers
from authflow.pool.store.database import Database
from authflow.pool.tokens.issuer import TokenIssuer
from authflow.pool.tokens.refresh import Refresh
from authflow.pool.tokens.trigger import TokenTrigger
from authflow.pool.triggers.runner import TriggerRunner
from authflow.pool.workers import Workers

Operation = Callable[[Mapping[str, Any]], Awaitable[dict[str, Any]]]
"""A handler: it takes a validated request and returns the reply, or raises `CognitoError`."""
MOST_SESSIONS: Final = 50


def operations(
    *,
    database: Database,
    workers: Workers,
    tokens: TokenIssuer,
    triggers: TriggerRunner,
    mailbox: Mailbox,
    region: str,
    tokens_survive: bool,
    clock: Callable[[], float],
    notices: Notices,
    most_sessions: int = MOST_SESSIONS,
) -> Mapping[str, Operation]:
    """Return the table of operations.

    Args:
        database: Where everything is kept.
        workers: Threads for arithmetic and signatures.
        tokens: Signs and checks tokens.
        triggers: Runs the pools' triggers.
        mailbox: Tells of the messages that pools send.
        region: What new pools' ids begin with.
        tokens_survive: Whether tokens stay good when the password changes.
        clock: Gives the time, in seconds since the epoch.
        notices: Tells of settings that have no effect.
        most_sessions: How many sign-ins that began under one name may wait for an answer.
    """
    pools = UserPools(
        database=database, workers=workers, clock=clock, region=region, notices=notices
    )
    clients = AppClients(database=database, clock=clock, notices=notices)
    users = UserAdministration(
        database=database, workers=workers, tokens_survive=tokens_survive, clock=clock
    )
    groups = Groups(database=database, clock=clock)
    token_trigger = TokenTrigger(triggers=triggers, database=database)
    around = SignInTriggers(triggers=triggers, tokens=token_trigger)
    replies = Replies(database=database, tokens=tokens, clock=clock)
    refresh = Refresh(database=database, tokens=tokens, trigger=token_trigger, clock=clock)
    migration = Migration(
        database=database,
        workers=workers,
        triggers=triggers,
        mailbox=mailbox,
        claims=MigrationClaims(database=database, triggers=triggers, clock=clock),
        clock=clock,
    )
    forgotten = ForgottenPasswords(
        database=database,
        workers=workers,
        triggers=triggers,
        migration=migration,
        wording=Wording(triggers=triggers),
        mailbox=mailbox,
        tokens_survive=tokens_survive,
        clock=clock,
    )
    sign_ins = SignIns(
        database=database,
        handshakes=Handshakes(
            database=database, workers=workers, replies=replies, triggers=around, clock=clock
        ),
        passwords=PasswordChecks(
            database=database, workers=workers, migration=migration, triggers=around, clock=clock
        ),
        new_passwords=NewPasswords(
            database=database,
            workers=workers,
            triggers=around,
            tokens_survive=tokens_survive,
            clock=clock,
        ),
        custom=CustomRounds(triggers=triggers, database=database, clock=clock),
        refresh=refresh,
        replies=replies,
        triggers=around,
        most_sessions=most_sessions,
        clock=clock,
    )
    return {
        "CreateUserPool": pools.create,
        "DescribeUserPool": pools.describe,
        "UpdateUserPool": pools.update,
        "DeleteUserPool": pools.delete,
        "ListUserPools": pools.list,
        "CreateUserPoolClient": clients.create,
        "DescribeUserPoolClient": clients.describe,
        "UpdateUserPoolClient": clients.update,
        "DeleteUserPoolClient": clients.delete,
        "ListUserPoolClients": clients.list,
        "AdminCreateUser": users.create,
        "AdminSetUserPassword": users.set_password,
        "AdminGetUser": users.get,
        "AdminDisableUser": users.disable,
        "AdminEnableUser": users.enable,
        "AdminDeleteUser": users.delete,
        "AdminResetUserPassword": forgotten.reset,
        "CreateGroup": groups.create,
        "GetGroup": groups.get,
        "DeleteGroup": groups.delete,
        "ListGroups": groups.list,
        "AdminListGroupsForUser": groups.list,
        "AdminAddUserToGroup": groups.add_user,
        "AdminRemoveUserFromGroup": groups.remove_user,
        "ForgotPassword": forgotten.forgot,
        "ConfirmForgotPassword": forgotten.confirm,
        "InitiateAuth": sign_ins.initiate,
        "RespondToAuthChallenge": sign_ins.respond,
        "AdminInitiateAuth": sign_ins.admin_initiate,
        "AdminRespondToAuthChallenge": sign_ins.respond,
        "GetTokensFromRefreshToken": refresh.renew,
        "RevokeToken": refresh.revoke,
        "GetUser": refresh.user,
        "GlobalSignOut": refresh.sign_out,
    }

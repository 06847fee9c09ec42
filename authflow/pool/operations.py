"""The operations that the pool serves: one table of names and handlers, and their services."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from authflow.pool.accounts.app_clients import AppClients
from authflow.pool.accounts.client_secret_changes import ClientSecretChanges
from authflow.pool.accounts.custom_attributes import CustomAttributes
from authflow.pool.accounts.groups import GroupAdministration
from authflow.pool.accounts.own_account import OwnAccount
from authflow.pool.accounts.tags import Tags
from authflow.pool.accounts.user_administration import UserAdministration
from authflow.pool.accounts.user_list import UserLists
from authflow.pool.accounts.user_pools import UserPools
from authflow.pool.confirmations.address_verifications import AddressVerifications
from authflow.pool.confirmations.attribute_updates import AttributeUpdates
from authflow.pool.confirmations.confirmation_links import ConfirmationLinks
from authflow.pool.confirmations.forgotten_passwords import ForgottenPasswords
from authflow.pool.confirmations.sign_up_confirmations import SignUpConfirmations
from authflow.pool.confirmations.sign_ups import SignUps
from authflow.pool.devices.device_service import Devices
from authflow.pool.factors.factor_administration import FactorAdministration
from authflow.pool.factors.own_factors import OwnFactors
from authflow.pool.factors.pool_factors import PoolFactors
from authflow.pool.ground import Ground
from authflow.pool.imports.import_runner import ImportRunner
from authflow.pool.imports.user_imports import UserImports
from authflow.pool.messages.delivery import Delivery
from authflow.pool.messages.wording import Wording
from authflow.pool.settings.notices import Notices
from authflow.pool.sign_ins.challenges.codes import CodeChecks
from authflow.pool.sign_ins.challenges.custom import CustomRounds
from authflow.pool.sign_ins.challenges.device_proof import DeviceProofs
from authflow.pool.sign_ins.challenges.mfa_choice import FactorChoices
from authflow.pool.sign_ins.challenges.mfa_setup import Setups
from authflow.pool.sign_ins.challenges.new_password import NewPasswords
from authflow.pool.sign_ins.challenges.password import PasswordChecks
from authflow.pool.sign_ins.challenges.password_verifier import Handshakes
from authflow.pool.sign_ins.migration_claims import MigrationClaims
from authflow.pool.sign_ins.sign_in_replies import SignInReplies
from authflow.pool.sign_ins.sign_in_service import SignIns
from authflow.pool.sign_ins.sign_in_triggers import SignInTriggers
from authflow.pool.sign_ins.user_migration import Migration
from authflow.pool.tokens.issuer import TokenIssuer
from authflow.pool.tokens.refresh import Refresh
from authflow.pool.tokens.trigger import TokenTrigger

Operation = Callable[[Mapping[str, Any]], Awaitable[dict[str, Any]]]
"""A handler: it takes a validated request and returns the reply, or raises `CognitoError`."""
MOST_SESSIONS: Final = 50


def operations(
    *,
    ground: Ground,
    tokens: TokenIssuer,
    delivery: Delivery,
    import_runner: ImportRunner,
    region: str,
    tokens_survive: bool,
    notices: Notices,
    most_sessions: int = MOST_SESSIONS,
) -> Mapping[str, Operation]:
    """Return the table of operations.

    Args:
        ground: The parts that all services share.
        tokens: Signs and checks tokens.
        delivery: Sends the pools' messages.
        import_runner: Runs the pools' import jobs.
        region: What new pools' ids begin with.
        tokens_survive: Whether tokens stay good when the password changes.
        notices: Tells of settings that have no effect.
        most_sessions: How many sign-ins that began under one name may wait for an answer.
    """
    pools = UserPools(ground=ground, region=region, notices=notices)
    custom_attributes = CustomAttributes(ground=ground)
    tags = Tags(ground=ground)
    clients = AppClients(ground=ground, notices=notices)
    wording = Wording(ground=ground)
    users = UserAdministration(
        ground=ground, wording=wording, delivery=delivery, tokens_survive=tokens_survive
    )
    groups = GroupAdministration(ground=ground)
    own_account = OwnAccount(ground=ground, tokens=tokens, tokens_survive=tokens_survive)
    client_secrets = ClientSecretChanges(ground=ground)
    lists = UserLists(ground=ground)
    imports = UserImports(ground=ground, runner=import_runner, tokens=tokens)
    pool_factors = PoolFactors(ground=ground, notices=notices)
    users_factors = FactorAdministration(ground=ground)
    token_trigger = TokenTrigger(ground=ground)
    around = SignInTriggers(ground=ground, tokens=token_trigger)
    setups = Setups(ground=ground, triggers=around)
    own_factors = OwnFactors(ground=ground, tokens=tokens, setups=setups)
    replies = SignInReplies(ground=ground, tokens=tokens)
    refresh = Refresh(ground=ground, tokens=tokens, trigger=token_trigger)
    devices = Devices(ground=ground, tokens=tokens)
    migration = Migration(ground=ground, delivery=delivery, claims=MigrationClaims(ground=ground))
    forgotten = ForgottenPasswords(
        ground=ground,
        migration=migration,
        wording=wording,
        delivery=delivery,
        tokens_survive=tokens_survive,
    )
    links = ConfirmationLinks(tokens=tokens)
    sign_ups = SignUps(ground=ground, wording=wording, delivery=delivery, links=links)
    confirmations = SignUpConfirmations(
        ground=ground, wording=wording, delivery=delivery, links=links
    )
    updates = AttributeUpdates(ground=ground, tokens=tokens, wording=wording, delivery=delivery)
    addresses = AddressVerifications(
        ground=ground, tokens=tokens, wording=wording, delivery=delivery
    )
    sign_ins = SignIns(
        ground=ground,
        handshakes=Handshakes(ground=ground, replies=replies, triggers=around),
        passwords=PasswordChecks(ground=ground, migration=migration, triggers=around),
        new_passwords=NewPasswords(ground=ground, triggers=around, tokens_survive=tokens_survive),
        custom=CustomRounds(ground=ground),
        codes=CodeChecks(ground=ground, triggers=around, wording=wording, delivery=delivery),
        choices=FactorChoices(ground=ground, triggers=around),
        setups=setups,
        devices=DeviceProofs(ground=ground, replies=replies, triggers=around),
        refresh=refresh,
        replies=replies,
        triggers=around,
        most_sessions=most_sessions,
    )
    return {
        "CreateUserPool": pools.create,
        "DescribeUserPool": pools.describe,
        "UpdateUserPool": pools.update,
        "DeleteUserPool": pools.delete,
        "ListUserPools": pools.list,
        "SetUserPoolMfaConfig": pool_factors.set,
        "GetUserPoolMfaConfig": pool_factors.get,
        "AddCustomAttributes": custom_attributes.add,
        "TagResource": tags.tag,
        "UntagResource": tags.untag,
        "ListTagsForResource": tags.list,
        "CreateUserPoolClient": clients.create,
        "DescribeUserPoolClient": clients.describe,
        "UpdateUserPoolClient": clients.update,
        "DeleteUserPoolClient": clients.delete,
        "ListUserPoolClients": clients.list,
        "AddUserPoolClientSecret": client_secrets.add,
        "ListUserPoolClientSecrets": client_secrets.list,
        "DeleteUserPoolClientSecret": client_secrets.delete,
        "AdminCreateUser": users.create,
        "AdminSetUserPassword": users.set_password,
        "AdminGetUser": users.get,
        "AdminDisableUser": users.disable,
        "AdminEnableUser": users.enable,
        "AdminDeleteUser": users.delete,
        "AdminUserGlobalSignOut": users.sign_out,
        "AdminUpdateUserAttributes": updates.update_named,
        "AdminDeleteUserAttributes": updates.delete_named,
        "AdminResetUserPassword": forgotten.reset,
        "AdminSetUserMFAPreference": users_factors.prefer,
        "AdminSetUserSettings": users_factors.set_up,
        "AdminDeleteSoftwareToken": users_factors.delete_authenticator,
        "AdminGetUserAuthFactors": users_factors.list,
        "ListUsers": lists.of_pool,
        "ListUsersInGroup": lists.of_group,
        "GetCSVHeader": imports.header,
        "CreateUserImportJob": imports.create,
        "DescribeUserImportJob": imports.describe,
        "ListUserImportJobs": imports.list,
        "StartUserImportJob": imports.start,
        "StopUserImportJob": imports.stop,
        "CreateGroup": groups.create,
        "GetGroup": groups.get,
        "UpdateGroup": groups.update,
        "DeleteGroup": groups.delete,
        "ListGroups": groups.list,
        "AdminListGroupsForUser": groups.list,
        "AdminAddUserToGroup": groups.add_user,
        "AdminRemoveUserFromGroup": groups.remove_user,
        "SignUp": sign_ups.sign_up,
        "ConfirmSignUp": confirmations.confirm,
        "ResendConfirmationCode": confirmations.resend,
        "AdminConfirmSignUp": confirmations.confirm_named,
        "ForgotPassword": forgotten.forgot,
        "ConfirmForgotPassword": forgotten.confirm,
        "InitiateAuth": sign_ins.initiate,
        "RespondToAuthChallenge": sign_ins.respond,
        "AdminInitiateAuth": sign_ins.admin_initiate,
        "AdminRespondToAuthChallenge": sign_ins.respond,
        "GetTokensFromRefreshToken": refresh.renew,
        "RevokeToken": refresh.revoke,
        "GetUser": refresh.user,
        "AssociateSoftwareToken": own_factors.associate,
        "VerifySoftwareToken": own_factors.verify,
        "SetUserMFAPreference": own_factors.prefer,
        "SetUserSettings": own_factors.set_up,
        "GetUserAuthFactors": own_factors.list,
        "GlobalSignOut": refresh.sign_out,
        "ChangePassword": own_account.change_password,
        "DeleteUser": own_account.delete,
        "UpdateUserAttributes": updates.update,
        "DeleteUserAttributes": updates.delete,
        "GetUserAttributeVerificationCode": addresses.send,
        "VerifyUserAttribute": addresses.verify,
        "ConfirmDevice": devices.confirm,
        "UpdateDeviceStatus": devices.update_status,
        "ForgetDevice": devices.forget,
        "GetDevice": devices.get,
        "ListDevices": devices.list,
        "AdminUpdateDeviceStatus": devices.admin_update_status,
        "AdminForgetDevice": devices.admin_forget,
        "AdminGetDevice": devices.admin_get,
        "AdminListDevices": devices.admin_list,
    }


def link_confirmation(*, ground: Ground, tokens: TokenIssuer, delivery: Delivery) -> Operation:
    """Return what confirms a sign-up by a link; see `operations`."""
    return SignUpConfirmations(
        ground=ground,
        wording=Wording(ground=ground),
        delivery=delivery,
        links=ConfirmationLinks(tokens=tokens),
    ).follow

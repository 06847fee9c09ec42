"""The fates of all members of CreateUserPoolClient and UpdateUserPoolClient."""

from typing import Final

from authflow.pool.settings.fates import Case, Fate, Setting, SettingsTable, carried_out, kept

CREATE: Final = "CreateUserPoolClient"
UPDATE: Final = "UpdateUserPoolClient"

_FLOWS: Final = Setting(
    paths=("ExplicitAuthFlows",),
    cases=(
        Case(
            values=("ALLOW_USER_AUTH",),
            fate=Fate.KEPT,
            because="USER_AUTH is refused by UnsupportedOperationException; the other names are "
            "carried out",
        ),
        Case(
            fate=Fate.CARRIED_OUT,
            because="a flow that is not among them is refused",
        ),
    ),
)

_ROWS: Final = (
    carried_out("says which pool", "UserPoolId"),
    carried_out("says which client", "ClientId", only=UPDATE),
    carried_out("names the client", "ClientName"),
    carried_out(
        "whoever has no right SECRET_HASH is refused",
        "GenerateSecret",
        "ClientSecret",
        only=CREATE,
    ),
    carried_out(
        "how long tokens are good",
        "RefreshTokenValidity",
        "AccessTokenValidity",
        "IdTokenValidity",
        "TokenValidityUnits.AccessToken",
        "TokenValidityUnits.IdToken",
        "TokenValidityUnits.RefreshToken",
    ),
    carried_out(
        "which attributes users read and write through the client",
        "ReadAttributes",
        "WriteAttributes",
    ),
    _FLOWS,
    kept(
        "managed login and the OAuth 2.0 endpoints are not served; as on Cognito, none of this "
        "hinders a sign-in by an SDK",
        "SupportedIdentityProviders",
        "CallbackURLs",
        "LogoutURLs",
        "DefaultRedirectURI",
        "AllowedOAuthFlows",
        "AllowedOAuthScopes",
        "AllowedOAuthFlowsUserPoolClient",
    ),
    kept(
        "nothing is counted for Pinpoint",
        "AnalyticsConfiguration.ApplicationId",
        "AnalyticsConfiguration.ApplicationArn",
        "AnalyticsConfiguration.RoleArn",
        "AnalyticsConfiguration.ExternalId",
        "AnalyticsConfiguration.UserDataShared",
    ),
    carried_out(
        "ENABLED: nobody learns from a reply which users exist", "PreventUserExistenceErrors"
    ),
    carried_out("false: RevokeToken is refused", "EnableTokenRevocation"),
    kept(
        "it feeds the threat protection, which is not there",
        "EnablePropagateAdditionalUserContextData",
    ),
    carried_out("how long a challenge can be answered", "AuthSessionValidity"),
    carried_out(
        "a refresh gives a new refresh token, and the old one ends",
        "RefreshTokenRotation.Feature",
        "RefreshTokenRotation.RetryGracePeriodSeconds",
    ),
)

APP_CLIENT: Final = SettingsTable(_ROWS)

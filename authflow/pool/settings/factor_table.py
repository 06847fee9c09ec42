"""The fates of all members of SetUserPoolMfaConfig."""

from typing import Final

from authflow.pool.settings.fates import SettingsTable, carried_out, kept, told

_PASSKEYS: Final = "nobody can register a passkey here, or sign in by one"

FACTORS_OF_POOL: Final = SettingsTable(
    (
        carried_out("says which pool", "UserPoolId"),
        carried_out(
            "says whether every user needs a second factor, whoever wants one has it, or nobody",
            "MfaConfiguration",
        ),
        carried_out(
            "users may have codes by text message; this is how they are worded",
            "SmsMfaConfiguration.SmsAuthenticationMessage",
        ),
        kept(
            "the pool's own SmsConfiguration; nothing is sent: messages go to the mailbox",
            "SmsMfaConfiguration.SmsConfiguration.SnsCallerArn",
            "SmsMfaConfiguration.SmsConfiguration.ExternalId",
            "SmsMfaConfiguration.SmsConfiguration.SnsRegion",
            "SmsMfaConfiguration.SmsConfiguration.EumsSms.CallerArn",
            "SmsMfaConfiguration.SmsConfiguration.EumsSms.ExternalId",
            "SmsMfaConfiguration.SmsConfiguration.EumsSms.OriginationIdentity",
            "SmsMfaConfiguration.SmsConfiguration.EumsSms.ConfigurationSetName",
            "SmsMfaConfiguration.SmsConfiguration.EumsSms.InEntityId",
            "SmsMfaConfiguration.SmsConfiguration.EumsSms.InTemplateId",
            "SmsMfaConfiguration.SmsConfiguration.EumsSms.Region",
        ),
        carried_out("users may have an authenticator app", "SoftwareTokenMfaConfiguration.Enabled"),
        carried_out(
            "users may have codes by e-mail; this is how they are worded",
            "EmailMfaConfiguration.Message",
            "EmailMfaConfiguration.Subject",
        ),
        told(
            _PASSKEYS,
            "WebAuthnConfiguration.RelyingPartyId",
            "WebAuthnConfiguration.UserVerification",
            "WebAuthnConfiguration.FactorConfiguration",
        ),
    )
)

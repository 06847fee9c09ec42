"""The fates of all members of CreateUserPool and UpdateUserPool."""

from typing import Final

from authflow.machine import State
from authflow.pool.settings.fates import Case, Fate, Setting, SettingsTable, carried_out, kept, told

CREATE: Final = "CreateUserPool"
UPDATE: Final = "UpdateUserPool"

_NO_SIGN_UP: Final = "it matters to SignUp, which is not served"
_MAILBOX: Final = "nothing is sent: messages go to the mailbox, and to whoever asked to be told"
_RISK: Final = "Cognito's risk scores are its own: here no sign-in is challenged or blocked for one"

_MFA: Final = carried_out(
    "once the password is proved: with ON every user is asked for a second factor, with OPTIONAL "
    "those who have turned one on",
    "MfaConfiguration",
)
_FIRST_FACTORS: Final = Setting(
    paths=("Policies.SignInPolicy.AllowedFirstAuthFactors",),
    cases=(
        Case(
            lacks="PASSWORD",
            fate=Fate.REFUSED,
            because="the password is not among the first factors, and the others cannot be asked",
            asks=State.MFA_SETUP,
        ),
        Case(
            fate=Fate.KEPT,
            because="only USER_AUTH lets users choose among them, and USER_AUTH is refused",
        ),
    ),
)
_HISTORY: Final = Setting(
    paths=("Policies.PasswordPolicy.PasswordHistorySize",),
    cases=(
        Case(values=(0,), fate=Fate.CARRIED_OUT, because="former passwords do not matter"),
        Case(
            fate=Fate.TOLD,
            because="no former passwords are kept, so one may be used again",
        ),
    ),
)
_THREATS: Final = Setting(
    paths=("UserPoolAddOns.AdvancedSecurityMode",),
    cases=(
        Case(values=("OFF", "AUDIT"), fate=Fate.KEPT, because="it changes no sign-in"),
        Case(values=("ENFORCED",), fate=Fate.TOLD, because=_RISK),
    ),
)
_THREATS_TO_CUSTOM_AUTH: Final = Setting(
    paths=("UserPoolAddOns.AdvancedSecurityAdditionalFlows.CustomAuthMode",),
    cases=(
        Case(values=("AUDIT",), fate=Fate.KEPT, because="it changes no sign-in"),
        Case(values=("ENFORCED",), fate=Fate.TOLD, because=_RISK),
    ),
)
_ISSUER: Final = Setting(
    paths=("IssuerConfiguration.Type",),
    cases=(
        Case(
            values=("ORIGINAL",),
            fate=Fate.KEPT,
            because="the issuer is the server's own address, or the one it was given",
        ),
        Case(
            values=("UPDATED",),
            fate=Fate.TOLD,
            because="on Cognito tokens name another host as issuer; here it is the server's own "
            "address, or the one it was given",
        ),
    ),
)

_SENDERS: Final = Setting(
    paths=("LambdaConfig.CustomEmailSender.LambdaArn", "LambdaConfig.CustomSMSSender.LambdaArn"),
    cases=(
        Case(
            fate=Fate.CARRIED_OUT,
            because="invoked after the reply with every code that is sent, instead of `on_message`;"
            " what it raises is logged and fails nothing",
        ),
        Case(
            fate=Fate.TOLD,
            without_kms=True,
            because="it is not invoked, as nothing encrypts the codes (kms_endpoint, KMSKeyID): "
            "they go to the pool's own mailbox instead",
        ),
    ),
)

_ROWS: Final = (
    carried_out("names the pool", "PoolName"),
    carried_out("says which pool", "UserPoolId", only=UPDATE),
    carried_out(
        "every new password conforms; temporary ones expire",
        "Policies.PasswordPolicy.MinimumLength",
        "Policies.PasswordPolicy.RequireUppercase",
        "Policies.PasswordPolicy.RequireLowercase",
        "Policies.PasswordPolicy.RequireNumbers",
        "Policies.PasswordPolicy.RequireSymbols",
        "Policies.PasswordPolicy.TemporaryPasswordValidityDays",
    ),
    _HISTORY,
    _FIRST_FACTORS,
    carried_out("a protected pool is not deleted", "DeletionProtection"),
    carried_out(
        "run when Cognito runs them and with what it gives them; one that cannot be invoked fails "
        "the sign-in",
        "LambdaConfig.PreAuthentication",
        "LambdaConfig.PostAuthentication",
        "LambdaConfig.DefineAuthChallenge",
        "LambdaConfig.CreateAuthChallenge",
        "LambdaConfig.VerifyAuthChallengeResponse",
        "LambdaConfig.PreTokenGeneration",
        "LambdaConfig.PreTokenGenerationConfig.LambdaVersion",
        "LambdaConfig.PreTokenGenerationConfig.LambdaArn",
        "LambdaConfig.UserMigration",
    ),
    carried_out(
        "runs after ConfirmForgotPassword; sign-ups, after which it runs too, are not served",
        "LambdaConfig.PostConfirmation",
    ),
    carried_out(
        "words codes for forgotten passwords, and those that are second factors; AdminCreateUser"
        " sends nothing",
        "LambdaConfig.CustomMessage",
    ),
    told(
        "it is not run: on Cognito it also judges AdminCreateUser, and may refuse it",
        "LambdaConfig.PreSignUp",
    ),
    _SENDERS,
    carried_out("the key under which codes go to custom senders", "LambdaConfig.KMSKeyID"),
    kept(
        "it goes with a custom sender, and there is V1_0 only",
        "LambdaConfig.CustomEmailSender.LambdaVersion",
        "LambdaConfig.CustomSMSSender.LambdaVersion",
    ),
    kept(
        "it matters to sign-ins by other identity providers, which are not served",
        "LambdaConfig.InboundFederation.LambdaVersion",
        "LambdaConfig.InboundFederation.LambdaArn",
    ),
    carried_out(
        "says where a code seems to go for a name that nobody has; what verifies addresses "
        "(SignUp, UpdateUserAttributes) is not served",
        "AutoVerifiedAttributes",
    ),
    carried_out("users sign in by them", "AliasAttributes", "UsernameAttributes", only=CREATE),
    carried_out(
        "words the codes for forgotten passwords",
        "SmsVerificationMessage",
        "EmailVerificationMessage",
        "EmailVerificationSubject",
        "VerificationMessageTemplate.SmsMessage",
        "VerificationMessageTemplate.EmailMessage",
        "VerificationMessageTemplate.EmailSubject",
    ),
    kept(
        "links verify sign-ups and addresses, which are not served",
        "VerificationMessageTemplate.EmailMessageByLink",
        "VerificationMessageTemplate.EmailSubjectByLink",
        "VerificationMessageTemplate.DefaultEmailOption",
    ),
    carried_out("words the codes that are second factors", "SmsAuthenticationMessage"),
    _MFA,
    carried_out(
        "true: a remembered device is asked for its proof in place of a second factor; devices are "
        "on either way",
        "DeviceConfiguration.ChallengeRequiredOnNewDevice",
    ),
    carried_out(
        "true: a device is remembered once UpdateDeviceStatus says so; false: by ConfirmDevice; "
        "devices are on either way",
        "DeviceConfiguration.DeviceOnlyRememberedOnUserPrompt",
    ),
    kept(
        "it matters to UpdateUserAttributes, which is not served",
        "UserAttributeUpdateSettings.AttributesRequireVerificationBeforeUpdate",
    ),
    kept(
        _MAILBOX,
        "EmailConfiguration.SourceArn",
        "EmailConfiguration.ReplyToEmailAddress",
        "EmailConfiguration.EmailSendingAccount",
        "EmailConfiguration.From",
        "EmailConfiguration.ConfigurationSet",
        "SmsConfiguration.SnsCallerArn",
        "SmsConfiguration.ExternalId",
        "SmsConfiguration.SnsRegion",
        "SmsConfiguration.EumsSms.CallerArn",
        "SmsConfiguration.EumsSms.ExternalId",
        "SmsConfiguration.EumsSms.OriginationIdentity",
        "SmsConfiguration.EumsSms.ConfigurationSetName",
        "SmsConfiguration.EumsSms.InEntityId",
        "SmsConfiguration.EumsSms.InTemplateId",
        "SmsConfiguration.EumsSms.Region",
    ),
    carried_out("labels, which TagResource changes too", "UserPoolTags"),
    kept(_NO_SIGN_UP, "AdminCreateUserConfig.AllowAdminCreateUserOnly"),
    kept(
        "no longer in use, says AWS: TemporaryPasswordValidityDays counts",
        "AdminCreateUserConfig.UnusedAccountValidityDays",
    ),
    kept(
        "no invitations are sent",
        "AdminCreateUserConfig.InviteMessageTemplate.SMSMessage",
        "AdminCreateUserConfig.InviteMessageTemplate.EmailMessage",
        "AdminCreateUserConfig.InviteMessageTemplate.EmailSubject",
    ),
    carried_out(
        "says which attributes users have, and what their values may be",
        "Schema.Name",
        "Schema.AttributeDataType",
        "Schema.DeveloperOnlyAttribute",
        "Schema.Mutable",
        "Schema.Required",
        "Schema.NumberAttributeConstraints.MinValue",
        "Schema.NumberAttributeConstraints.MaxValue",
        "Schema.StringAttributeConstraints.MinLength",
        "Schema.StringAttributeConstraints.MaxLength",
        only=CREATE,
    ),
    _THREATS,
    _THREATS_TO_CUSTOM_AUTH,
    carried_out(
        "false: `Ada` and `ada` are one user, by whatever name; otherwise they are two",
        "UsernameConfiguration.CaseSensitive",
        only=CREATE,
    ),
    carried_out(
        "says where the code for a forgotten password goes, and whether there is one",
        "AccountRecoverySetting.RecoveryMechanisms.Priority",
        "AccountRecoverySetting.RecoveryMechanisms.Name",
    ),
    kept(
        "every tier has all that this pool does; Cognito's lower ones refuse some",
        "UserPoolTier",
    ),
    kept(
        "the file is not encrypted by KMS",
        "KeyConfiguration.KeyType",
        "KeyConfiguration.KmsKeyArn",
    ),
    _ISSUER,
    told("tokens have no acr claim here", "AcrConfiguration.*.AcrValue"),
)

USER_POOL: Final = SettingsTable(_ROWS)

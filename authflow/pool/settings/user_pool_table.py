"""The fates of all members of CreateUserPool and UpdateUserPool."""

from typing import Final

from authflow.machine import State
from authflow.pool.settings.fates import Case, Fate, Setting, SettingsTable, carried_out, kept, told

CREATE: Final = "CreateUserPool"
UPDATE: Final = "UpdateUserPool"

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
    carried_out(
        "neither the password nor so many before it are set again; 0: former ones do not matter",
        "Policies.PasswordPolicy.PasswordHistorySize",
    ),
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
        "runs once a sign-up is confirmed, and after ConfirmForgotPassword",
        "LambdaConfig.PostConfirmation",
    ),
    carried_out("words every message with a code or a password", "LambdaConfig.CustomMessage"),
    carried_out(
        "judges who signs up, and may confirm the user or verify an address; of AdminCreateUser it "
        "may only refuse",
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
        "says to which address the code of a sign-up goes, and where one seems to go for a name "
        "that nobody has",
        "AutoVerifiedAttributes",
    ),
    carried_out("users sign in by them", "AliasAttributes", "UsernameAttributes", only=CREATE),
    carried_out(
        "words the codes that confirm sign-ups and addresses, and those for forgotten passwords",
        "SmsVerificationMessage",
        "EmailVerificationMessage",
        "EmailVerificationSubject",
        "VerificationMessageTemplate.SmsMessage",
        "VerificationMessageTemplate.EmailMessage",
        "VerificationMessageTemplate.EmailSubject",
    ),
    carried_out(
        "with CONFIRM_WITH_LINK, e-mails that confirm a sign-up have a link, which the pool serves",
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
    carried_out(
        "a new address waits until it is verified, and the user keeps the old one so long",
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
    carried_out("true: SignUp is refused", "AdminCreateUserConfig.AllowAdminCreateUserOnly"),
    carried_out("labels, which TagResource changes too", "UserPoolTags"),
    kept(
        "no longer in use, says AWS: TemporaryPasswordValidityDays counts",
        "AdminCreateUserConfig.UnusedAccountValidityDays",
    ),
    carried_out(
        "words the invitations of AdminCreateUser",
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

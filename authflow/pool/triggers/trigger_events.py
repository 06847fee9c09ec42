"""The events that triggers get, in the shapes that Cognito documents.

Members of `response` are null on arrival. `clientMetadata` is what the same request carried:
InitiateAuth's reaches PreAuthentication and UserMigration, as `validationData`, and no other
trigger; ForgotPassword's reaches UserMigration and CustomMessage. Verify gets no `session`. Source:
the pages on each Lambda trigger in the developer guide.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from attrs import field, frozen

from authflow.pool.accounts.groups import Memberships
from authflow.pool.accounts.user_pools import UserPool
from authflow.pool.accounts.users import User
from authflow.secret import Secret

_SDK = "aws-sdk-unknown-unknown"


@frozen(kw_only=True)
class EventWriter:
    """Writes the events of one request.

    Args:
        pool: The user pool.
        client_id: The app client.
        username: The canonical name, or what was typed where there is no user.
        user: The user; None if there is none, which the pool hides from the client.
        client_metadata: The ClientMetadata that reaches the trigger; None for none.
    """

    pool: UserPool
    client_id: str
    username: str
    user: User | None
    client_metadata: Mapping[str, str] | None = field(default=None, repr=False)

    def _event(
        self,
        source: str,
        request: Mapping[str, Any],
        response: Iterable[str] = (),
        version: str = "1",
    ) -> dict[str, Any]:
        return {
            "version": version,
            "triggerSource": source,
            "region": self.pool.region,
            "userPoolId": self.pool.id,
            "userName": self.username,
            "callerContext": {"awsSdkVersion": _SDK, "clientId": self.client_id},
            "request": request,
            "response": dict.fromkeys(response),
        }

    def _attributes(self) -> dict[str, Any]:
        user = self.user
        return {
            "userAttributes": {}
            if user is None
            else {**user.all_attributes, "cognito:user_status": user.status}
        }

    def _metadata(self) -> dict[str, Any]:
        metadata = self.client_metadata
        return {} if metadata is None else {"clientMetadata": dict(metadata)}

    def _about_user(self) -> dict[str, Any]:
        return {**self._attributes(), "userNotFound": self.user is None, **self._metadata()}

    def pre_authentication(self) -> dict[str, Any]:
        """Write the event of PreAuthentication."""
        return self._event(
            "PreAuthentication_Authentication",
            {
                **self._attributes(),
                "validationData": dict(self.client_metadata or {}),
                "userNotFound": self.user is None,
            },
        )

    def post_authentication(self) -> dict[str, Any]:
        """Write the event of PostAuthentication. The pool remembers no devices, so none is new."""
        return self._event(
            "PostAuthentication_Authentication",
            {**self._attributes(), "newDeviceUsed": False, **self._metadata()},
        )

    def pre_token_generation(
        self, source: str, scopes: Iterable[str], groups: Memberships
    ) -> dict[str, Any]:
        """Write the event of PreTokenGeneration, in the version that the pool's LambdaConfig names.

        Args:
            source: What the tokens are made for: Authentication, NewPasswordChallenge or
                RefreshTokens.
            scopes: The access token's; version 1 does not tell them.
            groups: The user's.
        """
        version = self.pool.token_event_version
        return self._event(
            f"TokenGeneration_{source}",
            {
                **self._attributes(),
                "groupConfiguration": groups.configuration,
                **({} if version == "1" else {"scopes": list(scopes)}),
                **self._metadata(),
            },
            ("claimsOverrideDetails" if version == "1" else "claimsAndScopeOverrideDetails",),
            version,
        )

    def define(self, history: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
        """Write the event of DefineAuthChallenge.

        Args:
            history: The session entries, oldest first.
        """
        return self._event(
            "DefineAuthChallenge_Authentication",
            {**self._about_user(), "session": list(history)},
            ("challengeName", "issueTokens", "failAuthentication"),
        )

    def create(self, history: Iterable[Mapping[str, Any]], challenge: str) -> dict[str, Any]:
        """Write the event of CreateAuthChallenge.

        Args:
            history: The session entries, oldest first.
            challenge: The name that Define gave.
        """
        return self._event(
            "CreateAuthChallenge_Authentication",
            {**self._about_user(), "session": list(history), "challengeName": challenge},
            ("publicChallengeParameters", "privateChallengeParameters", "challengeMetadata"),
        )

    def verify(self, private: Mapping[str, str], answer: Secret[str]) -> dict[str, Any]:
        """Write the event of VerifyAuthChallengeResponse.

        Args:
            private: What Create kept for this challenge.
            answer: What the client answered.
        """
        return self._event(
            "VerifyAuthChallengeResponse_Authentication",
            {
                **self._about_user(),
                "privateChallengeParameters": dict(private),
                "challengeAnswer": answer.reveal(),
            },
            ("answerCorrect",),
        )

    def migrate(self, password: Secret[str] | None) -> dict[str, Any]:
        """Write the event of UserMigration, at sign-in or where the password is forgotten.

        Args:
            password: What the user typed; None if it is forgotten.
        """
        if password is None:
            source, request = "ForgotPassword", self._metadata()
        else:
            source, request = (
                "Authentication",
                {
                    "password": password.reveal(),
                    "validationData": dict(self.client_metadata or {}),
                },
            )
        return self._event(
            f"UserMigration_{source}",
            request,
            (
                *("userAttributes", "finalUserStatus", "messageAction"),
                *("desiredDeliveryMediums", "forceAliasCreation", "enableSMSMFA"),
            ),
        )

    def custom_message(self, source: str, code_parameter: str) -> dict[str, Any]:
        """Write the event of CustomMessage.

        Args:
            source: What the message is for, such as ForgotPassword.
            code_parameter: What stands for the code, which the trigger does not learn.
        """
        return self._event(
            f"CustomMessage_{source}",
            {
                **self._attributes(),
                "codeParameter": code_parameter,
                "linkParameter": "{##Click Here##}",
                "usernameParameter": None,
                **self._metadata(),
            },
            ("smsMessage", "emailMessage", "emailSubject"),
        )

    def post_confirmation(self, source: str) -> dict[str, Any]:
        """Write the event of PostConfirmation.

        Args:
            source: What was confirmed, such as ConfirmForgotPassword.
        """
        return self._event(f"PostConfirmation_{source}", {**self._attributes(), **self._metadata()})

"""Senders with AWS: e-mail by SES, text messages by SNS.

A request is made once, and its reply is awaited for less than Cognito waits for the trigger.
"""

import re
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from attrs import define
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
)

from authflow.aws import AwsConnection
from authflow.errors import (
    CodeDeliveryError,
    OutcomeUnknownError,
    TransportError,
    UnreachableError,
)
from authflow.plugins import ConfigError
from authflow_otp.destinations import Medium
from authflow_otp.messages import Message
from authflow_otp.senders import sender_address

_SENDER_ID: Final = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9]{1,11}")
_NUMBER: Final = re.compile(r"\+?[0-9]{5,14}")


@define(kw_only=True, eq=False)
class _AwsSender(AwsConnection):
    """Makes each request once: after a lost reply, the SDK would send a second message."""

    attempts: ClassVar[int] = 1

    async def _call(self, operation: str, parameters: Mapping[str, Any]) -> None:
        name = self.service.upper()
        calling = self.call(operation, **parameters)
        del parameters  # they hold the message, and tracebacks may show local variables
        try:
            await calling
        except ClientError as error:
            # AWS's words may repeat the destination.
            msg = f"{name} refuses the message: {error.response['Error'].get('Code', 'no code')}"
            raise CodeDeliveryError(msg) from None
        except (ConnectTimeoutError, EndpointConnectionError) as error:
            msg = f"{name} cannot be reached: {type(error).__name__}"
            raise UnreachableError(msg) from None
        except (HTTPClientError, OSError) as error:
            msg = (
                f"{name}'s reply was lost ({type(error).__name__}): the message may have been sent"
            )
            raise OutcomeUnknownError(msg) from None
        except BotoCoreError as error:
            msg = f"{name} cannot be asked: {type(error).__name__}"
            raise TransportError(msg) from None


@define(kw_only=True, eq=False)
class SesSender(_AwsSender):
    """Sends e-mail by Amazon SES. The triggers need `ses:SendEmail`.

    Args:
        from_address: Whom the mail comes from; an identity that SES has verified.
        configuration_set: SES's configuration set, if there is one.
        client: A client for "sesv2" of aiobotocore's; by default one is made at the first use.
        region: SES's region, where the environment does not say it.
        endpoint: Another address than AWS's.

    Raises:
        ConfigError: The address or the endpoint is malformed or unsafe.
    """

    medium: ClassVar[Medium] = Medium.EMAIL
    service: ClassVar[str] = "sesv2"

    from_address: str
    configuration_set: str | None = None

    def __attrs_post_init__(self) -> None:
        sender_address(self.from_address)
        AwsConnection.__attrs_post_init__(self)

    async def send(self, message: Message) -> None:
        """Send a message.

        Raises:
            CodeDeliveryError: SES refuses it.
            TransportError: SES cannot be reached.
            OutcomeUnknownError: SES's reply was lost.
        """
        request: dict[str, Any] = {
            "FromEmailAddress": self.from_address,
            "Destination": {"ToAddresses": [message.destination]},
            "Content": {
                "Simple": {
                    "Subject": {"Data": message.subject, "Charset": "UTF-8"},
                    "Body": {"Text": {"Data": message.text.reveal(), "Charset": "UTF-8"}},
                }
            },
        }
        if self.configuration_set is not None:
            request["ConfigurationSetName"] = self.configuration_set
        sending = self._call("send_email", request)
        del request  # as in `_call`
        await sending


@define(kw_only=True, eq=False)
class SnsSender(_AwsSender):
    """Sends text messages by Amazon SNS. The triggers need `sns:Publish` on `*`.

    Args:
        sender_id: The name that is shown, where a country allows one: 1 to 11 letters and digits.
        origination_number: The number that is shown, if SNS shall not choose one.
        client: A client for "sns" of aiobotocore's; by default one is made at the first use.
        region: SNS's region, where the environment does not say it.
        endpoint: Another address than AWS's.

    Raises:
        ConfigError: A setting is malformed or unsafe.
    """

    medium: ClassVar[Medium] = Medium.SMS
    service: ClassVar[str] = "sns"

    sender_id: str | None = None
    origination_number: str | None = None

    def __attrs_post_init__(self) -> None:
        if self.sender_id is not None and not _SENDER_ID.fullmatch(self.sender_id):
            msg = "SnsSender: sender_id is 1 to 11 letters and digits, with at least one letter"
            raise ConfigError(msg)
        if self.origination_number is not None and not _NUMBER.fullmatch(self.origination_number):
            msg = "SnsSender: origination_number is 5 to 14 digits, after a + if there is one"
            raise ConfigError(msg)
        AwsConnection.__attrs_post_init__(self)

    async def send(self, message: Message) -> None:
        """Send a message.

        Raises:
            CodeDeliveryError: SNS refuses it.
            TransportError: SNS cannot be reached.
            OutcomeUnknownError: SNS's reply was lost.
        """
        told = {
            "AWS.SNS.SMS.SMSType": "Transactional",
            "AWS.SNS.SMS.SenderID": self.sender_id,
            "AWS.MM.SMS.OriginationNumber": self.origination_number,
        }
        await self._call(
            "publish",
            {
                "PhoneNumber": message.destination,
                "Message": message.text.reveal(),
                "MessageAttributes": {
                    name: {"DataType": "String", "StringValue": value}
                    for name, value in told.items()
                    if value is not None
                },
            },
        )

"""CodeDeliveryDetails: where the pool sent a code.

Source: CodeDeliveryDetailsType in the API reference.
"""

from collections.abc import Mapping
from typing import Any

from authflow.account import CodeDelivery
from authflow.errors import MalformedReplyError
from authflow.printable import printable


def read_delivery(reply: Mapping[str, Any]) -> CodeDelivery:
    """Read CodeDeliveryDetails.

    Raises:
        MalformedReplyError: It is missing or not of its form.
    """
    delivery = read_sent(reply)
    if delivery is None:
        msg = "the reply does not say where the code was sent"
        raise MalformedReplyError(msg)
    return delivery


def read_sent(reply: Mapping[str, Any]) -> CodeDelivery | None:
    """Read CodeDeliveryDetails; None where no code was sent.

    Raises:
        MalformedReplyError: It is not of its form.
    """
    told = reply.get("CodeDeliveryDetails")
    return _delivery(told) if told else None


def read_deliveries(reply: Mapping[str, Any]) -> tuple[CodeDelivery, ...]:
    """Read CodeDeliveryDetailsList.

    Raises:
        MalformedReplyError: It is not of its form.
    """
    told = reply.get("CodeDeliveryDetailsList") or []
    if not isinstance(told, list):
        raise _malformed()
    return tuple(map(_delivery, told))


def _delivery(told: object) -> CodeDelivery:
    if not isinstance(told, Mapping):
        raise _malformed()
    members = [told.get(name, "") for name in ("Destination", "DeliveryMedium", "AttributeName")]
    if not all(isinstance(each, str) for each in members):
        raise _malformed()
    destination, medium, attribute = map(printable, members)
    return CodeDelivery(destination=destination, medium=medium, attribute=attribute)


def _malformed() -> MalformedReplyError:
    return MalformedReplyError("the code's delivery is not of the form that Cognito documents")

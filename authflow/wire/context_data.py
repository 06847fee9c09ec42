"""UserContextData, ContextData and AnalyticsMetadata: what requests tell of the user's device.

A device's fingerprint is encoded for one request: it names the user and the time, and is signed
with the app client's id, which is public. So the signature proves nothing to anybody; Cognito reads
no fingerprint without it.

Sources: UserContextDataType, ContextDataType, HttpHeader and AnalyticsMetadataType in the Amazon
Cognito user pools API reference; the format of a fingerprint is that of Amplify's Android library
(`UserContextDataProvider`), which no page documents.
"""

import base64
import hmac
import json
from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

from authflow.errors import MisuseError

if TYPE_CHECKING:
    from authflow.user_context import AdminContext, DeviceFingerprint, UserContext

MOST_ENCODED_CHARS: Final = 131_072
_ENCODED_DATA: Final = "EncodedData"
_IP_ADDRESS: Final = "IpAddress"


@frozen(kw_only=True)
class RequestFacts:
    """The facts of a request that stand in the fingerprint sent with it.

    Args:
        username: The name that is sent as USERNAME in the same request.
        user_pool_id: The user pool's id.
        client_id: The app client's id.
        at: When, in seconds since the epoch.
    """

    username: str
    user_pool_id: str
    client_id: str
    at: float


def encoded_fingerprint(device: "DeviceFingerprint", facts: RequestFacts) -> str:
    """Return EncodedData: base64 of a JSON object with the payload, its signature and the version.

    The signature is base64 of HMAC-SHA256(client id, version ‖ payload), and the payload a JSON
    object as text, whose timestamp is a text of milliseconds since the epoch.

    Args:
        device: What is known of the device.
        facts: The request.

    Raises:
        MisuseError: With so long a name it is longer than Cognito takes.
    """
    payload = _json(
        {
            "contextData": dict(device.characteristics),
            "username": facts.username,
            "userPoolId": facts.user_pool_id,
            "timestamp": str(int(facts.at * 1000)),
        }
    )
    signed = hmac.digest(facts.client_id.encode(), (device.version + payload).encode(), "sha256")
    envelope = {
        "payload": payload,
        "signature": base64.b64encode(signed).decode(),
        "version": device.version,
    }
    encoded = base64.b64encode(_json(envelope).encode()).decode()
    if len(encoded) > MOST_ENCODED_CHARS:
        msg = f"with this username the fingerprint has more than {MOST_ENCODED_CHARS} characters"
        raise MisuseError(msg)
    return encoded


def user_context(context: "UserContext", facts: RequestFacts) -> dict[str, Any]:
    """Return the members of a client's request that tell of the user's device.

    Args:
        context: What is told.
        facts: The request.
    """
    told = _told(context, facts)
    return {**({"UserContextData": told} if told else {}), **_analytics(context)}


def admin_context(context: "AdminContext", facts: RequestFacts) -> dict[str, Any]:
    """Return the members of an administrator's request that tell of the user's device.

    Args:
        context: What is told.
        facts: The request.
    """
    told = {
        **_told(context, facts),
        "ServerName": context.server_name,
        "ServerPath": context.server_path,
        "HttpHeaders": [
            {"headerName": name, "headerValue": value} for name, value in context.headers
        ],
    }
    return {"ContextData": told, **_analytics(context)}


def _told(context: "UserContext | AdminContext", facts: RequestFacts) -> dict[str, Any]:
    told: dict[str, Any] = {}
    if context.ip_address is not None:
        told[_IP_ADDRESS] = context.ip_address
    if context.device is not None:
        told[_ENCODED_DATA] = (
            context.device
            if isinstance(context.device, str)
            else encoded_fingerprint(context.device, facts)
        )
    return told


def _analytics(context: "UserContext | AdminContext") -> dict[str, Any]:
    if context.analytics_endpoint_id is None:
        return {}
    return {"AnalyticsMetadata": {"AnalyticsEndpointId": context.analytics_endpoint_id}}


def _json(value: dict[str, Any]) -> str:
    """Write JSON as short as it can be: what is signed is the very text that is sent."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))

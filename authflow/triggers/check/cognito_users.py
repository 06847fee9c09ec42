"""The user attributes that Cognito sends to a Define trigger; they are defined only here.

Cognito brings all that a user has, each as text, and adds the user's status. Who chose another
password for a temporary one is confirmed by that, before Define is asked again. Of a user who does
not exist there is nothing to bring.

The tests hold this against what the embedded pool brings before Define.

Source: "Customizing user pool workflows with Lambda triggers" in the Amazon Cognito developer
guide.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

SUB: Final = "0f3e5b9c-5a7d-4a4e-9f39-2c1c0c6a1e11"
"""The `sub` of the user who exists: every user has one, and it is a UUID."""

KNOWN_USER: Final[Mapping[str, str]] = MappingProxyType(
    {
        "sub": SUB,
        "cognito:user_status": "CONFIRMED",
        "name": "Ada Lovelace",
        "email": "ada@example.com",
        "email_verified": "true",
        "phone_number": "+15550100001",
        "phone_number_verified": "true",
    }
)
"""The attributes of a user with a verified e-mail address and phone number."""

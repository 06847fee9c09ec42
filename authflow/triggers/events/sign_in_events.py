"""The events before and after a sign-in.

Sources: "Pre authentication" and "Post authentication Lambda trigger parameters" in the Amazon
Cognito developer guide.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from attrs import field, frozen

from authflow.triggers.events.envelope import UNTOLD, EventObject, HandledEvent, validation_data


@frozen(kw_only=True)
class PreAuthenticationEvent(HandledEvent):
    """A sign-in begins, and nothing is verified yet. A `DeniedError` refuses it.

    Args:
        validation_data: What the client sent along with InitiateAuth, as its ClientMetadata.
        user_not_found: The pool hides that this user does not exist.
    """

    trigger = "PreAuthentication"
    sources: ClassVar[tuple[str, ...]] = ("PreAuthentication_Authentication",)

    source: str = sources[0]
    validation_data: Mapping[str, str] = field(default=UNTOLD, repr=False, hash=False)
    user_not_found: bool = False

    @classmethod
    def _members(cls, event: EventObject) -> dict[str, Any]:
        request = event.object_or_empty("request")
        return {
            **super()._members(event),
            "validation_data": request.spelled_strings("validationData"),
            "user_not_found": request.optional_flag("userNotFound"),
        }

    def _request(self) -> dict[str, Any]:
        return {
            **super()._request(),
            **validation_data(self.validation_data),
            "userNotFound": self.user_not_found,
        }


@frozen(kw_only=True)
class PostAuthenticationEvent(HandledEvent):
    """A user has passed all challenges; tokens come next. A `DeniedError` still refuses them.

    Args:
        new_device_used: The user signed in on a device that the pool did not know.
    """

    trigger = "PostAuthentication"
    sources: ClassVar[tuple[str, ...]] = ("PostAuthentication_Authentication",)

    source: str = sources[0]
    new_device_used: bool = False

    @classmethod
    def _members(cls, event: EventObject) -> dict[str, Any]:
        new_device_used = event.object_or_empty("request").optional_flag("newDeviceUsed")
        return {**super()._members(event), "new_device_used": new_device_used}

    def _request(self) -> dict[str, Any]:
        return {**super()._request(), "newDeviceUsed": self.new_device_used}

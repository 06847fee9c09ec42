"""The errors apart from wrong answers: something that is needed does not work now.

A sign-in ends with them, and nothing is taken for right. Each stands under the error that says
whose fault it is, which is never the plugin's. They hold no secret, no token and nothing of a
service's reply but its known error codes.
"""

from authflow.errors import RemoteProtocolError, TransportError
from authflow.plugins import ConfigError


class PublishError(TransportError):
    """The picture or the sound could not be published."""

    code = "captcha_publish"


class ServiceUnavailableError(TransportError):
    """The service that verifies tokens cannot be reached now, so no token counts as right."""

    code = "captcha_service_unavailable"


class ServiceRefusedError(ConfigError):
    """The service refuses our own request: the secret or the site key is wrong."""

    code = "captcha_service_refused"


class ServiceReplyError(RemoteProtocolError):
    """The service's reply lacks what these settings require."""

    code = "captcha_service_reply"

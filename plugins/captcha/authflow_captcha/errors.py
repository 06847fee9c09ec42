"""What can go wrong beside a wrong answer: something that is needed does not work now.

All are `PluginFailedError`s, so a sign-in ends with them and nothing is taken for right. They hold
no secret, no token and nothing of a service's reply but its known error codes.
"""

from authflow.plugins import NextStep, PluginFailedError


class PublishError(PluginFailedError):
    """The picture or the sound could not be put where clients get it."""

    code = "captcha_publish"
    next_step = NextStep.WAIT


class ServiceUnavailableError(PluginFailedError):
    """The service that verifies tokens cannot be asked now, so no token is right."""

    code = "captcha_service_unavailable"
    next_step = NextStep.WAIT


class ServiceRefusedError(PluginFailedError):
    """The service does not accept our own side: the secret or the site key is wrong."""

    code = "captcha_service_refused"


class ServiceReplyError(PluginFailedError):
    """The service's reply is not one that these settings can be judged by."""

    code = "captcha_service_reply"

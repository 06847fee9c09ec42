"""The links that a plugin may show to a person.

It comes from the network, and a web page makes it a link as it stands: `javascript:` would run as
the page's own, and `data:` or `file:` show what nobody published. So a link is a web page's, the
address of a secret that an authenticator app reads (`otpauth:`), or a path without a scheme, as
Cognito's samples have for a CAPTCHA's picture. What a browser would read in another way than it
stands, such as white space before a scheme or a backslash, is none.

Sources: RFC 3986 §3.1 (schemes); "URL parsing" of the WHATWG URL standard (what a browser takes
away); "Key URI Format" of Google Authenticator.
"""

import re
from typing import Final

from authflow.errors import PluginFailedError

_WITH_SCHEME: Final = re.compile(r"(?:https?|otpauth)://[^/?#\s\\][^\\]*", re.IGNORECASE | re.ASCII)
"""The pattern of a link with a scheme. Browsers take a backslash for a slash: what seems to be a
user's name before an @ is the host then."""
_PATH: Final = re.compile(r"[A-Za-z0-9._~/?#\[\]@!$&'()*+,;=%-]+")
"""The pattern of a link without a scheme: it has no colon."""


def checked_link(url: str, description: str) -> str:
    """Check a link before it is shown.

    Args:
        url: Where it leads.
        description: What is there, for the error; which shows nothing of the link.

    Returns:
        The link.

    Raises:
        PluginFailedError: It cannot be printed, or has another scheme.
    """
    if not isinstance(url, str) or not url.isprintable():
        msg = f"a link that cannot be printed: {description}"
        raise PluginFailedError(msg)
    if not (_WITH_SCHEME.fullmatch(url) or _PATH.fullmatch(url)):
        msg = f"a link that is neither https, http, otpauth nor a path: {description}"
        raise PluginFailedError(msg)
    return url

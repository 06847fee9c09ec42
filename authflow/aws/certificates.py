"""The certificates that connections trust: the environment's, else those that AWS's SDK trusts.

They are found without loading the SDK, which a service that only verifies tokens has no use for.
Source: "Configuration" of botocore's reference (AWS_CA_BUNDLE), and `get_cert_path` and `where` of
`botocore.httpsession`.
"""

import importlib.util
import os
from pathlib import Path

from authflow.errors import ConfigError


def named_certificates() -> str | None:
    """Return the file of trusted certificates that the environment names, found as botocore does.

    Raises:
        ConfigError: It has an empty name, which some of botocore's versions take for: trust
            everybody.
    """
    named = os.environ.get("AWS_CA_BUNDLE", os.environ.get("REQUESTS_CA_BUNDLE"))
    if named is not None and not named.strip():
        msg = "AWS_CA_BUNDLE and REQUESTS_CA_BUNDLE name a file of certificates, or are not set"
        raise ConfigError(msg)
    return named


def trusted_certificates() -> str:
    """Return the file of trusted certificates: the environment's, else certifi's, else botocore's.

    Raises:
        ConfigError: As `named_certificates` does.
    """
    named = named_certificates()
    if named is not None:
        return named
    try:
        from certifi import where  # noqa: PLC0415  # it need not be installed
    except ImportError:
        found = importlib.util.find_spec("botocore")  # which does not import it
        folders = (found and found.submodule_search_locations) or [""]
        return str(Path(folders[0]) / "cacert.pem")
    return where()

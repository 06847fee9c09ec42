"""Which host names are this machine itself: what goes there crosses no network."""

import ipaddress


def is_loopback(host: str) -> bool:
    """Say whether a host is this machine, by its name or its address alone; nothing is looked up.

    Args:
        host: A name or an IP address, without brackets and port.
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

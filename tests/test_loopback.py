"""Which hosts are this machine."""

import pytest

from authflow.loopback import is_loopback


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.9.1", "::1"])
def test_this_machine_is_known_by_its_names_and_addresses(host):
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host",
    [
        "",
        "0.0.0.0",
        "::",
        "10.0.0.1",
        "localhost.example",
        "127.0.0.1.example",
        "2130706433",
        "127.1",
    ],
)
def test_what_only_looks_like_this_machine_is_another(host):
    assert not is_loopback(host)

import pytest

from authflow.pool.asked_authority import asked_address, asked_at, asked_authority


def test_the_name_is_known_while_a_request_is_served_and_no_longer():
    assert asked_authority() == "localhost"
    with asked_at("pool.example:9229"):
        assert asked_authority() == "pool.example:9229"
        with asked_at("[::1]:80"):
            assert asked_authority() == "[::1]:80"
        assert asked_authority() == "pool.example:9229"
    assert asked_authority() == "localhost"


@pytest.mark.parametrize(
    ("public", "asked", "address"),
    [
        ("https://pool.example", "pool.example", "https://pool.example"),
        ("https://pool.example", "POOL.example:443", "https://pool.example"),
        ("https://pool.example:443/a", "pool.example", "https://pool.example:443/a"),
        ("https://pool.example", "pool.example:80", "http://pool.example:80"),
        ("https://pool.example", "pool.example:8443", "http://pool.example:8443"),
        ("https://pool.example", "127.0.0.1:9229", "http://127.0.0.1:9229"),
        ("https://pool.example.org", "pool.example", "http://pool.example"),
        ("http://127.0.0.1:9229", "127.0.0.1:9229", "http://127.0.0.1:9229"),
        ("http://pool.example", "pool.example:80", "http://pool.example"),
    ],
)
def test_whoever_asks_under_the_public_address_is_told_that(public, asked, address):
    with asked_at(asked):
        assert asked_address(public) == address

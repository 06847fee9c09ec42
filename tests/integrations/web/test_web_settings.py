from datetime import timedelta

import pytest

from authflow import AuthFlow
from authflow.errors import ConfigError
from authflow.integrations.asgi import WebSettings


@pytest.mark.parametrize(
    "given",
    [
        {"after_sign_in": "cookie"},
        {"after_sign_in": None},
        *({"flows": each} for each in ("x", [], [None], 5, ["USER_SRP_AUTH", "x"])),
        *({"origins": each} for each in ("x", "http://a.example", "https://a.example/x", [5], 5)),
        *({"insecure_loopback": each} for each in (1, None, "no")),
        *({"cookie_name": each} for each in ("", "a b", "a;b", "a=b", "é", "a" * 41, None, 5)),
        *({"same_site": each} for each in ("None", "lax", None)),
        *({"session_validity": each} for each in (5, timedelta(), timedelta(-1), timedelta(4000))),
        *({"most_body_bytes": each} for each in (1_023, 1_048_577, 2_000.0, True, None)),
        *({"body_timeout": each} for each in (0, -1.0, float("inf"), "5", None)),
        {"user_context": "x"},
        {"tells_taken_names": 1},
    ],
)
def test_a_setting_that_is_none_is_named(given):
    (name,) = given
    with pytest.raises(ConfigError, match=name if name != "origins" else "origin"):
        WebSettings(**given)


def test_settings_are_read_in_the_ways_that_people_write_them():
    for flows in ("CUSTOM_AUTH", AuthFlow.CUSTOM_AUTH, ["CUSTOM_AUTH"]):
        assert WebSettings(flows=flows).flows == (AuthFlow.CUSTOM_AUTH,)
    one, several = "https://app.example.com", ["https://app.example.com:443"]
    assert WebSettings(origins=one).origins == WebSettings(origins=several).origins
    assert WebSettings().allowed.named == frozenset()
    for bound in (1_024, 1_048_576):
        assert WebSettings(most_body_bytes=bound).most_body_bytes == bound
    assert WebSettings(session_validity=timedelta(3_650)).session_validity.days == 3_650


def test_cookies_have_the_names_of_the_setting():
    assert WebSettings(cookie_name="shop").cookies.session == "__Host-shop-session"
    assert WebSettings(insecure_loopback=True).cookies.session == "authflow-session"

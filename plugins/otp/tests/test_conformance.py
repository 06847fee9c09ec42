"""The one-time passwords do what every challenge plugin must do."""

import os
import subprocess
import sys
from pkgutil import resolve_name
from typing import Any

import pytest
from authflow_otp.authenticator import Hotp, Totp
from authflow_otp.client import HotpPrompter, LinkPrompter, OtpPrompter, TotpPrompter
from authflow_otp.conformance import (
    HotpClientSuite,
    HotpSuite,
    LinkAnywhereSuite,
    LinkClientSuite,
    LinkSuite,
    OtpBySmsSuite,
    OtpClientSuite,
    OtpSuite,
    TotpClientSuite,
    TotpSuite,
)
from authflow_otp.link import Link
from authflow_otp.trigger import Otp


class TestOtp(OtpSuite):
    pass


class TestOtpBySms(OtpBySmsSuite):
    # Only what delivers differs: the other codes are tried with every answer at every attempt.
    costly = "AUTHFLOW_ALL_CASES" not in os.environ


class TestLink(LinkSuite):
    pass


class TestLinkAnywhere(LinkAnywhereSuite):
    pass


class TestTotp(TotpSuite):
    pass


class TestHotp(HotpSuite):
    pass


class TestOtpPrompter(OtpClientSuite):
    pass


class TestLinkPrompter(LinkClientSuite):
    pass


class TestTotpPrompter(TotpClientSuite):
    pass


class TestHotpPrompter(HotpClientSuite):
    pass


@pytest.mark.parametrize(
    "half", [Otp, Link, Totp, Hotp, OtpPrompter, LinkPrompter, TotpPrompter, HotpPrompter]
)
def test_a_half_names_the_suite_that_is_made_for_it(half: Any):
    assert resolve_name(half.conformance).challenge is half


def test_the_halves_can_be_imported_without_what_tests_them():
    code = (
        "import sys, authflow_otp.authenticator, authflow_otp.client, authflow_otp.link,"
        "authflow_otp.trigger;"
        "sys.exit(any(name.startswith('authflow.testing') for name in sys.modules))"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)

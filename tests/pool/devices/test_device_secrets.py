"""What ConfirmDevice may bring: every spelling of a number that SRP can use, and nothing else."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycognito.aws_srp import generate_hash_device

from authflow import srp
from authflow.pool.cognito_errors import CognitoError
from authflow.pool.devices.device_secrets import DeviceSecret
from tests.conftest import load_vectors

N = srp.COGNITO.prime
MOST_SALT = 2**256 - 1


def written(number, pad=0):
    return base64.b64encode(b"\0" * pad + srp.twos_complement(number)).decode()


def config(salt=5, v=7, **texts):
    return {"Salt": written(salt), "PasswordVerifier": written(v), **texts}


def refused(given):
    with pytest.raises(CognitoError) as refusal:
        DeviceSecret.read(given)
    assert refusal.value.code == "InvalidParameterException"
    assert refusal.value.reason == refusal.value.message
    return refusal.value.message


@given(st.integers(1, MOST_SALT), st.integers(2, N - 2))
def test_what_a_client_made_is_read_and_kept_as_it_was(salt, v):
    secret = DeviceSecret.read(config(salt, v))
    assert (secret.salt, secret.v) == (salt, v)
    assert secret.srp_salt == f"{salt:x}"
    assert DeviceSecret.from_columns(*secret.columns) == secret
    assert str(v) not in repr(secret)


@pytest.mark.parametrize("salt", [1, 127, 128, 2**127, 2**248 - 1, MOST_SALT])
@pytest.mark.parametrize("v", [2, 2**3071, N - 2])
def test_numbers_at_the_edges_are_read(salt, v):
    assert DeviceSecret.read(config(salt, v)) == DeviceSecret(salt=salt, v=v)


@pytest.mark.parametrize("v", [0, 1, N - 1, N, N + 1, 2**3072 - 1, 2**3072, 2 * N])
def test_a_verifier_that_anybody_can_prove_or_nobody_is_refused(v):
    assert refused(config(v=v)) == "Invalid PasswordVerifier given in DeviceSecretVerifierConfig."


@pytest.mark.parametrize("salt", [0, MOST_SALT + 1, 2**264, 2**3000])
def test_a_salt_of_no_use_is_refused(salt):
    assert refused(config(salt)) == "Invalid Salt given in DeviceSecretVerifierConfig."


@pytest.mark.parametrize("name", ["Salt", "PasswordVerifier"])
@pytest.mark.parametrize(
    "text", ["", "%", "AA A", "A", "AAAAA", "é", "AAAA\n", "====", "A" * 100_000, "AA==AA=="]
)
def test_what_is_no_base64_or_far_too_long_is_refused(name, text):
    assert name in refused(config(**{name: text}))


@pytest.mark.parametrize("noise", ["!!!!", "\n\n\n\n", "----", "    "])
def test_a_number_with_something_else_around_it_is_refused(noise):
    assert "Salt" in refused(config(Salt=noise + written(5)))
    assert "PasswordVerifier" in refused(config(PasswordVerifier=noise + written(7)))


@pytest.mark.parametrize("name", ["Salt", "PasswordVerifier"])
def test_a_missing_member_is_refused(name):
    whole = config()
    del whole[name]
    assert name in refused(whole)


def test_odd_spellings_of_a_number_are_read():
    # Without `=` at the end, as in AWS's example; with more zeros in front, and with none at all.
    assert DeviceSecret.read(config(Salt=written(5).rstrip("="))).salt == 5
    assert DeviceSecret.read(config(Salt=written(5, pad=31))).salt == 5
    raw = base64.b64encode(bytes([255] * 16)).decode()
    assert DeviceSecret.read(config(Salt=raw)).salt == 2**128 - 1
    assert DeviceSecret.read(config(PasswordVerifier=written(7, pad=384))).v == 7
    assert "Salt" in refused(config(Salt=written(5, pad=33)))
    assert "PasswordVerifier" in refused(config(PasswordVerifier=written(7, pad=385)))


def test_the_published_verifier_is_read():
    (vector,) = load_vectors("cognito_device_verifier")["vectors"]
    given = {
        "Salt": vector["salt_base64"],
        "PasswordVerifier": vector["password_verifier_base64"],
    }
    secret = DeviceSecret.read(given)
    assert (secret.salt, secret.v) == (int(vector["salt"], 16), int(vector["verifier"], 16))


def test_what_pycognito_makes_is_read():
    for _ in range(3):
        password, given = generate_hash_device("-AbCdEfGh", "us-east-1_d")
        secret = DeviceSecret.read(given)
        name, user_id = "-AbCdEfGh", "us-east-1_d"
        assert secret.v == srp.password_verifier(name, user_id, secret.salt, srp.Secret(password))

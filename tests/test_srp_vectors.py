"""SRP against numbers that others published, and against edges that no one had published."""

import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from authflow.secret import Secret
from authflow.srp import (
    COGNITO,
    EPHEMERAL_BYTES,
    Group,
    Prover,
    ProverChallenge,
    Verifier,
    claim_signature,
    parse_hex,
    parse_public_a,
    parse_secret_block,
    password_key,
    password_verifier,
    pool_name,
    session_key,
    sign_claim,
    timestamp,
    twos_complement,
)
from authflow.wire import secret_hash
from tests.conftest import load_vectors

WYCHEPROOF = Path(__file__).parents[2] / "shared/vectors/wycheproof"

PUBLISHED = load_vectors("cognito_srp_handshakes")
EDGES = load_vectors("cognito_srp_edge")


def cases(vectors: list[dict[str, Any]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("vector", vectors, ids=[vector["id"] for vector in vectors])


def hashed_name(vector: dict[str, Any]) -> tuple[str, str]:
    """What is hashed with the password: for a device its group key and key, else pool and user."""
    if "device_key" in vector:
        return vector["device_group_key"], vector["device_key"]
    if "pool_name_and_user_id" in vector:
        return vector["pool_name_and_user_id"], ""
    return vector["pool_name"], vector["user_id_for_srp"]


def password(vector: dict[str, Any]) -> Secret[str]:
    return Secret(vector.get("device_password", vector.get("password")))


def exponent(text: str) -> bytes:
    """A private value in the bytes it is drawn from."""
    value = int(text, 16)
    return value.to_bytes(max(EPHEMERAL_BYTES, (value.bit_length() + 7) // 8), "big")


def challenge(vector: dict[str, Any]) -> ProverChallenge:
    name, user_id = hashed_name(vector)
    return ProverChallenge.parse(
        name=name,
        user_id=user_id,
        salt=vector["salt"],
        public_b=vector["public_b"],
        secret_block=vector.get("secret_block_base64", "AA=="),
    )


def test_every_category_of_edges_is_there():
    assert len(EDGES["vectors"]) == 81
    assert len({vector["category"] for vector in EDGES["vectors"]}) == 18
    assert len(PUBLISHED["vectors"]) == 4


@pytest.mark.parametrize("group", [PUBLISHED["group"], EDGES["group"]], ids=["published", "edges"])
def test_the_group_is_cognitos(group: dict[str, str]):
    assert f"{COGNITO.prime:x}" == group["prime_n"]
    assert f"{COGNITO.generator:x}" == group["generator_g"]
    assert f"{COGNITO.multiplier:x}" == group["multiplier_k"]


@cases(PUBLISHED["vectors"] + EDGES["vectors"])
def test_the_prover_computes_the_key(vector: dict[str, Any]):
    prover = Prover.start(exponent(vector["private_a"]))
    assert prover.srp_a == vector["public_a"]
    key = prover.prove(challenge(vector), password(vector))
    assert key.reveal().hex() == vector["session_key"]


@cases([v for v in PUBLISHED["vectors"] + EDGES["vectors"] if "signature_base64" in v])
def test_the_claim_is_signed(vector: dict[str, Any]):
    key = Secret(bytes.fromhex(vector["session_key"]))
    signed = sign_claim(key, challenge(vector), vector["timestamp"])
    assert base64.b64encode(signed).decode() == vector["signature_base64"]


@cases(EDGES["vectors"])
def test_the_verifier_computes_the_same_key_and_signature(vector: dict[str, Any]):
    name, user_id = hashed_name(vector)
    v = password_verifier(name, user_id, parse_hex("SALT", vector["salt"]), password(vector))
    assert f"{v:x}" == vector["verifier"]
    verifier = Verifier.start(v, exponent(vector["private_b"]))
    assert verifier.srp_b == vector["public_b"]
    key = verifier.key(parse_public_a(vector["public_a"])).reveal()
    assert key.hex() == vector["session_key"]
    block = parse_secret_block(vector["secret_block_base64"])
    signature = claim_signature(key, name, user_id, block, vector["timestamp"])
    assert base64.b64encode(signature).decode() == vector["signature_base64"]


@cases(PUBLISHED["vectors"] + EDGES["vectors"])
def test_every_step_on_the_way_agrees(vector: dict[str, Any]):
    name, user_id = hashed_name(vector)
    salt = parse_hex("SALT", vector["salt"])
    assert twos_complement(salt).hex() == vector["salt_padded"]
    inner = COGNITO.hash(f"{name}{user_id}:".encode(), password(vector).reveal().encode())
    assert inner.hex() == vector["inner_hash"]
    x = password_key(name, user_id, salt, password(vector)).reveal()
    assert f"{x:064x}" == vector["x"]
    public_a, public_b = int(vector["public_a"], 16), int(vector["public_b"], 16)
    u = COGNITO.scramble(public_a, public_b)
    assert f"{u:064x}" == vector["u"]
    assert twos_complement(u).hex() == vector["u_padded"]
    shared = COGNITO.prover_secret(int(vector["private_a"], 16), public_b, u, x)
    assert f"{shared:x}" == vector["shared_secret"]
    assert session_key(u, shared).hex() == vector["session_key"]
    if "padded_bytes" in vector:
        sizes = {"public_a": public_a, "public_b": public_b, "u": u, "shared_secret": shared}
        assert vector["padded_bytes"] == {
            **{field: len(twos_complement(value)) for field, value in sizes.items()},
            "salt": len(twos_complement(salt)),
        }


@cases([v for v in PUBLISHED["vectors"] + EDGES["vectors"] if "pool_id" in v])
def test_the_pools_name_is_hashed_and_not_its_id(vector: dict[str, Any]):
    assert pool_name(vector["pool_id"]) == vector["pool_name"]


@cases(
    load_vectors("cognito_device_verifier")["vectors"]
    + [{**v, **v["registration"]} for v in EDGES["vectors"] if "registration" in v]
)
def test_a_device_is_registered(vector: dict[str, Any]):
    salt = parse_hex("SALT", vector["salt"])
    v = password_verifier(*hashed_name(vector), salt, password(vector))
    assert f"{v:x}" == vector["verifier"]
    assert base64.b64encode(twos_complement(salt)).decode() == vector["salt_base64"]
    assert base64.b64encode(twos_complement(v)).decode() == vector["password_verifier_base64"]


@cases(load_vectors("cognito_srp_u")["vectors"])
def test_u_agrees(vector: dict[str, Any]):
    public_a, public_b = int(vector["public_a"], 16), int(vector["public_b"], 16)
    u = COGNITO.scramble(public_a, public_b)
    assert f"{u:064x}" == vector["u"]
    assert twos_complement(u).hex() == vector["u_padded"]
    assert len(twos_complement(public_a)) == vector["public_a_padded_bytes"]
    assert len(twos_complement(public_b)) == vector["public_b_padded_bytes"]


def test_pad_agrees():
    rows = load_vectors("cognito_pad")["vectors"]
    assert len(rows) == 513
    for row in rows:
        assert twos_complement(row["integer"]).hex() == row["padded"]


def test_timestamps_agree():
    rows = load_vectors("cognito_timestamp")["vectors"]
    assert len(rows) == 57
    for row in rows:
        assert timestamp(datetime.fromisoformat(row["utc"])) == row["timestamp"]
        epoch = datetime(1970, 1, 1, tzinfo=UTC)
        assert timestamp(epoch + timedelta(seconds=row["unix_seconds"])) == row["timestamp"]


@cases(load_vectors("cognito_secret_hash")["vectors"])
def test_the_secret_hash_agrees(vector: dict[str, Any]):
    given = secret_hash(vector["username"], vector["client_id"], Secret(vector["client_secret"]))
    assert given == vector["secret_hash_base64"]


@cases(load_vectors("rfc5054_srp")["vectors"])
def test_the_formulas_are_those_of_rfc_5054(vector: dict[str, Any]):
    number = {
        name: int(vector[name], 16)
        for name in (
            *("prime_n", "generator_g", "multiplier_k", "x", "verifier", "private_a", "private_b"),
            *("public_a", "public_b", "u", "shared_secret"),
        )
    }
    width = len(vector["prime_n"]) // 2
    group = Group(
        prime=number["prime_n"],
        generator=number["generator_g"],
        digest="sha1",
        pad=lambda value: value.to_bytes(width, "big"),
    )
    assert group.multiplier == number["multiplier_k"]
    x = group.private_key(
        bytes.fromhex(vector["salt"]), vector["identity"].encode(), vector["password"].encode()
    )
    assert x == number["x"]
    v = group.verifier(x)
    assert v == number["verifier"]
    assert group.public_a(number["private_a"]) == number["public_a"]
    assert group.public_b(number["private_b"], v) == number["public_b"]
    u = group.scramble(number["public_a"], number["public_b"])
    assert u == number["u"]
    for shared in (
        group.prover_secret(number["private_a"], number["public_b"], u, x),
        group.verifier_secret(number["private_b"], number["public_a"], u, v),
    ):
        assert shared == number["shared_secret"]


@pytest.mark.skipif(not WYCHEPROOF.is_dir(), reason="Wycheproof's vectors are not beside the clone")
def test_the_claims_signature_is_the_hmac_of_wycheproof():
    groups = json.loads((WYCHEPROOF / "hmac_sha256_test.json").read_text())["testGroups"]
    for group in groups:
        for case in group["tests"]:
            key, message = bytes.fromhex(case["key"]), bytes.fromhex(case["msg"])
            tag = claim_signature(key, "", "", message, "")[: group["tagSize"] // 8]
            assert (tag.hex() == case["tag"]) == (case["result"] == "valid"), case["tcId"]
    assert sum(len(group["tests"]) for group in groups) == 174

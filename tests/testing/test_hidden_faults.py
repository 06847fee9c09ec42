"""The suite for trigger challenges finds a fault that hides, and convicts nobody by luck."""

import hashlib
import logging
import runpy
import sys
from os import urandom
from pathlib import Path
from time import time_ns
from typing import Any

import pytest

from authflow.testing import TriggerChallengeSuite, run_suite
from authflow.testing.cases import CaseResult
from authflow.testing.leaks import Seen, revealed_forms
from authflow.triggers import CreateContext, Issued

HERE = Path(__file__).parent
HIDDEN = runpy.run_path(str(HERE / "bad_plugins" / "hidden.py"))
CODE = HIDDEN["Code"]
BAD = [
    plugin
    for name, plugin in HIDDEN.items()
    if name != "Hidden" and isinstance(getattr(plugin, "convicted_by", None), str)
]
PASSWORD_HASHES = [
    "$2b$04$abcdefghijklmnopqrstuuZ3gGd8K6e0m8p4Yw0uJ3rQ5n1s2t3u4v",
    "$2y$10$abcdefghijklmnopqrstuuZ3gGd8K6e0m8p4Yw0uJ3rQ5n1s2t3u4v",
    "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$5LLDdGYmF1bHQgaGFzaCBvZiBpdA",
    "$5$rounds=1000$salt$Zk3mHg0c7x1o2uB4yq9p8s7d6f5g4h3j2k1l",
    "$6$salt$Zk3mHg0c7x1o2uB4yq9p8s7d6f5g4h3j2k1lQwErTyUiOp",
    "$1$salt$qJH7.N4xYta3aEG/dfqo/0",
    "$y$j9T$salt$Zk3mHg0c7x1o2uB4yq9p8s7d6f5g4h3j2k1l",
    "$scrypt$ln=4,r=8,p=1$c2FsdA$Zk3mHg0c7x1o2uB4yq9p8s7d6f",
    "$pbkdf2-sha256$10$c2FsdHNhbHQ$Zk3mHg0c7x1o2uB4yq9p8s7d6f5g4h3",
    "pbkdf2_sha256$10$salt$Zk3mHg0c7x1o2uB4yq9p8s7d6f5g4h3j2k1l=",
    "pbkdf2:sha256:10$salt$0f3e5b9c5a7d4a4e9f392c1c0c6a1e11",
    "scrypt:16:8:1$salt$0f3e5b9c5a7d4a4e9f392c1c0c6a1e11",
    "{SSHA}Zk3mHg0c7x1o2uB4yq9p8s7d6f5g4h3j2k1l",
]


def ended(plugin: type[Any], case: str, **more: Any) -> CaseResult:
    class Suite(TriggerChallengeSuite):
        challenge = plugin

        def make_settings(self):
            return {"sender": self.outbox.send}

    for name, value in more.items():
        setattr(Suite, name, value)
    return run_suite(Suite, [case])[0]


@pytest.mark.parametrize("plugin", BAD, ids=lambda plugin: plugin.__name__)
def test_a_hidden_fault_is_found(plugin: type[Any]):
    result = ended(plugin, plugin.convicted_by)
    assert result.outcome == "failed"
    assert "it raised" not in result.reason


def test_an_answer_that_is_logged_in_base64_is_named_so():
    reason = ended(HIDDEN["LogsBase64"], HIDDEN["LOGGED"]).reason
    assert "as itself, packed as by base64: keep it in a Secret" in reason


def test_what_never_stands_still_may_be_named_as_asked():
    plugin, case = HIDDEN["SaltsByACounter"], HIDDEN["CHANGES"]
    assert "changes from one run to the next" in ended(plugin, case).reason
    assert ended(plugin, case, asks=["check"]).outcome == "passed"


@pytest.mark.parametrize("form", PASSWORD_HASHES)
@pytest.mark.parametrize("shown", ["{}", "it is {} today", '"{}"'])
def test_a_hash_as_of_a_password_is_found_whatever_its_salt(form: str, shown: str):
    seen = [
        Seen(answer=f"{number}82913", public={"check": shown.format(form)}) for number in range(6)
    ]
    assert {(leak.form, leak.where) for leak in revealed_forms(seen)} == {
        ("a hash as of a password", "check")
    }


@pytest.mark.parametrize(
    "text", ["costs $5 or $6 today, please", "it is 2$ or $1$ or $2b$", "{md5} or {crypt}", "md5$x"]
)
def test_what_only_begins_like_one_is_none(text: str):
    assert (
        revealed_forms([Seen(answer=f"{n}82913", public={"check": text}) for n in range(6)]) == ()
    )


@pytest.mark.parametrize("name", ["md5", "sha1", "sha256", "sha512"])
@pytest.mark.parametrize(
    "order", [(0, 1, 2), (1, 0, 2), (0, 2, 1), (1, 2, 0), (2, 0, 1), (2, 1, 0)]
)
@pytest.mark.parametrize("between", ["", ":"])
def test_a_salt_of_two_parts_is_found(name: str, order: tuple[int, ...], between: str):
    seen = []
    for number in range(6):
        parts = (f"s{number * 977}", "ada", f"{number * 7919 + 100_000}")
        digest = hashlib.new(name, between.join(parts[one] for one in order).encode()).hexdigest()
        public = {"salt": parts[0], "check": digest}
        seen.append(Seen(answer=parts[2], public=public, context=("ada", "ada@example.com")))
    assert f"{name} with a salt of two parts" in {leak.form for leak in revealed_forms(seen)}


def test_draws_too_slow_to_look_at_are_told(monkeypatch: pytest.MonkeyPatch):
    names = sys.modules["authflow.testing.trigger_codes"]
    monkeypatch.setattr(names, "_LONGEST", -1.0)
    result = ended(CODE, HIDDEN["CHANGES"])
    assert (result.outcome, result.reason.partition(",")[0]) == ("skipped", "it draws 3 times")


def test_an_answer_that_depends_on_no_draw_is_told():
    class Constant(CODE):
        async def create(self, context: CreateContext) -> Issued:
            return Issued(public={}, private={"code": "never-changes"})

    result = ended(Constant, HIDDEN["CHANGES"])
    assert result.outcome == "skipped"
    assert "depends on nothing that is drawn" in result.reason


class ShortBesideNoise(CODE):
    """A code of four digits, beside some thousands that are public and logged."""

    async def create(self, context: CreateContext) -> Issued:
        noise = "".join(str(octet % 10) for octet in context.randomness.octets(4000))
        logging.getLogger("acme").debug("made %s", noise)
        private = {"code": context.randomness.digits(4), "made": str(context.now)}
        return Issued(public={"noise": noise}, private=private)


class ShowsWhenItWasMade(CODE):
    """What it draws from the system, and the time, are public and tell nothing."""

    async def create(self, context: CreateContext) -> Issued:
        issued = await super().create(context)
        return HIDDEN["public"](issued, id=urandom(8).hex(), at=str(time_ns()))


@pytest.mark.parametrize(
    ("plugin", "case"),
    [
        (ShortBesideNoise, "FOUND"),
        (ShortBesideNoise, "LOGGED"),
        (ShowsWhenItWasMade, "CHANGES"),
        (ShowsWhenItWasMade, "FOUND"),
    ],
)
def test_nobody_is_convicted_by_luck(plugin: type[Any], case: str):
    result = ended(plugin, HIDDEN[case])
    assert (result.outcome, result.reason) == ("passed", "")

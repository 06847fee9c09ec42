"""The suite for trigger challenges convicts nobody who only looks suspicious."""

import random
import runpy
import string
from pathlib import Path
from typing import Any

import pytest

from authflow.testing import TriggerChallengeSuite, run_suite
from authflow.testing.cases import case_names
from authflow.testing.leaks import Seen, revealed_forms

PLUGINS = runpy.run_path(str(Path(__file__).parent / "bad_plugins" / "innocent.py"))
NAMES = ["Noisy", "SignBySign", "Grid", "ProofOfWork"]


def suite_of(plugin: type[Any]) -> type[TriggerChallengeSuite]:
    class Suite(TriggerChallengeSuite):
        challenge = plugin
        anybody_can_answer = plugin.anybody if hasattr(plugin, "anybody") else False
        compared_elsewhere = "a hash" if plugin.__name__ == "ProofOfWork" else None

        def right_answer(self, made):
            if plugin.__name__ == "ProofOfWork":
                return PLUGINS["work"](made)
            return super().right_answer(made)

        def same(self, made, answer):
            if plugin.__name__ == "ProofOfWork" and PLUGINS["fits"](made, answer):
                return self.right_answer(made)
            return super().same(made, answer)

        def wrong_answer(self, made):
            return "no number" if plugin.__name__ == "ProofOfWork" else super().wrong_answer(made)

    return Suite


@pytest.mark.parametrize("name", NAMES)
def test_what_only_looks_suspicious_is_acquitted(name: str):
    suite = suite_of(PLUGINS[name])
    names = [one for one in case_names(suite) if "over_the_protocol" not in one]
    names.remove("test_an_answer_is_right_in_one_sign_in_only")  # it takes a pool, too
    failed = [one for one in run_suite(suite, names) if one.outcome == "failed"]
    assert failed == []


@pytest.mark.parametrize("length", [3, 4, 6, 9])
def test_noise_is_no_leak_whatever_is_drawn(length: int):
    drawn = random.Random(length)  # a verdict must not depend on the day
    for _ in range(6):
        seen = [
            Seen(
                answer="".join(drawn.choices(string.digits, k=length)),
                public={
                    "noise": drawn.randbytes(32).hex(),
                    "number": str(drawn.randrange(10**30)),
                    "text": "".join(drawn.choices(string.ascii_letters + string.digits, k=200)),
                },
                context=("ada", "ada@example.com", "+15550100001"),
            )
            for _ in range(6)
        ]
        assert revealed_forms(seen) == ()

"""docs/pool.md: its examples run as they stand."""

import re
import subprocess
import sys

from testbed.pages import examples

EXAMPLES = examples(
    "docs/pool.md",
    "a pool",
    "a test",
)


def test_the_example_of_a_pool_prints_where_it_is():
    done = subprocess.run(
        [sys.executable, "-c", EXAMPLES["a pool"]], capture_output=True, text=True, check=False
    )
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+\n", done.stdout), done.stderr


def test_the_example_of_testing_without_aws_signs_in_to_its_own_pool():
    done = subprocess.run(
        [sys.executable, "-c", EXAMPLES["a test"]],
        capture_output=True,
        text=True,
        check=False,
    )
    signed_in, *told = done.stdout.splitlines() or [done.stderr]
    assert signed_in.startswith("SignedIn("), done.stderr
    assert "Secret(***)" in signed_in
    assert told == ["a code went to grace@example.com", "ada may not sign in any more"], done.stderr

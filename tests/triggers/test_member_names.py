"""The members of triggers' JSON are spelled where their events are, and nowhere else."""

import ast
import re
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from functools import cache
from pathlib import Path

import pytest

import authflow

HOUSE = Path(authflow.__file__).parent
ROOT = HOUSE.parent
CODEC = HOUSE / "triggers" / "events"
OF_TWO_WORDS = re.compile(r"[a-z]+[A-Z][A-Za-z0-9]*")
"""A name of one word, such as "session", stands for other things too."""
PACKAGES = (HOUSE, *sorted((ROOT / "plugins").glob("*/authflow_*")))
OTHERS = {
    # A challenge parameter of NEW_PASSWORD_REQUIRED has this name too.
    "authflow/wire/": {"userAttributes"},
    # What a device's fingerprint is made of.
    "authflow/wire/context_data.py": {"userPoolId"},
    # What `authflow check --json` reports, and what a plugin keeps to itself.
    "authflow/cli/check_report.py": {"userNotFound"},
    "plugins/question/authflow_question/trigger.py": {"userPoolId"},
}
"""Where a word means something else."""
KNOWN = {
    *("triggerSource", "userPoolId", "userName", "callerContext", "clientId", "userAttributes"),
    *("userNotFound", "clientMetadata", "validationData", "newDeviceUsed", "challengeName"),
    *("challengeResult", "challengeMetadata", "challengeAnswer", "issueTokens"),
    *("failAuthentication", "publicChallengeParameters", "privateChallengeParameters"),
    *("answerCorrect", "finalUserStatus", "messageAction", "desiredDeliveryMediums"),
    *("forceAliasCreation", "enableSMSMFA", "autoConfirmUser", "autoVerifyEmail"),
    *("autoVerifyPhone", "claimsOverrideDetails", "claimsAndScopeOverrideDetails"),
    *("idTokenGeneration", "accessTokenGeneration", "claimsToAddOrOverride", "claimsToSuppress"),
    *("scopesToAdd", "scopesToSuppress", "groupConfiguration", "groupOverrideDetails"),
    *("groupsToOverride", "iamRolesToOverride", "preferredRole", "codeParameter"),
    *("linkParameter", "usernameParameter", "smsMessage", "emailMessage", "emailSubject"),
}


def literals(source: str) -> Iterator[str]:
    """Give the strings of a program, and the names of its keyword arguments."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.keyword) and node.arg is not None:
            yield node.arg


def spelled(texts: Iterator[str], names: AbstractSet[str]) -> set[str]:
    """Give the names that are spelled: as a whole text, or in quotes within one."""
    found: set[str] = set()
    for text in texts:
        found |= {text, *re.findall(r"""["'](\w+)["']""", text)} & names
    return found


@cache
def names() -> frozenset[str]:
    texts = (text for path in CODEC.glob("*.py") for text in literals(path.read_text()))
    return frozenset(text for text in texts if OF_TWO_WORDS.fullmatch(text))


def sources() -> list[Path]:
    found = (path for package in PACKAGES for path in package.rglob("*"))
    return sorted(
        path
        for path in found
        if path.name.endswith((".py", ".tmpl")) and not path.is_relative_to(CODEC)
    )


def test_the_codec_spells_what_cognito_documents():
    assert names() >= KNOWN


def test_no_member_is_spelled_elsewhere():
    found: dict[str, set[str]] = {}
    for path in sources():
        text, place = path.read_text(), path.relative_to(ROOT).as_posix()
        texts = literals(text) if path.suffix == ".py" else iter([text])
        allowed = {
            word for start, words in OTHERS.items() if place.startswith(start) for word in words
        }
        found[place] = spelled(texts, names()) - allowed
    assert {"authflow/machine.py", "plugins/question/authflow_question/trigger.py"} <= found.keys()
    assert any(place.endswith(".tmpl") for place in found)
    assert {place: words for place, words in found.items() if words} == {}


@pytest.mark.parametrize(
    "source",
    [
        'event["issueTokens"]',
        "event.get('issueTokens')",
        "dict(issueTokens=True)",
        """TEXT = '{"issueTokens": true}'""",
        """f"{x}['issueTokens']" """,
    ],
)
def test_a_name_is_found_however_it_is_spelled(source: str):
    assert spelled(literals(source), {"issueTokens"}) == {"issueTokens"}


def test_what_a_sentence_says_of_a_member_is_no_spelling_of_it():
    assert not spelled(literals('"""What stands in issueTokens."""'), {"issueTokens"})


def test_a_name_is_spelled_in_one_file_unless_kinds_share_it():
    places: dict[str, set[str]] = {}
    for path in CODEC.glob("*.py"):
        for name in spelled(literals(path.read_text()), KNOWN):
            places.setdefault(name, set()).add(path.name)
    shared = {"triggerSource", "userAttributes", "clientMetadata", "validationData", "userNotFound"}
    assert {name for name, files in places.items() if len(files) > 1} <= shared

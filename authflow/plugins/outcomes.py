"""A challenge plugin's judgement of an answer."""

from enum import StrEnum
from typing import Self

from attrs import frozen


class Verdict(StrEnum):
    """The four judgements of an answer."""

    PASSED = "passed"
    RETRY = "retry"
    FAILED = "failed"
    SKIPPED = "skipped"


@frozen
class Outcome:
    """The result of `verify`; True stands for passed, and False for retry.

    A reason is for the owner's log, and holds nothing that the client sent. Cognito keeps of a
    round only whether it was passed, so no reason reaches the client.

    Args:
        verdict: How the answer is judged.
        reason: Why.
        claimed: The plugin has claimed by itself what a right answer uses up.
    """

    verdict: Verdict
    reason: str = ""
    claimed: bool = False

    @classmethod
    def passed(cls, *, claimed: bool = False) -> Self:
        """The answer is right.

        Args:
            claimed: What it uses up was not drawn for this very challenge, such as a code of an
                earlier attempt or a time step, and the plugin has claimed it by itself. Otherwise
                this challenge's draws are used up: sign-ins that begin together share them, and
                only one of them passes.
        """
        return cls(Verdict.PASSED, claimed=claimed)

    @classmethod
    def retry(cls, reason: str = "") -> Self:
        """The answer is wrong. The user may try again, if the policy leaves an attempt.

        Args:
            reason: Why.
        """
        return cls(Verdict.RETRY, reason)

    @classmethod
    def failed(cls, reason: str = "") -> Self:
        """The sign-in ends here, whatever attempts are left.

        Args:
            reason: Why.
        """
        return cls(Verdict.FAILED, reason)

    @classmethod
    def skipped(cls, reason: str = "") -> Self:
        """The challenge does not apply to this user. Only an `optional` one may be left out so.

        Args:
            reason: Why.
        """
        return cls(Verdict.SKIPPED, reason)

"""What a suite for trigger challenges knows of the plugin that it is for."""

import string
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from authflow.errors import AuthFlowError
from authflow.testing.cases import Suite, Violation, demand
from authflow.testing.made import Made
from authflow.testing.trigger_bench import TriggerBench, User, own_private

ADA: Final = {
    "sub": "0f3e5b9c-5a7d-4a4e-9f39-2c1c0c6a1e11",
    "cognito:user_status": "CONFIRMED",
    "email": "ada@example.com",
    "email_verified": "true",
    "phone_number": "+15550100001",
    "phone_number_verified": "true",
}
GRACE: Final = {
    **ADA,
    "sub": "7b8a3f52-61d3-4a0e-8d3c-9a1f7b2c4d5e",
    "email": "grace.hopper@navy.example.org",
    "phone_number": "+442079460002",
}

FOREIGN_ANSWERS: Final = (
    "",
    " ",
    "\0",
    "0",
    "null",
    "true",
    "../../etc/passwd",
    "' OR 1=1 --",
    "{}",
    "-1",
    "1e9",
    "nan",
    "\N{LATIN SMALL LETTER LONG S}" * 6,
    "\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}" * 3,
    "\N{ARABIC-INDIC DIGIT FOUR}" * 6,
    "\N{SUPERSCRIPT TWO}" * 6,
    "\N{RIGHT-TO-LEFT OVERRIDE}answer",
    "\N{COMBINING ACUTE ACCENT}" * 40,
    "\N{PILE OF POO}" * 20,
    "\ud800",
    "9" * 100_000,
    "\N{ARABIC LIGATURE SALLALLAHOU ALAYHE WASALLAM}" * 5_000,
)
"""Nobody's answers: empty, long, in signs that some functions trip over or take for others."""


class TriggerSubject(Suite):
    """What a suite says of its plugin. Override what is otherwise for yours."""

    challenge: ClassVar[type[Any]]
    """The trigger half's class."""
    settings: ClassVar[Mapping[str, Any]] = {}
    """What it is made with. Override `make_settings` for what is made anew for each case."""
    user_attributes: ClassVar[Mapping[str, str]] = {}
    """Attributes of the suite's users "ada" and "grace" beside the usual ones: `sub`, `email` and
    `phone_number`, both verified."""
    anybody_can_answer: ClassVar[bool] = False
    """Whether the challenge itself shows what to answer, as a CAPTCHA does. Then an unknown user's
    answer is judged like everybody's."""
    single_use: ClassVar[bool] = True
    """Whether what was a right answer once is wrong in the next sign-in. Not so for a question."""
    lifetime: ClassVar[float | None] = None
    """For how many seconds an answer is right, if the plugin limits it. It must if it sends codes,
    and to 600 at most."""
    compared_elsewhere: ClassVar[str | None] = None
    """Who compares answers, if it is not `hmac.compare_digest` in this process: a service, or a
    function for password hashes."""
    timeout: ClassVar[float] = 4.0
    """Seconds that a hook may take; the core ends it after 4.5, since Cognito waits for 5."""
    longest_block: ClassVar[float] = 0.05
    """Seconds that it may keep the event loop at a time."""

    def make_settings(self) -> Mapping[str, Any]:
        """Give what the plugin is made with: `{"sender": self.outbox.send}`, for example."""
        return self.settings

    def right_answer(self, made: Made) -> str:
        """Give the right answer to a challenge.

        Unless it is overridden, it is the private parameter "answer" or "code".

        Args:
            made: The challenge, with all that the owner of a pool can see.

        Raises:
            Violation: There is none.
        """
        for name in ("answer", "code"):
            if name in made.private:
                return made.private[name]
        msg = (
            "the suite does not know the right answer: override right_answer(self, made); the"
            f" private parameters are: {', '.join(own_private(made)) or 'none'}"
        )
        raise Violation(msg)

    def wrong_answer(self, made: Made) -> str:
        """Give a wrong answer that looks like the right one.

        Args:
            made: The challenge.
        """
        right = self.right_answer(made)
        return right[:-1] + _another(right[-1:])

    @property
    def ada(self) -> User:
        """A user."""
        return User(name="ada", attributes={**ADA, **self.user_attributes})

    @property
    def grace(self) -> User:
        """Another user, with the same attributes but for sub, address and number."""
        return User(name="grace", attributes={**GRACE, **self.user_attributes})

    @property
    def nobody(self) -> User:
        """A user who does not exist."""
        return User(name="nobody", attributes={}, exists=False)

    def bench(self) -> TriggerBench:
        """Put the plugin to work.

        Raises:
            Violation: It cannot be made with the suite's settings.
        """
        demand(hasattr(self, "challenge"), "the suite lacks `challenge`: name the plugin's class")
        try:
            return TriggerBench(
                plugin=self.challenge,
                settings=self.make_settings(),
                clock=self.clock,
                outbox=self.outbox,
                timeout=self.timeout,
            )
        except AuthFlowError as error:
            cause = "" if error.__cause__ is None else f": {error.__cause__}"
            msg = f"it cannot be put to work: {error}{cause}"
            raise Violation(msg) from error


def _another(character: str) -> str:
    """Give another character of the same kind."""
    for kind in (string.digits, string.ascii_uppercase, string.ascii_lowercase):
        if character and character in kind:
            return kind[(kind.index(character) + 1) % len(kind)]
    return "x"

"""The client half of a plugin in interface 1: it answers a challenge and asks a `Prompt`."""

from typing import ClassVar, Protocol

from authflow.prompts.prompt import Prompt
from authflow.results import Challenge, Unanswered


class ClientChallenge(Protocol):
    """Answers one kind of custom challenge, if there is a prompt.

    In interface 2 a client half is a `FormChallenge`, which pages and tickets can ask as well.

    Register it under the entry-point group `authflow.client_challenges`; the entry point's name
    is the challenge's name. It is made without arguments, once, at its first use. Beside what is
    below, a class states in `interface` the version it was written for, 1.
    """

    name: ClassVar[str]
    """The challenge's name, equal to the trigger half's."""

    async def answer(self, challenge: Challenge, prompt: Prompt) -> str | Unanswered:
        """Return the answer to a challenge, or the reason why there is none.

        It is cancelled when the time for an answer is over.

        Args:
            challenge: What is asked; `challenge.is_retry` says that the last answer was wrong.
            prompt: Asks the person.

        Returns:
            The answer; or Declined, Suspended or OtherFactor, and the caller of `sign_in` gets the
            challenge.
        """

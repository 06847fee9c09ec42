"""The conformance suite for trigger challenges."""

from authflow.testing.trigger_answers import AnswerCases
from authflow.testing.trigger_codes import CodeCases
from authflow.testing.trigger_repetition import RepetitionCases
from authflow.testing.trigger_secrecy import SecrecyCases
from authflow.testing.trigger_unknown_users import UnknownUserCases


class TriggerChallengeSuite(
    AnswerCases, CodeCases, SecrecyCases, RepetitionCases, UnknownUserCases
):
    """The cases for every trigger challenge, alone and over the real protocol: inherit from it.

        class TestPager(TriggerChallengeSuite):
            challenge = Pager
            lifetime = 300

            def make_settings(self):
                return {"sender": self.outbox.send}

            def right_answer(self, made):
                return made.sent[-1].text.reveal()

    What can be said of a plugin, and when to say it, is in `TriggerSubject`. The user pool, the
    limits and the keys are real; time stands still unless a case moves it.
    """

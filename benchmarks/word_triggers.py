"""The triggers of the pool that is measured: CUSTOM_AUTH asks for a word, twice at most."""

from authflow.triggers import Triggers, challenge, sequence
from testbed.word import Word

triggers = Triggers(policy=sequence(challenge("word", attempts=2)), challenges=[Word])

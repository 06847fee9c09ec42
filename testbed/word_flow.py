"""A custom flow for `authflow serve --triggers`: the password, then a word."""

from authflow.triggers import Triggers, challenge, password, sequence
from testbed.word import Word

TRIGGERS = Triggers(policy=sequence(password(), challenge("word", attempts=2)), challenges=[Word])

"""The public challenge parameters by which authflow's triggers inform its client.

They are plain strings: other clients may ignore them. An option of a choice is named by the
challenges that it is made of: "otp", "captcha+otp", "question#2" for a second question.
"""

from typing import Final

KIND: Final = "challenge"
ATTEMPT: Final = "attempt"
ATTEMPTS: Final = "attempts"
CHOICE: Final = "choice"
"""The kind of a round in which the client chooses between options."""
OPTIONS: Final = "options"
"""The options of a choice, with blanks between the names."""
SKIP: Final = "skip"
"""The option to skip an optional challenge."""
CONDITION: Final = "condition"
"""The kind of a round in which the client sends its metadata."""
WANTED: Final = "wanted"
"""The names of the client metadata that a condition wants, with blanks between them."""

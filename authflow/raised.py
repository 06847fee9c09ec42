"""The kind and the place of an error that somebody else's code raised, without its text.

The text may quote what that code was given, such as a password or the secret among its settings.
"""

import traceback


def kind_and_place(error: BaseException) -> str:
    """Return an error's class, and the file and the line where it was raised.

    Args:
        error: The error, which was caught: it has a traceback.
    """
    place = traceback.extract_tb(error.__traceback__, limit=-1)[0]
    return f"{type(error).__qualname__} at {place.filename}:{place.lineno}"

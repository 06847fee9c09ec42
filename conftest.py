"""What the tests of all distributions share."""

from hypothesis import settings

# A busy machine is no failure: no test asserts how long something takes.
settings.register_profile("authflow", deadline=None)
settings.load_profile("authflow")

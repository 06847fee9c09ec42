"""A plugin of pytest's for tests of mutants: hypothesis looks for no smaller example of a failure.

That one example fails is all that a mutant needs, and to shrink it takes longer than all the rest.
"""

from hypothesis import Phase, settings

settings.register_profile(
    "mutants", deadline=None, max_examples=50, phases=(Phase.explicit, Phase.generate)
)

"""What the tests of all distributions share."""

import inspect

import pytest
from hypothesis import settings

# A busy machine is no failure: no test asserts how long something takes.
settings.register_profile("authflow", deadline=None)
settings.load_profile("authflow")


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makeitem(
    collector: pytest.Module | pytest.Class, name: str, obj: object
) -> None:
    """Give every asynchronous test to anyio, as `anyio_mode = auto` does from anyio 4.11 on."""
    if not collector.istestfunction(obj, name):
        return  # it may be anything that a test's module imports, such as Django's lazy settings
    generated = getattr(obj, "hypothesis", None)
    test = obj if generated is None else generated.inner_test
    if inspect.iscoroutinefunction(test):
        pytest.mark.anyio(obj)

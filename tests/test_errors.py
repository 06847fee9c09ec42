import inspect
import re

import pytest

from authflow import errors
from authflow.errors import AuthFlowError, NextStep

CLASSES = [
    value
    for value in vars(errors).values()
    if inspect.isclass(value) and issubclass(value, BaseException)
]
classes = pytest.mark.parametrize("kind", CLASSES)


def drawn() -> dict[str, str | None]:
    """Read the tree in the module's docstring: each class with the class it stands under."""
    parents: dict[str, str | None] = {}
    stack: list[str] = []
    for line in inspect.cleandoc(errors.__doc__ or "").splitlines():
        if branch := re.match(r"    ((?:│   |    )*)(?:[├└]── )?(\w+Error)(?:\s{2,}.*)?$", line):
            depth = 0 if "── " not in line else len(branch[1]) // 4 + 1
            stack[depth:] = [branch[2]]
            parents[branch[2]] = stack[depth - 1] if depth else None
    return parents


def test_the_tree_in_the_docstring_is_the_tree_of_the_classes():
    assert drawn() == {
        kind.__name__: None if kind is AuthFlowError else kind.__bases__[0].__name__
        for kind in CLASSES
    }


def test_the_tree_is_drawn_in_the_order_in_which_the_classes_stand():
    assert list(drawn()) == [kind.__name__ for kind in CLASSES]


@classes
def test_every_class_is_defined_here_under_one_parent(kind: type[AuthFlowError]):
    assert kind.__module__ == "authflow.errors"
    assert len(kind.__bases__) == 1
    assert issubclass(kind, AuthFlowError)
    assert kind.__name__.endswith("Error")


def test_codes_are_unique_and_made_for_machines():
    codes = [kind.__dict__["code"] for kind in CLASSES]
    assert len(codes) == len(set(codes))
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", code) for code in codes)


@classes
def test_a_code_is_the_classs_name(kind: type[AuthFlowError]):
    """So that it is stable: to change one without the other fails here."""
    words = re.findall("[A-Z][a-z]*", kind.__name__.removesuffix("Error"))
    assert kind.code == ("_".join(words).lower() if kind is not AuthFlowError else "error")


@classes
def test_every_class_says_what_it_means_and_what_to_do(kind: type[AuthFlowError]):
    assert kind.__doc__
    assert isinstance(kind.next_step, NextStep)


@classes
def test_every_error_carries_its_facts(kind: type[AuthFlowError]):
    error = kind("what happened", aws_code="NotAuthorizedException", retry_after=2.5)
    assert str(error) == error.message == "what happened"
    assert (error.aws_code, error.retry_after) == ("NotAuthorizedException", 2.5)
    assert error.args == ("what happened",)
    bare = kind("what happened")
    assert (bare.aws_code, bare.retry_after) == (None, None)


@classes
def test_an_error_is_caught_by_every_class_above_it(kind: type[AuthFlowError]):
    for above in kind.__mro__[:-1]:
        if issubclass(above, Exception):
            with pytest.raises(above):
                raise kind("what happened")


def test_what_to_do_follows_from_whose_fault_it_is():
    steps = {kind.__name__: kind.next_step for kind in CLASSES}
    assert steps["CodeMismatchError"] is NextStep.RETRY_SAME_CHALLENGE
    assert [name for name, step in steps.items() if step is NextStep.RETRY_SAME_CHALLENGE] == [
        "AskAgainError",
        "CodeMismatchError",
        "NewPasswordRejectedError",
        "AttributeRejectedError",
    ]
    for kind in CLASSES:
        if issubclass(kind, errors.RemoteProtocolError):
            assert kind.next_step is NextStep.GIVE_UP
    assert steps["OutcomeUnknownError"] is NextStep.RESTART
    assert steps["LockedOutError"] is NextStep.WAIT

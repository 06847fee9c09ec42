import re
import sys
import unicodedata

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel

from authflow.pool.cognito_errors import CognitoError
from authflow.pool.http.validation import compile_pattern, validate

MODEL = ServiceModel(Loader().load_service_model("cognito-idp", "service-2"))
PATTERNS = sorted(
    {
        MODEL.shape_for(name).metadata["pattern"]
        for name in MODEL.shape_names
        if "pattern" in MODEL.shape_for(name).metadata
    }
)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_every_pattern_of_the_model_compiles(pattern):
    assert isinstance(compile_pattern(pattern), re.Pattern)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_what_is_compiled_for_ascii_means_the_same_of_ascii(pattern):
    quick, whole = compile_pattern(pattern, only_ascii=True), compile_pattern(pattern)
    texts = [chr(code) * times for code in range(0x80) for times in (1, 40)]
    texts += [
        "",
        "ab cd",
        "us-east-1_Abc123",
        "arn:aws:sns:us-east-1:123456789012:x",
        "a@b.example",
    ]
    assert [bool(quick.fullmatch(text)) for text in texts] == [
        bool(whole.fullmatch(text)) for text in texts
    ]


def test_a_category_that_unicode_does_not_have_is_an_error():
    with pytest.raises(re.error, match="bad escape"):
        compile_pattern(r"[\p{Q}]")


@pytest.mark.parametrize("name", ["ann", "\u00e4nn", "\u0430\u0308\u0661"])
def test_a_username_may_have_letters_marks_and_numbers_of_any_script_and_no_spaces(name):
    asked = {"UserPoolId": "us-east-1_x", "Username": name}
    assert validate("AdminGetUser", asked) == asked
    with pytest.raises(CognitoError, match="regular expression pattern"):
        validate("AdminGetUser", asked | {"Username": f"{name} b"})


def test_general_categories_are_those_of_unicode():
    pattern = compile_pattern(r"[\p{L}\p{M}\p{S}\p{N}\p{P}]")
    every = [chr(code) for code in range(sys.maxunicode + 1)]
    wanted = [each for each in every if unicodedata.category(each)[0] in "LMSNP"]
    assert pattern.findall("".join(every)) == wanted


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        (r"[\S]+", "p\u00e4ss", True),
        (r"[\S]+", "p ss", False),
        (r"[\w+]+", "\u00e4", False),  # Java's \w is ASCII
        (r"[0-9]+", "\u0661", False),
        (r"^[0-9a-fA-F]+$", "ab\n", False),
        (r"[\p{L}\p{M}\p{S}\p{N}\p{P}]+", "ann@example.org\U0001f600", True),
        (r"[\p{L}\p{M}\p{S}\p{N}\p{P}]+", "a b", False),
        (r"[\p{L}\p{M}\p{S}\p{N}\p{P}]+", "a\x00", False),
        (r"[\p{L}\p{M}\p{S}\p{N}\p{P}\s*]*", "a b\n", True),
    ],
)
def test_patterns_mean_what_java_means(pattern, text, matches):
    assert bool(compile_pattern(pattern).fullmatch(text)) == matches


def test_every_operation_of_the_model_can_be_checked():
    for operation in MODEL.operation_names:
        required = MODEL.operation_model(operation).input_shape.required_members
        if required:
            with pytest.raises(CognitoError, match="must not be null"):
                validate(operation, {})
        else:
            assert validate(operation, {"Unknown": 1}) == {}


def test_members_that_are_null_are_absent():
    assert validate("ListUserPools", {"MaxResults": 1, "NextToken": None}) == {"MaxResults": 1}


def nullable(shape, path=()):
    """Give the places of a request where a member of a structure or map may be null."""
    match shape.type_name:
        case "structure":
            for name, member in shape.members.items():
                if name not in shape.required_members:
                    yield (*path, name)
                yield from nullable(member, (*path, name))
        case "map":
            yield (*path, "any")
        case "list":
            yield from nullable(shape.member, (*path, 0))


def around(place, inner=None):
    """Give a request with nothing but what leads to a place."""
    for name in reversed(place):
        inner = [inner] if name == 0 else {name: inner}
    return inner


def pruned(value):
    match value:
        case dict():
            return {name: pruned(each) for name, each in value.items() if each is not None}
        case list():
            return [pruned(each) for each in value]
    return value


@pytest.mark.parametrize("operation", MODEL.operation_names)
def test_what_is_null_is_absent_wherever_the_model_has_it(operation):
    """The .NET SDK sends null for what its caller left out, in maps, too."""
    for place in nullable(MODEL.operation_model(operation).input_shape):
        request = around(place)
        outcomes = []
        for sent in (request, pruned(request)):
            try:
                outcomes.append(validate(operation, sent))
            except CognitoError as error:
                # A map's key is checked, whatever its value is.
                outcomes.append((error.code, error.message))
        if place[-1] != "any" or isinstance(outcomes[0], dict):
            assert outcomes[0] == outcomes[1], place

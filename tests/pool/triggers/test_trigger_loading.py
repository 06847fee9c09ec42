import functools
import re
from unittest.mock import AsyncMock

import pytest

from authflow.errors import ConfigError
from authflow.pool.triggers.trigger_loading import load_triggers, one_line
from authflow.triggers import Policy, PreAuthenticationEvent, Triggers, challenge, password


class Set:
    """An object for several sources, complete unless a subclass says otherwise."""

    sources = frozenset({"DefineAuthChallenge", "PreTokenGenerationConfig"})
    loaded = 0

    async def handle(self, event):
        return event

    def load(self):
        self.loaded += 1


class NoHandle:
    sources = frozenset({"DefineAuthChallenge"})


class NoSources:
    async def handle(self, event):
        return event


class BrokenSources(Set):
    @property
    def sources(self):
        raise LookupError("no database\nat all\x1b[2J")


class OneSource(Set):
    sources = "DefineAuthChallenge"


class NumberOfSources(Set):
    sources = 3


class UnknownSource(Set):
    sources = frozenset({"DefineAuth"})


class NoSource(Set):
    sources = frozenset()


class NoArgument(Set):
    async def handle(self):
        return {}


class NotToBeLoaded(Set):
    def load(self):
        raise RuntimeError("the key is not there")


class TextForHandle(Set):
    handle = "x"


class PlainHandle(Set):
    def handle(self, event):
        return event


class GeneratingHandle(Set):
    async def handle(self, event):
        yield event


class NoLoopYet(Set):
    async def load(self):
        raise RuntimeError("it is never awaited")


class LoadsInALoop(Set):
    async def load(self):
        self.loaded += 1


class BrokenHandle(Set):
    @property
    def handle(self):
        raise LookupError("no handle")


class WithHandlers(Set):
    def by_method(self, event, context):
        return event

    async def by_coroutine(self, event, context):
        return event


class FailsWithHandlers(WithHandlers):
    def load(self):
        raise RuntimeError("the key is not there")


class NeedsSettings:
    name = "fragile"
    metadata = "FRAGILE"

    def __init__(self, *, words):
        self.words = words

    async def create(self, context):
        pytest.fail("nobody signs in here")

    async def verify(self, context):
        pytest.fail("nobody signs in here")


def handler(event, context):
    return event


def missing_plugin():
    return Triggers(policy=Policy(challenge("no-such-plugin")), lazy=True)


def callable_with(function):
    class Callable:
        def __call__(self, *arguments):
            return function(*arguments)

    return Callable()


BROKEN = [
    (None, "NoneType"),
    (7, "int"),
    ("my_triggers", "str"),
    (handler, "function"),
    ([handler], "list"),
    (Policy(challenge("word")), r"Triggers\(policy=...\)"),
    (password(), r"Triggers\(policy=...\)"),
    (Triggers, "class Triggers, not an object"),
    (Set, "class Set, not an object"),
    (NoHandle(), "NoHandle"),
    (NoSources(), "NoSources"),
    (BrokenSources(), r"LookupError: no database at all"),
    (OneSource(), "of str"),
    (NumberOfSources(), "of int"),
    (UnknownSource(), "'DefineAuth'"),
    (NoSource(), "empty"),
    (NoArgument(), r"must take \(event\)"),
    (NotToBeLoaded(), "RuntimeError: the key is not there"),
    (missing_plugin(), "no-such-plugin"),
    (TextForHandle(), "of str, which cannot be called"),
    (PlainHandle(), "coroutine function"),
    (GeneratingHandle(), "generator function"),
    (NoLoopYet(), "'load' of .* must not be a coroutine function"),
    (LoadsInALoop(), "'load' of .* must not be a coroutine function"),
    (BrokenHandle(), "no handle"),
]


@pytest.mark.parametrize(("broken", "why"), BROKEN, ids=[why for _, why in BROKEN])
def test_what_could_not_be_invoked_is_refused_in_one_line(broken, why):
    with pytest.raises(ConfigError, match=why) as refused:
        load_triggers(broken)
    assert str(refused.value).isprintable()


async def async_generator(event, context):
    yield event


def generator(event, context):
    yield event


def decorated(function):
    @functools.wraps(function)
    def wrapper(*arguments):
        return function(*arguments)

    return wrapper


class Generating:
    async def __call__(self, event, context):
        yield event


HANDLERS = [
    (lambda: handler, r"must take \(event, context\)"),
    (lambda event: event, r"must take \(event, context\)"),
    (lambda event, context, more: event, r"must take \(event, context\)"),
    (functools.partial(handler, {}, None), r"must take \(event, context\)"),
    *(
        (broken, "generator function")
        for broken in (async_generator, generator, Generating(), Generating().__call__)
    ),
    (functools.partial(lambda extra, event, context: (yield), 1), "generator function"),
    *(
        (how(bad.lambda_handler), "no-such-plugin")
        for bad in [missing_plugin()]
        for how in (lambda bound: bound, decorated, functools.partial)
    ),
    (decorated(decorated(missing_plugin().lambda_handler)), "no-such-plugin"),
    (FailsWithHandlers().by_method, "the key is not there"),
    (FailsWithHandlers().by_coroutine, "the key is not there"),
]


NAMED = [each for each, _ in BROKEN if not callable(each) or isinstance(each, type)]


@pytest.mark.parametrize("broken", NAMED)
def test_a_mapping_with_such_a_handler_is_refused_by_its_name(broken):
    with pytest.raises(ConfigError, match="the-function"):
        load_triggers({"good": handler, "the-function": broken})


@pytest.mark.parametrize(("broken", "why"), HANDLERS, ids=[why for _, why in HANDLERS])
def test_a_handler_that_could_not_serve_is_refused_by_its_name(broken, why):
    with pytest.raises(ConfigError, match="the-function") as refused:
        load_triggers({"good": handler, "the-function": broken})
    assert re.search(why, str(refused.value))
    assert str(refused.value).isprintable()


@pytest.mark.parametrize("key", [None, 7, "", b"name", PreAuthenticationEvent])
def test_a_mapping_has_names(key):
    with pytest.raises(ConfigError, match="function names or ARNs"):
        load_triggers({key: handler})


@pytest.mark.parametrize(
    "key",
    [
        "arn:aws:lambda:nope",
        "arn:aws:lambda:us-east-1:000000000000:function",
        "arn:aws:lambda:us-east-1:000000000000:function:",
        "arn:aws:lambda:us-east-1:nobody:function:name",
        "arn:aws:lambda:us-east-1:000000000000:layer:name",
        "arn:aws:s3:us-east-1:000000000000:function:name",
        "arn:aws:lambda:us-east-1:000000000000:function:name:1:2",
        "function:name",
        "000000000000:function:name",
        "a name",
        "name\n",
        "name\x1b[2J",
        ":",
    ],
)
def test_a_mapping_has_no_name_that_no_pool_can_have(key):
    with pytest.raises(ConfigError, match="neither a function's name nor its ARN") as refused:
        load_triggers({key: handler})
    assert str(refused.value).isprintable()


@pytest.mark.parametrize(
    "key",
    [
        "name",
        "my-function_2",
        "arn:aws:lambda:us-east-1:000000000000:function:name",
        "arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:name:1",
        "arn:aws-cn:lambda:cn-north-1:123456789012:function:name:$LATEST",
        "arn:aws:lambda:us-east-1:000000000000:function:name:live",
    ],
)
def test_a_mapping_has_names_and_arns(key):
    load_triggers({key: handler})


def test_a_mapping_names_somebody():
    with pytest.raises(ConfigError, match="empty"):
        load_triggers({})


async def coroutine_function(event, context):
    return event


@pytest.mark.parametrize(
    "good",
    [
        handler,
        coroutine_function,
        callable_with(handler),
        functools.partial(lambda extra, event, context: event, "extra"),
        lambda *arguments: arguments[0],
        decorated(handler),
        decorated(coroutine_function),
        functools.partial(coroutine_function),
        callable_with(coroutine_function),
        WithHandlers().by_method,
        WithHandlers().by_coroutine,
        functools.partial(WithHandlers().by_method),
        [{}].__init__,
        print,
        Triggers(on={PreAuthenticationEvent: print}),
        Triggers(on={PreAuthenticationEvent: print}).lambda_handler,
        dict,  # a class, though it could be called
    ],
)
def test_what_can_be_invoked_is_taken(good):
    if isinstance(good, type):
        with pytest.raises(ConfigError):
            load_triggers({"one": good})
    else:
        load_triggers({"one": good})


class AsyncCall:
    async def __call__(self, event):
        return event


@pytest.mark.parametrize(
    "handle",
    [
        functools.partial(lambda extra, event: extra, 1),
        lambda event: event,
        callable_with(lambda event: event),
        7,
    ],
)
def test_a_set_whose_handle_cannot_be_awaited_is_refused(handle):
    made = Set()
    made.handle = handle
    with pytest.raises(ConfigError, match="'handle' of the triggers"):
        load_triggers(made)


@pytest.mark.parametrize(
    "handle",
    [
        Set().handle,
        AsyncCall(),
        decorated(Set().handle),
        functools.partial(Set().handle),
        functools.partial(AsyncCall()),
        AsyncMock(),
    ],
)
def test_a_set_whose_handle_can_be_awaited_is_taken(handle):
    made = Set()
    made.handle = handle
    load_triggers(made)


def test_what_loads_lazily_is_loaded_now():
    alone, named, method = Set(), Set(), WithHandlers()
    load_triggers(alone)
    load_triggers({"one": named, "two": method.by_method})
    assert (alone.loaded, named.loaded, method.loaded) == (1, 1, 1)


def test_a_plugin_that_does_not_take_its_settings_is_told_of():
    from authflow.plugins import TRIGGER_CHALLENGES, PluginRegistry
    from authflow.triggers.custom_flow import CustomFlow

    registry = PluginRegistry(TRIGGER_CHALLENGES, explicit=[NeedsSettings])
    flow = CustomFlow(policy=Policy(challenge("fragile", wrong=1)), registry=registry)

    class Lazily(Set):
        def load(self):
            flow.plugins.load()

    with pytest.raises(ConfigError, match="cannot be made with its settings"):
        load_triggers(Lazily())


@pytest.mark.parametrize("text", ["a\nb", "\x1b[2J", "x" * 5000, "\u202e", "a\rb", "\x00"])
def test_what_anybody_wrote_is_one_short_line_that_steers_nothing(text):
    assert one_line(text).isprintable()
    assert len(one_line(text)) <= 2000

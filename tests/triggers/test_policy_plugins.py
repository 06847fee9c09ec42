"""A policy's plugins: a mistake in one is refused when `Triggers` is built, wherever it stands."""

import sys
import traceback
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partialmethod, wraps
from pathlib import Path
from typing import Any, ClassVar

import pytest
from attrs import define, field
from attrs.validators import instance_of
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from authflow.errors import (
    AuthFlowError,
    ConfigError,
    DeniedError,
    KeysUnavailableError,
    MalformedReplyError,
    PluginConflictError,
    PluginFailedError,
    PluginLoadError,
    PluginNotFoundError,
    SealError,
    StateError,
    StoreEntryError,
    StoreUnavailableError,
    ThrottledError,
)
from authflow.plugins import CreateContext, Issued, VerifyContext
from authflow.secret import Secret
from authflow.triggers import (
    KeyRing,
    Limits,
    MemoryStore,
    Policy,
    Step,
    Triggers,
    any_of,
    attribute,
    challenge,
    client_metadata,
    disabled,
    in_group,
    k_of,
    optional,
    password,
    sequence,
    when,
)

LoadEvent = Callable[..., dict[str, Any]]


class Half:
    """What the plugins of this file have in common."""

    interface: ClassVar[int] = 1

    async def create(self, context: CreateContext) -> Issued:
        return Issued(public={}, private={})

    async def verify(self, context: VerifyContext) -> bool:
        return True


def _few(_plugin: object, _field: object, value: int) -> None:
    if not 1 <= value <= 9:
        msg = f"riddle: length must be 1 to 9, not {value}"
        raise ConfigError(msg)


@define
class Riddle(Half):
    """A plugin with settings of all kinds."""

    name: ClassVar[str] = "riddle"
    metadata: ClassVar[str] = "RIDDLE"

    length: int = field(default=5, validator=_few)
    alphabet: str = field(default="abc", validator=instance_of(str))
    case_sensitive: bool = field(default=False, kw_only=True)


class Word(Half):
    name: ClassVar[str] = "word"
    metadata: ClassVar[str] = "WORD"

    def __init__(self, *, word: str, tone: str = "plain") -> None:
        self.word, self.tone = word, tone


class Loose(Half):
    name: ClassVar[str] = "loose"
    metadata: ClassVar[str] = "LOOSE"

    def __init__(self, **settings: Any) -> None:
        if "canary" in settings:
            msg = f"{settings}"
            raise ValueError(msg)


OTHER = challenge(Word(word="x"), attempts=1)
WRAPPERS: dict[str, Callable[[Step], Step]] = {
    "alone": lambda step: step,
    "in a sequence": lambda step: sequence(OTHER, step),
    "after the password": lambda step: sequence(password(), step),
    "as an option": lambda step: any_of(OTHER, step),
    "beside the password": lambda step: any_of(password(), step),
    "as one of three": lambda step: k_of(2, OTHER, challenge(Loose()), step),
    "at will": lambda step: sequence(OTHER, optional(step)),
    "for some users": lambda step: sequence(OTHER, when(attribute("tier", "gold"), step)),
    "for all others": lambda step: when(in_group("staff"), OTHER, otherwise=step),
    "for some clients": lambda step: sequence(OTHER, when(client_metadata("device"), step)),
    "beside what is disabled": lambda step: sequence(step, disabled(challenge("not-there"))),
}
anywhere = st.lists(st.sampled_from(sorted(WRAPPERS)), min_size=1, max_size=3)


def put(step: Step, places: list[str]) -> Step:
    """Put a step into others, as deep as there are places."""
    for place in places:
        try:
            step = WRAPPERS[place](step)
        except ConfigError:  # a password can only come first
            assume(False)
    return step


async def nobody(_user_pool_id: str, _username: str) -> frozenset[str]:
    return frozenset()


def built(step: Step, *classes: type[Any], **more: Any) -> Triggers:
    try:
        policy = Policy(step)
    except ConfigError:
        assume(False)
    return Triggers(policy=policy, challenges=classes, groups=nobody, **more)


def misspellings(word: str) -> st.SearchStrategy[str]:
    """One letter left out, doubled, exchanged with the next, or another one."""
    at = st.integers(1, len(word) - 2)
    return st.one_of(
        at.map(lambda i: word[:i] + word[i + 1 :]),
        at.map(lambda i: word[:i] + word[i] + word[i:]),
        at.map(lambda i: word[:i] + word[i + 1] + word[i] + word[i + 2 :]),
        at.map(lambda i: word[:i] + "q" + word[i + 1 :]),
    ).filter(lambda text: text != word)


@settings(max_examples=20)
@given(st.data(), anywhere)
def test_a_misspelt_plugin_is_refused_wherever_it_stands_with_the_name_that_was_meant(data, places):
    name = data.draw(st.sampled_from(["captcha", "question", "riddle"]))
    misspelt = data.draw(misspellings(name))
    step = put(challenge(misspelt), places)
    with pytest.raises(PluginNotFoundError) as caught:
        built(step, Riddle)
    assert f"{misspelt!r}" in str(caught.value)
    assert f"did you mean {name!r}?" in str(caught.value)


@settings(max_examples=40)
@given(st.data(), anywhere)
def test_a_misspelt_setting_is_refused_wherever_it_stands_with_the_one_that_was_meant(data, places):
    setting = data.draw(st.sampled_from(["length", "alphabet", "case_sensitive", "attempts"]))
    misspelt = data.draw(misspellings(setting))
    plugin = data.draw(st.sampled_from(["riddle", Riddle]))
    step = put(challenge(plugin, **{misspelt: "canary"}), places)
    with pytest.raises(ConfigError) as caught:
        built(step, Riddle)
    assert f"'riddle' cannot be made with its settings ({misspelt})" in str(caught.value)
    assert f"did you mean {setting!r}? It takes length, alphabet, case_sensitive" in str(
        caught.value
    )
    assert "canary" not in str(caught.value)


@settings(max_examples=40)
@given(anywhere, st.sampled_from([0, 10, 99, -1]), st.sampled_from(["riddle", Riddle]))
def test_a_setting_that_is_not_allowed_is_refused_wherever_it_stands(places, length, plugin):
    with pytest.raises(ConfigError, match="length must be 1 to 9") as caught:
        built(put(challenge(plugin, length=length), places), Riddle)
    assert caught.value.__cause__ is None  # it may quote a secret setting


@settings(max_examples=40)
@given(anywhere, st.sampled_from(["riddle", Riddle, Riddle(length=7)]))
def test_a_plugin_is_named_by_its_name_its_class_or_itself_wherever_it_stands(places, plugin):
    triggers = built(put(challenge(plugin, attempts=2), places), *[Riddle] * (plugin == "riddle"))
    loaded = triggers.load()
    assert type(loaded["riddle"]) is Riddle
    if isinstance(plugin, Riddle):
        assert loaded["riddle"] is plugin


@settings(max_examples=6)
@given(anywhere)
def test_lazy_triggers_refuse_at_the_first_use(places):
    triggers = built(put(challenge("ridle"), places), Riddle, lazy=True)
    with pytest.raises(PluginNotFoundError, match="did you mean 'riddle'"):
        triggers.load()


async def test_the_first_event_of_lazy_triggers_is_refused_without_a_word_of_why(
    load_event: LoadEvent,
):
    triggers = Triggers(policy=challenge("riddle", lenght=4), lazy=True, challenges=[Word])
    with pytest.raises(PluginFailedError, match=r"^a challenge of this flow cannot be served$"):
        await triggers.handle(load_event("define_first"))


@pytest.mark.parametrize(
    "known", ["installed", "in challenges", "held as a class", "held as an object"]
)
def test_a_step_that_is_only_named_is_lazy_wherever_else_its_name_is_known(known, install):
    install("seen_once")
    name = "seen" if known == "installed" else "riddle"
    held = {"held as a class": [challenge(Riddle)], "held as an object": [challenge(Riddle())]}
    step = sequence(*held.get(known, []), challenge(name, lenght=4))
    classes = [Riddle] if known == "in challenges" else []
    triggers = Triggers(policy=step, challenges=classes, lazy=True)
    with pytest.raises(ConfigError, match="no setting 'lenght'"):
        triggers.load()
    with pytest.raises(ConfigError, match="no setting 'lenght'"):
        Triggers(policy=step, challenges=classes)


def test_what_the_policy_holds_is_not_lazy():
    with pytest.raises(ConfigError, match="did you mean 'length'"):
        Triggers(policy=challenge(Riddle, lenght=4), challenges=[Riddle], lazy=True)


def test_what_is_disabled_takes_no_part():
    off = disabled(challenge("not-there", odd=1))
    assert set(Triggers(policy=sequence(OTHER, off)).load()) == {"word"}


# --- plugins themselves --------------------------------------------------------------------------


def test_two_settings_of_one_plugin_and_one_plugin_twice_stand_beside_each_other():
    one = Riddle(length=4)
    step = sequence(
        challenge(one),
        challenge(Riddle(length=6), attempts=1),
        challenge("riddle", length=8),
        challenge(Riddle, length=9),
        challenge(one, attempts=2),
    )
    loaded = Triggers(policy=step).load()
    assert [plugin.length for plugin in loaded.values()] == [4, 6, 8, 9, 4]
    assert list(loaded) == ["riddle", *(f"riddle#{number}" for number in range(2, 6))]
    assert loaded["riddle"] is loaded["riddle#5"] is one


async def test_each_step_is_served_by_its_own_plugin(cognito_side):
    class Telling(Word):
        async def create(self, context: CreateContext) -> Issued:
            return Issued(public={"word": self.word}, private={})

    step = sequence(challenge(Telling(word="one")), challenge(Telling(word="two")))
    cognito = cognito_side(Triggers(policy=step))
    assert (await cognito.define())["word"] == "one"
    assert (await cognito.answer("x"))["word"] == "two"
    assert await cognito.answer("x") == "tokens"


def test_a_class_in_challenges_wins_over_an_installed_one_and_its_settings_count():
    class Captcha(Word):
        name: ClassVar[str] = "captcha"

    assert type(Triggers(policy=challenge("captcha", length=5)).load()["captcha"]) is not Captcha
    triggers = Triggers(policy=challenge("captcha", word="x"), challenges=[Captcha])
    assert type(triggers.load()["captcha"]) is Captcha
    with pytest.raises(ConfigError, match="there is no setting 'length'"):
        Triggers(policy=challenge("captcha", length=5), challenges=[Captcha])


def test_a_plugin_wins_over_an_installed_one_of_its_name():
    class Captcha(Word):
        name: ClassVar[str] = "captcha"

    step = sequence(challenge(Captcha(word="x")), challenge("captcha", word="y"))
    assert {type(each) for each in Triggers(policy=step).load().values()} == {Captcha}


class Rival(Riddle):
    pass


@pytest.mark.parametrize(
    ("steps", "classes"),
    [
        ([challenge(Riddle()), challenge(Rival())], []),
        ([challenge(Riddle), challenge(Rival())], []),
        ([challenge(Riddle())], [Rival]),
        ([challenge("riddle")], [Riddle, Rival]),
    ],
)
@pytest.mark.parametrize("lazy", [True, False])
def test_two_classes_of_one_name_are_in_conflict(steps, classes, lazy):
    with pytest.raises(PluginConflictError, match=r"are both registered as 'riddle'"):
        Triggers(policy=sequence(*steps), challenges=classes, lazy=lazy)


@pytest.mark.parametrize("held", [challenge(Rival()), challenge(Rival)])
@pytest.mark.parametrize("lazy", [True, False])
@pytest.mark.parametrize("places", [[], ["as an option"], ["for all others", "at will"]])
def test_a_name_that_a_held_class_has_from_another_one_is_in_conflict(held, lazy, places):
    step = put(sequence(challenge("riddle"), held), places)
    with pytest.raises(PluginConflictError, match="may be Rival or Riddle, which it derives from"):
        Triggers(policy=step, groups=nobody, lazy=lazy)
    settled = Triggers(policy=step, challenges=[Rival], groups=nobody, lazy=lazy)
    assert {type(each) for each in settled.load().values()} <= {Rival, Word}


def test_a_name_of_its_own_makes_a_derived_class_another_challenge():
    class Puzzle(Riddle):
        name: ClassVar[str] = "puzzle"
        metadata: ClassVar[str] = "PUZZLE"

    step = sequence(challenge(Puzzle()), challenge("puzzle"), challenge("riddle"))
    loaded = Triggers(policy=step, challenges=[Riddle]).load()
    assert [type(each) for each in loaded.values()] == [Puzzle, Puzzle, Riddle]


def test_two_plugins_of_one_metadata_are_in_conflict():
    class Twin(Word):
        name: ClassVar[str] = "twin"

    with pytest.raises(PluginConflictError, match="share one metadata"):
        Triggers(policy=sequence(OTHER, challenge(Twin(word="x"))))


@pytest.mark.parametrize("given_as", ["name", "class", "itself"])
@pytest.mark.parametrize(
    ("members", "error", "says"),
    [
        ({"interface": 99}, ConfigError, "written for interface 99: upgrade cognito-authflow"),
        ({"interface": 0}, ConfigError, "interface 0 is not supported"),
        ({"interface": "1"}, ConfigError, "interface"),
        ({"interface": None}, ConfigError, "interface"),
        ({"needs": ("limits",)}, ConfigError, r"needs Triggers\(limits=\.\.\.\)"),
        ({"needs": ("keys",)}, ConfigError, r"needs Triggers\(keys=\.\.\.\)"),
        ({"metadata": ""}, PluginLoadError, "must have a `metadata`"),
        ({"metadata": "A#B"}, PluginLoadError, "must have a `metadata`"),
        ({"metadata": "AUTHFLOW_CHOICE"}, PluginConflictError, "share one metadata"),
    ],
)
def test_a_plugin_that_does_not_fit_is_refused_however_it_is_given(given_as, members, error, says):
    odd = type("Odd", (Riddle,), {"name": "odd", "metadata": "ODD", **members})
    plugin = {"name": "odd", "class": odd, "itself": odd()}[given_as]
    with pytest.raises(error, match=says):
        Triggers(policy=challenge(plugin), challenges=[odd] * (given_as == "name"))


def test_what_a_plugin_needs_may_be_given():
    needy = type("Needy", (Riddle,), {"needs": ("limits", "keys")})
    limits = Limits(store=MemoryStore(), keys=KeyRing.generate())
    assert Triggers(policy=challenge(needy()), limits=limits).load()


class ClientHalf:
    name = "riddle"
    interface = 1

    async def answer(self, _challenge: object, _prompt: object) -> str:
        return ""


class Nameless(Half):
    metadata = "NAMELESS"


class Badly(Riddle):
    name: ClassVar[str] = "Bad Name"


@pytest.mark.parametrize(
    ("plugin", "says"),
    [
        (5, "int has no method create and no verify"),
        (None, "NoneType has no method"),
        (b"captcha", "bytes has no method"),
        (ClientHalf(), "ClientHalf has no method create and no verify"),
        (ClientHalf, "ClientHalf has no method create and no verify"),
        (built, "function has no method"),
        (Nameless(), "a challenge's name is"),
        (Badly(), "a challenge's name is"),
        ("Captcha", "did you mean 'captcha'?"),
        ("QUESTIONS", "did you mean 'question'?"),
        ("Pager", "did you mean 'pager'?"),
        ("My-Own", "did you mean 'my-own'?"),
        ("", "a challenge's name is"),
    ],
)
def test_what_is_no_trigger_half_is_refused_where_it_is_named(plugin: Any, says: str):
    with pytest.raises(ConfigError) as caught:
        challenge(plugin)
    assert says in str(caught.value)


@pytest.mark.parametrize("meant", ["attemps", "atempts", "ATTEMPTS", "Attempt"])
def test_misspelt_attempts_are_told_for_a_plugin_that_was_made(meant):
    with pytest.raises(ConfigError, match="did you mean 'attempts'"):
        challenge(Riddle(), **{meant: 5})


@pytest.mark.parametrize("classes", [Riddle, "riddle", 5, None, Riddle()])
def test_what_is_no_collection_of_classes_is_refused(classes: Any):
    with pytest.raises(ConfigError, match="challenges is a collection"):
        Triggers(policy=challenge(Riddle), challenges=classes)


@pytest.mark.parametrize("setting", ["lazy", "case_sensitive"])
@pytest.mark.parametrize("stray", ["no", "", 0, 1, None])
def test_what_is_yes_or_no_is_nothing_else(setting: str, stray: Any):
    with pytest.raises(ConfigError, match=f"{setting} is True or False"):
        Triggers(policy=challenge(Riddle), **{setting: stray})


@pytest.mark.parametrize("stray", ["LENGTH", "Length", "LENGHT", "Case_Sensitive"])
def test_the_case_of_letters_hides_no_guess(stray):
    with pytest.raises(ConfigError, match=r"did you mean '(length|case_sensitive)'\?"):
        Triggers(policy=challenge(Riddle, **{stray: 5}))


def test_a_plugin_that_was_made_takes_no_more_settings():
    with pytest.raises(ConfigError, match=r"Riddle\(\.\.\.\) has its settings already: .*length"):
        challenge(Riddle(), length=4)  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("plugin", "given", "says"),
    [
        (Word, {}, "it needs word as well"),
        (Word, {"tone": "loud"}, "it needs word as well"),
        (Word, {"word": "x", "tune": "loud"}, "did you mean 'tone'? It takes word, tone"),
        (Word, {"word": "x", "zzzzzzz": 1}, "there is no setting 'zzzzzzz'; It takes"),
        (Loose, {"canary": 1}, "ValueError"),
        (Riddle, {"alphabet": 7}, "TypeError"),
    ],
)
def test_settings_that_a_plugin_cannot_be_made_with_are_told_without_their_values(
    plugin, given, says
):
    with pytest.raises(ConfigError) as caught:
        Triggers(policy=challenge(plugin, **given))
    assert says.replace("; It", "; it") in str(caught.value).replace("; It", "; it")
    assert "loud" not in str(caught.value)


def _told_in_full(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))


@pytest.mark.parametrize("raised", [ValueError, KeyError, RuntimeError, OSError, LookupError])
def test_no_traceback_shows_the_text_of_what_a_plugin_raised(raised):
    def refuse(_self: Any, **given: Any) -> None:
        raise raised(f"bad {given}")

    class Refuses(Riddle):
        __init__ = refuse

    def check_limits(_self: Any, _limits: Any) -> None:
        raise raised("bad canary-5")

    class Ill(Riddle):
        pass

    Ill.check_limits = check_limits  # type: ignore[attr-defined]
    limits = Limits(store=MemoryStore(), keys=KeyRing.generate())
    for plugin, told in ((Refuses, {"token": "canary-5"}), (Ill, {})):
        step = challenge("riddle", **told)
        with pytest.raises(ConfigError) as caught:
            Triggers(policy=step, challenges=[plugin], limits=limits)
        text = _told_in_full(caught.value)
        assert f"{raised.__name__} at {__file__}:" in text
        assert "canary-5" not in text


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize(
    "needs", [None, 5, "limits", "keys", ("groups",), ["limits", "sends"], (None,), ([],), True]
)
def test_what_no_plugin_can_need_is_told_as_such(needs, lazy, install):
    limits = Limits(store=MemoryStore(), keys=KeyRing.generate())
    install("seen_needs")
    import seen_needs

    seen_needs.Half.needs = needs
    with pytest.raises(PluginLoadError, match="must have as `needs` a tuple"):
        Triggers(policy=challenge("seen"), limits=limits, lazy=lazy).load()


class Unreadable:
    def __get__(self, *_):
        raise LookupError("canary-5")


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize(
    "sends_to",
    [
        *(5, True, "email", b"email", {"email": 1}, lambda: ("email",), (None,), ([],), ("",)),
        *(("ada@example.com",), ("+491700000000",), ("custom:",), ("custom:a b",), ("E-Mail",)),
        Unreadable(),
    ],
)
def test_what_no_plugin_can_send_to_is_told_as_such(sends_to, lazy):
    odd = type("Odd", (Riddle,), {"name": "odd", "metadata": "ODD", "sends_to": sends_to})
    with pytest.raises(PluginLoadError, match="`sends_to`") as caught:
        Triggers(policy=challenge("odd"), challenges=[odd], lazy=lazy).load()
    assert "canary-5" not in _told_in_full(caught.value)


def test_a_setting_may_decide_what_a_plugin_sends_to():
    def init(self, attribute):
        self.sends_to = (attribute,)

    odd = type("Odd", (Riddle,), {"name": "odd", "metadata": "ODD", "__init__": init})
    for each in ("email", "custom:pager", "dev:custom:pager", "cognito:email_alias"):
        assert Triggers(policy=challenge(odd, attribute=each)).load()
        assert Triggers(policy=challenge(odd(each))).load()
    with pytest.raises(PluginLoadError, match="`sends_to`"):
        Triggers(policy=challenge(odd, attribute="ada@example.com"))


def test_a_plugin_that_takes_any_settings_gets_them():
    assert Triggers(policy=challenge(Loose, anything=1)).load()


# --- what is installed ---------------------------------------------------------------------------

CODE = """
from authflow.errors import ConfigError
class Half:
    name, metadata, interface = "seen", "SEEN", {interface}
    def __init__(self, size=1):
        {begin}
    async def create(self, context): ...
    async def verify(self, context): return False
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Install a distribution that brings the trigger half "seen"."""
    monkeypatch.syspath_prepend(tmp_path)

    def made(module: str, *, interface: int = 1, begin: str = "pass", first: str = "") -> None:
        (tmp_path / f"{module}.py").write_text(
            first + CODE.format(interface=interface, begin=begin)
        )
        info = tmp_path / f"{module}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(
            f"[authflow.trigger_challenges]\nseen = {module}:Half\n"
        )

    yield made
    for module in [name for name in sys.modules if name.startswith("seen_")]:
        del sys.modules[module]


@pytest.mark.parametrize(
    ("installed", "error", "says"),
    [
        ({"first": "import not_there_at_all\n"}, PluginLoadError, "No module named"),
        ({"interface": 99}, PluginLoadError, "written for interface 99"),
        (
            {"begin": "raise ConfigError(\"run `pip install 'seen[more]'`\")"},
            ConfigError,
            "run `pip install 'seen[more]'`",
        ),
        ({"begin": "raise SystemError"}, ConfigError, "SystemError"),
    ],
)
def test_an_installed_plugin_that_cannot_be_used_is_refused_with_what_to_do(
    install, installed, error, says
):
    install("seen_once", **installed)
    with pytest.raises(error) as caught:
        Triggers(policy=challenge("seen"))
    assert says in str(caught.value)


def test_a_misspelt_name_of_an_installed_plugin_is_told(install):
    install("seen_once")
    assert Triggers(policy=challenge("seen", size=2)).load()
    with pytest.raises(PluginNotFoundError, match=r"did you mean 'seen'\?"):
        Triggers(policy=challenge("sene"))


def test_a_name_that_two_distributions_claim_is_a_conflict_until_it_is_settled(install):
    install("seen_one")
    install("seen_two")
    with pytest.raises(PluginConflictError, match=r"seen_one .* and by seen_two"):
        Triggers(policy=challenge("seen"))
    (plugin,) = Triggers(policy=challenge("seen"), prefer={"seen": "seen_two"}).load().values()
    assert type(plugin).__module__ == "seen_two"
    import seen_one

    (plugin,) = Triggers(policy=challenge(seen_one.Half(size=3))).load().values()
    assert type(plugin) is seen_one.Half


@pytest.mark.parametrize(
    ("prefer", "says"),
    [
        ({"sen": "seen_two"}, "prefer= names what is not there: .* did you mean 'seen'"),
        ({"seen": "seen_too"}, "only seen_one, seen_two brings it: did you mean 'seen_two'"),
        ({"seen": "authflow-captcha"}, "only seen_one, seen_two brings it$"),
        ({"seen": "seen_one", "capcha": "authflow-captcha"}, "did you mean 'captcha'"),
        ({"a b": "seen_one"}, "prefer= names what is not there"),
    ],
)
@pytest.mark.parametrize("lazy", [True, False])
def test_a_misspelt_preference_is_refused_with_what_was_meant(install, prefer, says, lazy):
    install("seen_one")
    install("seen_two")
    with pytest.raises(PluginNotFoundError, match=says):
        Triggers(policy=challenge(Riddle()), prefer=prefer, lazy=lazy)


@pytest.mark.parametrize("held", [True, False])
def test_a_preference_for_a_registered_class_names_who_brings_it_as_well(install, held):
    install("seen_one")
    import seen_one

    half = seen_one.Half
    given: dict[str, Any] = {"policy": challenge(half(size=3))}
    if not held:
        given = {"policy": challenge("seen", size=3), "challenges": [half]}
    Triggers(**given, prefer={"seen": "seen_one"})
    with pytest.raises(PluginNotFoundError, match="only seen_one brings it"):
        Triggers(**given, prefer={"seen": "nonsense"})
    with pytest.raises(PluginNotFoundError, match="its class is registered"):
        Triggers(policy=challenge(Riddle()), prefer={"riddle": "acme"})


@pytest.mark.parametrize("held", [True, False])
def test_a_preference_for_what_is_not_allowed_is_refused(install, monkeypatch, held):
    install("seen_one")
    install("seen_two")
    monkeypatch.setenv("AUTHFLOW_PLUGINS", "seen-two")
    policy = challenge(Riddle()) if held else challenge("seen", size=3)
    Triggers(policy=policy, prefer={"seen": "seen_two"}, lazy=True)
    for lazy in (True, False):
        with pytest.raises(
            PluginNotFoundError, match=r"not allowed here: add it to .*AUTHFLOW_PLUG"
        ):
            Triggers(policy=policy, prefer={"seen": "seen_one"}, lazy=lazy)


def _plain(_self: object, _context: object) -> bool:
    return True


async def _yields(_self: object, _context: object) -> AsyncIterator[bool]:
    yield True


@pytest.mark.parametrize("method", ["create", "verify"])
@pytest.mark.parametrize(
    "written", [_plain, _yields, staticmethod(_plain), classmethod(_plain), partialmethod(_plain)]
)
@pytest.mark.parametrize("lazy", [True, False])
def test_a_half_whose_methods_are_not_async_is_refused_when_triggers_are_built(
    method, written, lazy
):
    half = type("Odd", (Riddle,), {method: written})
    for step in (challenge(half()), challenge(half)):
        with pytest.raises(ConfigError, match=f"Odd: {method} must be `async def`"):
            Triggers(policy=step, lazy=lazy)
    with pytest.raises(ConfigError, match=f"Odd: {method} must be `async def`"):
        Triggers(policy=challenge("riddle"), challenges=[half], lazy=lazy)


def test_a_method_that_may_be_async_is_taken():
    @wraps(Riddle.create)
    def counted(*given: Any) -> Any:
        return Riddle.create(*given)

    members = {"create": counted, "verify": lambda *given: Riddle.verify(*given)}  # noqa: PLW0108
    half = type("Fine", (Riddle,), members)
    assert type(Triggers(policy=challenge(half())).load()["riddle"]) is half


def test_a_distribution_that_is_not_allowed_is_refused(install, monkeypatch):
    install("seen_once")
    monkeypatch.setenv("AUTHFLOW_PLUGINS", "other")
    with pytest.raises(PluginNotFoundError, match="is not allowed here"):
        Triggers(policy=challenge("seen"))


def test_a_plugin_of_ours_that_is_not_installed_is_told_with_what_to_install(monkeypatch):
    monkeypatch.setattr("importlib.metadata.distributions", lambda **_: iter(()))
    with pytest.raises(PluginNotFoundError, match="run `pip install authflow-captcha`"):
        Triggers(policy=challenge("captcha"))
    with pytest.raises(PluginNotFoundError) as caught:
        Triggers(policy=challenge("capcha"))
    assert "did you mean 'captcha'? Run `pip install authflow-captcha`. If not" in str(caught.value)


WORDS = "arn:aws:secretsmanager:canary, redis://u:canary@h"


class Vault:
    """A provider of keys that fails with words of its own."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    async def key_ring(self, *, having: str | None = None) -> KeyRing:
        raise self.error


class Shelf(MemoryStore):
    """A store that fails with words of its own."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def for_strangers(self) -> "Shelf":
        return self

    async def read(self, _key: str) -> Any:
        raise self.error

    async def replace(self, *_given: Any, **_named: Any) -> bool:
        raise self.error


class Asks(Half):
    """A plugin that needs what it is given, and passes on what that raises."""

    name: ClassVar[str] = "asks"
    metadata: ClassVar[str] = "ASKS"

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error

    async def create(self, context: CreateContext) -> Issued:
        if self.error is not None:
            raise self.error
        await context.stand_in("number")
        return Issued(public={}, private={})


class Seals(Half):
    name: ClassVar[str] = "seals"
    metadata: ClassVar[str] = "SEALS"

    async def create(self, context: CreateContext) -> Issued:
        return Issued(public={}, private={}, state=Secret(b"x"))


class ForeignSealError(SealError):
    """A kind of error of somebody else's, with a word of ours as its base."""


@pytest.mark.parametrize("raised_by", ["a plugin", "a plugin's keys", "our keys", "a store"])
@pytest.mark.parametrize(
    "kind",
    [
        *(StateError, StoreUnavailableError, StoreEntryError, KeysUnavailableError, SealError),
        *(
            ForeignSealError,
            ConfigError,
            ThrottledError,
            MalformedReplyError,
            DeniedError,
            PluginFailedError,
        ),
    ],
)
async def test_the_client_reads_no_word_of_whoever_raised_an_error(
    kind: type[AuthFlowError], raised_by: str, load_event: LoadEvent
):
    error = kind(WORDS)
    triggers = {
        "a plugin": lambda: Triggers(policy=challenge(Asks(error))),
        "a plugin's keys": lambda: Triggers(policy=challenge(Asks()), keys=Vault(error)),
        "our keys": lambda: Triggers(policy=challenge(Seals()), keys=Vault(error)),
        "a store": lambda: Triggers(
            policy=challenge(Asks()),
            limits=Limits(store=Shelf(error), keys=KeyRing.generate()),
        ),
    }[raised_by]()
    with pytest.raises(AuthFlowError) as told:
        await triggers.handle(load_event("create_first"))
    assert "canary" not in str(told.value)
    assert type(told.value).__module__ == "authflow.errors"
    if raised_by == "a plugin" and issubclass(kind, StateError | ConfigError):
        assert isinstance(error, type(told.value)), "whose fault it is stays known"
        assert told.value.next_step == kind.next_step


def test_every_mistake_is_an_error_of_authflows_own():
    for step in (challenge("ridle"), challenge(Riddle, lenght=1), challenge(Riddle, length=99)):
        with pytest.raises(AuthFlowError):
            Triggers(policy=step)

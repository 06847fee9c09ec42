"""Forms: which ones can be made, what they take, and that their JSON loses nothing."""

import copy
import json
import pickle
import unicodedata
from collections.abc import Mapping, MappingView, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, get_args

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authflow.errors import AskAgainError, PluginFailedError
from authflow.forms.fields import MOST_OPTIONS, Field
from authflow.forms.form import MOST_PARTS
from authflow.forms.shown import LARGEST_FILE, LONGEST_LINK, LONGEST_TEXT, Shown
from authflow.plugins import (
    ChoiceField,
    Filled,
    Form,
    Option,
    SecretField,
    ShownAudio,
    ShownIf,
    ShownImage,
    ShownLink,
    ShownQrCode,
    ShownText,
    TextField,
    WaitField,
    WidgetField,
)
from authflow.prompts import WebMessage

CANARY = "canary-471108"
NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9_.:-]{0,12}", fullmatch=True)
WORDS = st.text(max_size=40)
PRINTABLE = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=10).filter(
    str.isprintable
)
LINKS = st.sampled_from(["https://a.example/x?y=1", "otpauth://totp/a?secret=b", "url/123.jpg"])
MODES = st.sampled_from([None, "numeric", "text"])
HINTS = st.sampled_from([None, "one-time-code", "new-password"])


def fields(name: str, condition: ShownIf | None = None) -> st.SearchStrategy[Any]:
    base = {"name": st.just(name), "label": WORDS, "shown_if": st.just(condition)}
    longest = st.integers(1, 131_072)
    typed = {"required": st.booleans(), "longest": longest, "autocomplete": HINTS}
    options = st.lists(PRINTABLE, min_size=2, max_size=5, unique=True)
    return st.one_of(
        st.builds(TextField, **base, **typed, input_mode=MODES),
        st.builds(SecretField, **base, **typed),
        st.builds(ChoiceField, **base, options=options),
        st.builds(
            WidgetField,
            **base,
            service=st.just("turnstile"),
            site_key=st.just("0x4A.b-c_d"),
            script=st.sampled_from([None, "https://a.example/api.js?render=explicit"]),
            action=st.sampled_from([None, "sign-in"]),
            version=st.sampled_from([None, "v3"]),
            longest=longest,
        ),
        st.builds(
            WaitField, **base, poll_after=st.one_of(st.none(), st.floats(1, 300)), longest=longest
        ),
    )


def shown(condition: ShownIf | None = None) -> st.SearchStrategy[Any]:
    when = {"shown_if": st.just(condition)}
    files = {"content": st.binary(max_size=30), "description": WORDS, **when}
    links = {"url": LINKS, "description": WORDS, **when}
    return st.one_of(
        st.builds(ShownText, text=WORDS, **when),
        st.builds(ShownImage, media_type=st.sampled_from(["image/png", "image/svg+xml"]), **files),
        st.builds(ShownAudio, media_type=st.sampled_from(["audio/wav", "video/mp4"]), **files),
        st.builds(ShownLink, **links),
        st.builds(ShownQrCode, **links),
    )


@st.composite
def forms(draw: st.DrawFn) -> Form:
    parts: list[Any] = []
    conditions: list[ShownIf | None] = [None]
    for name in draw(st.lists(NAMES, max_size=5, unique=True)):
        condition = draw(st.sampled_from(conditions))
        parts.extend(draw(st.lists(shown(condition), max_size=2)))
        part = draw(fields(name, condition))
        parts.append(part)
        if isinstance(part, ChoiceField):
            conditions += [ShownIf(choice=name, option=each.value) for each in part.options]
    return Form(parts=tuple(parts))


def content(filled: Filled) -> dict[str, str]:
    return {name: filled[name] for name in filled}


def values_of(form: Form) -> dict[str, str]:
    """Something that every field takes."""
    return {
        each.name: each.options[0].value if isinstance(each, ChoiceField) else "x"
        for each in form.fields
    }


@settings(max_examples=20)
@given(form=forms())
def test_json_loses_nothing(form: Form):
    read = Form.from_json(json.loads(json.dumps(form.to_json())))
    assert read == form
    assert hash(read) == hash(form)
    assert read.to_json() == form.to_json()


@settings(max_examples=20)
@given(form=forms())
def test_no_text_of_a_form_has_a_character_that_cannot_be_shown(form: Form):
    written = json.dumps(form.to_json(), ensure_ascii=False).replace("\\n", "")
    assert not any(unicodedata.category(sign) in {"Cc", "Cf", "Cs", "Co"} for sign in written)


@settings(max_examples=20)
@given(form=forms())
def test_every_form_can_be_filled_in_and_a_filled_one_again(form: Form):
    filled = form.fill(values_of(form))
    assert filled == form.fill(filled)
    assert set(filled) <= {each.name for each in form.fields}
    for name in filled:
        assert filled[name] == values_of(form)[name]


@settings(max_examples=20)
@given(form=forms(), name=st.text(max_size=5), value=st.text(max_size=5))
def test_whatever_is_filled_in_is_taken_or_asked_for_again(form: Form, name: str, value: str):
    names = {each.name for each in form.fields}
    try:
        filled = form.fill({**values_of(form), name: value})
    except AskAgainError as error:
        about = error.field
    else:
        assert name not in filled or filled[name] == value
        return
    assert about == name if name in names else about is None


@pytest.mark.parametrize("kind", [TextField, SecretField])
@pytest.mark.parametrize(
    ("settings", "value", "says"),
    [
        ({}, "", "Nothing was typed"),
        ({"longest": 5}, CANARY, "5 characters at most"),
        ({}, CANARY * 100, "1,000 characters at most"),
    ],
)
def test_what_a_text_must_not_be_is_told_without_its_value(kind, settings, value, says):
    form = Form(parts=(kind(name="code", label="The code:", **settings),))
    with pytest.raises(AskAgainError, match=says) as refused:
        form.fill({"code": value})
    assert refused.value.field == "code"
    assert "canary" not in f"{refused.value!r}{refused.value.__cause__}"


CHOICE = ChoiceField(name="form", label="Which?", options=("picture", "sound"))


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"form": CANARY}, "Choose one of picture, sound"),
        ({"form": ""}, "Choose one of picture, sound"),
        ({}, "'form' is missing"),
        ({"form": "sound", CANARY: "x"}, "a field is unknown; the form has these: form"),
        ({"form": 7}, "'form' is int"),
        ({"form": None}, "'form' is NoneType"),
        ({"form": "\ud800"}, "none that UTF-8 can carry"),
        ([("form", "sound")], "not list"),
        ("canary", "not str"),
    ],
)
def test_what_is_missing_unknown_or_no_option_is_asked_for_again(values, says):
    with pytest.raises(AskAgainError, match=says) as refused:
        Form(parts=(CHOICE,)).fill(values)
    assert "canary" not in str(refused.value)


def test_what_is_not_required_may_be_left_out_and_is_empty():
    form = Form(
        parts=(
            TextField(name="code", label="", required=False),
            WaitField(name="tapped", label="Tap it."),
        )
    )
    assert content(form.fill({})) == {"code": "", "tapped": ""}


@pytest.mark.parametrize("token", ["", "x" * 101])
def test_a_widget_without_a_token_is_to_be_solved(token):
    widget = WidgetField(name="t", label="", service="turnstile", site_key="k", longest=100)
    with pytest.raises(AskAgainError, match="turnstile has not been solved"):
        Form(parts=(widget,)).fill({"t": token})


def chosen() -> Form:
    picture, sound = (ShownIf(choice="form", option=each.value) for each in CHOICE.options)
    return Form(
        parts=(
            CHOICE,
            TextField(name="characters", label="Which characters?", shown_if=picture),
            TextField(name="digits", label="Which digits?", shown_if=sound),
        )
    )


def test_what_was_not_chosen_is_neither_wanted_nor_kept_whatever_a_page_sends_of_it():
    form = chosen()
    assert content(form.fill({"form": "sound", "digits": "12"})) == {
        "form": "sound",
        "digits": "12",
    }
    sent = {"form": "picture", "characters": "AB", "digits": "x" * 9999}
    assert content(form.fill(sent)) == {"form": "picture", "characters": "AB"}
    with pytest.raises(AskAgainError, match="'digits' is missing"):
        form.fill({"form": "sound", "characters": "AB"})


def test_a_part_behind_a_choice_that_does_not_belong_to_the_form_does_not_either():
    sound = ShownIf(choice="form", option="sound")
    inner = ChoiceField(name="voice", label="", options=("deep", "high"), shown_if=sound)
    deep = ShownIf(choice="voice", option="deep")
    form = Form(parts=(CHOICE, inner, TextField(name="x", label="", shown_if=deep)))
    assert content(form.fill({"form": "picture", "voice": "deep", "x": "1"})) == {"form": "picture"}


def test_a_filled_form_shows_its_fields_alone_and_goes_into_no_pickle():
    filled = Form(parts=(SecretField(name="code", label=""),)).fill({"code": CANARY})
    assert CANARY not in f"{filled!r} {filled} {filled!a}"
    assert "code" in repr(filled)
    assert filled != {"code": CANARY}
    with pytest.raises(TypeError):
        pickle.dumps(filled)
    with pytest.raises(TypeError):
        hash(filled)
    assert filled == copy.copy(filled)
    assert filled != Form(parts=(SecretField(name="code", label=""),)).fill({"code": "x"})


WRITTEN_OUT = (Mapping, Sequence, AbstractSet, MappingView, dict, list, tuple, set, frozenset)
"""What crash reporters write out member by member."""


def test_no_crash_reporter_takes_a_filled_form_for_a_map_and_writes_it_out():
    filled = Form(parts=(SecretField(name="code", label=""),)).fill({"code": CANARY})
    assert not isinstance(filled, WRITTEN_OUT)
    assert not any(hasattr(filled, name) for name in ("keys", "items", "values", "__dict__"))
    assert not attrs.has(type(filled))
    assert CANARY not in repr([*filled])
    assert CANARY not in repr([getattr(filled, name) for name in dir(filled)])


def test_a_filled_form_is_read_by_its_fields_names():
    filled = Form(parts=(TextField(name="code", label=""),)).fill({"code": "7"})
    assert ("code" in filled, "pin" in filled, [*filled], len(filled)) == (True, False, ["code"], 1)
    assert (filled["code"], filled.get("code"), filled.get("pin")) == ("7", "7", None)
    assert filled.get("pin", "") == ""
    with pytest.raises(KeyError):
        filled["pin"]


TEXT = {"name": "code", "label": "x"}
WIDGET = {**TEXT, "service": "turnstile", "site_key": "k"}
REFUSED: list[tuple[Any, dict[str, Any]]] = [
    *((TextField, {**TEXT, "name": name}) for name in ("", "1", "a b", "a" * 65, '"><', "ä", 7)),
    *((TextField, {**TEXT, "longest": longest}) for longest in (0, -1, 131_073, 1.0, True, "9")),
    *((TextField, {**TEXT, "required": required}) for required in (1, "yes", None)),
    *((TextField, {**TEXT, "autocomplete": hint}) for hint in ("on", "", 7, ["off"])),
    *((TextField, {**TEXT, "input_mode": mode}) for mode in ("decimal2", "", 7)),
    *((TextField, {**TEXT, "label": label}) for label in (None, 7, b"x", "x" * (LONGEST_TEXT + 1))),
    *((TextField, {**TEXT, "shown_if": cond}) for cond in ("form", {"choice": "a"}, 7)),
    *(
        (ChoiceField, {**TEXT, "options": options})
        for options in (
            *((), ("a", "a"), ("", "a"), ("a", "\x1b"), ("a", 7), ("a", "b\n")),
            (Option(value="a", label="x"), Option(value="b", label="x")),
        )
    ),
    *((WidgetField, {**WIDGET, "site_key": key}) for key in ("", '"><script>', "a b", "x" * 257)),
    *((WidgetField, {**WIDGET, "service": service}) for service in ("", "Turn stile", "<b>", 7)),
    *(
        (WidgetField, {**WIDGET, "script": script})
        for script in ("http://a.example/x.js", "javascript:alert(1)", "x.js", "", 7, "https://")
    ),
    *((WidgetField, {**WIDGET, "action": action}) for action in ("", "sign in", 7)),
    *((WidgetField, {**WIDGET, "version": version}) for version in ("", "v 9", 7)),
    *((WaitField, {**TEXT, "poll_after": wait}) for wait in (0, 0.5, 301, True, "5", float("nan"))),
    *((ShownText, {"text": text}) for text in (None, 7, "x" * (LONGEST_TEXT + 1))),
    (ShownText, {"text": "\0" * LONGEST_TEXT}),  # escaped it is too long to be read again
    (ShownImage, {"content": "text", "media_type": "image/png", "description": ""}),
    *(
        (ShownImage, {"content": b"", "media_type": media_type, "description": ""})
        for media_type in ("text/html", "image/", "image/png;x", "image/p\nng", "IMAGE/PNG", 7)
    ),
    *(
        (ShownAudio, {"content": b"", "media_type": media_type, "description": ""})
        for media_type in ("text/html", "image/png", "audio/", None)
    ),
    *(
        (kind, {"url": url, "description": ""})
        for kind in (ShownLink, ShownQrCode)
        for url in ("javascript:alert(1)", "data:text/html,x", "https://a.example/\x1b", "", 7)
    ),
    (ShownLink, {"url": "https://a.example/" + "x" * LONGEST_LINK, "description": ""}),
]


@pytest.mark.parametrize(("kind", "arguments"), REFUSED, ids=lambda each: repr(each)[:60])
def test_a_part_that_cannot_be_shown_is_a_failure_of_the_plugins(kind, arguments):
    with pytest.raises(PluginFailedError):
        kind(**arguments)


FORM = TextField(name="form", label="")
TOO_MANY = tuple(map(str, range(MOST_OPTIONS + 1)))
TOO_LARGE = {"content": b"x" * (LARGEST_FILE + 1), "description": ""}


@pytest.mark.parametrize(
    "parts",
    [
        (FORM, FORM),
        (TextField(name="x", label="", shown_if=ShownIf(choice="form", option="sound")), CHOICE),
        (CHOICE, TextField(name="x", label="", shown_if=ShownIf(choice="form", option="smell"))),
        (FORM, ShownText(text="", shown_if=ShownIf(choice="form", option="sound"))),
        (ShownText(text="", shown_if=ShownIf(choice="none", option="sound")),),
        (ShownText(text=""),) * (MOST_PARTS + 1),
        (ChoiceField(name="x", label="", options=("a",)),),
        (ChoiceField(name="x", label="", options=TOO_MANY),),
        (ShownImage(media_type="image/png", **TOO_LARGE),),
        (ShownAudio(media_type="audio/wav", **TOO_LARGE),),
        ("text",),
        (None,),
        FORM,
    ],
    ids=lambda parts: repr(parts)[:60],
)
def test_parts_that_do_not_make_a_form_are_refused(parts):
    with pytest.raises(PluginFailedError, match="a form cannot be shown"):
        Form(parts=parts)


NEEDED: dict[type[Any], dict[str, Any]] = {
    ShownText: {"text": ""},
    ShownImage: {"content": b"", "media_type": "image/png", "description": ""},
    ShownAudio: {"content": b"", "media_type": "audio/wav", "description": ""},
    ShownLink: {"url": "https://a.example", "description": ""},
    ShownQrCode: {"url": "https://a.example", "description": ""},
    TextField: TEXT,
    SecretField: TEXT,
    ChoiceField: {**TEXT, "options": ("a", "b")},
    WidgetField: WIDGET,
    WaitField: TEXT,
}


@pytest.mark.parametrize("kind", NEEDED, ids=lambda kind: kind.__name__)
def test_a_part_of_a_derived_class_is_refused_and_the_class_to_use_is_named(kind):
    derived = type("Mine", (type("Between", (kind,), {}),), {})(**NEEDED[kind])
    says = f"Mine is derived from {kind.__name__}: use {kind.__name__} itself"
    with pytest.raises(PluginFailedError, match=says):
        Form(parts=(derived,))
    with pytest.raises(PluginFailedError, match=says):
        WebMessage(id=1, part=derived)


def test_the_test_above_knows_every_kind_of_part():
    assert {*NEEDED} == {*get_args(Shown), *get_args(Field)}


def test_what_parts_are_made_of_is_of_no_derived_class_either():
    option = type("Mine", (Option,), {})(value="a", label="a")
    with pytest.raises(PluginFailedError, match="Mine is derived from Option: use Option itself"):
        ChoiceField(**TEXT, options=(option, "b"))
    condition = type("Mine", (ShownIf,), {})(choice="form", option="a")
    with pytest.raises(PluginFailedError, match="a condition is Mine, not ShownIf"):
        TextField(**TEXT, shown_if=condition)


def test_a_form_may_ask_nothing():
    assert content(Form(parts=()).fill({})) == {}


@settings(max_examples=20)
@given(form=forms())
def test_a_form_cannot_be_changed(form: Form):
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        form.parts = ()  # type: ignore[misc]
    for part in form.parts:
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            part.shown_if = None  # type: ignore[misc]


def damaged() -> list[Any]:
    good = chosen().to_json()
    first = good["parts"][0]
    parts: list[Any] = [
        *({**first, "kind": kind} for kind in ("button", "", None, 7, "image")),
        *(
            {name: value for name, value in first.items() if name != left}
            for left in first
            if left != "shown_if"
        ),
        {**first, "more": 1},
        {**first, "options": "ab"},
        {**first, "options": [{"value": "a"}, {"value": "b"}]},
        {**first, "options": [["a", "b"]] * 2},
        {**first, "shown_if": {"choice": "x"}},
        {**first, "shown_if": 7},
        *("text", None, 7, []),
        *(
            {"kind": "image", "description": "", "shown_if": None, "url": url}
            for url in ("", "https://a.example/x.png", "data:image/png;base64,A", 7, None)
        ),
    ]
    return [*({"parts": [part]} for part in parts), {}, {"parts": 7}, {**good, "x": 1}, [], None]


@pytest.mark.parametrize("data", damaged(), ids=lambda data: repr(data)[:60])
def test_other_json_is_no_form(data):
    with pytest.raises(PluginFailedError, match="a form cannot be shown"):
        Form.from_json(data)


FILE = {"content": b"x", "media_type": "image/png"}
WORDY: list[tuple[Any, dict[str, Any], str]] = [
    (ShownText, {}, "text"),
    (ShownImage, FILE, "description"),
    (ShownAudio, {**FILE, "media_type": "audio/wav"}, "description"),
    (ShownLink, {"url": "https://a.example"}, "description"),
    (ShownQrCode, {"url": "https://a.example"}, "description"),
    *((kind, {"name": "x"}, "label") for kind in (TextField, SecretField, WaitField)),
    (ChoiceField, {"name": "x", "options": ("a", "b")}, "label"),
    (WidgetField, {"name": "x", "service": "turnstile", "site_key": "k"}, "label"),
    (Option, {"value": "a"}, "label"),
]


@pytest.mark.parametrize(("kind", "more", "words"), WORDY, ids=lambda each: str(each)[-40:])
@pytest.mark.parametrize("sign", ["\x1b", "\u202e", "\0", "\u200b", "\ud800"], ids=ascii)
def test_every_word_of_every_part_is_escaped(kind, more, words, sign):
    part = kind(**more, **{words: f"a{sign}b"})
    assert getattr(part, words) == f"a{ascii(sign)[1:-1]}b"


@pytest.mark.parametrize("strange", [None, 5, "", "yes", b"yes", object()])
def test_one_text_is_no_collection_of_parts_or_options(strange):
    with pytest.raises(PluginFailedError):
        Form(parts=strange)
    with pytest.raises(PluginFailedError, match="a choice"):
        ChoiceField(name="x", label="x?", options=strange)

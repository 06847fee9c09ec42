"""The texts around a code."""

import pytest
from authflow_otp.messages import BUILT_IN, LONGEST_BODY, Template, Templates

from authflow.errors import ConfigError
from authflow.plugins import Secret

CODE = Secret("471108")


def written(language: str, templates: Templates | None = None):
    return (templates or Templates()).written(
        destination="ada@example.com",
        code=CODE,
        language=language,
        minutes=5,
        purpose="Example Shop",
    )


@pytest.mark.parametrize("language", sorted(BUILT_IN))
def test_every_language_tells_the_code_the_purpose_and_how_long_it_is_good(language: str) -> None:
    message = written(language)
    text = message.text.reveal()
    assert "471108" in text
    assert "Example Shop" in text
    assert "5 min" in text
    assert "Example Shop" in message.subject
    assert "471108" not in message.subject
    assert len(text) < 200
    assert BUILT_IN[language].body not in {
        one.body for at, one in BUILT_IN.items() if at != language
    }


def test_there_are_four_languages() -> None:
    assert set(BUILT_IN) == {"en", "de", "fr", "es"}


@pytest.mark.parametrize(
    ("locale", "language"),
    [
        ("de", "de"),
        ("de-AT", "de"),
        ("de_AT", "de"),
        (" FR-ca ", "fr"),
        ("es-419", "es"),
        ("pt-BR", "pt-br"),
        ("pt", "en"),
        ("", "en"),
        ("{code}", "en"),
        ("../../de", "en"),
        ("-" * 50, "en"),
    ],
)
def test_the_locale_chooses_the_nearest_language(locale: str, language: str) -> None:
    templates = Templates({"pt-br": Template(subject="Código", body="{code}: {minutes} min")})
    assert templates.language(locale, "en") == language


def test_own_texts_come_before_the_built_in_ones() -> None:
    own = Templates({"de": Template(subject="Hallo", body="{{{code}}} {minutes} {purpose}")})
    message = written("de", own)
    assert (message.subject, message.text.reveal()) == ("Hallo", "{471108} 5 Example Shop")
    assert written("en", own).text == written("en").text


@pytest.mark.parametrize(
    ("subject", "body", "says"),
    [
        ("Your code {code}", "{code} {minutes}", "subject"),
        ("Code", "{minutes}", "must hold {code}"),
        ("Code", "{code}", "must hold {minutes}"),
        ("Code", "{code} {minutes} {name}", "nothing else in braces"),
        ("Code", "{code} {minutes.__class__}", "nothing else in braces"),
        ("Code", "{code!r} {minutes}", "nothing else in braces"),
        ("Code", "{code:>99999} {minutes}", "nothing else in braces"),
        ("Code", "{} {code} {minutes}", "nothing else in braces"),
        ("Code", "{code} {minutes", "brace"),
        ("Code\r\nBcc: eve@example.com", "{code} {minutes}", "one line"),
        ("", "{code} {minutes}", "1 to 120"),
        ("Code", "{code} {minutes}" + "x" * LONGEST_BODY, "1 to 1000"),
        ("Code", "{code} {minutes}\x1b[2J", "printable"),
        (7, "{code} {minutes}", "subject"),
    ],
)
def test_a_template_that_lacks_something_or_leaks_is_refused(
    subject: str, body: str, says: str
) -> None:
    with pytest.raises(ConfigError, match=says):
        Template(subject=subject, body=body)


@pytest.mark.parametrize(
    "templates", [{"EN": BUILT_IN["en"]}, {"": BUILT_IN["en"]}, {"en": "{code}"}, [], "en", {1: 2}]
)
def test_what_is_no_mapping_of_languages_to_templates_is_refused(templates: object) -> None:
    with pytest.raises(ConfigError, match="otp: "):
        Templates(templates)


def test_a_message_shows_neither_its_code_nor_its_destination() -> None:
    shown = repr(written("en"))
    assert "471108" not in shown
    assert "ada@example.com" not in shown

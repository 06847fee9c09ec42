"""Messages with links, in several languages."""

import string

import pytest
from authflow_otp.link_messages import LINK_TEXTS, LinkTemplate, LinkTemplates
from authflow_otp.messages import BUILT_IN, Template

from authflow.errors import ConfigError
from authflow.plugins import Secret

LINK = "https://shop.example.com/link#linkabc"


@pytest.mark.parametrize("language", sorted(LINK_TEXTS))
def test_a_message_in_each_language_has_the_link_on_a_line_of_its_own(language: str):
    message = LinkTemplates().around(
        Secret(LINK),
        destination="ada@example.com",
        language=language,
        minutes=5,
        purpose="Example Shop",
    )
    assert LINK in message.text.reveal().splitlines()
    assert "5 min" in message.text.reveal()
    assert "Example Shop" in message.subject
    assert LINK not in message.subject
    assert LINK not in repr(message)
    assert "ada@" not in repr(message)


def test_there_are_texts_in_the_same_languages_as_for_codes():
    assert LINK_TEXTS.keys() == BUILT_IN.keys()


@pytest.mark.parametrize(
    ("subject", "body", "why"),
    [
        ("Hello", "{minutes}", "must hold {link}"),
        ("Hello", "{link}", "must hold {minutes}"),
        ("Hello {link}", "{link} {minutes}", "nothing else in braces"),
        ("Hello", "{code} {link} {minutes}", "nothing else in braces"),
        ("Hello\n", "{link} {minutes}", "one line"),
        ("Hello", "{link} {minutes}\x07", "printable"),
        ("Hello", "{link", "brace that is not closed"),
        ("", "{link} {minutes}", "1 to"),
    ],
)
def test_a_template_that_lacks_the_link_or_shows_it_elsewhere_is_refused(
    subject: str, body: str, why: str
):
    with pytest.raises(ConfigError, match=why) as refused:
        LinkTemplate(subject=subject, body=body)
    assert str(refused.value).startswith("link: ")


def test_templates_of_codes_and_of_links_do_not_stand_for_each_other():
    code = Template(subject="x", body="{code} {minutes}")
    with pytest.raises(ConfigError, match="link: the template of 'en' is no LinkTemplate"):
        LinkTemplates({"en": code})
    own = LinkTemplate(subject="x", body="{link} {minutes}")
    assert LinkTemplates({"pt-br": own}).by_language["pt-br"] is own
    names = {name for _, name, _, _ in string.Formatter().parse(own.body) if name}
    assert names == {"link", "minutes"}

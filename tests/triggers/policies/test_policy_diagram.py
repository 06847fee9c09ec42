import re

from authflow.triggers import (
    Policy,
    any_of,
    attribute,
    challenge,
    client_metadata,
    optional,
    password,
    sequence,
    when,
)
from authflow.triggers.policies.policy_diagram import picture


def mermaid(policy: Policy) -> str:
    return picture(policy).mermaid()


POLICY = Policy(
    sequence(
        any_of(password(), challenge("otp", attempts=1)),
        when(attribute("custom:tier", 'go"ld\n'), any_of(challenge("word"), challenge("captcha"))),
        when(client_metadata("device"), optional(challenge("word"))),
    )
)


def test_every_state_and_every_arrow_of_the_table_is_drawn():
    drawn = mermaid(POLICY)
    declared = re.findall(r"state \"(.*)\" as (s\d+)$", drawn, re.MULTILINE)
    assert len(declared) == len(POLICY.table) - 1
    arrows = re.findall(r"^    (\S+) --> (\S+) : ", drawn, re.MULTILINE)
    wanted = {
        (source, target)
        for source, followers in POLICY.table.items()
        for target in followers.values()
        if (source, target) != ("begin", "failed")
    }
    assert len(arrows) == len(set(arrows)) == len(wanted)


def test_a_drawing_is_the_same_every_time():
    assert mermaid(POLICY) == mermaid(Policy(POLICY.step))


def test_what_an_owner_named_cannot_break_out_of_the_drawing():
    for line in mermaid(POLICY).splitlines()[1:]:
        assert re.fullmatch(r"    (state \"[^\":;#]*\" as s\d+|\S+ --> \S+( : [^\":;#]+)?)", line)


def test_arrows_say_what_leads_along_them():
    simple = Policy(any_of(password(), sequence(challenge("otp", attempts=2), challenge("word"))))
    drawn = mermaid(simple)
    assert "[*] --> s1 : begun with SRP" in drawn
    assert "[*] --> s2 : begun without SRP" in drawn
    assert re.search(r"s2 --> s\d : wrong", drawn)
    assert "s1 --> tokens : passed" in drawn


def test_a_policy_that_wants_the_password_shows_no_beginning_without_it():
    assert "without SRP" not in mermaid(Policy(password()))


def test_what_is_evaluated_without_a_round_is_told_from_what_is_asked():
    drawn = picture(POLICY)
    assert [drawn.boxes[state] for state in drawn.evaluated] == [
        'whether attribute custom:tier is go"ld\n'
    ]

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
DEVICE = "client metadata device"


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


def test_every_arrow_says_which_answer_leads_along_it():
    once = [challenge(name, attempts=1) for name in ("otp", "word", "sum", "captcha", "riddle")]
    policy = Policy(
        sequence(
            any_of(*once[:3]),
            when(attribute("tier"), once[3]),
            when(client_metadata("device"), once[4]),
        )
    )
    drawn = picture(policy)
    told = {(drawn.boxes.get(one, one), label) for one, label, _ in drawn.arrows}
    assert told == {
        ("[*]", "begun without SRP"),
        ("choose 1 of otp, word, sum", "otp, word"),
        ("choose 1 of otp, word, sum", "sum"),
        ("choose 1 of otp, word", "otp"),
        ("choose 1 of otp, word", "word"),
        *((f"whether {name} is there", "yes") for name in ("attribute tier", DEVICE)),
        *((f"whether {name} is there", "no") for name in ("attribute tier", DEVICE)),
        *((f"{step.name} 1/1", label) for step in once for label in ("passed", "wrong")),
    }
    boxes = {**drawn.boxes, "[*]": "[*]"}
    assert {(boxes[one], label, boxes[other]) for one, label, other in drawn.arrows} >= {
        ("choose 1 of otp, word, sum", "sum", "sum 1/1"),
        ("choose 1 of otp, word", "otp", "otp 1/1"),
        ("otp 1/1", "wrong", "refused"),
        ("whether attribute tier is there", "yes", "captcha 1/1"),
        ("whether attribute tier is there", "no", f"whether {DEVICE} is there"),
        (f"whether {DEVICE} is there", "yes", "riddle 1/1"),
        (f"whether {DEVICE} is there", "no", "tokens"),
    }


def test_a_policy_that_wants_the_password_shows_no_beginning_without_it():
    assert "without SRP" not in mermaid(Policy(password()))


def test_what_is_evaluated_without_a_round_is_told_from_what_is_asked():
    drawn = picture(POLICY)
    assert [drawn.boxes[state] for state in drawn.evaluated] == [
        'whether attribute custom:tier is go"ld\n'
    ]

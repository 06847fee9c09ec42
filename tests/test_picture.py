"""A picture in both languages: the same boxes and arrows, whatever is written in them."""

import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authflow.errors import ConfigError
from authflow.picture import BEGINNING, Picture

SVG = "{http://www.w3.org/2000/svg}"


def small(text: str) -> Picture:
    return Picture(
        boxes={"s1": text, "s2": "asked", "done": "done"},
        arrows=((BEGINNING, "", "s1"), ("s1", text, "s2"), ("s2", "", "done")),
        ends=("done",),
        evaluated=frozenset({"s1"}),
    )


@given(st.text(min_size=1))
def test_no_text_breaks_out_of_a_line_of_mermaid(text: str):
    first, *lines = small(text).mermaid().split("\n")
    assert first == "stateDiagram-v2"
    assert len(lines) == 6
    for line in lines:
        assert re.fullmatch(r"    (state \"[^\":;#]+\" as s\d|\S+ --> \S+( : [^\":;#]+)?)", line)


@pytest.mark.parametrize(
    "text", ['go"ld', "a\\", "a: b; c#d", "x\ny", "<b> & co", "}", "ünï", "-> s2"]
)
@pytest.mark.system("dot")
def test_graphviz_draws_every_box_and_arrow_once_whatever_is_written_in_them(text: str):
    root = ET.fromstring(small(text).svg())  # noqa: S314  # our own
    kinds = [each.get("class") for each in root.iter() if each.get("class")]
    assert (kinds.count("node"), kinds.count("edge")) == (4, 3)
    drawn = [each.text for each in root.iter(f"{SVG}text")]
    assert drawn.count(text.replace("\n", "?")) == 2


def test_boxes_ends_and_questions_have_shapes_of_their_own():
    drawn = small("whether").dot()
    assert 's1 [label="whether", shape=diamond, style=solid];' in drawn
    assert 's2 [label="asked", shape=box];' in drawn
    assert 'done [label="done", shape=doublecircle];' in drawn
    assert 'begin -> s1 [label=""];' in drawn


def test_a_box_that_is_called_what_is_written_in_it_is_not_declared():
    lines = small("done").mermaid().splitlines()
    assert "    done --> [*]" in lines
    assert not [line for line in lines if line.endswith("as done")]


def test_without_graphviz_svg_says_what_is_missing(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ConfigError, match="dot"):
        small("x").svg()


def test_a_graphviz_that_fails_is_a_typed_error(monkeypatch, tmp_path):
    program = tmp_path / "dot"
    program.write_text("#!/bin/sh\nexit 3\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match="could not draw the picture: CalledProcessError"):
        small("x").svg()

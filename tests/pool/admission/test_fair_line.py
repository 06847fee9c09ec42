from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authflow.pool.admission.fair_line import FairLine, Waiting


def waiting(address, name=b"n", *, stays=False):
    return Waiting(address=address, name=name, turn=None, stays=stays)


FLOWS = st.tuples(st.sampled_from("abc"), st.sampled_from([b"x", b"y", b"z"]))


def line_of(flows):
    line, come = FairLine(), [waiting(*flow) for flow in flows]
    for each in come:
        line.add(each)
    return line, come


def emptied(line):
    gone = []
    while (one := line.next()) is not None:
        gone.append(one)
    return gone


@given(st.lists(FLOWS, max_size=40))
def test_everybody_has_one_turn_and_those_of_a_flow_in_order(flows):
    line, come = line_of(flows)
    assert len(line) == len(come)
    gone = emptied(line)
    assert {id(each) for each in gone} == {id(each) for each in come}
    assert len(gone) == len(come)
    assert len(line) == 0
    for flow in set(flows):
        assert [each for each in gone if (each.address, each.name) == flow] == [
            each for each in come if (each.address, each.name) == flow
        ]
    assert line._addresses == {}
    assert line._counts == {}


@given(st.lists(FLOWS, min_size=1, max_size=40))
def test_nobody_has_a_second_turn_before_everybody_had_one(flows):
    gone = emptied(line_of(flows)[0])
    addresses = {address for address, _ in flows}
    assert {each.address for each in gone[: len(addresses)]} == addresses
    for address in addresses:
        names = {name for where, name in flows if where == address}
        own = [each.name for each in gone if each.address == address]
        assert set(own[: len(names)]) == names


def test_who_comes_to_a_flood_is_next_but_one():
    line, _ = line_of([("flood", bytes([number])) for number in range(200)])
    guest = waiting("guest")
    line.add(guest)
    assert guest in (line.next(), line.next())


@given(st.lists(FLOWS, max_size=40), FLOWS)
def test_room_is_made_by_who_has_more_in_line_than_the_newcomer_would_have(flows, newcomer):
    line, come = line_of(flows)
    displaced = line.displaced_by(*newcomer)
    addresses = Counter(address for address, _ in flows)
    flow_sizes = Counter(flows)
    own = addresses[newcomer[0]] + 1
    if displaced is None:
        assert all(count <= own for count in addresses.values())
        mine = flow_sizes[newcomer] + 1
        assert all(n <= mine for flow, n in flow_sizes.items() if flow[0] == newcomer[0])
        assert len(line) == len(come)
        return
    flow = (displaced.address, displaced.name)
    assert displaced is [each for each in come if (each.address, each.name) == flow][-1]
    assert len(line) == len(come) - 1
    if displaced.address != newcomer[0]:
        assert addresses[displaced.address] == max(addresses.values()) > own
    else:
        assert flow_sizes[flow] > flow_sizes[newcomer] + 1


def test_who_may_not_be_sent_away_stays():
    line = FairLine()
    for _ in range(10):
        line.add(waiting("flood", stays=True))
    assert line.displaced_by("guest", b"n") is None
    other = waiting("flood")
    line.add(other)
    line.add(waiting("flood", stays=True))
    assert line.displaced_by("guest", b"n") is other


@pytest.mark.parametrize("place", [0, 5, 9])
def test_who_leaves_the_line_is_no_longer_in_it(place):
    line, come = line_of([("a", b"x"), ("a", b"y"), ("b", b"x")] * 3 + [("c", b"z")])
    assert line.remove(come[place])
    assert not line.remove(come[place])
    assert come[place] not in emptied(line)

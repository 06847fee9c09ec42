"""A request as observers are told of it: its beginnings, and one end for each."""

import pytest

from authflow.client.observation import Observation
from authflow.client.observed_calls import ObservedCalls
from authflow.client.observed_request import ObservedRequest
from testbed.told_events import Told


async def test_a_request_ends_once_and_not_before_it_has_begun():
    told = Told()
    calls = ObservedCalls(observation=Observation(told))
    with calls.other("call") as call:
        request = ObservedRequest(call, "GetUser")
        request.ended("not_begun")
        request.began()
        request.ended(None)
        request.ended("again", broken_off=True)
    assert told.lines() == [
        *("call_began call", "request_began GetUser 1", "request_ended ok", "call_succeeded"),
    ]


@pytest.mark.parametrize("number", ["", "a b", "x" * 65, "é", 7, None, "a\n"])
def test_a_number_that_is_none_of_awss_is_not_told(number: object):
    told = Told()
    with ObservedCalls(observation=Observation(told)).other("call") as call:
        request = ObservedRequest(call, "GetUser")
        request.began()
        request.numbered({"RequestId": number}, {})
        request.ended(None)
    assert told.events[2].request_id is None

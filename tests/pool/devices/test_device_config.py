"""What a pool's settings say about devices, and whom they spare a second factor."""

import itertools

import pytest
from attrs import evolve

from authflow.pool.accounts.user_pool import UserPool
from authflow.pool.devices.device_config import DeviceConfig, skips_second_factor
from authflow.pool.devices.device_state import DeviceState

STANDS_IN, ASKS = "ChallengeRequiredOnNewDevice", "DeviceOnlyRememberedOnUserPrompt"
VALUES = (None, False, True)


def pool(configuration=None):
    settings = {} if configuration is None else {"DeviceConfiguration": configuration}
    times = {"created_at": 0.0, "modified_at": 0.0}
    return UserPool(id="x", settings=settings, key_id="", signing_key="", mask_key=b"", **times)


def test_any_member_turns_devices_on_and_none_leaves_them_off():
    for stands_in, asks in itertools.product(VALUES, VALUES):
        given = {STANDS_IN: stands_in, ASKS: asks}
        given = {name: value for name, value in given.items() if value is not None}
        config = DeviceConfig.of(pool(given))
        assert config.remembers is bool(given)
        assert config.stands_in is (stands_in is True)
        assert config.asks_user is (asks is True)
    assert not DeviceConfig.of(pool()).remembers


@pytest.mark.parametrize("configuration", [None, {}, {ASKS: True}, {STANDS_IN: False}])
def test_no_device_skips_a_second_factor_unless_the_pool_says_so(configuration):
    device = DeviceState(key="k", remembered=True)
    assert not skips_second_factor(pool(configuration), device)
    assert skips_second_factor(pool({STANDS_IN: True}), device)


def test_only_a_remembered_device_skips_a_second_factor_whatever_else_it_is():
    willing = pool({STANDS_IN: True})
    assert not skips_second_factor(willing, None)
    for spared, proved in itertools.product((False, True), repeat=2):
        device = DeviceState(key="k", spared=spared, proved=proved)
        assert not skips_second_factor(willing, device)
        assert skips_second_factor(willing, evolve(device, remembered=True))

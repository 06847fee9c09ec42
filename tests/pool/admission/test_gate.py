import math

import anyio
import pytest

from authflow.pool.admission.budgets import Budget
from authflow.pool.admission.gate import Gate, RequestKind, kind_of
from authflow.pool.cognito_errors import CognitoError
from tests.pool.admission.test_budgets import Time

HERE = ("127.0.0.1", 1)
NO_END = Budget(per_second=math.inf, burst=math.inf)


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
def pauses(monkeypatch):
    """How long refusals were kept back; nobody waits for it here."""
    pauses = []

    async def pause(seconds):
        pauses.append(seconds)

    monkeypatch.setattr("authflow.pool.admission.gate.anyio.sleep", pause)
    return pauses


def gate_with(**settings):
    return Gate(clock=Time(), **{"name_budget": NO_END, **settings})


async def admitted(gate, name="ada", operation="InitiateAuth", peer=HERE, realm="client"):
    try:
        async with gate.admitted(operation, peer, realm, name):
            return True
    except CognitoError as error:
        return _is_no(error)


async def known(gate, peer):
    try:
        await gate.check_address(peer)
    except CognitoError as error:
        return _is_no(error)
    return True


def _is_no(error):
    told = (error.code, error.message, error.status)
    assert told == ("TooManyRequestsException", "Rate exceeded", 400)
    return False


@pytest.mark.parametrize("names", ["ada", "ADA ada Ada", "STRASSE straße", "ÄNNE änne"])
@pytest.mark.parametrize("operation", ["InitiateAuth", "ForgotPassword", "AdminSetUserPassword"])
async def test_requests_about_one_name_have_one_budget_however_it_is_typed(
    pauses, names, operation
):
    gate = gate_with(name_budget=Budget(per_second=1, burst=6))
    typed = names.split() * 6
    told = [await admitted(gate, name, operation) for name in typed]
    assert told == [True] * 6 + [False] * (len(typed) - 6)
    gate.clock.now += 1
    assert await admitted(gate, typed[0], operation)


async def test_names_of_other_pools_and_other_names_have_their_own(pauses):
    gate = gate_with(name_budget=Budget(per_second=1, burst=1))
    assert await admitted(gate)
    assert not await admitted(gate)
    assert await admitted(gate, realm="other")
    assert await admitted(gate, name="bob")


async def test_who_has_begun_may_end_though_the_budget_for_beginnings_is_spent(pauses):
    gate = gate_with(name_budget=Budget(per_second=1, burst=1))
    assert await admitted(gate)
    assert not await admitted(gate)
    assert await admitted(gate, operation="RespondToAuthChallenge")
    assert not await admitted(gate, operation="AdminRespondToAuthChallenge")


@pytest.mark.parametrize(
    ("name", "operation"), [("", "GetUser"), ("", "InitiateAuth"), ("ada", "AdminGetUser")]
)
async def test_where_nobody_is_named_or_it_costs_little_there_is_no_budget(pauses, name, operation):
    gate = gate_with(name_budget=Budget(per_second=1, burst=1))
    assert all([await admitted(gate, name, operation) for _ in range(9)])


@pytest.mark.parametrize("here", ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1", ""])
async def test_addresses_of_this_machine_have_a_budget_only_if_it_is_set(pauses, here):
    assert all([await known(gate_with(), (here, port)) for port in range(2000)])
    gate = gate_with(address_budget=Budget(per_second=1, burst=2))
    assert [await known(gate, (here, port)) for port in range(3)] == [True, True, False]


@pytest.mark.parametrize(
    "same",
    [
        ("192.0.2.1", "192.0.2.1"),
        ("192.0.2.1", "::ffff:192.0.2.1"),
        ("2001:db8::1", "2001:db8::ffff:2"),
        ("fe80::1%eth0", "fe80::2%eth0"),
    ],
)
async def test_other_addresses_have_one_whatever_port_or_host_of_a_network_they_are(pauses, same):
    gate = gate_with(address_budget=Budget(per_second=1, burst=1))
    assert await known(gate, (same[0], 1))
    assert not await known(gate, (same[1], 2))
    assert await known(gate, ("192.0.2.2", 1))
    assert await known(gate, ("2001:db8:0:1::1", 1))


async def test_other_addresses_have_a_budget_unless_it_has_no_end(pauses):
    gate = gate_with()
    told = [await known(gate, ("192.0.2.1", 1)) for _ in range(1001)]
    assert told == [True] * 1000 + [False]
    gate = gate_with(address_budget=NO_END)
    assert all([await known(gate, ("192.0.2.1", 1)) for _ in range(2000)])


async def test_who_is_refused_again_on_a_connection_hears_of_it_later(pauses):
    gate = gate_with(name_budget=Budget(per_second=0.001, burst=1))
    await admitted(gate)
    for _ in range(8):
        assert not await admitted(gate)
    most = [0.2, 0.8, 3.2, 5, 5, 5, 5, 5]
    assert all(whole / 2 <= pause <= whole for pause, whole in zip(pauses, most, strict=True))
    assert not await admitted(gate, peer=("127.0.0.1", 2))
    assert 0.1 <= pauses[-1] <= 0.2
    for _ in range(2):  # each that is served makes up for one that was refused
        assert await admitted(gate, name="")
    assert not await admitted(gate)
    assert 0.4 <= pauses[-1] <= 0.8


async def test_connections_that_were_refused_are_forgotten_in_time(pauses, monkeypatch):
    monkeypatch.setattr("authflow.pool.admission.gate._MOST_CONNECTIONS", 50)
    gate = gate_with(name_budget=Budget(per_second=0.001, burst=1))
    for port in range(200):
        await admitted(gate, peer=("127.0.0.1", port))
    assert len(gate._refused) == 50


async def test_nothing_that_was_typed_is_kept():
    gate = gate_with()
    async with gate.admitted("InitiateAuth", HERE, "client", "Corr3ct-Horse" * 5000) as ticket:
        assert len(ticket.name) == 16
        assert "orr3ct" not in repr(gate)


async def test_keys_are_made_one_after_the_other_and_hold_up_no_sign_in():
    gate = gate_with()
    async with gate.admitted("CreateUserPool", HERE, "", ""):
        with anyio.move_on_after(0.01) as scope:
            await admitted(gate, "", "CreateUserPool")
        assert scope.cancelled_caught
        with anyio.fail_after(10):
            assert await admitted(gate)


@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        ("InitiateAuth", RequestKind.BEGINNING),
        ("RespondToAuthChallenge", RequestKind.GOING_ON),
        ("GetUser", RequestKind.GOING_ON),
        ("AssociateSoftwareToken", RequestKind.GOING_ON),
        ("VerifySoftwareToken", RequestKind.GOING_ON),
        ("CreateUserPool", RequestKind.KEY),
        ("SomethingOfTomorrow", RequestKind.BEGINNING),
    ],
)
def test_every_operation_is_of_a_kind(operation, kind):
    assert kind_of(operation) is kind

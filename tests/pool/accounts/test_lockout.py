WRONG = "Incorrect username or password."
LOCKED = "Password attempts exceeded"


async def refused(house, password="wrong-Horse1"):
    refusal = await house.api.refused("InitiateAuth", **house.by_password("ann", password))
    assert refusal.code == "NotAuthorizedException"
    return refusal.message


async def signs_in(house):
    return "AuthenticationResult" in await house.api("InitiateAuth", **house.by_password())


async def test_the_lock_doubles_with_each_failure_up_to_a_quarter_of_an_hour(house):
    await house.add_user()
    assert [await refused(house) for _ in range(5)] == [WRONG] * 5
    for seconds in (1, 2, 4, 8, 16, 32, 64, 128, 256, 512):
        house.clock.now += seconds - 0.5
        # While it is locked, not even the right password passes, and nothing counts.
        assert await refused(house, "Corr3ct-Horse") == LOCKED
        house.clock.now += 0.5
        assert await refused(house) == WRONG
    house.clock.now += 899
    assert await refused(house) == LOCKED
    house.clock.now += 1
    assert await signs_in(house)


async def test_a_success_after_the_lock_forgets_the_failures(house):
    await house.add_user()
    for _ in range(5):
        await refused(house)
    house.clock.now += 1
    assert await signs_in(house)
    assert [await refused(house) for _ in range(5)] == [WRONG] * 5


async def test_a_quarter_of_an_hour_of_silence_forgets_the_failures(house):
    await house.add_user()
    for _ in range(4):
        await refused(house)
    house.clock.now += 900
    assert [await refused(house) for _ in range(5)] == [WRONG] * 5


async def test_failures_of_others_forget_nothing(house):
    for name in ("ann", "bob"):
        await house.add_user(name)
    for _ in range(5):
        await refused(house)
    house.clock.now += 890
    await house.api.refused("InitiateAuth", **house.by_password("bob", "wrong-Horse1"))
    await house.api("InitiateAuth", **house.by_password("bob"))
    assert [await refused(house) for _ in range(2)] == [WRONG, LOCKED]


async def test_srp_and_password_share_one_count(house):
    await house.add_user()
    for _ in range(4):
        await refused(house)
    wrong = await house.by_srp("ann", "wrong-Horse1")
    right = await house.by_srp("ann")
    assert (await house.api.refused("RespondToAuthChallenge", **wrong)).message == WRONG
    assert (await house.api.refused("RespondToAuthChallenge", **right)).message == LOCKED


async def test_guesses_side_by_side_do_not_slip_through(house):
    await house.add_user()
    proofs = [await house.by_srp("ann", f"wrong-Horse{n}") for n in range(12)]
    replies = await house.api.at_once(
        *(("RespondToAuthChallenge", proof) for proof in proofs),
        *(("InitiateAuth", house.by_password("ann", f"wrong{n}")) for n in range(12)),
    )
    messages = [reply["message"] for reply in replies]
    assert sorted(messages) == [WRONG] * 5 + [LOCKED] * 19


async def test_right_passwords_side_by_side_lock_nobody_out(house):
    await house.add_user()
    proofs = [await house.by_srp() for _ in range(12)]
    replies = await house.api.at_once(*(("RespondToAuthChallenge", proof) for proof in proofs))
    assert all("AuthenticationResult" in reply for reply in replies)

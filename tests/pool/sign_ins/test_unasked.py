"""A sign-in that Cognito would have challenged gives no tokens here, and says which setting it is.

It says so only where Cognito would ask: whoever has no right password hears what he always hears.
"""

WRONG = ("NotAuthorizedException", "Incorrect username or password.")


async def test_where_the_password_is_no_first_factor_it_gives_no_tokens(api, settle):
    factors = {"AllowedFirstAuthFactors": ["EMAIL_OTP"]}
    house = await settle(api, {"Policies": {"SignInPolicy": factors}})
    await house.add_user()
    wrong = house.by_password("ann", "wrong-Horse1")
    refusal = await house.api.refused("InitiateAuth", **wrong)
    assert (refusal.code, refusal.message) == WRONG
    refusal = await house.api.refused("InitiateAuth", **house.by_password())
    assert refusal.code == "InvalidUserPoolConfigurationException"
    assert refusal.message.startswith(
        'Policies.SignInPolicy.AllowedFirstAuthFactors=["EMAIL_OTP"]: the password is not among '
    )

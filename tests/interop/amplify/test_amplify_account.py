"""Amplify goes through a user's whole life at our pool, each step right and wrong."""

import pytest

from testbed.authenticator import other_than
from testbed.served_pool import PASSWORD

pytestmark = pytest.mark.system("node", "npm")

NEW_PASSWORD, LAST_PASSWORD = "Another-horse-1", "Third-horse-1"
EMAIL = {"deliveryMedium": "EMAIL", "destination": "a***@e***", "attributeName": "email"}
ELSEWHERE = "ann@elsewhere.example"
SETTINGS = {
    "AutoVerifiedAttributes": ["email"],
    "AccountRecoverySetting": {
        "RecoveryMechanisms": [{"Name": "verified_email", "Priority": 1}],
    },
    "UserAttributeUpdateSettings": {"AttributesRequireVerificationBeforeUpdate": ["email"]},
}


@pytest.fixture
def pool_id(served):
    return served.pool("OFF", SETTINGS)


@pytest.fixture
def client(pool_id, amplify):
    """One that nobody is signed in with."""
    client = amplify(pool_id)
    client("signOut")
    return client


def sign_in(client, password, flow="USER_PASSWORD_AUTH"):
    options = {"authFlowType": flow}
    return client("signIn", username="ada", password=password, options=options)["nextStep"]


def application(**options):
    attributes = {"email": "ada@example.com", "name": "Ada"}
    return {
        "username": "ada",
        "password": PASSWORD,
        "options": {"userAttributes": attributes, **options},
    }


def test_a_user_signs_up_and_is_signed_in_by_the_code_that_confirms(served, client, refused):
    applied = application(autoSignIn={"authFlowType": "USER_PASSWORD_AUTH"})
    with refused("InvalidPasswordException"):
        client("signUp", **{**applied, "password": "horse"})
    with refused("InvalidParameterException"):
        client("signUp", **application(userAttributes={"email": "nowhere"}))
    begun = client("signUp", **applied)
    assert begun["isSignUpComplete"] is False
    assert begun["nextStep"] == {"signUpStep": "CONFIRM_SIGN_UP", "codeDeliveryDetails": EMAIL}
    code = served.code("EMAIL")
    with refused("CodeMismatchException"):
        client("confirmSignUp", username="ada", confirmationCode=other_than(code))
    confirmed = client("confirmSignUp", username="ada", confirmationCode=code)
    assert confirmed["nextStep"] == {"signUpStep": "COMPLETE_AUTO_SIGN_IN"}
    assert client("autoSignIn")["nextStep"] == {"signInStep": "DONE"}
    assert client("getCurrentUser")["userId"] == begun["userId"]
    with refused("UsernameExistsException"):
        client("signUp", **applied)
    client("deleteUser")
    assert client("signUp", **application())["nextStep"]["signUpStep"] == "CONFIRM_SIGN_UP"
    served.code("EMAIL")


def test_an_unconfirmed_user_asks_for_a_code_again_and_signs_in(served, client, refused):
    client("signUp", **application())
    first = served.code("EMAIL")
    for flow in ("USER_PASSWORD_AUTH", "USER_SRP_AUTH"):
        assert sign_in(client, PASSWORD, flow)["signInStep"] == "CONFIRM_SIGN_UP"
    assert client("resendSignUpCode", username="ada") == EMAIL
    code = served.code("EMAIL")
    if first != code:
        with refused("CodeMismatchException"):
            client("confirmSignUp", username="ada", confirmationCode=first)
    confirmed = client("confirmSignUp", username="ada", confirmationCode=code)
    assert confirmed["nextStep"] == {"signUpStep": "DONE"}
    with refused("CodeMismatchException"):  # as if there were no such user, whom the pool hides
        client("confirmSignUp", username="ada", confirmationCode=code)
    with refused("NotAuthorizedException"):
        sign_in(client, NEW_PASSWORD)
    assert sign_in(client, PASSWORD)["signInStep"] == "DONE"
    with refused("UserAlreadyAuthenticatedException"):
        sign_in(client, PASSWORD)


@pytest.fixture
def signed_in(served, client):
    """Ada, signed up, confirmed and signed in."""
    client("signUp", **application())
    client("confirmSignUp", username="ada", confirmationCode=served.code("EMAIL"))
    assert sign_in(client, PASSWORD)["signInStep"] == "DONE"
    return client


def test_a_user_reads_changes_verifies_and_deletes_attributes(served, signed_in, refused):
    read = signed_in("fetchUserAttributes")
    assert read.pop("sub")
    assert read == {"email": "ada@example.com", "email_verified": "true", "name": "Ada"}

    asked = signed_in("updateUserAttributes", userAttributes={"email": ELSEWHERE, "nickname": "A"})
    code = served.code("EMAIL")
    assert asked["nickname"] == {"isUpdated": True, "nextStep": {"updateAttributeStep": "DONE"}}
    assert asked["email"]["nextStep"] == {
        "updateAttributeStep": "CONFIRM_ATTRIBUTE_WITH_CODE",
        "codeDeliveryDetails": EMAIL,
    }
    assert signed_in("fetchUserAttributes")["email"] == "ada@example.com"
    with refused("CodeMismatchException"):
        entered = other_than(code)
        signed_in("confirmUserAttribute", userAttributeKey="email", confirmationCode=entered)
    assert signed_in("sendUserAttributeVerificationCode", userAttributeKey="email") == EMAIL
    code = served.code("EMAIL")
    signed_in("confirmUserAttribute", userAttributeKey="email", confirmationCode=code)
    with refused("ExpiredCodeException"):
        signed_in("confirmUserAttribute", userAttributeKey="email", confirmationCode=code)
    read = signed_in("fetchUserAttributes")
    assert (read["email"], read["email_verified"]) == (ELSEWHERE, "true")
    with refused("InvalidParameterException"):  # she has no number
        signed_in("sendUserAttributeVerificationCode", userAttributeKey="phone_number")

    changed = signed_in("updateUserAttribute", userAttribute={"attributeKey": "name", "value": "B"})
    assert changed["isUpdated"]
    with refused("InvalidParameterException"):
        unknown = {"attributeKey": "custom:unknown", "value": "B"}
        signed_in("updateUserAttribute", userAttribute=unknown)
    signed_in("deleteUserAttributes", userAttributeKeys=["name", "nickname"])
    assert set(signed_in("fetchUserAttributes")) == {"sub", "email", "email_verified"}
    with refused("InvalidParameterException"):
        signed_in("deleteUserAttributes", userAttributeKeys=["sub"])


def test_a_user_changes_a_password_and_signs_out(signed_in, refused):
    with refused("NotAuthorizedException"):
        signed_in("updatePassword", oldPassword=LAST_PASSWORD, newPassword=NEW_PASSWORD)
    with refused("InvalidPasswordException"):
        signed_in("updatePassword", oldPassword=PASSWORD, newPassword="horse")
    signed_in("updatePassword", oldPassword=PASSWORD, newPassword=NEW_PASSWORD)
    assert signed_in("fetchAuthSession", forceRefresh=True)["accessToken"]["username"] == "ada"
    for everywhere in (False, True):
        signed_in("signOut", **({"global": True} if everywhere else {}))
        with refused("UserUnAuthenticatedException"):
            signed_in("fetchUserAttributes")
        with refused("NotAuthorizedException"):
            sign_in(signed_in, PASSWORD)
        assert sign_in(signed_in, NEW_PASSWORD)["signInStep"] == "DONE"


def test_a_forgotten_password_is_set_anew_by_the_user_or_after_an_administrators_reset(
    served, pool_id, signed_in, refused
):
    def set_anew(password):
        code = served.code("EMAIL")
        given = {"username": "ada", "newPassword": password}
        with refused("CodeMismatchException"):
            signed_in("confirmResetPassword", confirmationCode=other_than(code), **given)
        with refused("InvalidPasswordException"):
            weak = {**given, "newPassword": "horse"}
            signed_in("confirmResetPassword", confirmationCode=code, **weak)
        signed_in("confirmResetPassword", confirmationCode=code, **given)
        with refused("ExpiredCodeException"):
            signed_in("confirmResetPassword", confirmationCode=code, **given)
        assert sign_in(signed_in, password)["signInStep"] == "DONE"
        signed_in("signOut")

    signed_in("signOut")
    assert signed_in("resetPassword", username="ada")["nextStep"] == {
        "resetPasswordStep": "CONFIRM_RESET_PASSWORD_WITH_CODE",
        "codeDeliveryDetails": EMAIL,
    }
    set_anew(NEW_PASSWORD)
    served.owner.admin_reset_user_password(UserPoolId=pool_id, Username="ada")
    assert sign_in(signed_in, NEW_PASSWORD)["signInStep"] == "RESET_PASSWORD"
    set_anew(LAST_PASSWORD)
    asked = signed_in("resetPassword", username="nobody")["nextStep"]
    assert asked["resetPasswordStep"] == "CONFIRM_RESET_PASSWORD_WITH_CODE"
    with refused("CodeMismatchException"):
        nobody = {"username": "nobody", "newPassword": PASSWORD}
        signed_in("confirmResetPassword", confirmationCode="123456", **nobody)


def test_a_user_is_deleted_and_nobody_signs_in(signed_in, refused):
    signed_in("deleteUser")
    with refused("UserUnAuthenticatedException"):
        signed_in("getCurrentUser")
    with refused("NotAuthorizedException"):
        sign_in(signed_in, PASSWORD)


def test_a_user_whose_name_is_an_address_signs_up_and_moves_to_another(served, amplify, refused):
    client = amplify(served.pool("OFF", {**SETTINGS, "UsernameAttributes": ["email"]}))
    client("signOut")

    def signed_in(name, password, flow):
        options = {"authFlowType": flow}
        given = {"username": name, "password": password}
        return client("signIn", **given, options=options)["nextStep"] == {"signInStep": "DONE"}

    name, password = "ada@example.com", PASSWORD
    with refused("InvalidParameterException"):
        client("signUp", **application())  # by a name that is no address
    begun = client("signUp", **{**application(), "username": name})
    assert begun["nextStep"]["codeDeliveryDetails"] == EMAIL
    served.code("EMAIL")
    assert client("resendSignUpCode", username=name) == EMAIL
    client("confirmSignUp", username=name, confirmationCode=served.code("EMAIL"))
    assert signed_in(name, password, "USER_PASSWORD_AUTH")
    known = client("getCurrentUser")
    assert known["userId"] == known["username"] == begun["userId"]
    client("updateUserAttributes", userAttributes={"email": ELSEWHERE})
    code = served.code("EMAIL")
    client("confirmUserAttribute", userAttributeKey="email", confirmationCode=code)
    client("signOut")
    with refused("NotAuthorizedException"):
        signed_in(name, password, "USER_PASSWORD_AUTH")
    client("resetPassword", username=ELSEWHERE)
    given = {"username": ELSEWHERE, "newPassword": NEW_PASSWORD}
    client("confirmResetPassword", confirmationCode=served.code("EMAIL"), **given)
    assert signed_in(ELSEWHERE, NEW_PASSWORD, "USER_SRP_AUTH")

"""What is shown of an address is of one form, whether somebody has the address or nobody."""

import re

import pytest

from authflow.pool.messages.destination import Destination

FORMS = {"email": r"[a-z]\*{3}@[a-z]\*{3}", "phone_number": r"\+\*{7}[0-9]{4}"}
ADDRESSES = {
    "email": ["ada@example.com", "Ada@Example.com", "ADA@EXAMPLE.COM", "a@b", "Ada.L@sub.Example"],
    "phone_number": ["+1234567", "+15551234", "+4915112345678", "+123456789012345"],
}
HIDDEN = {
    "PreventUserExistenceErrors": "ENABLED",
    "ExplicitAuthFlows": ["ALLOW_USER_SRP_AUTH"],
}


@pytest.mark.parametrize("attribute", ADDRESSES)
def test_neither_letter_case_nor_length_of_an_address_is_shown(attribute):
    for address in ADDRESSES[attribute]:
        shown = Destination(attribute=attribute, address=address).details["Destination"]
        assert re.fullmatch(FORMS[attribute], shown)
        assert shown[-4:] == (address[-4:] if attribute == "phone_number" else shown[-4:])


@pytest.mark.parametrize("attribute", ADDRESSES)
@pytest.mark.parametrize("case_sensitive", [True, False])
async def test_users_and_those_who_stand_for_them_are_sent_codes_to_addresses_of_one_form(
    api, settle, attribute, case_sensitive
):
    mechanism = {"Name": f"verified_{attribute}", "Priority": 1}
    house = await settle(
        api,
        {
            "AccountRecoverySetting": {"RecoveryMechanisms": [mechanism]},
            "UsernameConfiguration": {"CaseSensitive": case_sensitive},
        },
        **HIDDEN,
    )
    for number, address in enumerate(ADDRESSES[attribute]):
        verified = {attribute: address, f"{attribute}_verified": "true"}
        await house.add_user(f"ada{number}", **verified)
    names = [f"ada{number}" for number in range(len(ADDRESSES[attribute]))]
    for name in (*names, "ghost", "Ghost", "GHOST", *map(str.swapcase, ADDRESSES[attribute])):
        reply = await api("ForgotPassword", ClientId=house.client_id, Username=name)
        assert re.fullmatch(FORMS[attribute], reply["CodeDeliveryDetails"]["Destination"])

"""PreSignUp: the trigger that judges a user before the pool has one.

Source: "Pre sign-up Lambda trigger" in the developer guide.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from authflow.pool.accounts.attribute_schema import VERIFIED
from authflow.pool.cognito_errors import invalid_trigger_result
from authflow.pool.ground import Ground
from authflow.pool.triggers.occasion import Occasion
from authflow.triggers.events.envelope import UNTOLD
from authflow.triggers.events.user_events import PreSignUpEvent, SignUpDecision

_NO_ADDRESS: Final = "PreSignUp verifies an address that the user does not have"


async def judge(
    ground: Ground,
    occasion: Occasion,
    attributes: Mapping[str, str],
    validation_data: Iterable[Mapping[str, str]] | None,
    source: str,
) -> SignUpDecision:
    """Ask the pool's trigger about a new user; without one, nothing is decided.

    Args:
        ground: The parts that all services share.
        occasion: The request, with the name that the user is to have.
        attributes: What was given of the user.
        validation_data: The ValidationData of the request; None for none.
        source: The triggerSource.

    Raises:
        CognitoError: The trigger refused or failed.
    """
    if not ground.triggers.serves(occasion.pool, PreSignUpEvent.trigger):
        return SignUpDecision()
    sent = {each["Name"]: each.get("Value", "") for each in validation_data or ()}
    event = PreSignUpEvent(
        **occasion.envelope,
        user_attributes=attributes,
        client_metadata=occasion.sent_metadata,
        source=source,
        validation_data=UNTOLD if validation_data is None else sent,
    )
    return await ground.triggers.consult(occasion.pool, event)


def flags_of(attributes: Mapping[str, str], decision: SignUpDecision) -> dict[str, str]:
    """Return the flags of a new user's addresses.

    Args:
        attributes: The user's, without the flags.
        decision: What the trigger decided about them.

    Raises:
        CognitoError: It verifies an address that the user does not have.
    """
    verified = {
        "email_verified": decision.verify_email,
        "phone_number_verified": decision.verify_phone,
    }
    if any(yes and not attributes.get(VERIFIED[flag]) for flag, yes in verified.items()):
        raise invalid_trigger_result(reason=_NO_ADDRESS)
    return {
        flag: "true" if yes else "false"
        for flag, yes in verified.items()
        if VERIFIED[flag] in attributes
    }

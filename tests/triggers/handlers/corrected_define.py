"""The documented Define as it was meant: one custom challenge, passed by a user who exists."""


def handler(event, _context):
    session = event["request"].get("session") or []
    passed = (
        len(session) == 1
        and session[0]["challengeName"] == "CUSTOM_CHALLENGE"
        and session[0]["challengeResult"] is True
        and not event["request"].get("userNotFound")
    )
    response = event["response"]
    response["challengeName"] = None if session else "CUSTOM_CHALLENGE"
    response["issueTokens"] = passed
    response["failAuthentication"] = bool(session) and not passed
    return event

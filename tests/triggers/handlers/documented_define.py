"""Define as a sample in AWS's documentation has it: its first branch tests the wrong thing."""


def handler(event, _context):
    session = event["request"].get("session")
    response = event["response"]
    if not isinstance(session, list) or len(session) > 0:
        response["challengeName"] = "CUSTOM_CHALLENGE"
        response["issueTokens"] = False
        response["failAuthentication"] = False
    elif len(session) == 1 and session[0]["challengeResult"]:
        response["issueTokens"] = True
        response["failAuthentication"] = False
    else:
        response["issueTokens"] = False
        response["failAuthentication"] = True
    return event

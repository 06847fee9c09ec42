"""The documented Define with only its first branch mended: SRP_A counts as a passed challenge."""


def handler(event, _context):
    session = event["request"].get("session")
    response = event["response"]
    if not session:
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

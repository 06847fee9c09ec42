"""A custom sign-in in one function: the password first if SRP came, then a riddle."""


def handler(event, _context):
    request, response = event["request"], event["response"]
    match event["triggerSource"].partition("_")[0]:
        case "DefineAuthChallenge":
            names = [one["challengeName"] for one in request["session"]]
            passed = (
                names[-1:] == ["CUSTOM_CHALLENGE"] and request["session"][-1]["challengeResult"]
            )
            response["issueTokens"] = passed
            response["failAuthentication"] = names.count("CUSTOM_CHALLENGE") == 3 and not passed
            first = names[-1:] == ["SRP_A"]
            response["challengeName"] = "PASSWORD_VERIFIER" if first else "CUSTOM_CHALLENGE"
        case "CreateAuthChallenge":
            response["publicChallengeParameters"] = {"question": "2+2"}
            response["privateChallengeParameters"] = {"answer": "4"}
            response["challengeMetadata"] = "RIDDLE"
        case _:
            if request["challengeAnswer"] == "throw":
                raise ValueError("no more riddles.")
            right = request["privateChallengeParameters"]["answer"]
            response["answerCorrect"] = request["challengeAnswer"] == right
    return event

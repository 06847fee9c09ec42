"""All triggers of an account's life in one function, written as AWS's own examples are."""

OLD_USERS = {"grace": ("Gr4ce-Horse", "grace@example.org")}


def handler(event, _context):
    request, response = event["request"], event["response"]
    trigger, _, source = event["triggerSource"].partition("_")
    match trigger:
        case "PreSignUp":
            word = (request.get("clientMetadata") or {}).get("word")
            if word == "thieves":
                raise ValueError("no strangers.")
            response["autoConfirmUser"] = response["autoVerifyEmail"] = word == "swordfish"
        case "CustomMessage":
            who = request.get("usernameParameter") or event["userName"]
            text = f"{source}, {who}: {request['codeParameter']}"
            response["smsMessage"] = response["emailMessage"] = text
            response["emailSubject"] = source
        case "TokenGeneration":
            claims = {"made_by": source}
            response["claimsOverrideDetails"] = {"claimsToAddOrOverride": claims}
        case "UserMigration":
            password, email = OLD_USERS[event["userName"]]
            if source == "Authentication" and request["password"] != password:
                raise ValueError("bad password")
            response["userAttributes"] = {"email": email, "email_verified": "true"}
            response["finalUserStatus"] = "CONFIRMED"
            response["messageAction"] = "SUPPRESS"
        case "PostConfirmation":
            if (request.get("clientMetadata") or {}).get("word") == "late":
                raise ValueError("the house is full.")
    return event

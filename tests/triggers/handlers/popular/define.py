"""Define handlers as people write them: the logic of samples, documentation and public code.

Each stands here in our own words. Where it is from:

- "Define Auth challenge Lambda trigger" in the Amazon Cognito developer guide, its older edition
- Amplify's documentation of custom sign-ins, and the boilerplates of its command line
- AWS's passwordless samples: a code by e-mail, text messages, magic links, passkeys
- handlers that were pasted into issues of amplify-js (#3159, #4157, #4888, #10447) or published by
  vendors of second factors
- handlers found in public repositories, with the mistakes that they have
"""

FAIL, TOKENS = "fail", "tokens"
CUSTOM, VERIFIER = "CUSTOM_CHALLENGE", "PASSWORD_VERIFIER"


def filled(event, decision):
    event["response"]["issueTokens"] = decision == TOKENS
    event["response"]["failAuthentication"] = decision == FAIL
    event["response"]["challengeName"] = None if decision in {FAIL, TOKENS} else decision
    return event


def is_passed(entry, name):
    return entry["challengeName"] == name and entry["challengeResult"] is True


# Nothing is wrong with these.


def password_then_captcha(event, _context):
    """The developer guide's: lengths and names, entry by entry, and nothing about unknown users."""
    session = event["request"]["session"]
    if len(session) == 1 and session[0]["challengeName"] == "SRP_A":
        return filled(event, VERIFIER)
    if len(session) == 2 and is_passed(session[1], VERIFIER):
        return filled(event, CUSTOM)
    if len(session) == 3 and is_passed(session[2], CUSTOM):
        return filled(event, TOKENS)
    return filled(event, FAIL)


def password_then_captcha_for_those_who_exist(event, _context):
    if event["request"].get("userNotFound"):
        return filled(event, FAIL)
    return password_then_captcha(event, _context)


def password_then_two_questions(event, _context):
    """The guide's older sample: the second question follows whatever the first answer was."""
    session = event["request"]["session"]
    if len(session) == 1 and session[0]["challengeName"] == "SRP_A":
        return filled(event, VERIFIER)
    if len(session) == 2 and is_passed(session[1], VERIFIER):
        return filled(event, CUSTOM)
    if len(session) == 3 and is_passed(session[2], CUSTOM):
        return filled(event, CUSTOM)
    if len(session) == 4 and is_passed(session[3], CUSTOM):
        return filled(event, TOKENS)
    return filled(event, FAIL)


def password_then_three_attempts(event, _context):
    session = event["request"]["session"]
    if [entry["challengeName"] for entry in session] == ["SRP_A"]:
        return filled(event, VERIFIER)
    if not session or session[0]["challengeName"] != "SRP_A":
        return filled(event, FAIL)
    if is_passed(session[-1], CUSTOM):
        return filled(event, TOKENS)
    wrong = sum(entry["challengeResult"] is False for entry in session)
    return filled(event, CUSTOM if wrong < 3 else FAIL)


def password_alone(event, _context):
    session = event["request"]["session"]
    if len(session) == 1 and session[0]["challengeName"] == "SRP_A":
        return filled(event, VERIFIER)
    return filled(event, TOKENS if len(session) == 2 and session[1]["challengeResult"] else FAIL)


def password_or_passkey(event, _context):
    """A vendor's: a passkey alone, or a second factor after the password; the last entry tells."""
    session = event["request"]["session"]
    if event["request"].get("userNotFound"):
        return filled(event, FAIL)
    if not session:
        return filled(event, CUSTOM)
    follows = {"SRP_A": VERIFIER, VERIFIER: CUSTOM, CUSTOM: TOKENS}
    last = session[-1]
    return filled(
        event, follows.get(last["challengeName"], FAIL) if last["challengeResult"] else FAIL
    )


def challenge_after_srp_a(event, _context):
    """Amplify's, for apps whose SDK sends SRP_A though there is no password."""
    session = event["request"]["session"]
    if event["request"]["userNotFound"]:
        return filled(event, FAIL)
    if len(session) == 1 and session[0]["challengeName"] == "SRP_A":
        return filled(event, CUSTOM)
    if len(session) == 2 and is_passed(session[1], CUSTOM):
        return filled(event, TOKENS)
    return filled(event, FAIL)


def code_by_email_for_those_who_exist(event, _context):
    if event["request"].get("userNotFound"):
        return filled(event, FAIL)
    return code_by_email(event, _context)


def unknown_users_are_asked_as_others_are(event, _context):
    session = event["request"]["session"]
    if any(entry["challengeName"] != CUSTOM for entry in session):
        return filled(event, FAIL)
    if session and session[-1]["challengeResult"] and not event["request"]["userNotFound"]:
        return filled(event, TOKENS)
    return filled(event, CUSTOM if len(session) < 3 else FAIL)


def magic_link_with_a_round_for_parameters(event, _context):
    """A passwordless sample's: one round is only there to bring what the client wants to say."""
    session = event["request"].get("session") or []
    if event["request"].get("userNotFound"):
        return filled(event, FAIL)
    if any(entry["challengeName"] != CUSTOM for entry in session):
        return filled(event, FAIL)
    counted = [
        entry for entry in session if entry["challengeMetadata"] != "PROVIDE_AUTH_PARAMETERS"
    ]
    if not counted:
        return filled(event, CUSTOM if len(session) < 2 else FAIL)
    return filled(event, TOKENS if counted[-1]["challengeResult"] else FAIL)


def tokens_and_a_name_at_once(event, _context):
    """Of Amplify's command line: challengeName stays what it was, beside issueTokens."""
    session = event["request"]["session"]
    response = event["response"]
    response["challengeName"] = CUSTOM
    right = len(session) == 1 and is_passed(session[0], CUSTOM)
    right = right and not event["request"].get("userNotFound")
    response["issueTokens"] = right
    response["failAuthentication"] = bool(session) and not right
    return event


# Only Verify keeps an unknown user out of these.


def code_by_email(event, _context):
    """A passwordless sample's: three attempts, nothing but custom challenges."""
    session = event["request"].get("session") or []
    if any(entry["challengeName"] != CUSTOM for entry in session):
        return filled(event, FAIL)
    if len(session) >= 3 and session[-1]["challengeResult"] is False:
        return filled(event, FAIL)
    if session and session[-1]["challengeResult"] is True:
        return filled(event, TOKENS)
    return filled(event, CUSTOM)


def one_challenge(event, _context):
    session = event["request"]["session"]
    if not session:
        return filled(event, CUSTOM)
    return filled(event, TOKENS if len(session) == 1 and is_passed(session[0], CUSTOM) else FAIL)


def unknown_users_are_forgotten_again(event, _context):
    """The refusal of an unknown user is overwritten further down."""
    session = event["request"]["session"]
    if event["request"]["userNotFound"]:
        filled(event, FAIL)
    if session and session[0]["challengeName"] != CUSTOM:
        return filled(event, FAIL)
    if session and session[-1]["challengeResult"]:
        return filled(event, TOKENS)
    return filled(event, CUSTOM if len(session) < 3 else FAIL)


# These are wrong.


def the_first_entry_decides(event, _context):
    session = event["request"]["session"]
    if not session:
        return filled(event, CUSTOM)
    return filled(event, TOKENS if session[0]["challengeResult"] else FAIL)


def the_last_entry_decides(event, _context):
    session = event["request"]["session"]
    if len(session) >= 3 and session[-1]["challengeResult"] is False:
        return filled(event, FAIL)
    if session and session[-1]["challengeResult"] is True:
        return filled(event, TOKENS)
    return filled(event, CUSTOM)


def the_number_of_entries_decides(event, _context):
    session = event["request"]["session"]
    names = [entry["challengeName"] for entry in session]
    if names == ["SRP_A"]:
        return filled(event, VERIFIER)
    if names == ["SRP_A", VERIFIER]:
        return filled(event, CUSTOM)
    return filled(event, TOKENS if names == ["SRP_A", VERIFIER, CUSTOM] else FAIL)


def any_right_answer_decides(event, _context):
    session = event["request"]["session"]
    if not session or session[0]["challengeName"] == "SRP_A" or event["request"]["userNotFound"]:
        return filled(event, FAIL if session else CUSTOM)
    if len(session) < 2:
        return filled(event, CUSTOM)
    return filled(event, TOKENS if any(each["challengeResult"] for each in session) else FAIL)


def unknown_users_are_shouted_at(event, _context):
    if event["request"]["userNotFound"]:
        raise LookupError("User does not exist")
    return one_challenge(event, _context)


def wrong_answers_are_asked_for_ever(event, _context):
    session = event["request"]["session"]
    if session and session[0]["challengeName"] == "SRP_A":
        return filled(event, FAIL)
    right = session and session[-1]["challengeResult"] and not event["request"]["userNotFound"]
    return filled(event, TOKENS if right else CUSTOM)


def nothing_is_returned(event, _context):
    one_challenge(event, _context)


def the_first_entry_is_always_read(event, _context):
    if event["request"]["session"][0]["challengeName"] != "SRP_A":
        return filled(event, FAIL)
    return password_then_captcha(event, _context)


def a_code_by_text_message_is_left_to_cognito(event, _context):
    session = event["request"]["session"]
    if len(session) == 2 and is_passed(session[1], VERIFIER):
        return filled(event, "SMS_MFA")
    return password_then_captcha(event, _context)


def no_answer_is_ever_right(event, _context):
    session = event["request"]["session"]
    return filled(event, FAIL if session else CUSTOM)


def flags_are_texts(event, _context):
    one_challenge(event, _context)
    event["response"]["issueTokens"] = str(event["response"]["issueTokens"]).lower()
    return event

"""An answer without the session that waits for it never gives tokens, whatever it answers.

Every ChallengeName that Cognito's service model has, with no session, with a random one, and with
those of another user, of another app client, of another step, too old, and used; each with an
answer that would be right where the session were.

The one exception is DEVICE_SRP_AUTH, which clients answer with no session: its sign-in is found by
the device, for whoever comes from the address that it was begun from (test_waiting_devices.py).
"""

import secrets

import pytest
from attrs import define, field
from botocore.loaders import Loader
from botocore.model import ServiceModel

from authflow.machine import CHALLENGES

MODEL = ServiceModel(Loader().load_service_model("cognito-idp", "service-2"))
NAMES = MODEL.shape_for("ChallengeNameType").metadata["enum"]
RESPOND = "RespondToAuthChallenge"
SMS, TOTP, EMAIL = FACTORS = ["SMS_MFA", "SOFTWARE_TOKEN_MFA", "EMAIL_OTP"]
TEMPORARY, NEW = "Temp0rary!", "Str0ng-Horse"
SERVED = [*FACTORS, "SELECT_MFA_TYPE", "MFA_SETUP", "NEW_PASSWORD_REQUIRED", "CUSTOM_CHALLENGE"]
"""The challenges of this pool that wait in a Session; PASSWORD_VERIFIER's is its SECRET_BLOCK."""
REFUSED = {
    *("NotAuthorizedException", "InvalidParameterException", "CodeMismatchException"),
    *("ResourceNotFoundException", "UnsupportedOperationException", "ExpiredCodeException"),
}


class Handlers:
    """A custom flow without a password, answered by "x"."""

    sources = frozenset(
        {"DefineAuthChallenge", "CreateAuthChallenge", "VerifyAuthChallengeResponse"}
    )

    async def handle(self, event):
        response = {"publicChallengeParameters": {}, "privateChallengeParameters": {}}
        match event["triggerSource"].partition("_")[0]:
            case "DefineAuthChallenge":
                done = event["request"]["session"]
                response = {
                    "challengeName": "CUSTOM_CHALLENGE",
                    "issueTokens": bool(done) and done[-1]["challengeResult"],
                    "failAuthentication": False,
                }
            case "VerifyAuthChallengeResponse":
                response = {"answerCorrect": event["request"]["challengeAnswer"] == "x"}
        return {**event, "response": response}


@define
class Waiting:
    """Users who each wait at a challenge, in a pool that requires a second factor."""

    mfa: object
    users: dict = field(factory=dict)
    """For each challenge, the user who is asked it."""

    async def prepare(self):
        mfa = self.mfa
        await mfa.turn("OPTIONAL", *FACTORS)
        for name in SERVED:
            for username in (name.lower(), f"other_{name.lower()}"):
                self.users.setdefault(name, []).append(username)
                if name == "NEW_PASSWORD_REQUIRED":
                    await mfa.house.api(
                        "AdminCreateUser", **mfa.named(username), TemporaryPassword=TEMPORARY
                    )
                    continue
                has = FACTORS if name == "SELECT_MFA_TYPE" else [name]
                await mfa.add_user(username, *has)
                if name in FACTORS:
                    await mfa.prefer(name, preferred=name, username=username)
        await mfa.turn("ON", *FACTORS)

    async def session(self, name, username=None):
        """Sign a user in as far as a challenge, and return the right answer to it."""
        mfa, username = self.mfa, username or self.users[name][0]
        house = mfa.house
        request = house.by_password(username)
        if name == "CUSTOM_CHALLENGE":
            request = house.begin("CUSTOM_AUTH", username)
        if name == "NEW_PASSWORD_REQUIRED":
            request = house.by_password(username, TEMPORARY)
        reply = await house.api("InitiateAuth", **request)
        assert reply["ChallengeName"] == name
        session = reply["Session"]
        if name == "MFA_SETUP":
            reply = await house.api("AssociateSoftwareToken", Session=session)
            session, code = reply["Session"], mfa.code_of(reply["SecretCode"])
            reply = await house.api("VerifySoftwareToken", Session=session, UserCode=code)
            session = reply["Session"]
        return session, await self.answers(name, username)

    async def answers(self, name, username):
        """Return answers to all challenges at once, of which the one to this one is right."""
        code = "000000"
        if name in FACTORS:
            code = await self.mfa.code(name, username)
        return {
            **{f"{each}_CODE": code for each in FACTORS},
            "SMS_OTP_CODE": code,
            "ANSWER": {"SELECT_MFA_TYPE": SMS}.get(name, "x"),
            "NEW_PASSWORD": NEW,
            "PASSWORD": "Corr3ct-Horse",
            "SRP_A": "1234",
            "CREDENTIAL": "{}",
            "DEVICE_KEY": "us-east-1_x",
            "PASSWORD_CLAIM_SECRET_BLOCK": "eA==",
            "PASSWORD_CLAIM_SIGNATURE": "eA==",
            "TIMESTAMP": self.mfa.house.clock.stamp,
        }


@pytest.fixture
async def waiting(settle_mfa):
    made = Waiting(await settle_mfa(triggers=Handlers()))
    await made.prepare()
    return made


async def never(waiting, name, username, session, answers, *, admin=False):
    """Answer a challenge and get nothing but a refusal."""
    house = waiting.mfa.house
    devices = {"DEVICE_SRP_AUTH", "DEVICE_PASSWORD_VERIFIER"}
    request = house.answer(
        name, username, session, **(answers if name in devices else only(answers))
    )
    operation, more = RESPOND, {}
    if admin:
        operation, more = f"Admin{RESPOND}", {"UserPoolId": house.pool_id}
    refusal = await house.api.refused(operation, **request, **more)
    assert refusal.code in REFUSED, (name, refusal)


def only(answers):
    return {each: value for each, value in answers.items() if each != "DEVICE_KEY"}


async def test_no_challenge_is_answered_without_its_session(waiting):
    house = waiting.mfa.house
    right = {name: await waiting.session(name) for name in SERVED}
    for name in NAMES:
        username = waiting.users.get(name, waiting.users[SMS])[0]
        _, answers = right.get(name, right[SMS])
        for admin in (False, True):
            await never(waiting, name, username, None, answers, admin=admin)
            drawn = secrets.token_urlsafe(64)
            await never(waiting, name, username, drawn, answers, admin=admin)
        for other, (session, its_answers) in right.items():
            if other != name:
                # Another step: of the same user, and of another one.
                await never(waiting, name, waiting.users[other][0], session, its_answers)
                await never(waiting, name, username, session, answers, admin=True)
    other_client = await settle_client(house)
    for name, (session, answers) in right.items():
        mine, foreign = waiting.users[name]
        await never(waiting, name, foreign, session, answers)
        own, house.client_id = house.client_id, other_client
        await never(waiting, name, mine, session, answers)
        house.client_id = own
        # The right answer is right nevertheless: nothing of all that has used the session up.
        reply = await house.api(RESPOND, **house.answer(name, mine, session, **only(answers)))
        gone_on = {"SELECT_MFA_TYPE": SMS, "NEW_PASSWORD_REQUIRED": "MFA_SETUP"}.get(name)
        assert reply.get("ChallengeName") == gone_on
        assert ("AuthenticationResult" in reply) is (gone_on is None)
        await never(waiting, name, mine, session, answers)


async def settle_client(house):
    app = await house.api(
        "CreateUserPoolClient",
        UserPoolId=house.pool_id,
        ClientName="another",
        ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH", "ALLOW_CUSTOM_AUTH"],
    )
    return app["UserPoolClient"]["ClientId"]


async def test_a_session_that_has_expired_answers_nothing(waiting):
    for name in SERVED:
        username = waiting.users[name][0]
        session, _ = await waiting.session(name)
        waiting.mfa.house.clock.now += 180
        await never(waiting, name, username, session, await waiting.answers(name, username))
        waiting.mfa.house.clock.now += 60


def test_every_challenge_of_the_machine_is_in_the_matrix():
    """Or a new one would be forgotten here."""
    assert set(NAMES) >= CHALLENGES
    by_other_handles = {"PASSWORD_VERIFIER", "DEVICE_SRP_AUTH", "DEVICE_PASSWORD_VERIFIER"}
    assert set(SERVED) == CHALLENGES - by_other_handles

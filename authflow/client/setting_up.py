"""MFA_SETUP in a conversation: the steps by which a second factor is set up.

Cognito gives and checks an authenticator's key by operations of their own, and each of them gives a
new session; only then is MFA_SETUP answered.
"""

from collections.abc import Generator

from attrs import evolve, frozen

from authflow.answers import EmailAddress, TypedAnswer
from authflow.client.challenges import mfa_setup as responder
from authflow.client.conversation_steps import Came, Send
from authflow.errors import AuthFlowError, MalformedReplyError
from authflow.mfa import NewAuthenticator, SecondFactor
from authflow.results import Challenge
from authflow.secret import Secret
from authflow.sign_in import SignIn
from authflow.wire import Members, Request, mfa_setup, software_token


@frozen(kw_only=True)
class SetUp:
    """The state of a sign-in in which a second factor is set up.

    Args:
        sign_in: Where it stands.
        challenge: What is asked next, or was answered last.
        members: The answer to MFA_SETUP; None if the person is asked something else first.
        sent: The request before, in the same call.
        at: When its reply came, in seconds since the epoch; None if nothing was sent here.
    """

    sign_in: SignIn
    challenge: Challenge
    members: Members | None = None
    sent: Request | None = None
    at: float | None = None


def set_up(
    standing: SetUp,
    answer: TypedAnswer,
    *,
    app_name: str,
    session_validity: float,
    correctable: bool,
) -> Generator[Send, Came, SetUp | AuthFlowError]:
    """Take one step.

    Args:
        standing: Where the sign-in stands, at MFA_SETUP, and what is asked.
        answer: The answer.
        app_name: The name of what the account is for, for the person's authenticator app.
        session_validity: For how long Cognito waits for an answer, in seconds.
        correctable: Whether a wrong code is given back and not raised.

    Returns:
        What follows; or why the code was refused.

    Raises:
        AnswerNotSupportedError: The step takes another kind of answer.
        MisuseError: What was chosen is no option.
        MalformedReplyError: Cognito gave no session.
    """
    challenge, sign_in = standing.challenge, standing.sign_in
    if challenge.new_authenticator is not None:
        code, name = responder.first_code(challenge, answer)
        request = software_token.verify(code, device_name=name, session=_session(sign_in))
        sent = evolve(request, before=standing.sent)
        came = yield Send(sent, software_token.read_verified, correctable)
        if isinstance(came.value, AuthFlowError):
            return came.value
        return SetUp(
            sign_in=_going_on(sign_in, came.value, came.at + session_validity),
            challenge=challenge,
            members=mfa_setup.Answer().write(),
            sent=sent,
            at=came.at,
        )
    if challenge.kind == SecondFactor.EMAIL_OTP:
        members = mfa_setup.Answer(email=responder.address(challenge, answer)).write()
        return evolve(standing, members=members)
    factor = responder.chosen(challenge, answer)
    if factor is SecondFactor.EMAIL_OTP:
        chosen = evolve(standing, challenge=evolve(challenge, kind=str(factor)))
        if isinstance(answer, EmailAddress):
            return evolve(chosen, members=mfa_setup.Answer(email=answer.address).write())
        return chosen
    sent = evolve(software_token.associate(session=_session(sign_in)), before=standing.sent)
    came = yield Send(sent, software_token.read_associated)
    associated: software_token.Associated = came.value
    authenticator = NewAuthenticator(
        key=associated.key, account=sign_in.username, app_name=app_name
    )
    return SetUp(
        sign_in=_going_on(sign_in, associated.session, came.at + session_validity),
        challenge=evolve(challenge, kind=str(factor), new_authenticator=authenticator),
        sent=sent,
        at=came.at,
    )


def _session(sign_in: SignIn) -> Secret[str]:
    if sign_in.session is None:
        msg = "MFA_SETUP came without a session, and nothing can be set up without one"
        raise MalformedReplyError(msg)
    return sign_in.session


def _going_on(sign_in: SignIn, session: Secret[str] | None, expires_at: float) -> SignIn:
    """Return the sign-in with the session that an operation gave; it stays where it is.

    It is another round, so that its claim is another one, too, whatever session that is.
    """
    if session is None:
        msg = "the reply has no session, with which the second factor could be set up"
        raise MalformedReplyError(msg)
    return evolve(sign_in, session=session, rounds=sign_in.rounds + 1, expires_at=expires_at)

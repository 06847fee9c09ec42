"""A sign-in over HTTP, step by step: begun, looked at again, answered, given up.

The ticket of the pending sign-in is a cookie; a page never has it. What a page has is the form of
the current step, and the step's name, which goes with its answer: an answer to another step is
refused before it is looked at, so that the back button, a second tab and a form that was sent twice
cost no attempt. Of two answers to one step one is sent (`AuthClient.answer`).
"""

from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

from authflow.errors import (
    AuthFlowError,
    MisuseError,
    NextStep,
    OutcomeUnknownError,
    SessionSpentError,
    StateError,
)
from authflow.forms.form import Form
from authflow.integrations.web.cookies import NewCookie
from authflow.integrations.web.credentials import BrowserCookies
from authflow.integrations.web.csrf import BrowserSeals
from authflow.integrations.web.hidden_outcomes import of_sign_in
from authflow.integrations.web.json_body import JsonBody, read_json
from authflow.integrations.web.request_errors import (
    AnsweredElsewhereError,
    MalformedRequestError,
    NoSignInError,
    OtherStepError,
    RequestError,
)
from authflow.integrations.web.web_reply import WebReply, error_reply
from authflow.integrations.web.web_request import WebRequest
from authflow.integrations.web.web_sessions import Sessions, device_of
from authflow.integrations.web.web_settings import WebSettings
from authflow.machine import AuthFlow
from authflow.results import ChallengeRequired, SignedIn, SignInResult, Unanswered
from authflow.secret import Secret
from authflow.wire.members import USER_ID_FOR_SRP, USERNAME

if TYPE_CHECKING:
    from authflow.client import AuthClient

MOST_USERNAME: Final = 128
MOST_PASSWORD: Final = 256
"""The longest names and passwords, by Cognito's service model."""
MOST_VALUE: Final = 4_096
_MOST_STEP: Final = 64
_NAMES: Final = frozenset({USERNAME, USER_ID_FOR_SRP})
"""Parameters by which a page would learn which user an alias belongs to."""


@frozen(kw_only=True)
class SignInSteps:
    """The steps of sign-ins.

    Args:
        client: Signs users in.
        settings: The settings.
        seals: Bind tickets to browsers.
        sessions: Has what follows a sign-in.
    """

    client: "AuthClient"
    settings: WebSettings
    seals: BrowserSeals
    sessions: Sessions

    async def begin(self, request: WebRequest, cookies: BrowserCookies) -> WebReply:
        """Begin a sign-in.

        Args:
            request: The request.
            cookies: Its cookies.

        Raises:
            AuthFlowError: It was not begun.
        """
        body = await read_json(
            request, most=self.settings.most_body_bytes, body_timeout=self.settings.body_timeout
        )
        by_device = self.settings.after_sign_in == "tokens"
        body.only("username", "password", "flow", *(("device",) if by_device else ()))
        username = body.text("username", most=MOST_USERNAME)
        password = body.optional_secret("password", most=MOST_PASSWORD)
        flow, device = self._flow(body), device_of(body)
        del body
        try:
            result = await self.client.sign_in(
                username,
                password,
                flow=flow,
                context=self.settings.context(request),
                device=device,
            )
        except AuthFlowError as error:
            refused = of_sign_in(error, proved=password is not None)
        else:
            return await self._reply(result, cookies)
        raise refused

    async def current(self, request: WebRequest, cookies: BrowserCookies) -> WebReply:
        """Return the step at which the sign-in waits, or that its user is signed in by now.

        So a page whose answer another one was faster for learns what came of it.

        Args:
            request: The request.
            cookies: Its cookies.
        """
        try:
            if cookies.sign_in is None:
                ended = await self.sessions.ended(request, cookies)
                if ended is not None:
                    return ended
            ticket = await self._ticket(cookies)
            pending = await self.client.resume(ticket)
            return WebReply(members=await self._step(pending, ticket, cookies))
        except AuthFlowError as error:
            return self._ended(error, cookies)

    async def answer(self, request: WebRequest, cookies: BrowserCookies) -> WebReply:
        """Answer the step at which the sign-in waits.

        Args:
            request: The request.
            cookies: Its cookies.
        """
        try:
            ticket = await self._ticket(cookies)
            body = await read_json(
                request, most=self.settings.most_body_bytes, body_timeout=self.settings.body_timeout
            )
            body.only("step", "values", "answer")
            if body.text("step", most=_MOST_STEP) != await self.seals.step(ticket):
                msg = (
                    "this answer is for another step than the sign-in waits at: ask for the current"
                    " one by GET .../sign-in"
                )
                raise OtherStepError(msg)
            pending = await self.client.resume(ticket)
            result = await self._answered(pending, body, request)
            return await self._followed(result, cookies)
        except AuthFlowError as error:
            return self._ended(error, cookies)

    async def cancel(self, _request: WebRequest, cookies: BrowserCookies) -> WebReply:
        """Make the browser forget the sign-in; Cognito forgets it when its time is over."""
        del cookies
        return WebReply(members={"status": "none"}, cookies=(self._no_ticket(),))

    async def _answered(
        self, pending: ChallengeRequired, body: JsonBody, request: WebRequest
    ) -> SignInResult:
        values = body.texts("values", most=MOST_VALUE)
        text = body.optional_secret("answer", most=MOST_VALUE)
        if (values is None) is (text is None):
            del values
            msg = "an answer has either values, as the form asks for them, or answer, a text"
            raise MalformedRequestError(msg)
        context = self.settings.context(request)
        if text is not None:
            return await self.client.answer(pending, text, context=context)
        form = self.client.form(pending)
        if not isinstance(form, Form):
            del values
            msg = "this step has no form: send its answer as a text, in answer"
            raise MalformedRequestError(msg)
        filled = form.fill(values or {})
        del values
        return await self.client.answer(pending, filled, context=context)

    async def _followed(self, result: SignInResult, cookies: BrowserCookies) -> WebReply:
        """Return the reply to an answer that has counted: it cannot be given a second time."""
        try:
            return await self._reply(result, cookies)
        except StateError:
            pass
        msg = "the answer counted, and what follows could not be kept: begin the sign-in again"
        raise OutcomeUnknownError(msg)

    async def _reply(self, result: SignInResult, cookies: BrowserCookies) -> WebReply:
        if isinstance(result, SignedIn):
            return await self.sessions.begin(result, cookies)
        if cookies.browser is None:
            msg = "a route that begins sign-ins was reached without the browser's cookie"
            raise MisuseError(msg)
        ticket = await self._sealed(result)
        cookie = NewCookie(
            name=self.settings.cookies.sign_in,
            value=await self.seals.bind(ticket, cookies.browser),
            seconds=self._seconds_left(result),
            secure=self.settings.cookies.secure,
        )
        members = await self._step(result, ticket, cookies)
        return WebReply(members=members, cookies=(cookie,))

    async def _sealed(self, pending: ChallengeRequired) -> Secret[str]:
        """Seal a ticket; with its pictures, if the store has room for them."""
        try:
            return Secret(await self.client.seal(pending, pictures=True))
        except MisuseError:
            pass  # they are too long for a store: the form says that they were shown before
        return Secret(await self.client.seal(pending))

    async def _step(
        self, pending: ChallengeRequired, ticket: Secret[str], cookies: BrowserCookies
    ) -> dict[str, Any]:
        form, challenge = self.client.form(pending), pending.challenge
        members: dict[str, Any] = {
            "status": "challenge",
            "step": await self.seals.step(ticket),
            "expires_in": self._seconds_left(pending),
            "challenge": {
                "name": challenge.name,
                "kind": challenge.kind,
                "attempt": challenge.attempt,
                "attempts": challenge.attempts,
            },
            "form": form.to_json() if isinstance(form, Form) else None,
            "reason": form.reason if isinstance(form, Unanswered) else "",
            "csrf_token": await self.sessions.csrf_token(cookies),
        }
        if form is None:
            members["challenge"]["parameters"] = {
                name: value for name, value in challenge.parameters.items() if name not in _NAMES
            }
        return members

    async def _ticket(self, cookies: BrowserCookies) -> Secret[str]:
        ticket = (
            None
            if cookies.sign_in is None
            else await self.seals.ticket(cookies.sign_in, cookies.browser)
        )
        if ticket is None:
            msg = "no sign-in is waiting for an answer here: begin one by POST .../sign-in"
            raise NoSignInError(msg)
        return ticket

    def _ended(self, error: AuthFlowError, cookies: BrowserCookies) -> WebReply:
        """Return the reply to an error; the browser forgets a sign-in that cannot go on.

        One that another answer was faster for can: the other reply has the next step. What the
        browser had not when it asked is left alone: another tab may have begun one meanwhile.
        """
        if isinstance(error, SessionSpentError) and error.retry_after is not None:
            msg = (
                "another request answers this step just now: wait for its reply, or ask for the"
                " current step by GET .../sign-in"
            )
            return error_reply(AnsweredElsewhereError(msg, retry_after=error.retry_after))
        reply = error_reply(of_sign_in(error, proved=True))
        stays = isinstance(error, SessionSpentError) or (
            isinstance(error, RequestError) and not isinstance(error, NoSignInError)
        )
        ends = error.next_step in {NextStep.RESTART, NextStep.GIVE_UP}
        has_come = cookies.sign_in is not None
        if has_come and ends and not stays and not isinstance(error, MisuseError):
            return reply.setting(self._no_ticket())
        return reply

    def _no_ticket(self) -> NewCookie:
        names = self.settings.cookies
        return NewCookie(name=names.sign_in, secure=names.secure)

    def _seconds_left(self, pending: ChallengeRequired) -> int:
        now = self.client.clock().timestamp()
        return max(1, int(pending.sign_in.expires_at - now))

    def _flow(self, body: JsonBody) -> AuthFlow:
        own = self.client.config.flow
        flows = (own,) if self.settings.flows is None else tuple(map(AuthFlow, self.settings.flows))
        given = body.optional_text("flow", most=_MOST_STEP)
        if given is None:
            return own if own in flows else flows[0]
        if given not in flows:
            msg = f"flow is one of {', '.join(flows)}"
            raise MalformedRequestError(msg)
        return AuthFlow(given)

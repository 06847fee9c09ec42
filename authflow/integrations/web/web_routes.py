"""The routes of sign-ins and accounts: one table, which every framework's adapter serves.

GET    /csrf               a CSRF token, and its cookie
POST   /sign-in            begin: username, password, flow
GET    /sign-in            the current step, after a reload or the back button
POST   /sign-in/answer     step, and values by the names of the form's fields
DELETE /sign-in            give it up
GET    /me                 who is signed in
POST   /refresh            keep the session fresh, or new tokens for a refresh token
POST   /sign-out           end the session, or revoke a refresh token
POST   /sign-up            username, password, attributes
POST   /sign-up/confirm    username, code
POST   /sign-up/resend     username
POST   /password/forgot    username
POST   /password/reset     username, code, new_password
POST   /password/change    old_password, new_password
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Literal

from attrs import field, frozen

from authflow.integrations.web.accounts import MOST_ATTRIBUTE, MOST_CODE, AccountRoutes
from authflow.integrations.web.credentials import BrowserCookies
from authflow.integrations.web.sign_in_steps import (
    MOST_PASSWORD,
    MOST_USERNAME,
    MOST_VALUE,
    SignInSteps,
)
from authflow.integrations.web.web_reply import WebReply
from authflow.integrations.web.web_request import WebRequest
from authflow.integrations.web.web_sessions import MOST_OF_DEVICE, MOST_REFRESH_TOKEN, Sessions

Gives = Literal["csrf", "sign_in", "user", "tokens", "status"]
Handle = Callable[[WebRequest, BrowserCookies], Awaitable[WebReply]]

_REQUEST: Final = (400, 403, 408, 413, 415)
_POOL: Final = (429, 500, 502, 503, 504)
_STEP: Final = (401, 409, 410, 422)
"""The ends of a step of a sign-in."""


def _text(most: int, *, secret: bool = False) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": most}
    return schema | ({"format": "password"} if secret else {})


def _texts(most: int) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": {"type": "string", "maxLength": most}}


_USERNAME: Final = {"username": _text(MOST_USERNAME)}
_CODE: Final = {"code": _text(MOST_CODE, secret=True)}
_DEVICE: Final = {
    "type": "object",
    "description": "As it stood among the tokens",
    "properties": {
        "key": _text(MOST_OF_DEVICE),
        "group_key": _text(MOST_OF_DEVICE),
        "password": _text(MOST_OF_DEVICE, secret=True),
    },
    "required": ["key", "group_key"],
    "additionalProperties": False,
}


@frozen(kw_only=True)
class WebRoute:
    """A route.

    Args:
        name: What it is called.
        method: The method.
        path: The path, below wherever the routes are.
        summary: What it does, for OpenAPI.
        handle: Answers a request.
        status: The status of a reply that is no error.
        gives: What is in that reply.
        body: The JSON schemas of the body's members, by their names.
        needed: Those that must be there.
        statuses: The statuses of errors.
        protected: Whether a request needs a CSRF token, whoever asks.
    """

    name: str
    method: str
    path: str
    summary: str
    handle: Handle = field(repr=False)
    status: int = 200
    gives: Gives = "status"
    body: Mapping[str, Any] = field(factory=dict, repr=False)
    needed: tuple[str, ...] = ()
    statuses: tuple[int, ...] = ()
    protected: bool = False

    def schema(self) -> dict[str, Any]:
        """Return the body's JSON schema."""
        return {
            "type": "object",
            "properties": dict(self.body),
            "required": list(self.needed),
            "additionalProperties": False,
        }


def sign_in_routes(
    steps: SignInSteps, sessions: Sessions, accounts: AccountRoutes
) -> tuple[WebRoute, ...]:
    """Return the routes.

    Args:
        steps: The steps of sign-ins.
        sessions: What follows a sign-in.
        accounts: Sign-ups and passwords.
    """
    keeps = sessions.settings.after_sign_in == "session"
    token = {} if keeps else {"refresh_token": _text(MOST_REFRESH_TOKEN, secret=True)}
    device = {} if keeps else {"device": _DEVICE}
    return (
        WebRoute(
            name="csrf",
            method="GET",
            path="/csrf",
            summary="A CSRF token, and the cookie that it goes with",
            handle=sessions.csrf,
            gives="csrf",
            statuses=(400, 403, 503),
        ),
        WebRoute(
            name="begin_sign_in",
            method="POST",
            path="/sign-in",
            summary="Begin a sign-in",
            handle=steps.begin,
            gives="sign_in",
            body={
                **_USERNAME,
                "password": _text(MOST_PASSWORD, secret=True),
                "flow": {"type": "string"},
                **device,
            },
            needed=("username",),
            statuses=(*_STEP, *_REQUEST, *_POOL),
            protected=True,
        ),
        WebRoute(
            name="current_step",
            method="GET",
            path="/sign-in",
            summary="The step at which the sign-in waits",
            handle=steps.current,
            gives="sign_in",
            statuses=(400, 401, 403, 404, 409, 410, *_POOL),
        ),
        WebRoute(
            name="answer_step",
            method="POST",
            path="/sign-in/answer",
            summary="Answer the step at which the sign-in waits",
            handle=steps.answer,
            gives="sign_in",
            body={
                "step": _text(64),
                "values": _texts(MOST_VALUE),
                "answer": _text(MOST_VALUE, secret=True),
            },
            needed=("step",),
            statuses=(404, *_STEP, *_REQUEST, *_POOL),
            protected=True,
        ),
        WebRoute(
            name="cancel_sign_in",
            method="DELETE",
            path="/sign-in",
            summary="Give the sign-in up",
            handle=steps.cancel,
            statuses=(400, 403, 503),
            protected=True,
        ),
        WebRoute(
            name="who",
            method="GET",
            path="/me",
            summary="Who is signed in",
            handle=sessions.who,
            gives="user",
            statuses=(400, 401, 403, *_POOL),
        ),
        WebRoute(
            name="refresh",
            method="POST",
            path="/refresh",
            summary="Keep the session fresh" if keeps else "New tokens for a refresh token",
            handle=sessions.refresh,
            gives="user" if keeps else "tokens",
            body={**token, **device},
            needed=tuple(token),
            statuses=(401, *_REQUEST, *_POOL),
            protected=keeps,
        ),
        WebRoute(
            name="sign_out",
            method="POST",
            path="/sign-out",
            summary="End the session" if keeps else "Revoke a refresh token",
            handle=sessions.sign_out,
            body=token,
            needed=tuple(token),
            statuses=(401, *_REQUEST, *_POOL),
            protected=keeps,
        ),
        WebRoute(
            name="sign_up",
            method="POST",
            path="/sign-up",
            summary="Sign a new user up",
            handle=accounts.sign_up,
            status=202,
            body={
                **_USERNAME,
                "password": _text(MOST_PASSWORD, secret=True),
                "attributes": _texts(MOST_ATTRIBUTE),
            },
            needed=("username",),
            statuses=(409, 422, *_REQUEST, *_POOL),
            protected=True,
        ),
        WebRoute(
            name="confirm_sign_up",
            method="POST",
            path="/sign-up/confirm",
            summary="Confirm a sign-up by the code that was sent",
            handle=accounts.confirm,
            body={**_USERNAME, **_CODE},
            needed=("username", "code"),
            statuses=(422, *_REQUEST, *_POOL),
            protected=True,
        ),
        WebRoute(
            name="resend_code",
            method="POST",
            path="/sign-up/resend",
            summary="Send another code for a sign-up",
            handle=accounts.resend,
            status=202,
            body=_USERNAME,
            needed=("username",),
            statuses=(*_REQUEST, *_POOL),
            protected=True,
        ),
        WebRoute(
            name="forgot_password",
            method="POST",
            path="/password/forgot",
            summary="Send a code to whoever has forgotten the password",
            handle=accounts.forgot,
            status=202,
            body=_USERNAME,
            needed=("username",),
            statuses=(*_REQUEST, *_POOL),
            protected=True,
        ),
        WebRoute(
            name="reset_password",
            method="POST",
            path="/password/reset",
            summary="Set a new password by the code that was sent",
            handle=accounts.reset,
            body={**_USERNAME, **_CODE, "new_password": _text(MOST_PASSWORD, secret=True)},
            needed=("username", "code", "new_password"),
            statuses=(422, *_REQUEST, *_POOL),
            protected=True,
        ),
        WebRoute(
            name="change_password",
            method="POST",
            path="/password/change",
            summary="Change the password of the user who is signed in",
            handle=accounts.change,
            body={
                "old_password": _text(MOST_PASSWORD, secret=True),
                "new_password": _text(MOST_PASSWORD, secret=True),
            },
            needed=("new_password",),
            statuses=(401, 422, *_REQUEST, *_POOL),
        ),
    )

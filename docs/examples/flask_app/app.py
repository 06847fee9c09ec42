"""A Flask app: signs its users in by a password and a CAPTCHA, and protects a page.

It knows nothing of where it runs: the pool, the keys and Flask's own secret come from the
environment. Flask signs its session's cookie and hides nothing in it: what stands there is a
ticket, which is sealed, or the user's handle, which is for the user's browser alone.
"""

import os

from flask import Flask, abort, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response

from authflow import (
    AskAgainError,
    AuthConfig,
    AuthFlow,
    AuthFlowError,
    ChallengeRequired,
    Form,
    NextStep,
    SignedIn,
    SignedOutError,
    SignInResult,
)
from authflow.keys import KeyRing
from authflow.stores import MemoryStore
from authflow.sync import AuthClient

auth = AuthClient(
    AuthConfig.from_env(),
    keys=KeyRing.from_environment(),
    store=MemoryStore(),  # for one process; several share a RedisStore
)
app = Flask(__name__)
app.secret_key = os.environ["FLASK_SECRET_KEY"]
app.config.update(
    SESSION_COOKIE_HTTPONLY=True,
    SESSION_COOKIE_SAMESITE="Lax",
    SESSION_COOKIE_SECURE=False,  # on this machine, without TLS; True anywhere else
)


@app.before_request
def only_by_our_own_pages() -> None:
    """Refuse what a page of another site sends, and whoever does not say where it is from."""
    if request.method != "POST":
        return
    site = request.headers.get("Sec-Fetch-Site")
    if site is None:  # a browser of before 2023, or plain http: a form's POST names its origin
        ours = request.headers.get("Origin") == request.host_url.rstrip("/")
    else:
        ours = site == "same-origin"
    if not ours:
        abort(403, "this is for forms of this site alone")


def followed(result: SignInResult) -> str | Response:
    """Show the next step, or the orders of whoever is signed in now."""
    session.clear()
    if isinstance(result, SignedIn):
        session["user"] = auth.keep(result).handle.reveal()
        return redirect(url_for("orders"), 303)
    session["ticket"] = auth.seal(result, pictures=True)
    return asked(result)


def asked(pending: ChallengeRequired, told: str = "") -> str:
    """Show what the pool asks for."""
    form = auth.form(pending)
    if not isinstance(form, Form):
        abort(501, f"this page has no form for {pending.challenge.name}")
    return render_template("challenge.html", parts=form.to_json()["parts"], told=told)


@app.get("/sign-in")
def sign_in() -> str:
    """Ask for the name and the password."""
    return render_template("sign_in.html", told="")


@app.post("/sign-in")
def begin() -> str | Response:
    """Begin a sign-in."""
    name, password = request.form["username"], request.form["password"]
    return followed(auth.sign_in(name, password, flow=AuthFlow.CUSTOM_AUTH))


@app.get("/challenge")
def again() -> str:
    """Ask again, as after a reload."""
    return asked(auth.resume(session.get("ticket", "")))


@app.post("/challenge")
def answer() -> str | Response:
    """Answer, and go on."""
    pending = auth.resume(session.get("ticket", ""))
    form = auth.form(pending)
    if not isinstance(form, Form):
        abort(501)
    try:
        return followed(auth.answer(pending, form.fill(request.form.to_dict())))
    except AskAgainError as error:  # nothing was sent
        return asked(pending, str(error))


@app.get("/")
def orders() -> str:
    """Show the orders of whoever is signed in."""
    user = auth.kept(session.get("user", ""))
    profile = auth.user(user.access_token())  # it is fresh: any service may be called with it
    return render_template("orders.html", username=profile.username)


@app.post("/sign-out")
def sign_out() -> Response:
    """Sign out, everywhere."""
    auth.kept(session.get("user", "")).sign_out()
    session.clear()
    return redirect(url_for("sign_in"), 303)


@app.errorhandler(SignedOutError)
def nobody(_error: SignedOutError) -> tuple[str, int]:
    """Ask whoever is not signed in."""
    session.clear()
    return render_template("sign_in.html", told="Please sign in."), 401


@app.errorhandler(AuthFlowError)
def refused(error: AuthFlowError) -> tuple[str, int]:
    """Say why there is no sign-in, and where to go on."""
    if error.next_step is NextStep.WAIT:
        return render_template("sign_in.html", told="Please try again later."), 503
    session.pop("ticket", None)
    return render_template("sign_in.html", told="Please begin again."), 403

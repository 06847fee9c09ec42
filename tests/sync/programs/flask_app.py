"""A Flask application: sign-ins over two requests, and a view that wants a token."""

import os

from flask import Flask, jsonify, request, session

from authflow import AuthConfig, AuthFlow, SignedIn, SignInResult, TokenError
from authflow.keys import KeyRing
from authflow.sync import AuthClient, TokenVerifier

config = AuthConfig.from_env()
auth = AuthClient(config, keys=KeyRing.from_environment())
verifier = TokenVerifier(config=config).require(token_use="access")
assert isinstance(auth.sign_in("ada", "Correct-horse-1"), SignedIn)  # before gunicorn forks

app = Flask(__name__)
app.secret_key = os.environ["FLASK_SECRET_KEY"]


def page(result: SignInResult):
    if isinstance(result, SignedIn):
        session.pop("ticket", None)
        return jsonify(access_token=result.tokens.access_token.reveal(), worker=os.getpid())
    session["ticket"] = auth.seal(result)
    return jsonify(challenge=result.challenge.kind, worker=os.getpid())


@app.post("/sign-in")
def sign_in():
    return page(auth.sign_in(request.form["username"], flow=AuthFlow.CUSTOM_AUTH))


@app.post("/answer")
def answer():
    return page(auth.answer(auth.resume(session["ticket"]), request.form["answer"]))


@app.get("/me")
def me():
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    return jsonify(username=verifier.claims(token).username, worker=os.getpid())


@app.errorhandler(TokenError)
def refused(error: TokenError):
    return jsonify(code=error.code), error.http_status

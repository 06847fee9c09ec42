"""`authflow demo`: real sign-ins by all three flows, over HTTP, told step by step.

A pool runs on a free port of this machine; everything in it is made through Cognito's own API. The
demo plays two parts: the owner of the pool, who sees what the triggers do, and the user's client,
which knows nothing but the pool's id and address.
"""

import secrets
import tempfile
from collections.abc import Awaitable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import anyio
import argon2
import sqlalchemy as sa
from attrs import define, field
from authflow_captcha.client import CaptchaPrompter
from authflow_captcha.trigger import Captcha
from rich.console import Console

from authflow.cli.story import Story
from authflow.client import AuthClient, Prompt, TerminalPrompt, TokenVerifier
from authflow.errors import AuthFlowError, BadCredentialsError, TokenRevokedError
from authflow.machine import AuthFlow
from authflow.pool.ending import cancelled_by_signals
from authflow.results import SignedIn, SignInResult
from authflow.secret import Secret
from authflow.testing.running_pool import RunningPool, run_pool
from authflow.triggers import (
    CreateEvent,
    Triggers,
    challenge,
    parse_event,
    password,
    sequence,
)
from authflow.triggers.directories.sql_directory import SqlDirectory

T = TypeVar("T")

_ADA: Final = "ada"
_GRACE: Final = "grace"


class _DemoFailedError(AuthFlowError):
    """A step did not end as it should."""

    code = "demo_failed"


@define
class _WatchedTriggers:
    """The pool's triggers, which show their owner the right answer to a CAPTCHA."""

    _triggers: Triggers
    wanted: Secret[str] = field(factory=lambda: Secret(""), init=False)

    @property
    def sources(self) -> frozenset[str]:
        return self._triggers.sources

    async def handle(self, event: Mapping[str, Any]) -> dict[str, Any]:
        filled_in = await self._triggers.handle(event)
        asked = parse_event(event)
        if isinstance(asked, CreateEvent):
            self.wanted = Secret(asked.read_reply(filled_in).private["answer"])
        return filled_in


@define
class _OwnersPrompt:
    """Answers in place of a person: wrongly once, then as only the pool's owner can know."""

    _terminal: TerminalPrompt
    _story: Story
    _triggers: _WatchedTriggers
    _asked: int = field(default=0, init=False)

    async def tell(self, text: str) -> None:
        await self._terminal.tell(text)

    async def show_image(self, image: bytes, media_type: str, description: str) -> None:
        await self._terminal.show_image(image, media_type, description)

    async def ask(self, question: str, *, hidden: bool = False) -> str:  # noqa: ARG002
        self._asked += 1
        await self.tell(question)
        if self._asked == 1:
            self._story.say("Nobody is at the terminal. The first answer is a wrong one: WRONG")
            return "WRONG"
        self._story.say(f"The demo owns the pool, so it can look: {self._triggers.wanted.reveal()}")
        return self._triggers.wanted.reveal()

    async def play_audio(self, audio: bytes, media_type: str, description: str) -> None:
        await self._terminal.play_audio(audio, media_type, description)

    async def show_link(self, url: str, description: str, *, qr: bool = False) -> None:
        await self._terminal.show_link(url, description, qr=qr)

    async def wait_for(self, description: str, confirmation: Awaitable[T]) -> T:
        return await self._terminal.wait_for(description, confirmation)

    async def choose(self, question: str, options: Sequence[str]) -> str:
        return await self._terminal.choose(question, options)


@define(kw_only=True)
class _Demo:
    """The demo's steps, in order."""

    story: Story
    auth: AuthClient
    pool: RunningPool
    prompt: Prompt
    adas_password: Secret[str]
    graces_password: Secret[str]

    async def srp(self) -> str:
        self.story.say("Ada's password is proved, not sent: look for it in what goes out.")
        return _whom(await self.auth.sign_in(_ADA, self.adas_password))

    async def srp_refused(self) -> str:
        try:
            await self.auth.sign_in(_ADA, self.adas_password.reveal() + "?")
        except BadCredentialsError as error:
            return f"refused, as it must be: {error}"
        raise _DemoFailedError("a wrong password signed in")

    async def migrated(self) -> str:
        self.story.say("The pool does not know Grace; its Migration trigger asks the old table.")
        signed_in = await self.auth.sign_in(
            _GRACE, self.graces_password, flow=AuthFlow.USER_PASSWORD_AUTH
        )
        user = await self.pool.call(
            "AdminGetUser", UserPoolId=self.pool.user_pool_id, Username=_GRACE
        )
        attributes = {each["Name"]: each["Value"] for each in user["UserAttributes"]}
        return f"{_whom(signed_in)}; the pool now knows {attributes['email']}"

    async def srp_after_migration(self) -> str:
        self.story.say("The same password, and from now on it stays at home.")
        return _whom(await self.auth.sign_in(_GRACE, self.graces_password))

    async def captcha(self) -> str:
        if not isinstance(self.prompt, _OwnersPrompt):
            self.story.say("Read the picture and type what it shows. You have three tries.")
        return _whom(
            await self.auth.sign_in(
                _ADA, self.adas_password, flow=AuthFlow.CUSTOM_AUTH, prompt=self.prompt
            )
        )

    async def tokens(self) -> str:
        signed_in = await self.auth.sign_in(_ADA, self.adas_password)
        if not isinstance(signed_in, SignedIn) or signed_in.tokens.refresh_token is None:
            raise _DemoFailedError("no tokens to go on with")
        first = signed_in.tokens
        claims = await TokenVerifier(config=self.pool.config).claims(first.access_token, "access")
        self.story.say(f"Verified by the keys at {self.pool.config.jwks_url}:")
        shown = ("iss", "sub", "client_id", "token_use", "scope", "username")
        self.story.say("  " + ", ".join(f"{name}={claims.raw.get(name)}" for name in shown))
        refreshed = await self.auth.refresh(signed_in.tokens.refresh_token)
        if refreshed.access_token == first.access_token:
            raise _DemoFailedError("the refreshed access token is the old one")
        self.story.say("Refreshed: a new access token and id token.")
        await self.auth.revoke(signed_in.tokens.refresh_token)
        try:
            await self.auth.refresh(signed_in.tokens.refresh_token)
        except TokenRevokedError:
            return "verified, refreshed, revoked; the revoked token is refused"
        raise _DemoFailedError("a revoked refresh token still works")


def run(*, auto: bool) -> int:
    """Run the demo.

    Args:
        auto: Whether to answer the CAPTCHA by itself instead of asking the person.

    Returns:
        The exit code: 0 only if every step ended as it should.
    """
    return anyio.run(_run, auto)


async def _run(auto: bool) -> int:  # noqa: FBT001  # anyio.run passes positions only
    story = Story(Console(highlight=False, soft_wrap=True))
    passwords = {name: Secret(secrets.token_urlsafe(12) + "aA1!") for name in (_ADA, _GRACE)}
    with cancelled_by_signals(), tempfile.TemporaryDirectory(prefix="authflow-demo-") as folder:
        old_users = await anyio.to_thread.run_sync(_old_table, Path(folder), passwords[_GRACE])
        directory = SqlDirectory(
            engine=old_users,
            username_column="username",
            hash_column="password_hash",
            attributes={"email": "email"},
        )
        triggers = _WatchedTriggers(
            Triggers(
                policy=sequence(password(), challenge("captcha", attempts=3)),
                challenges=[Captcha],
                directory=directory,
            )
        )
        async with directory, run_pool(triggers=triggers) as pool:
            story.console.print(f"[bold]A user pool runs at {pool.endpoint}[/bold]")
            await _set_up(story, pool, passwords[_ADA])
            terminal = TerminalPrompt(image_folder=Path(folder), output=story.console.file)
            async with AuthClient(
                pool.config, challenges=[CaptchaPrompter], observer=story.exchange
            ) as auth:
                demo = _Demo(
                    story=story,
                    auth=auth,
                    pool=pool,
                    prompt=_OwnersPrompt(terminal, story, triggers) if auto else terminal,
                    adas_password=passwords[_ADA],
                    graces_password=passwords[_GRACE],
                )
                await _tell(story, demo)
    return story.finish()


async def _tell(story: Story, demo: _Demo) -> None:
    await story.step("USER_SRP_AUTH: Ada signs in", demo.srp)
    await story.step("USER_SRP_AUTH: a wrong password", demo.srp_refused)
    await story.step("USER_PASSWORD_AUTH: Grace, from the old directory", demo.migrated)
    await story.step("USER_SRP_AUTH: Grace, now that she is migrated", demo.srp_after_migration)
    await story.step("CUSTOM_AUTH: Ada and a CAPTCHA", demo.captcha)
    await story.step("Tokens: verified, refreshed, revoked", demo.tokens)


def _old_table(folder: Path, password: Secret[str]) -> str:
    """Make the old directory, a table of users with argon2 hashes; return its database's URL."""
    file = folder / "old-users.sqlite"
    engine = sa.create_engine(f"sqlite:///{file}", hide_parameters=True)
    users = sa.Table(
        "users",
        sa.MetaData(),
        sa.Column("username", sa.Text, primary_key=True),
        sa.Column("password_hash", sa.Text),
        sa.Column("email", sa.Text),
    )
    users.create(engine)
    row = {
        "username": _GRACE,
        "password_hash": argon2.PasswordHasher().hash(password.reveal()),
        "email": "grace@example.com",
    }
    with engine.begin() as connection:
        connection.execute(users.insert().values(row))
    engine.dispose()
    return f"sqlite+aiosqlite:///{file}"


async def _set_up(story: Story, pool: RunningPool, adas_password: Secret[str]) -> None:
    """Create a user, and describe what was created through Cognito's API."""
    address = {"email": "ada@example.com", "email_verified": "true"}
    await pool.add_user(_ADA, adas_password.reveal(), address)
    story.say(f"CreateUserPool → {pool.user_pool_id}")
    story.say(f"CreateUserPoolClient → {pool.client_id}")
    story.say(f"AdminCreateUser, AdminSetUserPassword → {_ADA}")
    story.say(f"{_GRACE} is in no pool: only in an old SQL table, with an argon2 hash")


def _whom(result: SignInResult) -> str:
    if isinstance(result, SignedIn):
        return f"{result.username} is signed in, by {result.flow}"
    raise _DemoFailedError(f"asked for {result.challenge.name} instead of giving tokens")

"""A stage for sign-ups: a pool, what its owner sees of messages, and what its triggers get."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from attrs import define, field

__all__ = ["stage"]


@define
class Postman:
    """A developer who reads a pool's messages."""

    messages: list[Any] = field(factory=list)
    broken: bool = False

    def __call__(self, message: Any) -> None:
        if self.broken:
            raise OSError("no paper")
        self.messages.append(message)

    @property
    def code(self) -> str:
        return str(self.messages[-1].code.reveal())


@define
class Triggers:
    """Triggers that write down what they get; what they answer can be set for each source.

    An answer is the members of the response, an error to raise, or what is to be done meanwhile.
    """

    sources: frozenset[str] = frozenset({"PreSignUp", "PostConfirmation", "CustomMessage"})
    events: list[Any] = field(factory=list)
    answers: dict[str, Any] = field(factory=dict)

    async def handle(self, event: Any) -> Any:
        self.events.append(event)
        answer = self.answers.get(event["triggerSource"])
        if isinstance(answer, Exception):
            raise answer
        if callable(answer):
            answer = await answer()
        return {**event, "response": {**(event["response"] or {}), **(answer or {})}}

    @property
    def seen(self) -> list[str]:
        return [event["triggerSource"] for event in self.events]


@define
class Stage:
    """A server of a test's own, whose pools' users sign up.

    Args:
        start: Starts a server.
        settle: Makes a pool and an app client.
        postman: Reads the messages.
        triggers: Serve the pools that are opened with them.
    """

    start: Callable[..., Awaitable[Any]]
    settle: Callable[..., Awaitable[Any]]
    postman: Postman = field(factory=Postman)
    triggers: Triggers = field(factory=Triggers)

    async def open(
        self, pool: dict[str, Any] | None = None, *, triggered: bool = False, **client: Any
    ) -> Any:
        """Make a pool whose users confirm themselves by e-mail."""
        served = {"triggers": self.triggers} if triggered else {}
        settings = {"AutoVerifiedAttributes": ["email"], **(pool or {})}
        api = await self.start(on_message=self.postman, **served)
        return await self.settle(api, settings, **client)

    @staticmethod
    def application(house: Any, username: str = "ann", **attributes: str) -> dict[str, Any]:
        """Return a request to sign up; an attribute that is empty is left out."""
        given = {"email": "ann@example.org", **attributes}
        return {
            **Stage.named(house, username),
            "Password": "Corr3ct-Horse",
            "UserAttributes": [{"Name": k, "Value": v} for k, v in given.items() if v],
        }

    @staticmethod
    def named(house: Any, username: str = "ann", **more: Any) -> dict[str, Any]:
        """Return a request of an app client about a user."""
        hashed = house.named(username).get("SECRET_HASH")
        secret = {} if hashed is None else {"SecretHash": hashed}
        return {"ClientId": house.client_id, "Username": username, **secret, **more}

    @staticmethod
    async def described(house: Any, name: str = "ann") -> tuple[str, dict[str, str]]:
        """Return the status and the attributes of a user."""
        user = await house.api("AdminGetUser", UserPoolId=house.pool_id, Username=name)
        attributes = {each["Name"]: each["Value"] for each in user["UserAttributes"]}
        return user["UserStatus"], attributes


@pytest.fixture
def stage(start: Any, settle: Any) -> Stage:
    """Make a stage for one test."""
    return Stage(start, settle)

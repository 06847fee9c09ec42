"""The calls of one client, as its observers are told of them."""

import secrets
from collections.abc import Callable
from typing import Final

from attrs import define, field
from botocore import xform_name

from authflow.client.events import UserSignedOut
from authflow.client.observation import Observation
from authflow.client.observed_call import ObservedCall
from authflow.client.unobserved_call import UNOBSERVED, UnobservedCall
from authflow.client.user_marks import UserMarks, name_in
from authflow.keys.key_ring import KeyProvider
from authflow.machine import AuthFlow
from authflow.plugins.registry import PluginRegistry
from authflow.sign_in import SignIn
from authflow.wire import Request

_SIGN_IN_BYTES: Final = 16
_SIGN_OUTS: Final = frozenset({"GlobalSignOut", "AdminUserGlobalSignOut"})

Call = ObservedCall | UnobservedCall


@define(eq=False, kw_only=True)
class ObservedCalls:
    """Begins the calls of one client.

    Args:
        observation: Tells the observers; None if there are none.
        keys: The client's, by which users are marked.
        user_pool_id: The user pool.
        registry: The client challenges that are known here.
    """

    observation: Observation | None = None
    keys: KeyProvider | None = field(default=None, repr=False)
    user_pool_id: str = ""
    registry: PluginRegistry | None = None
    _marks: UserMarks = field(default=UserMarks(None), init=False, repr=False)
    _kinds: frozenset[str] = field(default=frozenset(), init=False)

    async def open(self) -> None:
        """Read what the events need: the keys, and the names of the client challenges."""
        if self._is_unobserved:
            return
        if self.registry is not None:
            registered = {each.name for each in self.registry.explicit}
            installed = self.registry.listed() if self.registry.discover else ()
            self._kinds = frozenset(registered | {each.name for each in installed})
        self._marks = await UserMarks.of(self.keys, self.user_pool_id)

    def sign_in(self, flow: AuthFlow, username: str) -> Call:
        """Begin a sign-in.

        Args:
            flow: The auth flow.
            username: The name as the user typed it.
        """
        if self._is_unobserved:
            return UNOBSERVED
        return self._begun("sign_in", flow, username, secrets.token_hex(_SIGN_IN_BYTES))

    def going_on(self, call: str, sign_in: SignIn) -> Call:
        """Begin a call that goes on with a sign-in.

        Args:
            call: The call's name.
            sign_in: Where it stands. One that was begun unobserved is known from here on.
        """
        if self._is_unobserved:
            return UNOBSERVED
        known = sign_in.id or secrets.token_hex(_SIGN_IN_BYTES)
        return self._begun(call, sign_in.flow, sign_in.canonical_username, known)

    def on_account(self, make: Callable[[], Request]) -> Call:
        """Begin a call about an account that is one request.

        Args:
            make: Makes the request, which names the user or has an access token.
        """
        if self._is_unobserved:
            return UNOBSERVED
        request = make()
        call = self.other(xform_name(request.operation), name_in(request))
        if request.operation in _SIGN_OUTS:
            call.ends(UserSignedOut)
        return call

    def other(self, call: str, username: str | None = None) -> Call:
        """Begin another call.

        Args:
            call: Its name.
            username: The user, if that is known.
        """
        if self._is_unobserved:
            return UNOBSERVED
        return self._begun(call, None, username, None)

    @property
    def _is_unobserved(self) -> bool:
        return self.observation is None or not self.observation.watches

    def _begun(
        self, call: str, flow: AuthFlow | None, username: str | None, sign_in_id: str | None
    ) -> ObservedCall:
        assert self.observation is not None  # noqa: S101  # it is observed; for the type checker
        return ObservedCall(
            call=call,
            observation=self.observation,
            marks=self._marks,
            kinds=self._kinds,
            flow=flow,
            user=self._marks.mark(username),
            sign_in_id=sign_in_id,
        )

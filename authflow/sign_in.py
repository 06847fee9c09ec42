"""A sign-in in progress, as an immutable value."""

from typing import Self

from attrs import evolve, field, frozen

from authflow.device import Device
from authflow.machine import AuthFlow, Chosen, Event, State, advance, beginning
from authflow.secret import Secret


@frozen(kw_only=True)
class SignIn:
    """The state of a sign-in. Advancing gives a new value; two answers to one value race openly.

    Args:
        flow: The auth flow that the caller chose; it never changes.
        state: What the sign-in waits at.
        username: The name as the user typed it, which may be an alias.
        canonical_username: The name as the pool calls the user, once it has said so.
        session: Cognito's session, to be sent with the next answer; None where Cognito gave none.
        rounds: How many replies have been read.
        expires_at: When Cognito forgets the session, in seconds since the epoch.
        device: The device that the user signs in from, which every request names. It is not in
            tickets: another process finds it in its store.
        refused: The device that was named before, and that the pool did not take. It is named no
            more in this sign-in, and not in tickets either.
        id: What observers know it by, in all calls and processes; None if it was begun unobserved.
    """

    flow: AuthFlow
    state: State
    username: str
    canonical_username: str
    session: Secret[str] | None = None
    rounds: int = 0
    expires_at: float
    device: Device | None = field(default=None, eq=False, repr=False)
    refused: Device | None = field(default=None, eq=False, repr=False)
    id: str | None = field(default=None, eq=False, repr=False)

    @classmethod
    def begin(
        cls,
        flow: AuthFlow,
        username: str,
        *,
        srp: bool,
        expires_at: float,
        device: Device | None = None,
        refused: Device | None = None,
        id: str | None = None,  # noqa: A002  # the attribute's name
    ) -> Self:
        """Begin a sign-in.

        Args:
            flow: The auth flow.
            username: The name as the user typed it.
            srp: Whether InitiateAuth carries SRP_A.
            expires_at: When to stop waiting for the first reply, in seconds since the epoch.
            device: The device that the user signs in from, if that is known.
            refused: The device that an earlier try named, and that the pool did not take.
            id: What observers know it by.
        """
        return cls(
            flow=flow,
            state=beginning(srp=srp),
            username=username,
            canonical_username=username,
            expires_at=expires_at,
            device=device,
            refused=refused,
            id=id,
        )

    def without_device(self) -> Self:
        """Return the sign-in from no device: the pool has not taken the one that it named."""
        return evolve(self, device=None, refused=self.device or self.refused)

    def from_found(self, device: Device | None) -> Self:
        """Return the sign-in from a device that was found for its user, unless it was refused.

        Args:
            device: The device; None if there is none.
        """
        known = device is not None and self.refused is not None and device.key == self.refused.key
        return evolve(self, device=None if known else device)

    def advance(
        self,
        event: Event,
        *,
        canonical_username: str | None = None,
        session: Secret[str] | None = None,
        expires_at: float | None = None,
    ) -> Self:
        """Return the sign-in after an event.

        Args:
            event: What the reply was.
            canonical_username: The user's name, where the reply tells it.
            session: The reply's session. Sessions are for one use, so none is carried over.
            expires_at: When the new session ends, in seconds since the epoch.

        Raises:
            SignInOverError: The sign-in has ended already.
            UnexpectedReplyError: The auth flow does not allow this reply here.
        """
        return evolve(
            self,
            state=advance(self.flow, self.state, event),
            canonical_username=canonical_username or self.canonical_username,
            session=session,
            rounds=self.rounds + 1,
            expires_at=self.expires_at if expires_at is None else expires_at,
        )

    def chose(self, chosen: Chosen) -> Self:
        """Return the sign-in after the client's choice, whose answer is still to be sent.

        Raises:
            SignInOverError: The sign-in has ended already.
            MisuseError: This cannot be chosen here.
        """
        return evolve(self, state=advance(self.flow, self.state, chosen))

"""The results of a sign-in: tokens, or the next challenge. `match` covers both cases."""

from collections.abc import Mapping

from attrs import field, frozen

from authflow.device import Device, UnconfirmedDevice
from authflow.machine import AuthFlow
from authflow.mfa import NewAuthenticator
from authflow.secret import Secret
from authflow.sign_in import SignIn
from authflow.string_map import names_only, read_only
from authflow.unframed import whole


@frozen(kw_only=True)
class Tokens:
    """The tokens of a signed-in user.

    Args:
        access_token: For calls on behalf of the user; a JWT.
        id_token: Who the user is; a JWT.
        refresh_token: Gets new tokens. None where Cognito gave none, as on a refresh without
            rotation.
        expires_in: Life of the access and id token from when they were issued, in seconds.
        token_type: "Bearer".
        device: The device that the user signed in from, in a pool that remembers devices; give it
            to `AuthClient.refresh` with the refresh token, which is good from there alone.
    """

    access_token: Secret[str]
    id_token: Secret[str]
    refresh_token: Secret[str] | None = None
    expires_in: int = 3600
    token_type: str = "Bearer"
    device: Device | UnconfirmedDevice | None = None


@whole
@frozen(kw_only=True)
class Challenge:
    """A challenge that the user pool asks.

    Args:
        name: Cognito's name of the challenge, such as CUSTOM_CHALLENGE or SMS_MFA.
        kind: For a custom challenge, the name of the plugin that made it ("captcha"), if the
            pool's triggers tell it; for MFA_SETUP, the second factor that is being set up.
        parameters: The public challenge parameters.
        attempt: Which try the next answer will be, from 1.
        attempts: How many tries there are in all, if the pool's triggers tell it.
        left_out: Pictures and sounds that are no parameters any more, since a ticket left them out
            (`AuthClient.seal`): for each its parameter's name, and the beginning of the value.
        new_authenticator: The key for the person's authenticator app, where MFA_SETUP waits for the
            app's first code.
    """

    name: str
    kind: str | None = None
    parameters: Mapping[str, str] = field(
        factory=dict, converter=read_only, repr=names_only, hash=False
    )
    attempt: int = 1
    attempts: int | None = None
    left_out: Mapping[str, str] = field(
        factory=dict, converter=read_only, repr=names_only, hash=False
    )
    new_authenticator: NewAuthenticator | None = field(default=None, hash=False)

    @property
    def is_retry(self) -> bool:
        """Whether the last answer to this same challenge was wrong."""
        return self.attempt > 1


@frozen(kw_only=True)
class SignedIn:
    """The user is signed in.

    Args:
        tokens: Verified against the user pool's keys, unless the client was told not to.
        username: The user's canonical name in the pool, as the tokens tell it; the one that was
            typed may be an alias. If the client was told not to verify tokens, nobody has proved
            it. Where tokens tell no name, it is the best one known: that of the last challenge,
            else the one that was typed.
        flow: The auth flow that led here.
        names: The names that the user went by on the way: the typed one, and the pool's.
        passed_over: The device that the sign-in named, and that the pool did not take.
    """

    tokens: Tokens
    username: str
    flow: AuthFlow
    names: tuple[str, ...] = field(default=(), eq=False, repr=False)
    passed_over: Device | None = field(default=None, eq=False, repr=False)


@frozen
class Unanswered:
    """The reason why a client challenge gave no answer, so that the caller must go on.

    Args:
        reason: Why, for the person.
    """

    reason: str = ""


@frozen
class Declined(Unanswered):
    """The client challenge cannot answer here: for example, a terminal cannot solve a CAPTCHA."""


@frozen
class Suspended(Unanswered):
    """The answer comes later: the person has to fetch it, or somebody else has to agree."""


@frozen
class OtherFactor(Unanswered):
    """The person wants another factor than the one that is asked."""


@frozen(kw_only=True)
class ChallengeRequired:
    """The user pool asks for an answer before it issues tokens: pass this to `AuthClient.answer`.

    It is an immutable value. Answering does not change it, so it can be kept while the user looks
    for the code; but Cognito takes one answer for it, and the second one loses.

    Args:
        challenge: What is asked.
        sign_in: Where the sign-in stands.
        because: Why the installed client challenge gave no answer, if one was asked.
    """

    challenge: Challenge
    sign_in: SignIn
    because: Unanswered | None = None


SignInResult = SignedIn | ChallengeRequired
"""The result of a step of a sign-in: tokens, or the challenge that the pool asks next."""

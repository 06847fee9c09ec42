"""The triggers around a sign-in: those before it begins and those before tokens are made.

PreAuthentication runs before the password is looked at, and not for a user who does not exist,
unless the app client hides that. PostAuthentication and PreTokenGeneration run once nothing more is
asked of the user and before anything is kept of the sign-in; a refresh runs only the last of them.
Each refuses by raising. Source: the pages on these triggers in the developer guide.
"""

from typing import Final

from attrs import define

from authflow.machine import State
from authflow.pool.accounts.callers import Caller
from authflow.pool.accounts.user_pool import UserPool
from authflow.pool.accounts.users import User
from authflow.pool.devices.device_config import DeviceConfig
from authflow.pool.ground import Ground
from authflow.pool.sign_ins.sessions import Progress
from authflow.pool.tokens.overrides import TokenOverrides
from authflow.pool.tokens.trigger import TokenTrigger
from authflow.pool.triggers.occasion import Occasion
from authflow.triggers.events.sign_in_events import PostAuthenticationEvent, PreAuthenticationEvent
from authflow.triggers.events.token_events import AUTHENTICATION, DEVICE, NEW_PASSWORD

_SOURCES: Final = {
    State.NEW_PASSWORD_REQUIRED: NEW_PASSWORD,
    State.DEVICE_PASSWORD_VERIFIER: DEVICE,
}
"""The reason for which tokens are made, by what was answered last."""


@define(kw_only=True)
class SignInTriggers:
    """Runs the triggers around a sign-in, if the pool has them.

    Args:
        ground: The parts that all services share.
        tokens: PreTokenGeneration.
    """

    ground: Ground
    tokens: TokenTrigger

    def hold_tokens(self, pool: UserPool) -> bool:
        """Return whether a trigger must run before tokens are granted."""
        after = PostAuthenticationEvent.trigger
        return self.ground.triggers.serves(pool, after) or self.tokens.serves(pool)

    async def before(self, caller: Caller, username: str, user: User | None) -> bool:
        """Run PreAuthentication, if the pool has it.

        Args:
            caller: Who asks; its ClientMetadata reaches the trigger as `validationData`.
            username: The canonical name, or that of who stands for a user.
            user: The user; None for one who does not exist, which the app client hides.

        Returns:
            Whether it ran.

        Raises:
            CognitoError: The trigger refused or failed.
        """
        if not self.ground.triggers.serves(caller.pool, PreAuthenticationEvent.trigger):
            return False
        occasion = Occasion.of(caller, username, user)
        event = PreAuthenticationEvent(
            **occasion.about_user,
            validation_data=occasion.sent_metadata,
            user_not_found=user is None,
        )
        await self.ground.triggers.consult(caller.pool, event)
        return True

    async def after(self, caller: Caller, progress: Progress, user: User) -> TokenOverrides | None:
        """Run PostAuthentication and PreTokenGeneration, if the pool has them.

        Args:
            caller: Who asks; the ClientMetadata of RespondToAuthChallenge reaches both triggers.
            progress: Where the sign-in stands: at what was answered last.
            user: The user.

        Returns:
            What changes in the tokens.

        Raises:
            CognitoError: A trigger refused or failed.
        """
        if self.ground.triggers.serves(caller.pool, PostAuthenticationEvent.trigger):
            known = progress.device is not None and progress.device.proved
            event = PostAuthenticationEvent(
                **Occasion.of(caller, user.username, user).members,
                new_device_used=DeviceConfig.of(caller.pool).remembers and not known,
            )
            await self.ground.triggers.consult(caller.pool, event)
        if not self.tokens.serves(caller.pool):
            return None
        return await self.tokens.ask(caller, user, _SOURCES.get(progress.state, AUTHENTICATION))

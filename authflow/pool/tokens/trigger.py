"""PreTokenGeneration: the trigger before all tokens, at a sign-in and at a refresh.

Source: "Pre token generation Lambda trigger" in the developer guide.
"""

from attrs import define

from authflow.pool.accounts.callers import Caller
from authflow.pool.accounts.groups import find_memberships
from authflow.pool.accounts.user_pool import UserPool
from authflow.pool.accounts.users import User
from authflow.pool.ground import Ground
from authflow.pool.tokens.issuer import SCOPE
from authflow.pool.tokens.overrides import TokenOverrides, token_overrides
from authflow.pool.triggers.occasion import Occasion
from authflow.triggers.events.token_events import PreTokenGenerationEvent


@define(kw_only=True)
class TokenTrigger:
    """Runs PreTokenGeneration, if a pool has it.

    Args:
        ground: The parts that all services share.
    """

    ground: Ground

    def serves(self, pool: UserPool) -> bool:
        """Return whether the pool has the trigger."""
        return self.ground.triggers.serves(pool, PreTokenGenerationEvent.trigger)

    async def ask(self, caller: Caller, user: User, source: str) -> TokenOverrides | None:
        """Run the trigger; the pool must have it.

        Args:
            caller: Who asks; its ClientMetadata reaches the trigger.
            user: Whose the tokens are.
            source: Why they are made, as `triggers.events.token_events` names it.

        Returns:
            What changes in the tokens.

        Raises:
            CognitoError: The trigger refused or failed.
        """
        groups = await self.ground.database.read(find_memberships, user.sub)
        event = PreTokenGenerationEvent(
            **Occasion.of(caller, user.username, user).members,
            source=source,
            version=caller.pool.token_event_version,
            groups=groups.groups,
            iam_roles=groups.roles,
            preferred_role=groups.preferred_role,
            scopes=(SCOPE,),
        )
        return token_overrides(
            await self.ground.triggers.consult(caller.pool, event), caller.client.id
        )

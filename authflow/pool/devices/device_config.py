"""The settings of a user pool about devices, and what a remembered device spares its user.

A pool remembers devices as soon as DeviceConfiguration has a member, whatever its value. Sources:
DeviceConfigurationType in the API reference, "Working with user devices in your user pool" in the
developer guide.
"""

from typing import Any, Self

from attrs import frozen

from authflow.pool.accounts.user_pool import UserPool
from authflow.pool.devices.device_state import DeviceState


@frozen(kw_only=True)
class DeviceConfig:
    """The rules of a user pool about devices.

    Args:
        remembers: Whether it knows devices at all.
        stands_in: Whether the proof of a remembered device stands in for a second factor
            (ChallengeRequiredOnNewDevice).
        asks_user: Whether a device is only remembered once its user says so
            (DeviceOnlyRememberedOnUserPrompt).
    """

    remembers: bool
    stands_in: bool
    asks_user: bool

    @classmethod
    def of(cls, pool: UserPool) -> Self:
        """Return what a pool's settings say."""
        configuration: dict[str, Any] = pool.settings.get("DeviceConfiguration") or {}
        return cls(
            remembers=bool(configuration),
            stands_in=bool(configuration.get("ChallengeRequiredOnNewDevice")),
            asks_user=bool(configuration.get("DeviceOnlyRememberedOnUserPrompt")),
        )


def skips_second_factor(pool: UserPool, device: DeviceState | None) -> bool:
    """Return whether a sign-in from a device is asked for the device's proof in place of a factor.

    Args:
        pool: The user pool, as read in the transaction that decides.
        device: The device that the client named, as read there; None if it named none.
    """
    return device is not None and device.remembered and DeviceConfig.of(pool).stands_in

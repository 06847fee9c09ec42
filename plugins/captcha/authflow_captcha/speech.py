"""A code of digits as sound: a WAV file of spoken digits over noise.

The package `captcha` brings the voice. Between two digits it lets up to three seconds pass, so that
six digits take 140 kB, and Cognito's API allows 131,072 characters for a challenge parameter: the
base64 of 98,287 bytes. Here the pauses are shorter, and eight digits always fit.
"""

import functools
import operator
import os
import secrets
from typing import Final

from captcha.audio import (
    BEEP,
    END_BEEP,
    SILENCE,
    AudioCaptcha,
    change_sound,
    change_speed,
    mix_wave,
)

PAUSES: Final = range(3200, 7201)
"""The pause after a digit, in samples of an 8,000th of a second: 0.4 to 0.9 s."""

_HISS: Final = bytes(126 + byte % 4 for byte in range(256))
"""A table that turns random bytes into the package's soft noise around the middle, 128."""
_GAP: Final = range(801)
"""The distance between the murmur's voices, in samples, as in the package."""

_SPEEDS: Final = range(90, 121)
_LEVELS: Final = range(80, 121)
"""By how many percent a voice is stretched and louder, as in the package."""
_MURMUR_SPEEDS: Final = range(8, 17)
_MURMUR_LEVELS: Final = range(2, 7)
"""By how many tenths those of the murmur are, as in the package."""
_EVERY: Final = bytearray(range(256))
"""Every value that a sample can have."""


@functools.cache
def _mixed() -> tuple[bytes, ...]:
    """Return what the package mixes of two samples, in a row for each value of the one."""
    return tuple(bytes(mix_wave(bytearray([one] * 256), _EVERY[:])) for one in _EVERY)


@functools.cache
def _louder(level: float) -> bytes:
    """Return what the package makes of each sample at another level."""
    return bytes(change_sound(_EVERY, level))


@functools.cache
def _stretched(voice: bytes, speed: float) -> bytearray:
    """Return a voice that takes longer by a factor, as the package stretches it."""
    return change_speed(bytearray(voice), speed)


def _mix(voice: bytearray, ground: bytearray) -> bytes:
    """Mix a voice into a piece of the ground that is no shorter."""
    rows = map(_mixed().__getitem__, voice)
    return bytes(map(operator.getitem, rows, ground)) + ground[len(voice) :]


class _Speaker(AudioCaptcha):
    """The package's voice and murmur, with shorter pauses, and with noise made in one step."""

    def _twist_pick(self, key: str) -> bytearray:
        """Return a voice that says a character, as fast and as loud as the package draws it."""
        voice = bytes(secrets.choice(self._cache[key]))
        speed = _SPEEDS[secrets.randbelow(len(_SPEEDS))] / 100
        return _stretched(voice, speed).translate(
            _louder(_LEVELS[secrets.randbelow(len(_LEVELS))] / 100)
        )

    def _noise_pick(self) -> bytearray:
        """Return a voice that is played backwards, likewise."""
        voice = bytes(secrets.choice(self._cache[secrets.choice(self.choices)]))[::-1]
        speed = _MURMUR_SPEEDS[secrets.randbelow(len(_MURMUR_SPEEDS))] / 10
        level = _MURMUR_LEVELS[secrets.randbelow(len(_MURMUR_LEVELS))] / 10
        return _stretched(voice, speed).translate(_louder(level))

    def create_wave_body(self, chars: str) -> bytearray:
        """Return the spoken characters, one after the other, over a murmur."""
        spoken = [
            (self._twist_pick(char), PAUSES[secrets.randbelow(len(PAUSES))]) for char in chars
        ]
        ground = self.create_background_noise(sum(len(v) + pause for v, pause in spoken), chars)
        position = 0
        for voice, pause in spoken:
            position += pause
            end = position + len(voice)
            ground[position:end] = _mix(voice, ground[position:end])
            position = end
        return BEEP + SILENCE + BEEP + SILENCE + BEEP + ground + END_BEEP

    def create_background_noise(self, length: int, chars: str) -> bytearray:  # noqa: ARG002  # theirs
        """Return a murmur of voices that are played backwards."""
        # The package draws each sample from the operating system, which takes most of its time.
        noise = bytearray(os.urandom(length).translate(_HISS))
        position = 0
        while position < length:
            sound = self._noise_pick()
            end = position + len(sound)
            noise[position:end] = _mix(sound[: length - position], noise[position:end])
            position = end + secrets.randbelow(len(_GAP))
        return noise


@functools.cache
def _speaker() -> _Speaker:
    """Load the voice once; it never changes afterwards, so threads can share it."""
    speaker = _Speaker()
    speaker.load()
    return speaker


def speak(digits: str) -> bytes:
    """Speak digits. It takes about 10 ms, and more at first: call it in a thread.

    Args:
        digits: What to say.

    Returns:
        The WAV file's content: 8,000 samples of 8 bits a second.
    """
    return bytes(_speaker().generate(digits))

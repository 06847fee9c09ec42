"""Sounds: valid WAV files, audible, never the same twice, and never too long for Cognito."""

import io
import random
import secrets
import wave

import pytest
from authflow_captcha.speech import PAUSES, _mix, _Speaker, speak
from captcha.audio import BEEP, END_BEEP, SILENCE, AudioCaptcha, mix_wave

LARGEST = (131_072 - len("data:audio/wav;base64,")) // 4 * 3
"""Bytes whose base64 a challenge parameter can hold in a data: URL."""
FASTEST_TO_SLOWEST = range(90, 121)
"""By how many percent the package may stretch a voice."""


def samples(file: bytes) -> bytes:
    with wave.open(io.BytesIO(file)) as sound:
        assert (sound.getnchannels(), sound.getsampwidth(), sound.getframerate()) == (1, 1, 8000)
        return sound.readframes(-1)


@pytest.mark.parametrize("digits", ["0000", "123456", "98765432"])
def test_a_sound_is_a_wav_file_of_the_length_that_its_header_says(digits: str) -> None:
    file = speak(digits)
    heard = samples(file)
    assert 44 + len(heard) <= len(file) <= 44 + len(heard) + 1
    assert int.from_bytes(file[4:8], "little") + 8 == len(file)
    assert len(heard) > len(digits) * PAUSES[0]


def test_no_sound_of_eight_digits_is_too_long_for_a_challenge_parameter() -> None:
    package = AudioCaptcha()
    package.load()
    longest = max(len(voice) for digit in "0123456789" for voice in package._cache[digit])
    spoken = 8 * (longest * FASTEST_TO_SLOWEST[-1] // 100 + PAUSES[-1])
    frame = 3 * len(BEEP) + 2 * len(SILENCE) + len(END_BEEP)
    assert spoken + frame + 44 + 1 < LARGEST


@pytest.mark.parametrize("digit", "0123456789")
def test_the_digits_stand_out_from_the_murmur(digit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn, speaker = random.Random(7), _Speaker()
    monkeypatch.setattr(secrets, "randbelow", drawn.randrange)
    monkeypatch.setattr(secrets, "choice", drawn.choice)
    speaker.load()
    speaker._cache = {each: sorted(voices) for each, voices in speaker._cache.items()}
    body = speaker.create_wave_body(digit * 8)[3 * len(BEEP) + 2 * len(SILENCE) : -len(END_BEEP)]
    spoken, murmured = (
        sum(abs(sample - 128) > 40 for sample in heard)
        for heard in (body, speaker.create_background_noise(len(body), ""))
    )
    assert spoken > 2 * murmured


def test_more_digits_take_longer() -> None:
    assert len(speak("12345678")) > len(speak("1234"))


def test_the_same_digits_never_sound_the_same() -> None:
    assert len({speak("1234") for _ in range(4)}) == 4


def test_voices_and_murmur_are_those_of_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, package = _Speaker(), AudioCaptcha()
    ours.load()
    package._cache, package._choices = ours._cache, ours._choices
    picked = []
    for speaker in (ours, package):
        drawn = random.Random(7)
        monkeypatch.setattr(secrets, "randbelow", drawn.randrange)
        monkeypatch.setattr(secrets, "choice", drawn.choice)
        picked.append(
            [speaker._twist_pick(digit) for digit in "0123456789"]
            + [speaker._noise_pick() for _ in range(20)]
        )
    assert picked[0] == picked[1]
    # Pieces of two voices, and one that the other outlasts.
    for voice, ground in zip(picked[0], picked[0][1:], strict=False):
        size = min(len(voice), len(ground))
        assert _mix(voice[:size], ground) == mix_wave(voice[:size], ground[:])

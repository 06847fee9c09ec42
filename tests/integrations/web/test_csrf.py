import pytest
from hypothesis import given
from hypothesis import strategies as st

from authflow.integrations.web.csrf import BrowserSeals, new_browser
from authflow.integrations.web.request_errors import (
    CsrfMismatchError,
    CsrfMissingError,
    CsrfStaleError,
)
from authflow.keys import KeyRing
from authflow.secret import Secret

KEYS = KeyRing.generate()
NOW = 1_800_000_000.0
SESSION = Secret("a session")


def seals(keys: KeyRing = KEYS, client: str = "client", now: float = NOW) -> BrowserSeals:
    return BrowserSeals(keys=keys, place=("pool", client), clock=lambda: now)


async def test_a_token_is_good_with_its_browser_and_session_alone():
    browser, other = new_browser(), new_browser()
    for session in (None, SESSION):
        token = await seals().token(browser, session)
        await seals().check(token, browser, session)
        with pytest.raises(CsrfMismatchError, match="another one by GET"):
            await seals().check(token, other, session)
        with pytest.raises(CsrfMismatchError):
            await seals().check(token, browser, None if session else SESSION)


async def test_a_token_of_another_deployment_is_foreign():
    browser = new_browser()
    token = await seals().token(browser, None)
    for other in (seals(KeyRing.generate()), seals(KeyRing.generate("2")), seals(client="other")):
        with pytest.raises(CsrfMismatchError):
            await other.check(token, browser, None)


async def test_a_token_outlives_the_rotation_of_keys():
    browser = new_browser()
    token = await seals().token(browser, SESSION)
    ticket = await seals().bind(Secret("ticket"), browser)
    rotated = seals(KEYS.rotated("2"))
    await rotated.check(token, browser, SESSION)
    assert await rotated.ticket(ticket, browser) == Secret("ticket")
    assert await rotated.step(Secret("ticket")) == await seals().step(Secret("ticket"))


async def test_a_token_is_stale_after_half_a_day():
    browser = new_browser()
    token = await seals().token(browser, None)
    await seals(now=NOW + 43_199).check(token, browser, None)
    with pytest.raises(CsrfStaleError, match="too old"):
        await seals(now=NOW + 43_200).check(token, browser, None)


async def test_without_a_token_or_its_cookie_it_is_missing():
    browser = new_browser()
    token = await seals().token(browser, None)
    for given_token, given_browser in ((None, browser), (token, None), (None, None)):
        with pytest.raises(CsrfMissingError, match="X-CSRF-Token"):
            await seals().check(given_token, given_browser, None)


@given(st.text())
async def test_no_text_is_a_token(text: str):
    with pytest.raises(CsrfMismatchError):
        await seals().check(Secret(text), Secret("browser"), None)


@given(st.integers(0, 200), st.characters())
async def test_an_altered_token_is_none(at: int, character: str):
    browser = Secret("browser")
    token = (await seals().token(browser, None)).reveal()
    at %= len(token)
    altered = token[:at] + character + token[at + 1 :]
    if altered != token:
        with pytest.raises(CsrfMismatchError):
            await seals().check(Secret(altered), browser, None)


async def test_a_ticket_opens_in_its_browser_alone():
    browser = new_browser()
    cookie = await seals().bind(Secret("ticket"), browser)
    assert await seals().ticket(cookie, browser) == Secret("ticket")
    for other in (None, new_browser(), Secret("")):
        assert await seals().ticket(cookie, other) is None
    assert await seals(KeyRing.generate()).ticket(cookie, browser) is None


@given(st.text())
async def test_no_text_is_a_tickets_cookie(text: str):
    assert await seals().ticket(Secret(text), Secret("browser")) is None


async def test_two_tickets_are_two_steps_and_a_steps_name_is_no_ticket():
    one, other = await seals().step(Secret("one")), await seals().step(Secret("other"))
    assert one != other
    assert len(one) == 22
    assert one == await seals().step(Secret("one"))


def test_what_gives_the_keys_is_in_no_repr():
    class Shown(KeyRing):
        def __repr__(self) -> str:
            return "canary"

    given_keys = Shown(keys=KEYS.keys, current=KEYS.current)
    assert "canary" not in repr(seals(given_keys))

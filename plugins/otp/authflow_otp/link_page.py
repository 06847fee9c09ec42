"""The page behind a sign-in link, as an ASGI application that needs no framework.

    page = LinkPage(purpose="Example Shop", continue_url="https://shop.example.com/sign-in/link")
    app.mount("/link", page)  # Starlette and FastAPI; or `uvicorn module:page` by itself

1. **Opening it changes nothing.** Mail scanners, previews and browsers that fetch ahead open links
   before their readers do. The token stands in the link's fragment, which none of them sends: every
   GET is the same request, and its answer the same page, whatever link it came from. So nothing
   can be tried out by it either, and no log of a server or proxy holds a token.
2. **A button does something**, by POST: it hands the token to `continue_url`, your service's own
   address, which finds the sign-in that this browser began by its cookie and answers it. In a
   browser that began none, it does nothing.
3. With `anywhere` the page also takes the number that another window shows, and records it.

The token is the authority of a POST, so there is nothing that another site could forge.

Sources: RFC 9110, section 9.2.1 (GET is safe); RFC 3986, section 3.5 (a fragment stays in the
browser); CSP 3; "Unvalidated Redirects" and "Clickjacking" of the OWASP cheat sheets.
"""

import base64
import hashlib
import logging
import time
from collections.abc import Awaitable, Callable, MutableMapping
from html import escape
from typing import Any, Final
from urllib.parse import parse_qs

import anyio
from attrs import define, field, frozen

from authflow.errors import MisuseError, StateError
from authflow.plugins import ConfigError, typed_code
from authflow.safe_url import safe_url
from authflow_otp.confirmations import Confirmations, is_number
from authflow_otp.link_tokens import SignInLink
from authflow_otp.pasted_links import token_of
from authflow_otp.settings import is_purpose

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

BODY_TIMEOUT: Final = 10.0
"""Seconds in which a form must have come."""
_LARGEST_BODY: Final = 4096

_log: Final = logging.getLogger(__name__)

_SCRIPT: Final = """\
"use strict";
const found = /link[a-z2-7]{80,160}/i.exec(location.hash);
const token = found ? found[0] : history.state?.link ?? "";  // a reload keeps the state
history.replaceState({link: token}, "", location.pathname + location.search);
for (const input of document.getElementsByName("link")) input.value = token;
document.getElementById(token ? "ways" : "incomplete").hidden = false;
"""
_STYLE: Final = (
    "body{font:1.1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:10vh auto;padding:0 1rem}"
    "button,input{font:inherit;padding:.5em 1em}form{margin:2rem 0}[hidden]{display:none}"
)


@frozen(kw_only=True)
class PageWords:
    """The words of the page. `{purpose}` in them is the service's name.

    Args:
        language: Their language, as BCP 47 has it.
        title: The heading.
        here: What the button in the same browser does.
        here_button: The button.
        elsewhere: What to do if the sign-in was begun in another browser.
        elsewhere_button: The button.
        nothing_elsewhere: The same, where that is not allowed.
        no_script: What to do without JavaScript.
        incomplete: The link has no token.
        confirmed: The number was recorded.
        wrong_number: What was typed can be no number.
        invalid: The link is not one of ours, has expired, or was used.
        unavailable: Nothing could be recorded now.
    """

    language: str = "en"
    title: str = "Sign in to {purpose}"
    here: str = "If you began to sign in in this browser, go on here."
    here_button: str = "Sign in in this browser"
    elsewhere: str = (
        "If you began in another browser or on another device, type the number that is shown there."
        " If you did not begin to sign in, or somebody told you the number, close this page."
    )
    elsewhere_button: str = "Confirm"
    nothing_elsewhere: str = (
        "If you began in another browser or on another device, this page does nothing: open the"
        " link there, or copy it and paste it there."
    )
    no_script: str = (
        "Without JavaScript, copy the link from the message and paste it into the window where you"
        " sign in."
    )
    incomplete: str = "The link is incomplete. Copy all of it from the message."
    confirmed: str = "Confirmed. Go back to the window where you sign in, and go on there."
    wrong_number: str = "That is not the number. It has six digits; look again."
    invalid: str = "This link is not valid, or has expired, or was used. Begin to sign in again."
    unavailable: str = "That cannot be done now. Try again in a minute."


def _continue_url(value: Any) -> str | None:
    return None if value is None else safe_url(value, "LinkPage: continue_url", base=False)


@define(kw_only=True, eq=False)
class LinkPage:
    """Serves the page of sign-in links.

    Serve it on the same site as `continue_url`, or the browser sends no cookie there. The form
    comes with `Origin: null`, as of a page without referrer: exempt that one address from your
    framework's own check against forged requests. Whoever forges one needs a token that is right
    for the sign-in which the attacked browser began. What answers there may redirect to its own
    origin or the page's: Chromium holds redirects of a form to the same policy.

    Args:
        purpose: The service's name.
        continue_url: Where a click in the same browser POSTs its form, with the token as `link`.
        anywhere: Where a click in another browser is recorded, as the trigger half has it.
        words: The words.
        clock: Gives seconds since the epoch.

    Raises:
        ConfigError: There is neither `continue_url` nor `anywhere`, or a setting is malformed.
    """

    purpose: str = field(validator=is_purpose)
    continue_url: str | None = field(default=None, converter=_continue_url)
    anywhere: Confirmations | None = None
    words: PageWords = field(factory=PageWords)
    clock: Callable[[], float] = field(default=time.time, repr=False)
    name: str = field(default="LinkPage", init=False, repr=False)
    _page: bytes = field(init=False, repr=False)
    _headers: list[tuple[bytes, bytes]] = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        if self.anywhere is not None and not isinstance(self.anywhere, Confirmations):
            msg = "LinkPage: anywhere is Confirmations(entries=..., keys=...), or None"
            raise ConfigError(msg)
        if self.continue_url is None and self.anywhere is None:
            msg = "LinkPage: give continue_url=..., anywhere=..., or both, or its page does nothing"
            raise ConfigError(msg)
        self._page = self._html(
            f"<noscript><p>{self._say('no_script')}</p></noscript>"
            f'<p id="incomplete" hidden>{self._say("incomplete")}</p>'
            f'<div id="ways" hidden>{self._ways("")}</div><script>{_SCRIPT}</script>'
        )
        self._headers = self._policies()

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Serve a request.

        Args:
            scope: What is asked.
            receive: Gives the body.
            send: Takes the reply.

        Raises:
            MisuseError: It is no HTTP request; ASGI wants it so for what is not served.
        """
        if scope["type"] != "http":
            msg = f"LinkPage serves HTTP alone, not {scope['type']}"
            raise MisuseError(msg)
        method = scope["method"]
        if method in {"GET", "HEAD"}:
            await self._reply(send, 200, self._page, body=method == "GET")
        elif method == "POST" and self.anywhere is not None:
            status, page = await self._confirmed(await _form(receive), self.anywhere)
            await self._reply(send, status, page)
        else:
            allowed = b"GET, HEAD" if self.anywhere is None else b"GET, HEAD, POST"
            page = self._html(f"<p>{self._say('nothing_elsewhere')}</p>")
            await self._reply(send, 405, page, (b"allow", allowed))

    async def _confirmed(self, form: dict[str, str], anywhere: Confirmations) -> tuple[int, bytes]:
        """Record what another browser confirms, and return the reply."""
        now = self.clock()
        try:
            link = await SignInLink.opened(form.get("link", ""), anywhere.keys)
            if link is None or now >= link.until:
                return 400, self._html(f"<p>{self._say('invalid')}</p>")
            number = typed_code(form.get("number", ""))
            if not is_number(number):
                again = self._ways(token_of(form["link"]), here=False)
                return 422, self._html(f"<p>{self._say('wrong_number')}</p>{again}")
            if not await anywhere.confirm(link, number, seconds=link.until - now):
                return 400, self._html(f"<p>{self._say('invalid')}</p>")
        except (StateError, ConfigError) as error:
            _log.error("a link could not be confirmed: %s", error.message)
            return 503, self._html(f"<p>{self._say('unavailable')}</p>")
        return 200, self._html(f"<p>{self._say('confirmed')}</p>")

    def _ways(self, token: str, *, here: bool = True) -> str:
        """Return the forms that do something with a token."""
        hidden = f'<input type="hidden" name="link" value="{escape(token)}">'
        ways = ""
        if here and self.continue_url is not None:
            ways = (
                f'<form method="post" action="{escape(self.continue_url)}">{hidden}'
                f"<p>{self._say('here')}</p><button>{self._say('here_button')}</button></form>"
            )
        if self.anywhere is None:
            return f"{ways}<p>{self._say('nothing_elsewhere')}</p>"
        return (
            f'{ways}<form method="post">{hidden}<p><label for="number">{self._say("elsewhere")}'
            '</label></p><input id="number" name="number" inputmode="numeric" autocomplete="off"'
            f' maxlength="20" required> <button>{self._say("elsewhere_button")}</button></form>'
        )

    def _say(self, what: str) -> str:
        words: str = getattr(self.words, what)
        return escape(words.replace("{purpose}", self.purpose))

    def _html(self, body: str) -> bytes:
        title = self._say("title")
        return (
            f'<!doctype html><html lang="{escape(self.words.language)}"><head>'
            '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
            f"<title>{title}</title><style>{_STYLE}</style></head>"
            f"<body><main><h1>{title}</h1>{body}</main></body></html>"
        ).encode()

    def _policies(self) -> list[tuple[bytes, bytes]]:
        targets = "'self'"
        if self.continue_url is not None:
            scheme, _, rest = self.continue_url.partition("://")
            targets += f" {scheme}://{rest.partition('/')[0].partition('?')[0].partition('#')[0]}"
        policy = (
            f"default-src 'none'; script-src '{_digest(_SCRIPT)}'; style-src '{_digest(_STYLE)}';"
            f" form-action {targets}; base-uri 'none'; frame-ancestors 'none'"
        )
        told = {
            "content-type": "text/html; charset=utf-8",
            "content-security-policy": policy,
            "cache-control": "no-store",
            "referrer-policy": "no-referrer",
            "x-content-type-options": "nosniff",
            "x-frame-options": "DENY",
            "x-robots-tag": "noindex, nofollow",
            "cross-origin-opener-policy": "same-origin",
        }
        return [(name.encode(), value.encode()) for name, value in told.items()]

    async def _reply(
        self,
        send: Send,
        status: int,
        page: bytes,
        *more: tuple[bytes, bytes],
        body: bool = True,
    ) -> None:
        length = (b"content-length", str(len(page)).encode())
        headers = [*self._headers, length, *more]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": page if body else b""})


def _digest(text: str) -> str:
    """Return the source expression of an inline script or style, by which CSP allows it alone."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


async def _form(receive: Receive) -> dict[str, str]:
    """Read a form; what is no form, too large or too slow is an empty one."""
    body = b""
    with anyio.move_on_after(BODY_TIMEOUT):
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return {}
            body += message.get("body", b"")
            if len(body) > _LARGEST_BODY:
                return {}
            if not message.get("more_body", False):
                break
        try:
            fields = parse_qs(body.decode("ascii"), max_num_fields=8)
        except ValueError:
            return {}
        return {name: values[0] for name, values in fields.items() if len(values) == 1}
    return {}

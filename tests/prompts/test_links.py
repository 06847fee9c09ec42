"""Which links a person is shown, by every prompt that shows them to one."""

import io
from pathlib import Path
from typing import Any

import pytest

from authflow.client import TerminalPrompt, WebPrompt
from authflow.errors import PluginFailedError
from authflow.prompts.links import checked_link

SHOWN = [
    *("https://example.com", "HTTP://example.com/a?b=c#d", "https://[::1]:8443/%C3%A9"),
    *("otpauth://totp/Acme:ada?secret=JBSWY3DP&issuer=Acme", "url/123.jpg", "/captcha/1.png?x=1"),
    *("https://ex\u00e4mple.com/\u00e9 b", "https://javascript:1/"),
]
SCHEMES = [
    *(
        "javascript",
        "data",
        "file",
        "vbscript",
        "blob",
        "about",
        "view-source",
        "ftp",
        "ws",
        "chrome",
    ),
    *("mailto", "tel", "intent", "jar", "filesystem", "x"),
]
AFTER = ["alert(1)", "//example.com/%0aalert(1)", "text/html,x", "/", ""]
REFUSED = [
    *(f"{scheme}:{after}" for scheme in SCHEMES for after in AFTER),
    *(f"{scheme.title()}:x" for scheme in SCHEMES),
    *(" javascript:alert(1)", "java\tscript:x", "java script:x", "\u00a0javascript:x"),
    *(
        "javascript\uff1ax",
        "\uff4aavascript:x",
        "java\u200bscript:x",
        "//\\javascript:x",
        "\\\\host\\x",
    ),
    *(
        "https:example.com",
        "https:/example.com",
        "https://",
        "https:///x",
        "http:",
        "http:javascript:x",
    ),
    *(
        "httpsx://example.com",
        "xhttps://example.com",
        "otpauth:totp",
        "path:x",
        "./a:b",
        "?a:b",
        "#a:b",
    ),
    *("", " ", "a b", "https://example.com/\n", "a<b>", "\u00e9", "https:// x", "https://\\x"),
    *(
        "https://a.b\\@c/",
        "https://a.b\\c",
        "http://x/?q=\\",
        "otpauth://totp/a\\b",
        "HTTPS://x/\\",
    ),
    *("https://example.com/\x1b[2J", "https://example.com/\u202e"),
]


def prompts(tmp_path: Path) -> list[tuple[Any, Any]]:
    """Give every prompt that shows something to a person, and how to see whether it has."""
    output, web = io.StringIO(), WebPrompt()
    terminal = TerminalPrompt(image_folder=tmp_path, output=output)
    return [(web, lambda: [each.part.url for each in web._messages]), (terminal, output.getvalue)]


@pytest.mark.parametrize("url", SHOWN)
async def test_a_link_of_a_page_an_authenticator_or_a_path_is_shown(tmp_path: Path, url: str):
    assert checked_link(url, "there") == url
    for prompt, shown in prompts(tmp_path):
        await prompt.show_link(url, "there")
        assert url in shown()


@pytest.mark.parametrize("url", REFUSED, ids=ascii)
async def test_no_other_link_is_shown_by_any_prompt(tmp_path: Path, url: str):
    for prompt, shown in prompts(tmp_path):
        with pytest.raises(PluginFailedError, match="a link that") as caught:
            await prompt.show_link(url, "there", qr=True)
        assert not shown()
        assert "alert" not in str(caught.value)

"""What tells a code: a table of all that `LeakyCode` can be told to make public of it."""

import base64
import hashlib
import html
import itertools
import zlib
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from authflow.testing.encodings import ENCODINGS

SALT = "s4lt"
HASHES = ("md5", "sha1", "sha256", "sha512", "blake2b", "sha3_256")


def packed(kind: bytes, content: bytes) -> str:
    """Put a chunk that says something into a PNG."""
    chunk = len(content).to_bytes(4, "big") + kind + content + b"\0\0\0\0"
    return "data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n\x1a\n" + chunk).decode()


def svg(code: str) -> str:
    text = "".join(f"<text x='{place}'>{sign}</text>" for place, sign in enumerate(code))
    return "data:image/svg+xml;base64," + base64.b64encode(f"<svg>{text}</svg>".encode()).decode()


def hashed(name: str, salt_first: bool, between: str, write: str) -> Callable[[str], str]:
    def make(code: str) -> str:
        salted = f"{SALT}{between}{code}" if salt_first else f"{code}{between}{SALT}"
        digest = hashlib.new(name, salted.encode()).digest()
        written = digest.hex() if write == "hex" else base64.b64encode(digest).decode()
        return f"{SALT}:{written}"

    return make


FORMS: dict[str, Callable[[str], Any]] = {
    **{form: write for form, write in ENCODINGS.items() if "in octal" not in form},
    "apart": " ".join,
    "apart by dashes": "-".join,
    "apart by tags": lambda code: "".join(f"<b>{sign}</b>" for sign in code),
    "percent signs": lambda code: "".join(f"%{ord(sign):02x}" for sign in code),
    "percent signs in a text": lambda code: quote(f"the code: {code}"),
    "entities": lambda code: "".join(f"&#{ord(sign)};" for sign in code),
    "escaped": lambda code: html.escape(f"<{code}>"),
    "full width": lambda code: "".join(chr(ord(sign) + 0xFEE0) for sign in code),
    "superscripts": lambda code: code.translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")),
    "base64": lambda code: base64.b64encode(code.encode()).decode(),
    "base64 of a text": lambda code: base64.urlsafe_b64encode(f"it is {code}.".encode()).decode(),
    "a PNG's text": lambda code: packed(b"tEXt", b"Comment\0" + code.encode()),
    "a PNG's packed text": lambda code: packed(b"zTXt", b"C\0\0" + zlib.compress(code.encode())),
    "a picture's EXIF": lambda code: packed(b"eXIf", code.encode("utf-16-le")),
    "an SVG's texts": svg,
    **{
        f"{name}, salt {'first' if first else 'last'}, {between!r}, {write}": hashed(
            name, first, between, write
        )
        for name, first, between, write in itertools.product(
            HASHES, (True, False), ("", ":"), ("hex", "base64")
        )
    },
    "sha256, 4 bytes": lambda code: hashlib.sha256(code.encode()).hexdigest()[:8],
    "sha256 twice": lambda code: hashlib.sha256(hashlib.sha256(code.encode()).digest()).hexdigest(),
    "CRC-32": lambda code: f"{zlib.crc32(code.encode()):08x}",
    "its first half": lambda code: code[:3],
    "its second half": lambda code: code[3:],
}

"""A challenge for tests, with a trigger half alone."""

from typing import ClassVar

import pytest

from authflow.triggers import CreateContext, Issued, VerifyContext

__all__ = ["word"]


class Word:
    """Asks for a word that is always the same."""

    name: ClassVar[str] = "word"
    metadata: ClassVar[str] = "WORD"

    async def create(self, _context: CreateContext) -> Issued:
        """Ask for it."""
        return Issued(public={"hint": "a door of thieves"}, private={"answer": "open sesame"})

    async def verify(self, context: VerifyContext) -> bool:
        """Compare it."""
        return context.answer.reveal() == context.private["answer"]


@pytest.fixture
def word() -> type[Word]:
    """Gives the challenge `Word`."""
    return Word

"""The verifier of tokens, for synchronous code."""

from typing import Generic, Self, TypeVar

from joserfc.jwk import RSAKey

from authflow.given_secrets import wrapped
from authflow.secret import Secret
from authflow.sync.call import Call
from authflow.sync.face import Face
from authflow.sync.shared_loop import wrong_thread
from authflow.tokens.claims import AccessClaims, IdClaims, Use
from authflow.tokens.verifier import Presented, TokenVerifier

A = TypeVar("A", bound=TokenVerifier)


class VerifierFace(Face[A], Generic[A]):
    """The synchronous face of a verifier: its own thread judges, and only keys are waited for."""

    def _with(self, verifier: A) -> Self:
        """Return the face of another verifier."""
        face = object.__new__(type(self))
        Face.__init__(face, verifier)
        return face

    def _claims(self, token: str | Secret[str], use: Use | None) -> Call[AccessClaims | IdClaims]:
        """Begin to judge a token. Where its key is here, that is the end, too."""
        call = Call[AccessClaims | IdClaims](None)
        try:
            call.succeed(self._judged(wrapped(token), use))
        except BaseException as error:  # noqa: BLE001  # `result` raises it, in a frame without the token
            call.fail(error.with_traceback(None))
        return call

    def _judged(self, token: Secret[str], use: Use | None) -> AccessClaims | IdClaims:
        verifier = self._asynchronous
        wrong = wrong_thread()
        if wrong is not None:
            raise wrong
        with verifier._judging() as judging:  # noqa: SLF001  # this is its other face
            presented = verifier._presented(token, use)  # noqa: SLF001  # the same
            key = presented.trust.source.known(presented.received.key_id)
            if key is None:
                key = self._work(lambda _: _key_of(presented)).result()
            claims = verifier._judged(presented, key)  # noqa: SLF001  # the same
            judging.accepted(claims.token_use)
            return claims


async def _key_of(presented: Presented) -> RSAKey | None:
    return await presented.trust.source.key(presented.received.key_id, just_issued=False)

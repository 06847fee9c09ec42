"""The search for an answer in public values: plain, encoded, hashed, and hashed with salts.

Whoever sees a hash of a short code finds the code by trying all of them. The suite knows the code,
so it need not try: it looks for the hashes of this one.

A short text stands somewhere by chance. So what is found is certain or not, and what is not counts
only if it is found in every challenge, and the answers of other challenges are not:
`revealed_forms`.
"""

import contextlib
import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final

from attrs import evolve, field, frozen

from authflow.testing.digests import Salts, digests
from authflow.testing.encodings import ENCODINGS, parts
from authflow.testing.readings import BETWEEN, CERTAIN, CERTAIN_BYTES, Reading, start

_LEAST: Final = 3
"""The fewest characters of an answer; a shorter one occurs in any text by chance."""
_LONGEST_SALT: Final = 256
_MOST_SALTS: Final = 24
_MOST_HALVES: Final = 6
"""The most public values, and other ones, of which two are joined to a salt."""
PLAIN: Final = ("plain", "itself, packed as by base64")
"""The forms in which an answer can be read, and need not be searched."""
_PASSWORD_HASH: Final = "a hash as of a password"
_RARELY: Final = 0.1
"""The largest share of other challenges' answers that are found beside a leaked one."""
_ENOUGH: Final = 5
"""The fewest challenges that can show what is chance."""
_NAMES: Final = "the names of public parameters"
_TOGETHER: Final = "several parameters together"


@frozen(kw_only=True)
class Seen:
    """The public values of one challenge.

    Args:
        answer: Its answer, which nobody should find.
        public: What is public, by its names.
        context: Further values that an attacker knows, and may have served as salts or keys, the
            likeliest first.
    """

    answer: str = field(repr=False)
    public: Mapping[str, str] = field(repr=False)
    context: tuple[str, ...] = field(repr=False, default=())


@frozen(kw_only=True)
class Leak:
    """A form in which an answer can be found.

    Args:
        form: The form, such as "sha256".
        where: Where it was found.
        certain: Whether it does not stand there by chance.
        first: In which of several challenges it was found first, from 0.
    """

    form: str
    where: str
    certain: bool = field(eq=False)
    first: int = field(default=0, eq=False)


def leaks(answer: str, public: Mapping[str, str], context: Iterable[str]) -> frozenset[str]:
    """Return the forms in which an answer can be found for certain.

    Args:
        answer: The answer.
        public: What everybody may see, by its names.
        context: Further values that an attacker knows, and may have served as salts or keys.

    Returns:
        The forms, such as "sha256"; none if it was not found.
    """
    seen = Seen(answer=answer, public=public, context=tuple(context))
    found = _found(answer, _places(seen), _salts(seen, answer))
    return frozenset(leak.form for leak in found if leak.certain or leak.form in PLAIN)


def shows(told: str, typed: str) -> bool:
    """Return whether a text shows what was typed, changed or not.

    Args:
        told: The text.
        typed: What was typed.
    """
    if not told or not typed:
        return False
    forms = leaks(typed, {"": told}, ())
    # The letters of a short one may stand one after the other by chance.
    return typed in told or bool(forms if len(typed) >= CERTAIN else forms - {*PLAIN})


def revealed_forms(seen: Sequence[Seen], forms: Collection[str] | None = None) -> tuple[Leak, ...]:
    """Return the forms in which several challenges reveal their answers.

    Args:
        seen: The challenges.
        forms: Only these forms; all if it is None.

    Returns:
        What stands in two of them for certain; and, if there are five or more, what stands in all
        of them, and seldom beside another challenge's answer. Where all have one answer, of the
        latter only the answer itself.
    """
    places = [_places(one) for one in seen]
    constant: frozenset[bytes] = frozenset()
    if len({one.answer for one in seen}) == len(seen) > 1:
        # A value beside every answer is not the hash of one.
        constant = frozenset.intersection(*(_pieces(there) for there in places))
    hits: dict[Leak, list[bool]] = {}
    for number, (one, there) in enumerate(zip(seen, places, strict=True)):
        if number == len(seen) - 1:  # once is not enough, and to look takes long
            forms = {leak.form for leak in hits}
        for leak in _found(one.answer, there, _salts(one, one.answer), forms, constant):
            hits.setdefault(evolve(leak, first=number), []).append(leak.certain)
    sure = [leak for leak, certain in hits.items() if sum(certain) > 1]
    doubtful = {leak for leak, times in hits.items() if len(times) == len(seen)} - {*sure}
    if doubtful and len(seen) >= _ENOUGH:
        pairs = [
            (one, other)
            for step in (1, 2, 3)
            for one, other in ((one, (one + step) % len(seen)) for one in range(len(seen)))
            if seen[one].answer != seen[other].answer
        ]
        if not pairs:  # all have the same answer, so nothing shows what is chance
            doubtful = {leak for leak in doubtful if leak.form in PLAIN}
        doubted = {leak.form for leak in doubtful}
        by_chance = [
            leak
            for one, other in pairs
            for leak in _found(
                seen[other].answer, places[one], _salts(seen[one], seen[other].answer), doubted
            )
        ]
        most = _RARELY * len(pairs)
        sure += [leak for leak in doubtful if by_chance.count(leak) <= most]
    return tuple(sorted(sure, key=lambda leak: (leak.where, leak.form)))


def _places(seen: Seen) -> dict[str, Reading]:
    places = {name: Reading.of(value) for name, value in seen.public.items()}
    places[_NAMES] = Reading.of(*seen.public)
    if len(seen.public) > 1:
        short = [value for value in seen.public.values() if len(value) <= _LONGEST_SALT]
        places[_TOGETHER] = Reading.of("".join(short))
    return places


def _found(
    answer: str,
    places: Mapping[str, Reading],
    salts: Salts,
    forms: Collection[str] | None = None,
    constant: frozenset[bytes] = frozenset(),
) -> frozenset[Leak]:
    """Yield all forms in which an answer occurs in public values, by chance or not.

    Args:
        answer: The answer.
        places: What is public.
        salts: What may have served as a salt.
        forms: Only these forms; all if it is None.
        constant: Pieces of what is public that are no hash.
    """
    if len(answer) < _LEAST:
        return frozenset()
    wanted = None if forms is None else {*forms, *(PLAIN if PLAIN[1] in forms else ())}
    every = {
        Leak(form=_read(form, sign, place), where=where, certain=len(sign) >= CERTAIN)
        for form, sign in _signs(answer)
        if wanted is None or form in wanted
        for where, place in places.items()
        if place.holds(sign) and (forms is None or _read(form, sign, place) in forms)
    }
    alone = {leak.form for leak in every if leak.where != _TOGETHER}
    every = {leak for leak in every if leak.where != _TOGETHER or leak.form not in alone}
    if forms is None or _PASSWORD_HASH in forms:
        every |= {
            Leak(form=_PASSWORD_HASH, where=where, certain=True)
            for where, place in places.items()
            if where != _TOGETHER and place.tells_a_password_hash()
        }
    own = [(where, place) for where, place in places.items() if where != _TOGETHER]
    pieces = _pieces(places) - constant
    for form, digest in digests(answer, salts, forms) if pieces else ():
        if start(digest) not in pieces:
            continue
        for where, place in own:
            length = place.bytes_of(digest)
            if length:
                every.add(Leak(form=form, where=where, certain=length >= CERTAIN_BYTES))
    return frozenset(every)


def _pieces(places: Mapping[str, Reading]) -> frozenset[bytes]:
    return frozenset().union(
        *(place.pieces for where, place in places.items() if where != _TOGETHER)
    )


def _read(form: str, sign: str, place: Reading) -> str:
    """Return the name of a found form, which says whether it had to be unpacked."""
    plain, packed = PLAIN
    return packed if form == plain and place.is_packed(sign) else form


def _signs(answer: str) -> Iterator[tuple[str, str]]:
    """Yield the texts to look for, with the names of their forms; each text once."""
    known: set[str] = set()
    # Separators are left out where all values are read as one.
    for text in dict.fromkeys([answer, BETWEEN.sub("", answer), answer.strip()]):
        forms = [(form, write(text)) for form, write in ENCODINGS.items()]
        for form, sign in (*forms, *parts(text)):
            lower = sign.lower()
            if len(sign) >= _LEAST - 1 and lower not in known:
                known.add(lower)
                yield form, sign


def _salts(seen: Seen, answer: str) -> Salts:
    """Return the possible salts: values, their parts, and the bytes that these mean in hex."""
    public = [value for value in seen.public.values() if len(value) <= _LONGEST_SALT]
    split = [part for value in public for part in BETWEEN.split(value)]
    halves = {
        half: None
        for texts in (public, seen.context)
        for half in itertools.islice(_octets(texts, answer), _MOST_HALVES)
    }
    return Salts(
        single=frozenset(
            itertools.islice(
                _octets((*public, *seen.context, *split, *seen.public), answer), _MOST_SALTS
            )
        ),
        paired=tuple(itertools.permutations(halves, 2)),
    )


def _octets(texts: Iterable[str], answer: str) -> Iterator[bytes]:
    """Return each text as bytes, and the bytes that it means in hex; each of them once."""
    known: set[bytes] = {b""}
    for text in texts:
        if text and text != answer and len(text) <= _LONGEST_SALT:
            written = [text.encode("utf-8", "surrogatepass")]
            with contextlib.suppress(ValueError):
                written.append(bytes.fromhex(text))
            for salt in written:
                if salt not in known:
                    known.add(salt)
                    yield salt

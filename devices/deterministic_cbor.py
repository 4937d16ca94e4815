"""A strict reader for the part of CBOR (RFC 8949) that signed messages use.

It accepts one encoding only, core deterministic (RFC 8949 section 4.2.1): shortest heads, definite lengths, ascending
map keys. It reads what the schema expects next and nothing else, so it neither recurses nor allocates by a length that
hostile bytes claim.
"""

from devices.identifier import is_identifier
from devices.rejection import Reason, TelemetryError

UINT, NEGATIVE, BYTES, TEXT, ARRAY, MAP, TAG, SIMPLE = range(8)
NULL = 22
MAX_HEADS = 256
"""Parts of an item that `item_end` passes; an envelope has six."""

_NAMES = (
    "an unsigned integer",
    "a negative integer",
    "a byte string",
    "a text string",
    "an array",
    "a map",
    "a tag",
    "a simple value or float",
)
_SHORTEST = (24, 1 << 8, 1 << 16, 1 << 32)


def malformed(detail: str) -> TelemetryError:
    """Build the error for bytes that do not follow the specification."""
    return TelemetryError(Reason.MALFORMED, detail)


def non_deterministic(detail: str) -> TelemetryError:
    """Build the error for a second encoding of the same content."""
    return TelemetryError(Reason.NON_DETERMINISTIC, detail)


class Cursor:
    """Reads `wire[at:end]` item by item; every method names the place it reads in its error."""

    __slots__ = ("at", "end", "wire")

    def __init__(self, wire: bytes, at: int = 0, end: int | None = None) -> None:
        self.wire = wire
        self.at = at
        self.end = len(wire) if end is None else end

    def head(self, place: str) -> tuple[int, int]:
        """Read one item head in its shortest form: (major type, argument)."""
        at = self.at
        if at >= self.end:
            raise malformed(f"{place}: the bytes end at offset {at}")
        major, info = divmod(self.wire[at], 32)
        if info < 24:
            self.at = at + 1
            return major, info
        if info == 31 and major in (BYTES, TEXT, ARRAY, MAP):
            raise non_deterministic(f"{place}: indefinite length at offset {at}")
        if info > 27:
            raise malformed(f"{place}: ill-formed head at offset {at}")
        after = at + 1 + (1 << (info - 24))
        if after > self.end:
            raise malformed(f"{place}: the bytes end within the head at offset {at}")
        argument = int.from_bytes(self.wire[at + 1 : after], "big")
        if argument < _SHORTEST[info - 24] and major != SIMPLE:
            raise non_deterministic(f"{place}: head at offset {at} is longer than it needs to be")
        self.at = after
        return major, argument

    def expect(self, major: int, place: str) -> int:
        """Read the head of an item of the given major type and return its argument."""
        at = self.at
        found, argument = self.head(place)
        if found != major:
            raise malformed(f"{place}: expected {_NAMES[major]}, found {_NAMES[found]} at offset {at}")
        return argument

    def uint63(self, place: str) -> int:
        """Read an unsigned integer below 2^63."""
        number = self.expect(UINT, place)
        if number >> 63:
            raise malformed(f"{place}: {number} is not below 2^63")
        return number

    def integer(self, place: str) -> int:
        """Read an unsigned or negative integer."""
        major, argument = self.head(place)
        if major == UINT:
            return argument
        if major == NEGATIVE:
            return -1 - argument
        raise malformed(f"{place}: expected an integer, found {_NAMES[major]}")

    def span(self, place: str, major: int = BYTES) -> tuple[int, int]:
        """Read a byte (or text) string without copying it: its start and end offset."""
        length = self.expect(major, place)
        start, after = self.at, self.at + length
        if after > self.end:
            raise malformed(f"{place}: claims {length} bytes, {self.end - start} are left")
        self.at = after
        return start, after

    def octets(self, place: str, length: int | None = None) -> bytes:
        """Read a byte string, of the given length if one is given."""
        start, after = self.span(place)
        if length is not None and after - start != length:
            raise malformed(f"{place}: expected {length} bytes, found {after - start}")
        return self.wire[start:after]

    def ascii(self, place: str) -> str:
        """Read a text string of ASCII characters."""
        start, after = self.span(place, TEXT)
        text = self.wire[start:after]
        if not text.isascii():
            raise malformed(f"{place}: text is not ASCII")
        return text.decode("ascii")

    def identifier(self, place: str) -> str:
        """Read a text string that is an identifier."""
        name = self.ascii(place)
        if not is_identifier(name):
            raise malformed(f"{place}: {name[:40]!r} is not an identifier")
        return name

    def array(self, place: str, length: int | None = None) -> int:
        """Read an array head and return its length, which must be `length` if one is given."""
        found = self.expect(ARRAY, place)
        if length is not None and found != length:
            raise malformed(f"{place}: expected an array of {length}, found one of {found}")
        return found

    def null(self) -> bool:
        """Consume a null if one is next, and tell so."""
        if self.at < self.end and self.wire[self.at] == (SIMPLE << 5 | NULL):
            self.at += 1
            return True
        return False

    def key(self, previous: int, place: str) -> int:
        """Read an unsigned map key, which must be above the `previous` one (-1 at the start of a map)."""
        found = self.expect(UINT, place)
        if found == previous:
            raise malformed(f"{place}: key {found} occurs twice")
        if found < previous:
            raise non_deterministic(f"{place}: key {found} follows key {previous}")
        return found

    def finish(self, place: str) -> None:
        """Require that nothing is left."""
        if self.at != self.end:
            raise malformed(f"{place}: {self.end - self.at} bytes follow its end at offset {self.at}")


def item_end(message: bytes, start: int) -> int:
    """Return the offset just after the well-formed definite-length item that begins at `start`.

    Content is not looked at and heads may be longer than needed: this only finds where the next item begins. Without
    recursion, and in at most MAX_HEADS steps whatever the bytes are.

    Raises:
        TelemetryError: malformed, if no such item begins there; oversize, if it has too many parts.

    """
    at, end, open_items = start, len(message), 1
    heads = 0
    while open_items:
        heads += 1
        if heads > MAX_HEADS:
            raise TelemetryError(Reason.OVERSIZE, f"the item at offset {start} has more than {MAX_HEADS} parts")
        if at >= end:
            raise malformed(f"the item at offset {start} does not end")
        major, info = divmod(message[at], 32)
        at += 1
        if info > 27:
            raise malformed(f"the item at offset {start} has an ill-formed or indefinite-length head")
        argument = info
        if info >= 24:
            width = 1 << (info - 24)
            argument = int.from_bytes(message[at : at + width], "big")
            at += width
        open_items -= 1
        if major in (BYTES, TEXT):
            at += argument
        elif major in (ARRAY, MAP):
            open_items += argument * (major - 3)
        elif major == TAG:
            open_items += 1
    if at > end:
        raise malformed(f"the item at offset {start} does not end")
    return at

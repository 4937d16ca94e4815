"""Records as JSON, one way only: RFC 8785 bytes, decimal strings for integers, lower-case 0x hexadecimal for bytes.

JSON numbers lose digits above 2^53 in many readers, so no chain integer is written as one. `from_document` accepts
exactly what `to_document` writes: unknown, missing or differently spelt members are refused, and the message names the
place.
"""

import functools
import json
import re
import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import rfc8785

from oracle.errors import ProofError

Record = TypeVar("Record")
_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,77}")
_HEX = re.compile(r"0x(?:[0-9a-f]{2})*")
_STRUCTURE = re.compile(rb'\\.|[\[\]{}"]', re.DOTALL)
MAX_DEPTH = 64
_hints = functools.cache(get_type_hints)


def to_document(record: Any) -> Any:  # noqa: ANN401, PLR0911  one case a kind; JSON has no narrower type
    """Turn a frozen dataclass (and tuples, integers, bytes, strings, None within it) into JSON members."""
    if is_dataclass(record) and not isinstance(record, type):
        return {field.name: to_document(getattr(record, field.name)) for field in fields(record)}
    if isinstance(record, Mapping):
        return {key: to_document(member) for key, member in record.items()}
    if isinstance(record, (tuple, list)):
        return [to_document(member) for member in record]
    if isinstance(record, bytes):
        return "0x" + record.hex()
    if isinstance(record, Enum):
        return to_document(record.value)
    if isinstance(record, int) and not isinstance(record, bool):
        return str(record)
    if record is None or isinstance(record, str):
        return record
    raise TypeError(f"{type(record).__name__} has no JSON form here")


def from_document(kind: type[Record], document: Any, place: str) -> Record:  # noqa: ANN401  it checks whatever it is given
    """Read a record of the given dataclass from JSON members.

    Raises:
        ProofError: a member is missing, unknown or not in its one form; `place` leads its path in the message.

    """
    read: Record = _read(kind, document, place)
    return read


def _read(kind: Any, document: Any, place: str) -> Any:  # noqa: ANN401, PLR0911  one case a kind
    origin = get_origin(kind)
    if origin is types.UnionType and type(None) in get_args(kind):
        inner = next(member for member in get_args(kind) if member is not type(None))
        return None if document is None else _read(inner, document, place)
    if origin is tuple:
        _expect(isinstance(document, list), place, "a list")
        return tuple(_read(get_args(kind)[0], member, f"{place}[{i}]") for i, member in enumerate(document))
    if is_dataclass(kind):
        return _read_dataclass(kind, document, place)
    if kind is int:
        _expect(isinstance(document, str) and _INTEGER.fullmatch(document) is not None, place, "a decimal string")
        return int(document)
    if kind is bytes:
        _expect(isinstance(document, str) and _HEX.fullmatch(document) is not None, place, "lower-case 0x hexadecimal")
        return bytes.fromhex(document[2:])
    if kind is str:
        _expect(isinstance(document, str), place, "a string")
        return document
    if isinstance(kind, type) and issubclass(kind, Enum):
        plain = _read(type(next(iter(kind)).value), document, place)
        _expect(plain in {member.value for member in kind}, place, f"one of {sorted(m.value for m in kind)}")
        return kind(plain)
    raise TypeError(f"{kind} has no JSON form here")


def _read_dataclass(kind: Any, document: Any, place: str) -> Any:  # noqa: ANN401
    _expect(isinstance(document, dict), place, "an object")
    names = [field.name for field in fields(kind)]
    _expect(sorted(document) == sorted(names), place, f"exactly the members {', '.join(sorted(names))}")
    hints = _hints(kind)
    members = {name: _read(hints[name], document[name], f"{place}.{name}") for name in names}
    try:
        return kind(**members)
    except Exception as error:
        raise ProofError("document", f"{place}: {error}") from error


def _expect(condition: bool, place: str, what: str) -> None:  # noqa: FBT001  reads as an assertion
    if not condition:
        raise ProofError("document", f"{place} is not {what}")


def canonical_bytes(document: Any) -> bytes:  # noqa: ANN401  JSON has no narrower type
    """RFC 8785 bytes of JSON members."""
    return rfc8785.dumps(document)


def parse_canonical(raw: bytes) -> Any:  # noqa: ANN401  JSON has no narrower type
    """Read JSON that is in RFC 8785 form already, and refuse every other spelling of it.

    Raises:
        ProofError: it is no JSON, or not the canonical form of what it says.

    """
    document = parse_json(raw)
    try:
        same = canonical_bytes(document) == raw
    except (rfc8785.CanonicalizationError, UnicodeError, RecursionError) as error:
        raise ProofError("document", f"has no canonical form: {error}") from error
    if not same:
        raise ProofError("document", "is not canonical JSON (RFC 8785)")
    return document


def parse_json(raw: bytes) -> Any:  # noqa: ANN401  JSON has no narrower type
    """Read JSON of any spelling.

    Raises:
        ProofError: it is no UTF-8 JSON, or nested deeper than `MAX_DEPTH`.

    """
    _expect_shallow(raw)
    try:
        return json.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ProofError("document", f"is not JSON: {error}") from error


def _expect_shallow(raw: bytes) -> None:
    """Count brackets before the parser does: where a library has raised the recursion limit, depth ends the process."""
    depth, in_string = 0, False
    for token in _STRUCTURE.findall(raw):
        if token == b'"':
            in_string = not in_string
        elif not in_string and token in (b"[", b"{"):
            depth += 1
            if depth > MAX_DEPTH:
                raise ProofError("document", f"is nested deeper than {MAX_DEPTH}")
        elif not in_string and token in (b"]", b"}"):
            depth -= 1

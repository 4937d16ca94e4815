"""What can be done to a proof: every member of its JSON changed, moved, left out or added, and whole forgeries signed again."""

import base64
import copy
import json
import random
from collections.abc import Callable, Iterator
from typing import Any

Path = tuple[str | int, ...]
Document = dict[str, Any]


def members(document: Any, path: Path = ()) -> Iterator[Path]:
    """The place of every member: objects and lists before what is in them."""
    if path:
        yield path
    inside = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    for name, member in inside:
        yield from members(member, (*path, name))


def kind_of(path: Path) -> str:
    """The member's name without its numbers: what it is, whichever of its kind."""
    return ".".join("[]" if isinstance(part, int) else part for part in path)


def at(document: Any, path: Path) -> Any:
    for part in path:
        document = document[part]
    return document


def with_member(document: Document, path: Path, change: Callable[[Any], Any]) -> Document:
    """A copy in which one member is another."""
    changed = copy.deepcopy(document)
    holder = at(changed, path[:-1])
    holder[path[-1]] = change(holder[path[-1]])
    return changed


def _written(document: Any) -> bytes:
    """RFC 8785 of what proofs are made of, and as near as can be of what they must not be made of."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def corrupted_member(rng: random.Random, document: Document, path: Path) -> bytes:
    """The document with one member changed, in its canonical form."""
    before = _written(document)
    while True:
        after = _written(with_member(document, path, lambda member: _other(rng, member)))
        if after != before:
            return after


def corrupted_bytes(rng: random.Random, raw: bytes) -> bytes:
    """A file as a bad disk, a careless program or a forger leaves it."""
    place = rng.randrange(len(raw))
    changed = rng.choice(
        (
            lambda: raw[:place] + bytes([raw[place] ^ (1 << rng.randrange(8))]) + raw[place + 1 :],
            lambda: raw[:place] + raw[place + 1 :],
            lambda: raw[:place] + raw[place : place + 1] + raw[place:],
            lambda: raw[:place],
            lambda: raw + b"\n",
            lambda: raw.replace(b":", b": ", 1),
            lambda: json.dumps(json.loads(raw)).encode(),
        )
    )()
    return changed if changed != raw else corrupted_bytes(rng, raw)


def _other(rng: random.Random, member: Any) -> Any:
    if isinstance(member, dict):
        return _other_object(rng, member)
    if isinstance(member, list):
        return _other_list(rng, member)
    if isinstance(member, str):
        return _other_text(rng, member)
    if isinstance(member, int):
        return rng.choice((member + 1, member - 1, member * 10, str(member), member + 0.5, True, None, 2**53 - 1))
    return rng.choice((0, "", {}, "x"))


def _other_object(rng: random.Random, member: dict[str, Any]) -> Any:
    names = sorted(member)
    less = dict(member)
    if names:
        less.pop(rng.choice(names))
    return rng.choice((less, {**member, "note": "hello"}, list(member.values()), None, {}))


def _other_list(rng: random.Random, member: list[Any]) -> Any:
    shuffled = list(member)
    rng.shuffle(shuffled)
    some = [rng.choice(member)] if member else [None]
    return rng.choice((member[1:], member[:-1], [*member, *some], [*some, *member], shuffled, None, {}))


def _other_text(rng: random.Random, member: str) -> Any:
    if member.startswith("{"):  # a settlement: canonical JSON in a string
        settlement = json.loads(member)
        place = rng.choice(list(members(settlement)))
        return rng.choice((corrupted_member(rng, settlement, place).decode(), member + " ", member[:-1]))
    if member.startswith("0x"):
        return rng.choice((_other_digit(rng, member), member[:-2], member + "00", member.swapcase(), "0x", member[2:]))
    if len(member) > 150:  # an envelope
        return _other_envelope(rng, member)
    if member.lstrip("-").isdigit():
        number = int(member)
        changed = rng.choice((number + 1, number - 1, -number - 1, number * 10, 0, 2**64, 2**256, number ^ 1))
        return rng.choice((str(changed), str(changed), str(changed), "0" + member, member + " ", number, None))
    return rng.choice((member + "x", member[:-1], member.swapcase(), "", f"{member}\n", "\u00e9", None, 1, [member]))


def _other_digit(rng: random.Random, member: str) -> str:
    place = rng.randrange(2, len(member)) if len(member) > 2 else 2
    return member[:place] + rng.choice("0123456789abcdef") + member[place + 1 :]


def _other_envelope(rng: random.Random, member: str) -> Any:
    wire = bytearray(base64.b64decode(member))
    if rng.random() < 0.2:
        return rng.choice((member[:-4], member + "AAAA", member.rstrip("=") + "\n", member.swapcase()))
    wire[rng.randrange(len(wire))] ^= 1 << rng.randrange(8)
    return base64.b64encode(bytes(wire)).decode()

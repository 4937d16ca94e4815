"""Text from strangers, cut into what can be written and what is written by its number, and broken into lines. Pure.

Nothing is left out and nothing steers the page: a character that the fonts do not have, or that has no shape of its own
(control characters, marks that turn the direction of reading, joiners), is written as `[U+202E]`.
"""

import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

HasGlyph = Callable[[str], bool]
Width = Callable[[str], float]
"""Width of a text at size 1."""
NUMBER_SCALE = 0.8
"""Size of a character's number beside the text's."""
_SHAPED_KINDS = frozenset("LNPS")
"""First letters of the categories of letters, numbers, punctuation and signs."""
_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and signs by their category, and yet nothing to be seen."""
_SPACES = frozenset({" ", "\u3000"})
_CLOSING = frozenset({"Pe", "Pf", "Po"})
"""Categories of what does not begin a line: closing brackets and quotation marks, full stops and commas."""
_WIDE = frozenset({"W", "F"})


@dataclass(frozen=True)
class Piece:
    """Text that is written as it is, or a character's number in its place."""

    text: str
    is_number: bool = False


@dataclass(frozen=True)
class Line:
    """One line of pieces."""

    pieces: tuple[Piece, ...]

    @property
    def text(self) -> str:
        """What is written."""
        return "".join(piece.text for piece in self.pieces)


def pieces_of(text: str, has_glyph: HasGlyph) -> list[Piece]:
    """Cut a text. Letters with their accents beside them are written as one letter where there is one.

    Spaces at the ends, which nobody would see, are written by their number, too.
    """
    core = text.strip("".join(_SPACES))
    before = len(text) - len(text.lstrip("".join(_SPACES)))
    characters = [*((space, False) for space in text[:before])]
    characters += [(each, has_shape(each) and has_glyph(each)) for each in _composed(core, has_glyph)]
    characters += [(space, False) for space in text[before + len(core) :]]
    found: list[Piece] = []
    for character, is_plain in characters:
        if not is_plain:
            found.append(Piece(f"[U+{ord(character):04X}]", is_number=True))
        elif found and not found[-1].is_number:
            found[-1] = Piece(found[-1].text + character)
        else:
            found.append(Piece(character))
    return found


def has_shape(character: str) -> bool:
    """Tell whether a character stands for itself on paper: it is seen, and it moves nothing else."""
    return character in _SPACES or (unicodedata.category(character)[0] in _SHAPED_KINDS and character not in _BLANK)


def has_numbers(pieces: Iterable[Piece]) -> bool:
    """Tell whether any character is written by its number."""
    return any(piece.is_number for piece in pieces)


def broken(pieces: Iterable[Piece], width: float, measure: Width) -> list[Line]:
    """Break pieces into lines of a width at size 1: at spaces, between Chinese characters, else wherever it must be."""
    lines: list[list[Piece]] = [[]]
    used = 0.0
    for atom in _atoms(pieces):
        for part in _fitting(atom, width, measure):
            size = _size(part, measure)
            if used + size > width and lines[-1] and not _closes(part):
                lines.append([])
                used = 0.0
            lines[-1].append(part)
            used += size
    return [Line(_joined(line)) for line in lines if line]


def width_of(line: Line, measure: Width) -> float:
    """Width of a line at size 1."""
    return sum(_size(piece, measure) for piece in line.pieces)


def _composed(text: str, has_glyph: HasGlyph) -> Iterator[str]:
    """Yield characters; a letter and the mark after it as the one letter that they are, if the fonts have it."""
    waiting = ""
    for character in text:
        if waiting and unicodedata.combining(character):
            one = unicodedata.normalize("NFC", waiting + character)
            if len(one) == 1 and has_glyph(one):
                waiting = one
                continue
        if waiting:
            yield waiting
        waiting = character
    if waiting:
        yield waiting


def _atoms(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Yield what is not broken if it can be helped: words with the space after them, wide characters, numbers."""
    for piece in pieces:
        if piece.is_number:
            yield piece
            continue
        word = ""
        for character in piece.text:
            if unicodedata.east_asian_width(character) in _WIDE:
                if word:
                    yield Piece(word)
                    word = ""
                yield Piece(character)
            else:
                word += character
                if character == " ":
                    yield Piece(word)
                    word = ""
        if word:
            yield Piece(word)


def _fitting(atom: Piece, width: float, measure: Width) -> Iterator[Piece]:
    """Cut an atom that is wider than a line."""
    if atom.is_number or _size(atom, measure) <= width:
        yield atom
        return
    part, used = "", 0.0
    for character in atom.text:
        size = measure(character)
        if part and used + size > width:
            yield Piece(part)
            part, used = "", 0.0
        part += character
        used += size
    yield Piece(part)


def _closes(atom: Piece) -> bool:
    return len(atom.text) == 1 and unicodedata.category(atom.text) in _CLOSING


def _size(piece: Piece, measure: Width) -> float:
    return measure(piece.text) * (NUMBER_SCALE if piece.is_number else 1.0)


def _joined(line: list[Piece]) -> tuple[Piece, ...]:
    found: list[Piece] = []
    for piece in line:
        if found and not found[-1].is_number and not piece.is_number:
            found[-1] = Piece(found[-1].text + piece.text)
        else:
            found.append(piece)
    return tuple(found)

"""QR codes, as vectors: dark modules on white with the quiet zone that readers need. Pure."""

from collections.abc import Iterator
from html import escape
from typing import NamedTuple

import segno

QUIET = 4
"""Modules of white around the code (ISO/IEC 18004)."""
INK, PAPER = "#1c1b19", "#ffffff"


class Bar(NamedTuple):
    """Dark modules side by side: place of the first from the upper left corner, quiet zone left out, and how many."""

    column: int
    row: int
    length: int


class QrCode(NamedTuple):
    """A code: how many modules wide and high, and what of it is dark."""

    modules: int
    bars: tuple[Bar, ...]


def qr_code(text: str) -> QrCode:
    """Encode a text, such that 15 % of the code may be lost (level M).

    Raises:
        ValueError: it is longer than any code holds.

    """
    matrix = segno.make(text, error="m", micro=False, boost_error=False).matrix
    return QrCode(len(matrix), tuple(_bars(matrix)))


def qr_svg(text: str) -> bytes:
    """Draw a code as SVG that takes the size of its place; a module is 1 unit.

    Raises:
        ValueError: the text is longer than any code holds.

    """
    code = qr_code(text)
    side = code.modules + 2 * QUIET
    path = "".join(f"M{QUIET + bar.column} {QUIET + bar.row}h{bar.length}v1h-{bar.length}z" for bar in code.bars)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}" shape-rendering="crispEdges" role="img">'
        f"<title>{escape(text)}</title>"
        f'<path fill="{PAPER}" d="M0 0h{side}v{side}h-{side}z"/><path fill="{INK}" d="{path}"/></svg>'
    ).encode()


def _bars(matrix: tuple[bytearray, ...]) -> Iterator[Bar]:
    for row, modules in enumerate(matrix):
        column = 0
        while column < len(modules):
            if not modules[column]:
                column += 1
                continue
            length = 1
            while column + length < len(modules) and modules[column + length]:
                length += 1
            yield Bar(column, row, length)
            column += length

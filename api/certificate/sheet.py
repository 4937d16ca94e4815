"""A page to write on: reportlab's canvas with our fonts, and nothing of the machine that it runs on in its bytes."""

import hashlib
import io
from collections.abc import Sequence
from typing import Literal, NamedTuple

from reportlab import rl_config  # type: ignore[import-untyped]  # ships no type marker
from reportlab.lib.colors import HexColor  # type: ignore[import-untyped]  # the same
from reportlab.pdfgen.canvas import Canvas  # type: ignore[import-untyped]  # the same

from api.certificate.facts import CertificateFacts
from api.certificate.fonts import Fonts
from api.certificate.lettering import NUMBER_SCALE, Line

WIDTH, HEIGHT = 841.89, 595.28
"""A4, lying [pt]."""
Align = Literal["left", "centre", "right"]


class Look(NamedTuple):
    """How a text looks."""

    size: float
    colour: str
    strong: bool = False
    spacing: float = 0.0
    """Between letters [pt]."""


class Sheet:
    """A PDF in the making.

    Not compressed: what a compressor writes differs between its releases, and the figures may be read with any editor.
    """

    def __init__(self, facts: CertificateFacts, fonts: Fonts) -> None:
        rl_config.invariant, rl_config.pdfComments = 1, 0  # a settings file of the user's could say otherwise
        fonts.register()
        self._fonts = fonts
        self._file = io.BytesIO()
        first = next(iter(fonts.runs("")))[0]
        self._canvas = Canvas(
            self._file,
            pagesize=(WIDTH, HEIGHT),
            pageCompression=0,
            invariant=1,
            initialFontName=first,
            initialFontSize=10,
            initialLeading=12,
            pdfVersion=(1, 4),
            lang="en",
        )
        self._canvas.setTitle(f"Retirement certificate {facts.number}")
        self._canvas.setAuthor("Heliograph")
        self._canvas.setCreator("Heliograph")
        self._canvas.setSubject(
            f"{facts.grams} g CO2e of {facts.project_id}, vintage {facts.vintage}, retired for good"
        )
        self._canvas.setKeywords(f"{facts.transaction} {facts.page_url}")
        self._canvas.setDateFormatter(lambda *_: f"D:{facts.at:%Y%m%d%H%M%S}+00'00'")
        digest = hashlib.sha256(repr(facts).encode()).hexdigest()[:32]
        # Otherwise reportlab makes it of the clock, or of SOURCE_DATE_EPOCH.
        self._canvas._doc._ID = f"\n[<{digest}><{digest}>]\n".encode()  # noqa: SLF001  there is no other way

    def text(self, x: float, y: float, text: str, look: Look, align: Align = "left") -> float:
        """Write a text on one line; return where it ends."""
        width = self.width(text, look)
        x -= {"left": 0.0, "centre": width / 2, "right": width}[align]
        self._canvas.saveState()  # letter spacing and line of one text are not the next one's
        written = self._canvas.beginText(x, y)
        written.setFillColor(HexColor(look.colour))
        written.setCharSpace(look.spacing)
        if look.strong:  # the one weight, and a thin line around it
            self._canvas.setStrokeColor(HexColor(look.colour))
            self._canvas.setLineWidth(look.size * 0.024)
        written.setTextRenderMode(2 if look.strong else 0)
        for font, part in self._fonts.runs(text):
            written.setFont(font, look.size)
            written.textOut(part)
        self._canvas.drawText(written)
        self._canvas.restoreState()
        return x + width

    def fitted(self, look: Look, text: str, width: float) -> Look:
        """Return the look, made smaller if a text would be wider than `width` [pt]."""
        wide = self.width(text, look)
        return look if wide <= width else look._replace(size=look.size * width / wide, spacing=0.0)

    def line(self, x: float, y: float, line: Line, look: Look, number_colour: str) -> None:
        """Write one line of pieces; characters' numbers in a colour of their own."""
        for piece in line.pieces:
            if piece.is_number:
                x = self.text(x, y, piece.text, Look(look.size * NUMBER_SCALE, number_colour))
            else:
                x = self.text(x, y, piece.text, look)

    def width(self, text: str, look: Look) -> float:
        """Width of a text [pt]."""
        return self._fonts.width(text) * look.size + look.spacing * len(text)

    def stroke(
        self, points: Sequence[tuple[float, float]], colour: str, thickness: float, *, round_ends: bool = False
    ) -> None:
        """Draw a line from point to point."""
        self._canvas.setStrokeColor(HexColor(colour))
        self._canvas.setLineWidth(thickness)
        self._canvas.setLineCap(1 if round_ends else 0)
        path = self._canvas.beginPath()
        path.moveTo(*points[0])
        for point in points[1:]:
            path.lineTo(*point)
        self._canvas.drawPath(path)

    def frame(self, margin: float, colour: str, thickness: float) -> None:
        """Draw a rectangle at a distance from the page's edge."""
        self._canvas.setStrokeColor(HexColor(colour))
        self._canvas.setLineWidth(thickness)
        self._canvas.rect(margin, margin, WIDTH - 2 * margin, HEIGHT - 2 * margin)

    def bar(self, x: float, y: float, width: float, height: float, colour: str) -> None:
        """Fill a rectangle."""
        self._canvas.setFillColor(HexColor(colour))
        self._canvas.rect(x, y, width, height, stroke=0, fill=1)

    def disc(self, x: float, y: float, radius: float, colour: str) -> None:
        """Fill a circle."""
        self._canvas.setFillColor(HexColor(colour))
        self._canvas.circle(x, y, radius, stroke=0, fill=1)

    def link(self, url: str, box: tuple[float, float, float, float]) -> None:
        """Make a rectangle (left, bottom, right, top) lead to an address."""
        self._canvas.linkURL(url, box, relative=0, thickness=0)

    def turn(self) -> None:
        """Go on with the next page."""
        self._canvas.showPage()

    def finish(self) -> bytes:
        """End the last page and return the file."""
        self._canvas.save()
        return self._file.getvalue()

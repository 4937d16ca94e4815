"""The fonts of the certificate: Noto Sans, Hong Kong's forms with Traditional Chinese, and the mainland's with Simplified.

They are under the SIL Open Font Licence, come with the dashboard's bundle (`make assets`), and only the characters that
are written are embedded.
"""

from collections.abc import Iterator
from functools import cached_property, lru_cache
from pathlib import Path

from reportlab.pdfbase import pdfmetrics  # type: ignore[import-untyped]  # ships no type marker
from reportlab.pdfbase.ttfonts import TTFError, TTFont  # type: ignore[import-untyped]  # the same

FOLDER = Path(__file__).parent.parent / "dashboard" / "vendor" / "fonts"
_FILES = {"heliograph-hk": "noto-sans-hk.ttf", "heliograph-sc": "noto-sans-sc.ttf"}
"""Name within the program -> file. The first one is preferred."""


class FontsMissingError(Exception):
    """The fonts are not there, or cannot be used."""


class Fonts:
    """Both fonts, read once. Writing is not safe in two threads at a time: whoever writes holds a lock."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @cached_property
    def _loaded(self) -> dict[str, TTFont]:
        found = {}
        for name, file in _FILES.items():
            path = self._folder / file
            try:
                found[name] = TTFont(name, str(path), asciiReadable=True, shapable=False)
            except (OSError, TTFError) as error:
                raise FontsMissingError(f"{path}: cannot be used as a font: {error}") from error
        return found

    def register(self) -> None:
        """Make them known to reportlab under their names.

        Raises:
            FontsMissingError: a file is missing or is no font.

        """
        for font in self._loaded.values():
            pdfmetrics.registerFont(font)

    def has_glyph(self, character: str) -> bool:
        """Tell whether any of them has a shape for a character."""
        return any(_has(font, character) for font in self._loaded.values())

    def runs(self, text: str) -> Iterator[tuple[str, str]]:
        """Cut a text into (font, part). One font writes all of it if any can, so that a name is of one kind."""
        whole = [name for name, font in self._loaded.items() if all(_has(font, each) for each in text)]
        if whole:
            yield whole[0], text
            return
        part, of = "", ""
        for character in text:
            name = next((name for name, font in self._loaded.items() if _has(font, character)), next(iter(_FILES)))
            if part and name != of:
                yield of, part
                part = ""
            part, of = part + character, name
        if part:
            yield of, part

    def width(self, text: str) -> float:
        """Width of a text at size 1."""
        return float(sum(self._loaded[name].stringWidth(part, 1) for name, part in self.runs(text)))


@lru_cache(maxsize=1)
def bundled() -> Fonts:
    """The fonts that came with this installation."""
    return Fonts(FOLDER)


def _has(font: TTFont, character: str) -> bool:
    return bool(font.face.charToGlyph.get(ord(character)))

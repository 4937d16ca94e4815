"""Pages as they go out: the frame around each page's own part, with the words of one language filled in."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from api.dashboard.files import ServedFiles
from api.dashboard.words import Words, text_of

THEMES = ("light", "dark")
"""What a user can choose; without a choice the device's own scheme holds."""

_TEXT = re.compile(r'data-t="([a-z_.]+)"([^>]*)>')
_LABEL = re.compile(r'data-t-label="([a-z_.]+)"')
_PLACE = re.compile(r"\{\{ ([a-z_]+) \}\}")
_SHARED_WORDS = ("page", "strip", "charts", "reasons", "wallet")


@dataclass(frozen=True)
class Page:
    """One page of the dashboard."""

    name: str
    """Its part is `pages/<name>.html`, its script `scripts/<name>.js`, its words `words/<name>.<language>.json`."""
    path: str
    """Where it is."""
    section: str
    """Which entry of the navigation it belongs to."""
    styles: tuple[str, ...] = ()
    """Style sheets that it shares with some other pages; its own is `styles/<name>.css`."""


@dataclass(frozen=True)
class Look:
    """How a page is asked for."""

    language: str
    """Its tag."""
    theme: str | None
    """What the user chose, if anything."""


@dataclass(frozen=True)
class Frame:
    """What stands around every page of one application."""

    folder: Path
    """The dashboard's folder."""
    files: ServedFiles
    """What pages load."""
    demo_scripts: Sequence[str]
    """Addresses of the demo wallet's scripts; empty anywhere but in the demo."""

    def render(self, page: Page, look: Look, words: Words) -> bytes:
        """Return the whole page, with the words of its language filled in."""
        own = (self.folder / "pages" / f"{page.name}.html").read_text(encoding="utf-8")
        frame = (self.folder / "pages" / "frame.html").read_text(encoding="utf-8")
        places = {
            "language": look.language,
            "theme": f' data-theme="{look.theme}"' if look.theme in THEMES else "",
            "page": page.name,
            "section": page.section,
            "title": escape(text_of(words, f"{page.name}.title")),
            "head": _head(self.files, page, look.language, self.demo_scripts),
            "demo": ' data-demo=""' if self.demo_scripts else "",
            "main": own,
        }
        filled = _PLACE.sub(lambda match: places[match[1]], frame)
        filled = filled.replace(f'data-section="{page.section}"', f'data-section="{page.section}" aria-current="page"')
        return fill_words(filled, words).encode()


def fill_words(document: str, words: Words) -> str:
    """Put the words of a language into elements marked with `data-t` and `data-t-label`."""
    document = _LABEL.sub(lambda match: f'{match[0]} aria-label="{escape(text_of(words, match[1]))}"', document)
    return _TEXT.sub(lambda match: f"{match[0]}{escape(text_of(words, match[1]), quote=False)}", document)


def _head(files: ServedFiles, page: Page, language: str, demo_scripts: Sequence[str]) -> str:
    styles = [
        "styles/tokens.css",
        "styles/base.css",
        "styles/strip.css",
        "styles/parts.css",
        "styles/forms.css",
        "styles/charts.css",
        *(f"styles/{name}.css" for name in page.styles),
        f"styles/{page.name}.css",
    ]
    links = [f'<link rel="stylesheet" href="{files.address(path)}">' for path in styles if path in files.by_path]
    for name in (*_SHARED_WORDS, page.name):
        path = f"words/{name}.{language}.json"
        if path in files.by_path:
            links.append(f'<link rel="preload" as="fetch" crossorigin="anonymous" href="{files.address(path)}">')
    scripts = [files.address(f"scripts/{page.name}.js"), *demo_scripts]
    links += [f'<script type="module" src="{escape(address)}"></script>' for address in scripts]
    return "\n    ".join(links)

"""The dashboard's files as they go out: hashed, compressed once, to be kept by browsers for ever or asked for again."""

import gzip
import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

FOLDERS = ("scripts", "styles", "words", "vendor", "verifier")
MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".ttf": "font/ttf",
    ".txt": "text/plain; charset=utf-8",
    ".woff2": "font/woff2",
}
COMPRESSIBLE = {".css", ".js", ".json", ".svg", ".ttf", ".txt"}
WORTH_COMPRESSING_BYTES = 512


@dataclass(frozen=True, eq=False)
class ServedFile:
    """One file of the dashboard."""

    path: Path
    """Where it lies."""
    media_type: str
    """What it is."""
    sha256: str
    """Its digest, in hexadecimal."""

    @property
    def entity_tag(self) -> str:
        """A strong tag: two files with one tag are equal byte for byte."""
        return f'"{self.sha256[:32]}"'

    @cached_property
    def content(self) -> bytes:
        """Its bytes, read when first asked for."""
        return self.path.read_bytes()

    @cached_property
    def compressed(self) -> bytes | None:
        """Its bytes by gzip, or None where that gains nothing."""
        if self.path.suffix not in COMPRESSIBLE or len(self.content) < WORTH_COMPRESSING_BYTES:
            return None
        return gzip.compress(self.content, compresslevel=6, mtime=0)


@dataclass(frozen=True, eq=False)
class ServedFiles:
    """Every file that pages may load, by its path below the dashboard's folder."""

    by_path: dict[str, ServedFile]
    """`scripts/page.js` and so on."""
    release: str
    """One digest over all of them: it stands in their addresses, so that browsers may keep each for ever."""

    def address(self, path: str) -> str:
        """Where a page finds `path`."""
        return f"/assets/{self.release}/{path}"


def read_files(folder: Path) -> ServedFiles:
    """Find and hash what is in `folder`; hidden files and files of unknown kind are none of the browser's business."""
    found = {}
    for below in FOLDERS:
        for path in sorted((folder / below).rglob("*")):
            media_type = MEDIA_TYPES.get(path.suffix)
            if media_type is not None and path.is_file() and not path.name.startswith("."):
                digest = hashlib.sha256(path.read_bytes()).hexdigest()
                found[path.relative_to(folder).as_posix()] = ServedFile(path, media_type, digest)
    listed = "".join(f"{name} {file.sha256}\n" for name, file in sorted(found.items()))
    return ServedFiles(found, hashlib.sha256(listed.encode()).hexdigest()[:16])

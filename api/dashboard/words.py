"""The dashboard's words: one file a page and language, flat, each key prefixed with its page."""

import json
from pathlib import Path

from api.dashboard.languages import LANGUAGES

Words = dict[str, str | dict[str, str]]
"""Key -> text with {placeholders}, or texts by plural category ("one", "other")."""


def read_words(folder: Path) -> dict[str, Words]:
    """Return all words by language, from files named `<page>.<language>.json`.

    Raises:
        ValueError: a key stands in two files, or does not begin with the name of its file.

    """
    words: dict[str, Words] = {language: {} for language in LANGUAGES}
    for language in LANGUAGES:
        for path in sorted(folder.glob(f"*.{language}.json")):
            page = path.name.removesuffix(f".{language}.json")
            for key, text in json.loads(path.read_text(encoding="utf-8")).items():
                if not key.startswith(f"{page}.") or key in words[language]:
                    raise ValueError(f"{path}: {key} does not belong here")
                words[language][key] = text
    return words


def text_of(words: Words, key: str) -> str:
    """Return the text without its plural; of a key that is not there, the key, as the page's own script does."""
    text = words.get(key, key)
    return text if isinstance(text, str) else text["other"]

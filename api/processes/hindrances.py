"""What keeps a process from its work, said in the log when it comes and when it goes, and in between only where asked."""

import logging


class Hindrances:
    """Texts by kind. Safe to read from other threads than the one that notes."""

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._found: dict[str, str] = {}

    def note(self, kind: str, text: str | None) -> None:
        """Note that something of a kind is in the way, or, with None, that nothing is any more."""
        before = self._found.get(kind)
        if text == before:
            return
        if text is None:
            self._found = {each: said for each, said in self._found.items() if each != kind}
            self._log.info("going on, after: %s", before)
        else:
            self._found = self._found | {kind: text}
            self._log.error("%s; trying again", text)

    def get(self, kind: str) -> str | None:
        """Return what is in the way of a kind, if anything is."""
        return self._found.get(kind)

    def texts(self) -> list[str]:
        """Return all that is in the way."""
        return list(self._found.values())

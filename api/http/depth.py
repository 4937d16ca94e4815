"""How deep a JSON body is nested, found out before it is parsed.

Parsers recurse: where some other part of the process has raised Python's recursion limit, as an EVM does, a body of brackets would
overflow the stack and end the process.
"""

import re

MAX_DEPTH = 32
"""Deepest nesting that is taken; no request of this API needs a quarter of it."""
_STRUCTURE = re.compile(rb'\\.|[\[\]{}"]', re.DOTALL)


class Depth:
    """Counts through a body that comes in pieces."""

    def __init__(self) -> None:
        self._depth = 0
        self._in_string = False
        self._rest = b""
        """A backslash at the end of a piece: what it escapes comes with the next one."""

    def is_too_deep(self, piece: bytes) -> bool:
        """Read on, and tell whether the nesting has passed the limit."""
        text = self._rest + piece
        escapes = len(text) - len(text.rstrip(b"\\"))
        self._rest = text[len(text) - escapes % 2 :]
        for match in _STRUCTURE.finditer(text, 0, len(text) - escapes % 2):
            sign = match[0]
            if sign == b'"':
                self._in_string = not self._in_string
            elif self._in_string or len(sign) == 2:
                continue
            elif sign in b"[{":
                self._depth += 1
                if self._depth > MAX_DEPTH:
                    return True
            else:
                self._depth -= 1
        return False

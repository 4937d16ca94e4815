"""Server-sent events out of a chunked answer. Pure."""

import re

from api.bench.api.answers import AnswerError, read_head

EVENT_ID = re.compile(rb"^id: ?(?:\w+-)?(\d+)\r?$", re.MULTILINE)
"""An id names the projection, and numbers the event in it."""
EVENT_END = re.compile(rb"\r?\n\r?\n")


class EventStream:
    """One connection's stream of events, fed with what arrives."""

    def __init__(self) -> None:
        self.status: int | None = None
        """Of the answer; None while its head is not complete."""
        self._received = bytearray()
        self._text = bytearray()

    def feed(self, received: bytes) -> list[int]:
        """Take bytes in, and return the numbers of the events that are complete with them; comments have none.

        Raises:
            AnswerError: this is no chunked answer with status 200.

        """
        self._received += received
        if self.status is None and not self._open():
            return []
        while self._chunk():
            pass
        numbers = []
        while (found := EVENT_END.search(self._text)) is not None:
            event_id = EVENT_ID.search(bytes(self._text[: found.start()]))
            if event_id is not None:
                numbers.append(int(event_id[1]))
            del self._text[: found.end()]
        return numbers

    def _open(self) -> bool:
        head = read_head(self._received)
        if head is None:
            return False
        if head.status != 200 or head.length is not None:
            raise AnswerError(f"no stream: status {head.status}, {bytes(self._received[head.end : head.end + 300])!r}")
        self.status = head.status
        del self._received[: head.end]
        return True

    def _chunk(self) -> bool:
        """Move one complete chunk from what arrived to the text."""
        line_end = self._received.find(b"\r\n")
        if line_end < 0:
            return False
        length = int(self._received[:line_end].split(b";")[0], 16)
        end = line_end + 2 + length + 2
        if len(self._received) < end:
            return False
        if length == 0:
            raise AnswerError("the stream was ended")
        self._text += self._received[line_end + 2 : end - 2]
        del self._received[:end]
        return True

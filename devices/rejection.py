"""Why signed bytes from outside are refused: one error type for every parser under `devices/`."""

from enum import StrEnum


class Reason(StrEnum):
    """Reason codes of a refused envelope or acknowledgement, as stored in journals and sent in acknowledgements."""

    MALFORMED = "malformed"
    """Not the structure that the specification describes, or a number out of its range."""
    NON_DETERMINISTIC = "non_deterministic"
    """The right content in another encoding than the only accepted one."""
    UNSUPPORTED_ALGORITHM = "unsupported_algorithm"
    """A COSE algorithm other than ES256 and EdDSA."""
    HIGH_S = "high_s"
    """An ES256 signature whose s is above half the group order: a valid signature that somebody altered."""
    BAD_SIGNATURE = "bad_signature"
    """The signature does not verify under the key that the message names."""
    OVERSIZE = "oversize"
    """More readings, entries or bytes than one message may hold."""


class TelemetryError(ValueError):
    """Signed bytes were refused. `reason` is stable and for machines, `detail` names the place for people."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason.value}: {detail}")
        self.reason = reason
        self.detail = detail

    def __reduce__(self) -> tuple[type["TelemetryError"], tuple[Reason, str]]:
        return TelemetryError, (self.reason, self.detail)

"""What can go wrong in the oracle, as a tree grouped by whose fault it is.

Hostile or mistaken telemetry is no exception: it is recorded with a reason (see `oracle.headend.admission`). Exceptions
are for broken infrastructure, wrong configuration, and documents that are not what they claim to be.
"""


class OracleError(Exception):
    """Root of everything the oracle raises on purpose."""


class ConfigError(OracleError):
    """The operator's configuration is wrong; the message names the key and the file."""


class ReportError(OracleError):
    """A report, statement or signature does not follow from what it claims to follow from."""


class ProofError(OracleError):
    """A proof document is refused. `step` names where on the way of a watt-hour it broke."""

    def __init__(self, step: str, what: str) -> None:
        super().__init__(f"{step}: {what}")
        self.step = step
        self.what = what


class JournalError(OracleError):
    """The journal on disk cannot be used as it is: newer schema, tampering, or an impossible state."""


class ChainError(OracleError):
    """The chain refused, is not the one expected, or cannot be reached."""

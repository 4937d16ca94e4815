"""What a process says on stderr: lines for people, or JSON lines for machines."""

import json
import logging
import sys
from datetime import UTC, datetime

from api.configuration.settings import LogSettings


class JsonLines(logging.Formatter):
    """One JSON object a line: time (RFC 3339), level, logger, message, and error with its trace where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """Write one record."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def start_log(settings: LogSettings) -> None:
    """Send the log to stderr as the settings say; libraries only speak up from a warning on."""
    stderr = logging.StreamHandler(sys.stderr)
    stderr.setFormatter(
        JsonLines() if settings.format == "json" else logging.Formatter("%(asctime)s %(levelname)s %(message)s")
    )
    logging.basicConfig(handlers=[stderr], level=logging.WARNING, force=True)
    for ours in ("api", "oracle", "devices", "contracts"):
        logging.getLogger(ours).setLevel(settings.level.upper())

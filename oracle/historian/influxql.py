"""InfluxQL over the connections of `influxdb-client`, whose own query API speaks Flux only."""

from collections.abc import Iterator
from typing import Any

from influxdb_client.client.exceptions import InfluxDBError
from influxdb_client.client.influxdb_client import InfluxDBClient
from urllib3.exceptions import HTTPError

from oracle.historian.port import HistorianError

FAILURES = (InfluxDBError, HTTPError)
"""What the client raises when the server is not there or refuses."""


def ask(client: InfluxDBClient, bucket: str, statement: str, *columns: str) -> list[dict[str, Any]]:
    """Run one InfluxQL statement; rows of all its series, times in nanoseconds.

    Args:
        client: names server and token
        bucket: bucket, or database in InfluxDB 1
        statement: InfluxQL
        columns: which every row must have

    Raises:
        HistorianError: the server is not there, refuses, answers in part, or knows no InfluxQL.

    """
    try:
        answer = client.api_client.call_api(  # type: ignore[no-untyped-call]
            "/query",
            "POST",
            query_params=[("db", bucket), ("epoch", "ns")],
            header_params={"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"},
            post_params=[("q", statement)],
            response_type=object,
            _return_http_data_only=True,
        )
        return list(_rows(answer, columns))
    except FAILURES as error:
        raise HistorianError(f"{client.url}: {reason(error)}") from error
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise HistorianError(f"{client.url}: does not answer InfluxQL") from error
    except _RefusedError as error:
        raise HistorianError(f"{client.url}: {error}") from error


def reason(error: Exception) -> str:
    """Say on one line what went wrong."""
    response = getattr(error, "response", None)
    if response is None:
        return " ".join(str(error).split())[:300]
    body = response.data.decode(errors="replace") if isinstance(response.data, bytes) else str(response.data)
    return f"HTTP {response.status} {response.reason}: {' '.join(body.split())[:300]}"


def identifier(name: str) -> str:
    """Write a name as an InfluxQL identifier."""
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def literal(text: str) -> str:
    """Write a text as an InfluxQL string."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


class _RefusedError(Exception):
    """What the server says against a statement."""


def _rows(answer: Any, columns: tuple[str, ...]) -> Iterator[dict[str, Any]]:  # noqa: ANN401  JSON of a server
    for result in answer["results"]:
        if "error" in result:
            raise _RefusedError(str(result["error"]))
        for series in result.get("series", ()):
            if series.get("partial") or result.get("partial"):
                raise _RefusedError("the answer was cut off: raise max-row-limit, or ask for less")
            if not set(columns) <= set(series["columns"]):
                raise LookupError("another table than was asked for")
            for row in series.get("values", ()):
                yield dict(zip(series["columns"], row, strict=True))

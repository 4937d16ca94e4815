"""Which form of an answer the asker wants: JSON or CSV."""

from typing import Literal

from fastapi import Request

from api.http import csv
from api.http.problems import ProblemError

Form = Literal["json", "csv"]
_ACCEPTED: dict[str, Form] = {
    "application/json": "json",
    "text/csv": "csv",
    "application/*": "json",
    "text/*": "csv",
    "*/*": "json",
}
MEDIA_TYPES: dict[Form, str] = {"json": "application/json", "csv": csv.MEDIA_TYPE + "; charset=utf-8; header=present"}


def form_of(request: Request, asked: Form | None) -> Form:
    """Return the form of a list: that of the query if given, else the best one of the `Accept` header.

    Raises:
        ProblemError: no form that the header accepts is given here.

    """
    if asked is not None:
        return asked
    accept = request.headers.get("accept")
    if accept is None or accept in {"*/*", "application/json"}:
        return "json"
    best: tuple[float, int] | None = None
    chosen: Form | None = None
    for place, each in enumerate(accept.split(",")):
        name, _, parameters = each.strip().lower().partition(";")
        form = _ACCEPTED.get(name.strip())
        if form is None:
            continue
        rank = (_quality(parameters), -place)
        if rank[0] > 0 and (best is None or rank > best):
            best, chosen = rank, form
    if chosen is None:
        raise ProblemError("not-acceptable", "this list is given as application/json or text/csv; accept one of them")
    return chosen


def _quality(parameters: str) -> float:
    for each in parameters.split(";"):
        name, _, figure = each.strip().partition("=")
        if name == "q":
            try:
                return float(figure)
            except ValueError:
                return 0.0
    return 1.0

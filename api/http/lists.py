"""Lists as they are answered: JSON or CSV, a page at a time, and where the next page is."""

from collections.abc import Callable, Hashable, Sequence
from functools import cache, partial
from typing import Any, Protocol, get_args
from urllib.parse import parse_qsl, quote, urlencode

from fastapi import Request
from pydantic import BaseModel
from starlette.responses import Response

from api.http import csv
from api.http.answers import PRIVATE, Kept, Ready, ready, send
from api.http.cursors import no_cursor, read_cursor, write_cursor
from api.http.negotiation import MEDIA_TYPES, Form, form_of


class PageLike(Protocol):
    """A page of items as the projection gives it: a model with `items` and `next`."""

    @property
    def items(self) -> Sequence[BaseModel]:
        """Some of the list."""
        ...

    @property
    def next(self) -> str | None:
        """Place after which the next page begins."""
        ...


def written(model: BaseModel) -> bytes:
    """Write a model as JSON."""
    return model.__pydantic_serializer__.to_json(model)


def made_page(kind: type[BaseModel], form: Form, place: str | None, page_after: Callable[[str | None], Any]) -> Ready:
    """Make one page of a list.

    Args:
        kind: model of an item; its members are the columns of CSV.
        form: JSON or CSV.
        place: after which the page begins.
        page_after: gives the page after a place, a model with `items` and `next`; ValueError: there is no such place.

    Raises:
        ProblemError: no page begins there.

    """
    try:
        page = page_after(place)
    except ValueError as error:
        if place is None:
            raise
        raise no_cursor() from error
    following = write_cursor(page.next)
    if form == "csv":
        rows = (item.model_dump(mode="json") for item in page.items)
        return ready(csv.write_rows(rows, columns_of(kind)), following)
    if (write := getattr(page, "to_json", None)) is not None:  # its items are written already
        return ready(write(following), following)
    if following is not None:
        page = page.model_copy(update={"next": following})
    return ready(written(page), following)


def first_page(
    kept: Kept, key: Hashable, kind: type[BaseModel], page_after: Callable[[str | None], Any], version: Hashable = None
) -> Ready:
    """Return the first page as JSON, kept under the key that `answer_page` keeps it under."""
    return kept.get((key, "json", None), lambda: made_page(kind, "json", None, page_after), version)


def answer_page(  # noqa: PLR0913  a list is asked for by form and cursor, and kept under a key
    request: Request,
    kind: type[BaseModel],
    asked: Form | None,
    after: str | None,
    page_after: Callable[[str | None], Any],
    *,
    kept: Kept | None = None,
    key: Hashable = None,
    version: Hashable = None,
    cache_control: str = PRIVATE,
) -> Response:
    """Answer with one page of a list.

    Args:
        request: who asks.
        kind: model of an item; its members are the columns of CSV.
        asked: form that the query names.
        after: cursor that the query gives.
        page_after: gives the page after a place, a model with `items` and `next`.
        kept: where ready pages are kept.
        key: what the page depends on besides form and cursor.
        version: version of what it shows, where it is known more narrowly than for everything.
        cache_control: who may keep it.

    Raises:
        ProblemError: the cursor is none, or the form is not given.

    """
    form = form_of(request, asked)
    place = read_cursor(after)
    make = partial(made_page, kind, form, place, page_after)
    found = make() if kept is None else kept.get((key, form, place), make, version)
    headers = {"Link": next_link(request, found.following)} if found.following else {}
    return send(request, found, cache_control, MEDIA_TYPES[form], headers)


def answer_all(  # noqa: PLR0913  the same, for short lists that have one page
    request: Request,
    page: Callable[[], PageLike],
    kind: type[BaseModel],
    asked: Form | None,
    *,
    kept: Kept | None = None,
    key: Hashable = None,
    cache_control: str = PRIVATE,
) -> Response:
    """Answer with a whole list that is short; the arguments are those of `answer_page`."""
    return answer_page(request, kind, asked, None, lambda _: page(), kept=kept, key=key, cache_control=cache_control)


@cache
def columns_of(kind: type[BaseModel], prefix: str = "") -> tuple[str, ...]:
    """Names of the columns of a model: its members, those of nested models as `outer.inner`."""
    found: list[str] = []
    for name, field in kind.model_fields.items():
        inner = [each for each in (field.annotation, *get_args(field.annotation)) if _is_model(each)]
        if inner and not str(field.annotation).startswith("list["):
            found += columns_of(inner[0], f"{prefix}{name}.")
        else:
            found.append(prefix + name)
    return tuple(found)


def _is_model(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def next_link(request: Request, following: str) -> str:
    """Address of the next page (RFC 8288)."""
    query = parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True)
    others = [pair for pair in query if pair[0] != "after"]
    return f'<{quote(request.scope["path"])}?{urlencode([*others, ("after", following)])}>; rel="next"'

"""The description of the API (OpenAPI 3.1): what FastAPI knows of the routes, and what all of them have in common."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.http.problem_types import PROBLEM_TYPES, ProblemType
from api.http.problems import MEDIA_TYPE

COOKIE = "heliograph_session"
METHODS = ("get", "put", "post", "delete", "patch")
WRITES = frozenset({"put", "post", "delete", "patch"})
PROBLEM_SCHEMA: dict[str, Any] = {
    "title": "Problem",
    "description": "What is wrong, and what to do (RFC 9457). `type` is a path on this server, which explains it.",
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference", "examples": ["/problems/not-found"]},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
        "instance": {"type": "string", "description": "path that was asked for"},
        "errors": {
            "type": "array",
            "description": "of invalid-parameter: each place and what is wrong with it",
            "items": {
                "type": "object",
                "required": ["where", "what"],
                "properties": {"where": {"type": "string"}, "what": {"type": "string"}},
            },
        },
    },
}
SECURITY_SCHEMES: dict[str, Any] = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "An API key (`hgk_…`), or the token of a session opened by signing in with Ethereum (EIP-4361).",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": COOKIE,
        "description": "The session of a browser. Writes with it also need the header `X-Heliograph: 1`.",
    },
}
IDEMPOTENCY_PARAMETER: dict[str, Any] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Any text of your own: the same request with the same key is done once within 24 hours, and answered alike.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[\\x21-\\x7e]+$"},
    "example": "5f0c6f4e-1f1b-4f6e-9d7e-2f2f6f0e8f11",
}
RETRY_HEADER: dict[str, Any] = {"description": "when to try again [s]", "schema": {"type": "integer", "minimum": 1}}
TAG_HEADER: dict[str, Any] = {"description": "strong entity tag, for If-None-Match", "schema": {"type": "string"}}
Needs = Callable[[str], bool]
"""Whether an operation needs credentials, by its id."""


def also(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return `responses` for problems that an operation has beyond those that all of its kind have, by status."""
    return {status: {"description": HTTPStatus(status).phrase} for status in statuses}


def csv_too(example: str) -> dict[int | str, dict[str, Any]]:
    """Return `responses` for a list that is also given as CSV, with the first lines of one."""
    return {200: {"content": {"text/csv": {"schema": {"type": "string"}, "example": example}}}}


def file_of(media_type: str, description: str) -> dict[int | str, dict[str, Any]]:
    """Return `responses` for an answer that is a file."""
    schema = {"type": "object"} if media_type.endswith("json") else {"type": "string", "format": "binary"}
    return {200: {"description": description, "content": {media_type: {"schema": schema}}}}


def install_description(app: FastAPI, *, description: str, needs: Needs, public_url: str) -> None:
    """Let the application describe itself at /openapi.json, made once.

    Args:
        app: whose routes are described.
        description: what it is, in Markdown.
        needs: whether an operation needs credentials.
        public_url: address of the server.

    """

    def describe() -> dict[str, Any]:
        if app.openapi_schema is None:
            made = get_openapi(
                title=app.title, version=app.version, description=description, routes=app.routes, tags=app.openapi_tags
            )
            made["servers"] = [{"url": public_url or "/"}]
            complete(made, needs)
            app.openapi_schema = made
        return app.openapi_schema

    app.openapi = describe  # type: ignore[method-assign]


def complete(description: dict[str, Any], needs: Needs) -> None:
    """Add what all operations have in common: problems, credentials, entity tags, idempotency."""
    components = description.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas["Problem"] = PROBLEM_SCHEMA
    components["securitySchemes"] = SECURITY_SCHEMES
    by_status: dict[int, list[ProblemType]] = {}
    for kind in PROBLEM_TYPES.values():
        by_status.setdefault(kind.status, []).append(kind)
    components["responses"] = {_named(status): _response_of(*kinds) for status, kinds in by_status.items()}
    for path, operations in description["paths"].items():
        for method in METHODS:
            if method in operations:
                _complete_operation(operations[method], path, method, needs)


def _complete_operation(operation: dict[str, Any], path: str, method: str, needs: Needs) -> None:
    closed = needs(operation["operationId"])
    credentials: list[dict[str, list[str]]] = [{"bearer": []}, {"session": []}]
    operation["security"] = credentials if closed else [{}, *credentials]
    if method in WRITES and path.startswith("/v1/"):
        operation.setdefault("parameters", []).append(IDEMPOTENCY_PARAMETER)
    responses = operation["responses"]
    unprocessable = responses.get("422", {}).get("content", {}).get("application/json", {})
    if "HTTPValidationError" in str(unprocessable):
        del responses["422"]
    own = {int(status) for status in responses if status.isdigit() and int(status) >= HTTPStatus.BAD_REQUEST}
    for status in _statuses_of(operation, path, method, closed=closed) | own:
        told = responses.get(str(status))
        if told is None or MEDIA_TYPE not in told.get("content", {}):
            responses[str(status)] = {"$ref": f"#/components/responses/{_named(status)}"}
    success = responses.get("200")
    if method == "get" and success is not None and "text/event-stream" not in success.get("content", {}):
        success.setdefault("headers", {})["ETag"] = TAG_HEADER
        responses["304"] = {"description": "the asker has it already (If-None-Match)"}
    operation["responses"] = {status: responses[status] for status in sorted(responses)}


def _statuses_of(operation: Mapping[str, Any], path: str, method: str, *, closed: bool) -> set[int]:
    """Say with which problems an operation can answer, by status."""
    found = {400, 401, 413, 414, 422, 429, 503}
    parameters = {each.get("name") for each in operation.get("parameters", ())}
    if closed or method in WRITES:
        found.add(403)
    if closed or "{" in path or parameters & {"after", "asset_id"}:
        found.add(404)
    if "format" in parameters:
        found.add(406)
    if method in WRITES:
        found |= {409, 415}
    return found


def _named(status: int) -> str:
    """Name of the component that describes the problems of a status."""
    return f"problem-{status}"


def _response_of(*kinds: ProblemType) -> dict[str, Any]:
    """Describe an answer that is a problem of one of these types, all of one status."""
    examples = {
        each.slug: {
            "summary": each.title,
            "value": {
                "type": each.uri,
                "title": each.title,
                "status": each.status,
                "detail": each.remedy,
                "instance": "/v1/…",
            },
        }
        for each in kinds
    }
    headers: dict[str, Any] = {}
    if any(each.retry_after_s is not None for each in kinds):
        headers["Retry-After"] = RETRY_HEADER
    if kinds[0].status == 401:
        headers["WWW-Authenticate"] = {"description": "what is asked for", "schema": {"type": "string"}}
    return {
        "description": "; ".join(each.title for each in kinds),
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": examples}},
        **({"headers": headers} if headers else {}),
    }

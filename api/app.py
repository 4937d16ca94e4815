"""The HTTP application: routes, pages and what stands around them, put together from the parts that are there."""

from fastapi import APIRouter, FastAPI
from starlette.requests import HTTPConnection

from api.access.audit_middleware import AuditMiddleware
from api.access.idempotency import Answer
from api.access.permissions import PERMISSIONS, SECRET_ANSWERS, Reach, hold_routes_against_table
from api.dashboard.pages import pages_of
from api.http.bounds import Bounds
from api.http.head import Head
from api.http.headers import SecurityHeaders
from api.http.idempotency import Idempotency
from api.http.openapi import install_description
from api.http.problem_pages import problem_routes
from api.http.problems import install_problems
from api.http.request_log import RequestLog
from api.routes.assets import assets_routes
from api.routes.audit import audit_routes
from api.routes.certificates import certificates_routes
from api.routes.credits import credits_routes
from api.routes.documents import documents_routes
from api.routes.events import events_routes
from api.routes.explanation import explanation_routes
from api.routes.feeds import feeds_routes
from api.routes.health import health_routes
from api.routes.keys import keys_routes
from api.routes.owners import owners_routes
from api.routes.portfolio import portfolio_routes
from api.routes.production import production_routes
from api.routes.proofs import proofs_routes
from api.routes.readings import readings_routes
from api.routes.registry import registry_routes
from api.routes.reports import reports_routes
from api.routes.retirements import retirements_routes
from api.routes.revenue import revenue_routes
from api.routes.sessions import sessions_routes
from api.routes.status import status_routes
from api.routes.telemetry import telemetry_routes
from api.routes.tokens import tokens_routes
from api.routes.transactions import transactions_routes
from api.routes.webhooks import webhooks_routes
from api.services import Services

ROUTES = (
    assets_routes, production_routes, readings_routes, portfolio_routes, status_routes, explanation_routes, proofs_routes, documents_routes,
    reports_routes, retirements_routes, certificates_routes, tokens_routes, feeds_routes,
    credits_routes, revenue_routes, transactions_routes, registry_routes,
    events_routes, webhooks_routes, telemetry_routes,
    sessions_routes, keys_routes, audit_routes, owners_routes,
    health_routes,
)  # fmt: skip
"""What gives the routes of each module. What is asked most comes first: routes are tried in this order."""
LARGER_BODIES = {"/documents/": 8 << 20, "/telemetry": 4 << 20}
"""Longest bodies [bytes] of the paths that contain these."""
DESCRIPTION = """
Device-signed meter readings, what nodes attested of them, and what was minted for it.

- **Figures are whole numbers in base units**, named in the member: `_wh`, `_w`, `_g`, `_minor` (millionths of the currency unit),
  `_s`, `_ms`. A figure that is missing is null, never 0. Token ids are decimal strings.
- **Instants** are RFC 3339 in UTC; intervals are half-open: `from` belongs to them, `to` does not.
- **Lists** are `{"items": […], "next": …}`; ask for the next page with `after`. They are also given as CSV.
- **Errors** are problem documents (RFC 9457) whose `type` this server explains.
- **Writes** take an `Idempotency-Key`. Nothing here moves tokens: what changes the chain is prepared as a transaction for the owner's
  own wallet.
"""
TAGS = [
    {"name": "public", "description": "What anyone may see: it stands on a public chain, or is attested."},
    {"name": "plants", "description": "Assets, what they produced, and why what is held back is held back."},
    {"name": "proofs", "description": "Files that `heliograph verify` takes, and whether the evidence is public."},
    {"name": "credits", "description": "Carbon credits: holdings and retirements."},
    {"name": "revenue", "description": "Receivables by month, deposits and claims."},
    {"name": "registry", "description": "Registry transactions, prepared; the chain decides."},
    {"name": "notices", "description": "What happens, as it happens."},
    {"name": "telemetry", "description": "Envelopes of gateways that cannot speak MQTT."},
    {"name": "access", "description": "Sign-in, keys, audit, owners' details."},
    {"name": "health", "description": "Whether the server lives and can do its work."},
]


def create_app(services: Services) -> FastAPI:
    """Make the application.

    FastAPI's own documentation page is left out, because it loads scripts from another host; the dashboard has one of its own.

    Raises:
        LookupError: a route asks for an operation that the table of permissions lacks.

    """
    app = FastAPI(
        title="Heliograph",
        version="1",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        openapi_tags=TAGS,
        redirect_slashes=False,
    )
    app.state.services = services
    install_problems(app)
    for routes_of in ROUTES:
        _mount(app, routes_of(services))
    if services.demo is not None:
        _mount(app, services.demo.routes())
    pages = pages_of(services)
    _mount(app, pages.router)
    app.router.default = pages.before(app.router.default)
    _mount(app, problem_routes(app))
    hold_routes_against_table(app)
    install_description(app, description=DESCRIPTION, needs=_needs_credentials, public_url=services.public_url)
    _put_around(app, services)
    return app


def _mount(app: FastAPI, router: APIRouter) -> None:
    """Put a router's routes beside the others: nested routers are gone through twice for each request."""
    app.router.routes.extend(router.routes)


def _put_around(app: FastAPI, services: Services) -> None:
    """Put the middlewares around the routes, from the inside out: what is added last sees a request first."""
    access = services.access

    def subject(connection: HTTPConnection) -> str:
        principal = access.authenticate(connection)
        if principal.is_signed_in:
            return principal.subject
        return f"public at {connection.client.host if connection.client else 'unknown'}"

    app.add_middleware(Idempotency, store=access.idempotency, subject=subject, answer=Answer, secret=SECRET_ANSWERS)
    app.add_middleware(AuditMiddleware, access=access)
    app.add_middleware(Bounds, larger=LARGER_BODIES)
    app.add_middleware(RequestLog)
    app.add_middleware(SecurityHeaders, https=services.public_url.startswith("https:"))
    app.add_middleware(Head)


def _needs_credentials(operation_id: str) -> bool:
    permission = PERMISSIONS.get(operation_id)
    return permission is not None and permission.public is Reach.NO

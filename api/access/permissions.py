"""Who may call what: one table, and the dependency by which every route asks it.

    @router.get("/assets/{asset_id}", operation_id="asset")
    async def asset(asset_id: str, principal: Annotated[Principal, Depends(allowed("asset"))]) -> Response: ...

The dependency authenticates, counts against the rate limit, looks the operation up here, and refuses in this order:
- 401: credentials are there and do not hold, or none are there and the operation needs some
- 403: a cookie writes without the header that other sites cannot set
- 429: too many requests
- 403: the role may not do this, or the key lacks the scope
- 404: the path or the query names an asset (`asset_id`) or an account (`address`) that is not the owner's; in the same words
  as one that does not exist

What a request names in its body is the route's to check: `own_asset(principal, asset_id)`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from functools import cache

from fastapi import FastAPI, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from api.access.principal import Principal, Role
from api.access.refusals import absent_account, absent_asset, credentials_missing, role_refused, scope_missing


class Reach(Enum):
    """How far an operation reaches for a role."""

    ALL = "all"
    """Whatever is asked for."""
    OWN = "own"
    """Only what is theirs by the chain, or was made by them."""
    NO = "no"
    """Not at all."""


ALL, OWN, NO = Reach.ALL, Reach.OWN, Reach.NO


@dataclass(frozen=True)
class Permission:
    """One line of the table: how far each role reaches, and the scope that a key needs."""

    public: Reach
    owner: Reach
    operator: Reach
    auditor: Reach
    scope: str | None = None
    """Needed by keys, whatever their role; sessions have all of their role. None: any key will do."""

    def reach(self, role: Role) -> Reach:
        """How far it reaches for a role."""
        reaches = {
            Role.PUBLIC: self.public,
            Role.OWNER: self.owner,
            Role.OPERATOR: self.operator,
            Role.AUDITOR: self.auditor,
        }
        return reaches[role]


_OPEN = Permission(ALL, ALL, ALL, ALL)
_READ = Permission(NO, OWN, ALL, ALL, "read")
_REGISTER = Permission(NO, NO, ALL, NO, "registry")
_OWNERS_TRANSACTION = Permission(NO, OWN, NO, NO, "transactions")
_WEBHOOKS = Permission(NO, OWN, ALL, NO, "webhooks")
_KEYS = Permission(NO, OWN, ALL, NO, "keys")
_DETAILS = Permission(NO, OWN, ALL, NO, "owners")

#                                public owner operator auditor scope
PERMISSIONS: dict[str, Permission] = {
    # the server, and what stands on a public chain
    "healthz": _OPEN,
    "readyz": _OPEN,
    "metrics": _OPEN,
    "status": _OPEN,
    "reports": _OPEN,
    "report": _OPEN,
    "anchor": _OPEN,
    "feeds": _OPEN,
    "retirements": _OPEN,
    "retirement": _OPEN,
    "retirement_proof": _OPEN,
    "certificate_pdf": _OPEN,
    "retirement_qr": _OPEN,
    "tokens": _OPEN,
    "token": _OPEN,
    # signing in
    "session_nonce": _OPEN,
    "session_open": _OPEN,
    "session_current": _OPEN,
    "session_close": Permission(NO, OWN, NO, NO, "*"),
    # access itself
    "keys_list": _KEYS,
    "keys_create": _KEYS,
    "keys_revoke": _KEYS,
    "audit": Permission(NO, OWN, ALL, ALL, "audit"),
    "owner_get": _DETAILS,
    "owner_put": _DETAILS,
    "owner_erase": _DETAILS,
    # plants
    "assets": _READ,
    "asset": _READ,
    "production": _READ,
    "accounts": _READ,
    "readings": _READ,
    "power": _READ,
    "portfolio": _READ,
    "explanation": _READ,
    "asset_proof": _READ,
    "interval_proof": _READ,
    "evidence_released": _READ,
    "evidence_release": Permission(NO, OWN, NO, NO, "release"),  # whose roof it is decides, not who runs the server
    "documents_list": _READ,
    "document_get": _READ,
    "document_put": Permission(NO, OWN, ALL, NO, "documents"),
    # the registry: prepared here, decided by the chain
    "asset_register": _REGISTER,
    "asset_commission": _REGISTER,
    "meter_add": _REGISTER,
    "meter_key_rotate": _REGISTER,
    "meter_key_revoke": _REGISTER,
    # credits and revenue
    "holdings": _READ,
    "entitlement": _READ,
    "receivables": _READ,
    "deposits": _READ,
    "claims": _READ,
    "transaction_status": Permission(NO, ALL, ALL, ALL, "read"),  # public on the chain; it costs us a call to it
    "credit_retire": _OWNERS_TRANSACTION,
    "credit_draw": _OWNERS_TRANSACTION,
    "revenue_claim": _OWNERS_TRANSACTION,
    "revenue_deposit": _OWNERS_TRANSACTION,  # an off-taker's: the route names no asset of theirs, the chain takes their money
    "share_permit": _OWNERS_TRANSACTION,
    # what happens, as it happens
    "events": _READ,
    "webhooks_list": _WEBHOOKS,
    "webhook_create": _WEBHOOKS,
    "webhook_delete": _WEBHOOKS,
    "webhook_test": _WEBHOOKS,
    "telemetry": Permission(NO, NO, ALL, NO, "telemetry"),
}

SCOPES = frozenset(entry.scope for entry in PERMISSIONS.values() if entry.scope not in (None, "*"))
"""What a key can be given."""
SECRET_ANSWERS = frozenset({"keys_create", "session_open", "session_nonce", "webhook_create"})
"""Operations whose answers carry a secret: never kept, not even to be repeated for an idempotency key."""


class Allowed:
    """The dependency of one operation. Made by `allowed`."""

    def __init__(self, operation_id: str) -> None:
        """Look the operation up.

        Raises:
            LookupError: the table does not have it, so nobody may; found when the routes are made, not when one is called.

        """
        if operation_id not in PERMISSIONS:
            raise LookupError(f"{operation_id} is not in the table of api/access/permissions.py: add a line for it")
        self.operation_id = operation_id
        self._permission = PERMISSIONS[operation_id]

    async def __call__(self, request: Request) -> Principal:
        """Give who asks, or refuse."""
        state = request.scope.setdefault("state", {})
        state["operation"] = self.operation_id
        state["target"] = "/".join(str(part) for name, part in request.path_params.items() if name != "address")
        principal: Principal = request.app.state.services.access.admit(request)
        reach = self._permission.reach(principal.role)
        if reach is NO:
            raise role_refused(self.operation_id, principal.role) if principal.is_signed_in else credentials_missing()
        if not principal.holds(self._permission.scope):
            raise scope_missing(self.operation_id, self._permission.scope)
        if reach is OWN:
            _only_own(request, principal)
        return principal


@cache
def allowed(operation_id: str) -> Allowed:
    """Make the dependency for an operation; use it as `Depends(allowed("asset"))`.

    Raises:
        LookupError: the table does not have the operation.

    """
    return Allowed(operation_id)


def own_asset(principal: Principal, asset_id: str) -> str:
    """Give the asset back if it is theirs to see.

    Raises:
        NotFoundProblem: it is not, in the words for one that does not exist.

    """
    if not principal.may_see(asset_id):
        raise absent_asset(asset_id)
    return asset_id


def hold_routes_against_table(app: FastAPI) -> None:
    """Make sure that every route under /v1 asks the table, in its own name.

    Raises:
        LookupError: one does not: nothing is served then.

    """
    for route in app.routes:
        if not isinstance(route, APIRoute) or not route.path.startswith("/v1"):
            continue
        asked = {call.operation_id for call in _calls(route.dependant) if isinstance(call, Allowed)}
        if asked != {route.operation_id}:
            raise LookupError(f"{route.path} ({route.operation_id}) asks the table of permissions for {sorted(asked)}")


def _calls(dependant: Dependant) -> Iterator[object]:
    for inner in dependant.dependencies:
        yield inner.call
        yield from _calls(inner)


def _only_own(request: Request, principal: Principal) -> None:
    named = request.path_params.get("asset_id")
    if named is not None:
        own_asset(principal, named)
    for asked in request.query_params.getlist("asset_id"):
        own_asset(principal, asked)
    account = request.path_params.get("address")
    if account is not None and account.lower() != (principal.address or "").lower():
        raise absent_account(account)

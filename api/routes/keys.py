"""API keys for programs: made, listed, revoked."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import AwareDatetime, BaseModel, Field

from api.access.keys import MOST_KEYS, MOST_LABEL, ApiKey, TooManyKeysError, grantable
from api.access.permissions import OWN, PERMISSIONS, allowed
from api.access.principal import Principal, Role
from api.http.lists import answer_page
from api.http.openapi import csv_too
from api.http.parameters import After, FormAsked, Limit
from api.http.problems import NotFoundProblem, ProblemError
from api.projection.instants import instant
from api.projection.views import Page
from api.routes.sessions import NO_STORE, Asked
from api.services import Services
from oracle.errors import ConfigError

KeyId = Annotated[str, Path(pattern=r"^[0-9a-f]{12}$", description="number of the key", examples=["5f0c6f4e1f1b"])]
_CSV = csv_too("key_id,role,scopes,…\r\n5f0c6f4e1f1b,operator,read registry,…\r\n")


class KeyAsked(Asked):
    """A key to be made."""

    role: Role | None = Field(default=None, description="operator or auditor; owners make keys of their own role only")
    scopes: list[str] = Field(min_length=1, max_length=20, examples=[["read"]], description="no more than you have")
    label: str = Field(
        max_length=MOST_LABEL,
        pattern=r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$",
        examples=["reporting of the village school"],
    )
    expires_at: AwareDatetime | None = Field(
        default=None, description="within three years; 90 days from now if left out"
    )


class KeyView(BaseModel):
    """What is known of a key. The key itself is not kept."""

    key_id: str
    role: Role
    scopes: list[str]
    address: str | None = Field(description="whose it is, of an owner's")
    label: str
    made_with: str | None = Field(description="the key that it was made with; revoking that one revokes this one")
    made_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None = Field(description="to a minute")
    revoked_at: datetime | None


class MadeKeyView(KeyView):
    """A key that was made."""

    key: str = Field(description="the key itself: it is shown this once")


def keys_routes(services: Services) -> APIRouter:
    """Keys: an owner's own, or all of them."""
    router = APIRouter(prefix="/v1/keys", tags=["access"])
    access = services.access

    @router.get("", operation_id="keys_list", response_model=Page[KeyView], responses=_CSV)
    def keys_list(
        request: Request,
        principal: Annotated[Principal, Depends(allowed("keys_list"))],
        limit: Limit = 100,
        after: After = None,
        form: FormAsked = None,
    ) -> Response:
        """Keys by number, revoked ones too."""
        address = _whose("keys_list", principal)

        def page_after(place: str | None) -> Page[KeyView]:
            found = access.keys.all(address, place or "", limit + 1)
            items = [KeyView(**key_members(key)) for key in found[:limit]]
            return Page(items=items, next=items[-1].key_id if len(found) > limit else None)

        return answer_page(request, KeyView, form, after, page_after)

    @router.post("", operation_id="keys_create", status_code=201)
    def keys_create(
        request: Request,
        response: Response,
        asked: KeyAsked,
        principal: Annotated[Principal, Depends(allowed("keys_create"))],
    ) -> MadeKeyView:
        """Make a key. It can do no more than what it is made with, lives no longer, and is revoked along with it."""
        allows = grantable(principal)
        role = asked.role or (Role.OWNER if principal.role is Role.OWNER else Role.OPERATOR)
        scopes = frozenset(asked.scopes)
        if role not in allows or not scopes <= allows[role]:
            told = "; ".join(f"{each}: {', '.join(sorted(has)) or 'none'}" for each, has in allows.items())
            raise ProblemError("forbidden", f"with this credential, keys can be made of these roles and scopes: {told}")
        by_key = None if principal.by_session else principal.credential
        now_ms = access.now_ms()
        expires_ms = None if asked.expires_at is None else int(asked.expires_at.timestamp()) * 1000
        if by_key and principal.expires_ms is not None:
            expires_ms = min(expires_ms or principal.expires_ms, principal.expires_ms)
        try:
            made, token = access.keys.make(
                role=role,
                scopes=scopes,
                label=asked.label,
                now_ms=now_ms,
                expires_ms=expires_ms,
                address=principal.address,
                parent=by_key,
            )
        except ConfigError as error:
            raise ProblemError("invalid-parameter", str(error)) from error
        except TooManyKeysError as error:
            raise ProblemError("conflict", f"an owner has at most {MOST_KEYS} keys: revoke those not in use") from error
        request.state.target = made.key_id
        response.headers.update(NO_STORE)
        return MadeKeyView(**key_members(made), key=token)

    @router.delete("/{key_id}", operation_id="keys_revoke", status_code=204)
    def keys_revoke(
        request: Request, key_id: KeyId, principal: Annotated[Principal, Depends(allowed("keys_revoke"))]
    ) -> Response:
        """Revoke a key and all that were made with it, at once."""
        request.state.target = key_id
        key = access.keys.find(key_id)
        address = _whose("keys_revoke", principal)
        if key is None or (address is not None and key.address != address):
            raise NotFoundProblem(f"there is no key {key_id}: GET /v1/keys lists them")
        access.revoke_key(key_id)
        return Response(status_code=204, headers=NO_STORE)

    return router


def _whose(operation_id: str, principal: Principal) -> str | None:
    """Whose keys somebody may touch: an address, or None for everybody's."""
    return principal.address if PERMISSIONS[operation_id].reach(principal.role) is OWN else None


def key_members(key: ApiKey) -> dict[str, object]:
    """Members of a KeyView."""
    return {
        "key_id": key.key_id,
        "role": key.role,
        "scopes": sorted(key.scopes),
        "address": key.address,
        "label": key.label,
        "made_with": key.parent,
        "made_at": instant(key.made_ms),
        "expires_at": None if key.expires_ms is None else instant(key.expires_ms),
        "last_used_at": None if key.last_used_ms is None else instant(key.last_used_ms),
        "revoked_at": None if key.revoked_ms is None else instant(key.revoked_ms),
    }

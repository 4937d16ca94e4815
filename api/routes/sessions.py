"""Signing in with Ethereum (EIP-4361), and out again."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Body, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api.access.access import COOKIE
from api.access.permissions import allowed
from api.access.principal import ANY_SCOPE, Principal, Role
from api.access.sign_in import STATEMENT
from api.access.siwe import MAX_LENGTH
from api.projection.instants import instant
from api.services import Services

ADDRESS = r"^0x[0-9a-fA-F]{40}$"
NO_STORE = {"Cache-Control": "no-store"}
MOST_SIGNATURE_HEX = 8194
_EXAMPLE_ADDRESS = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"


class Asked(BaseModel):
    """A body of our own: no unknown members."""

    model_config = ConfigDict(extra="forbid")


class NonceAsked(Asked):
    """Who wants to sign in, if they say so already."""

    address: str | None = Field(default=None, pattern=ADDRESS, examples=[_EXAMPLE_ADDRESS])


class NonceView(BaseModel):
    """What a wallet is to sign: fill it into a message of EIP-4361, or take the message if an address was given."""

    nonce: str
    domain: str
    uri: str
    version: Literal["1"] = "1"
    chain_id: int
    statement: str
    issued_at: datetime
    expires_at: datetime
    message: str | None = Field(description="the whole text, if the address was given")


class SignedMessage(Asked):
    """A message of EIP-4361 and its signature."""

    message: str = Field(max_length=MAX_LENGTH, description="the text as it was signed, to the character")
    signature: str = Field(
        pattern=r"^0x(?:[0-9a-fA-F]{2})*$",
        max_length=MOST_SIGNATURE_HEX,
        description="of an account with a key: 65 bytes; of a contract: what its code takes (EIP-1271)",
    )
    keep: Literal["cookie", "token"] = Field(
        default="cookie",
        description="cookie: in the browser, out of reach of scripts; token: in the answer, for programs",
    )


class SessionView(BaseModel):
    """Who is signed in."""

    role: Role
    subject: str
    address: str | None
    scopes: list[str] = Field(description="what the credential is for; empty where it is for all that the role may do")
    assets: list[str] | None = Field(description="assets that are theirs; null for all")
    expires_at: datetime | None


class OpenedView(SessionView):
    """A session that was opened."""

    token: str | None = Field(description="only where it was asked for: it is shown once")


def sessions_routes(services: Services) -> APIRouter:
    """Nonce, sign in, who am I, sign out."""
    router = APIRouter(prefix="/v1/sessions", tags=["access"])
    access = services.access
    is_https = services.public_url.startswith("https:")

    @router.post(
        "/nonce",
        operation_id="session_nonce",
        dependencies=[Depends(allowed("session_nonce"))],
    )
    async def session_nonce(
        request: Request, response: Response, asked: Annotated[NonceAsked | None, Body()] = None
    ) -> NonceView:
        """Give out a nonce to sign in with: it can be used once, within ten minutes."""
        offer = access.offer(request)
        response.headers.update(NO_STORE)
        return NonceView(
            nonce=offer.nonce,
            domain=offer.domain,
            uri=offer.uri,
            chain_id=offer.chain_id,
            statement=STATEMENT,
            issued_at=instant(offer.issued_ms),
            expires_at=instant(offer.expires_ms),
            message=offer.message(asked.address) if asked and asked.address else None,
        )

    @router.post(
        "",
        operation_id="session_open",
        status_code=201,
        dependencies=[Depends(allowed("session_open"))],
    )
    def session_open(request: Request, response: Response, signed: SignedMessage) -> OpenedView:
        """Open a session for the account that signed the message. The signature costs nothing and moves nothing."""
        signature = bytes.fromhex(signed.signature.removeprefix("0x"))
        principal, session, token = access.sign_in(request, signed.message, signature)
        response.headers.update(NO_STORE)
        if signed.keep == "cookie":
            lasts_s = (session.expires_ms - session.opened_ms) // 1000
            response.set_cookie(
                COOKIE, token, max_age=lasts_s, path="/", httponly=True, samesite="strict", secure=is_https
            )
        return OpenedView(**session_members(principal), token=token if signed.keep == "token" else None)

    @router.get("/current", operation_id="session_current", response_model=SessionView | None)
    async def session_current(
        response: Response, principal: Annotated[Principal, Depends(allowed("session_current"))]
    ) -> SessionView | None:
        """Who the credential of this very request belongs to; null without one."""
        response.headers.update(NO_STORE)
        return SessionView(**session_members(principal)) if principal.is_signed_in else None

    @router.delete("/current", operation_id="session_close", status_code=204)
    def session_close(principal: Annotated[Principal, Depends(allowed("session_close"))]) -> Response:
        """Sign out: the session is closed at once, wherever its token is."""
        access.close_session(principal.credential)
        response = Response(status_code=204, headers=NO_STORE)
        response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict", secure=is_https)
        return response

    return router


def session_members(principal: Principal) -> dict[str, object]:
    """Members of a SessionView."""
    return {
        "role": principal.role,
        "subject": principal.subject,
        "address": principal.address,
        "scopes": sorted(principal.scopes - {ANY_SCOPE}),
        "assets": None if principal.assets is None else sorted(principal.assets),
        "expires_at": None if principal.expires_ms is None else instant(principal.expires_ms),
    }

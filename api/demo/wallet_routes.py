"""The demo wallet over HTTP: one endpoint for its JSON-RPC, and the script that announces it to pages (EIP-6963)."""

from collections.abc import Sequence
from importlib import resources
from typing import Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from api.demo.wallet import DemoWallet, WalletError
from api.http.problems import ProblemError

ENDPOINT = "/demo/wallet"
SCRIPT = "/demo/demo-wallet.js"
NO_STORE = {"Cache-Control": "no-store"}


class Call(BaseModel):
    """One JSON-RPC request."""

    model_config = ConfigDict(extra="forbid")

    jsonrpc: str = "2.0"
    id: int | str | None = None
    method: str = Field(max_length=64)
    params: list[Any] = Field(default_factory=list, max_length=8)


class DemoPages:
    """What the application is given of the demo: see `api.services.DemoPart`."""

    def __init__(self, wallet: DemoWallet, public_url: str) -> None:
        """Take the wallet, and the one address under which it is used."""
        self._wallet = wallet
        self._host = urlsplit(public_url).netloc

    def scripts(self) -> Sequence[str]:
        """Script that announces the wallet to a page."""
        return (SCRIPT,)

    def routes(self) -> APIRouter:
        """The wallet's endpoint and script."""
        router = APIRouter(include_in_schema=False)
        script = (resources.files("api.demo") / "wallet_page" / "demo-wallet.js").read_bytes()

        @router.get(SCRIPT)
        def demo_wallet_script() -> Response:
            return Response(script, media_type="text/javascript", headers={"Cache-Control": "no-cache"})

        @router.post(ENDPOINT)
        def demo_wallet(call: Call, request: Request) -> JSONResponse:
            self._require_own_page(request)
            answer: dict[str, Any] = {"jsonrpc": "2.0", "id": call.id}
            try:
                answer["result"] = self._wallet.request(call.method, call.params)
            except WalletError as error:
                answer["error"] = {"code": error.code, "message": str(error)}
                if error.revert:
                    answer["error"]["data"] = f"0x{error.revert.hex()}"
            return JSONResponse(answer, headers=NO_STORE)

        return router

    def _require_own_page(self, request: Request) -> None:
        """Let only pages of this server use the wallet: no other site can send the header, nor this host.

        Raises:
            ProblemError: it is another's.

        """
        if request.headers.get("x-heliograph") != "1" or request.headers.get("host") != self._host:
            detail = f"the demo wallet is for pages of {self._host}: send the header X-Heliograph: 1 from there"
            raise ProblemError("unconfirmed-write", detail)

"""An owner of the demo as a program: signs in with the demo wallet, reads, and sends what the API prepares."""

import time
from types import TracebackType
from typing import Any, Self

import httpx

A_LITTLE_MINOR = 1_000_000
"""HK$ 1."""
WAIT_S = 20.0
SAME_SITE = {"X-Heliograph": "1"}


class Owner:
    """One session."""

    def __init__(self, address: str) -> None:
        self._http = httpx.Client(base_url=address, headers=SAME_SITE, timeout=30)
        self.account = self.wallet("eth_accounts")[0]
        message = self.post("/v1/sessions/nonce", {"address": self.account})["message"]
        signature = self.wallet("personal_sign", f"0x{message.encode().hex()}", self.account)
        opened = self.post("/v1/sessions", {"message": message, "signature": signature, "keep": "token"})
        self._http.headers["Authorization"] = f"Bearer {opened['token']}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def wallet(self, method: str, *params: Any) -> Any:
        """Ask the demo wallet."""
        call = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        answer = self._http.post("/demo/wallet", json=call).raise_for_status().json()
        assert "error" not in answer, answer
        return answer["result"]

    def raw(self, path: str) -> bytes:
        """Read a file."""
        return self._http.get(path).raise_for_status().content

    def get(self, path: str) -> Any:
        """Read a resource."""
        return self._http.get(path).raise_for_status().json()

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """Ask for something."""
        answer = self._http.post(path, json=body)
        assert answer.is_success, answer.text
        return answer.json()

    def send(self, steps: list[dict[str, Any]]) -> None:
        """Send what was prepared, each when the one before is in a block."""
        for step in steps:
            call = {name: step[name] for name in ("from", "to", "data")} | {"value": "0x0"}
            sent = self.wallet("eth_sendTransaction", call)
            self._until(lambda sent=sent: self.get(f"/v1/transactions/{sent}")["state"] == "done")

    def release(self, asset_id: str, *, released: bool) -> None:
        """Let everyone see the readings of a plant, or nobody."""
        self._http.put(f"/v1/assets/{asset_id}/release", json={"released": released}).raise_for_status()

    def retirement_of_its_own(self) -> int:
        """Retire grams until some lead to its own plants only: serial numbers go round all owners of a project."""
        own = {asset["asset_id"] for asset in self.get("/v1/assets")["items"]}
        while True:
            found = [one for one in self.get("/v1/retirements")["items"] if one["assets"] and set(one["assets"]) <= own]
            if found:
                return int(found[0]["number"])
            credit = self.get("/v1/credits")["items"][0]
            grams = (credit["held_g"] + credit["vault_g"]) // 8
            order = {"project_id": credit["project_id"], "vintage": credit["vintage"], "grams": grams}
            before = len(self.get("/v1/retirements")["items"])
            self.send(self.post("/v1/credits/retirements", order)["steps"])
            self._until(lambda before=before: len(self.get("/v1/retirements")["items"]) > before)

    def have_something_to_claim(self) -> None:
        """Pay a little of what was claimed before back in, if nothing is claimable: each look at the story claims what there is."""
        revenue = self.get("/v1/revenue")
        if revenue["claimable_minor"]:
            return
        month = next(item for item in revenue["items"] if item["final"] and item["awaited_minor"] > A_LITTLE_MINOR)
        deposit = {"asset_id": month["asset_id"], "month": month["month"], "minor": A_LITTLE_MINOR}
        self.send(self.post("/v1/revenue/deposits", deposit)["steps"])
        self._until(lambda: self.get("/v1/revenue")["claimable_minor"] > 0)

    @staticmethod
    def _until(holds: Any) -> None:
        deadline = time.monotonic() + WAIT_S
        while not holds():
            assert time.monotonic() < deadline
            time.sleep(0.2)

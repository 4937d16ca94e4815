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

    def __init__(self, address: str, place: int = 0) -> None:
        self._address = address
        self._http = httpx.Client(base_url=address, headers=SAME_SITE, timeout=30)
        self.account = self.wallet("eth_accounts")[place]
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

    def own(self) -> set[str]:
        """Plants of its own."""
        return {asset["asset_id"] for asset in self.get("/v1/assets")["items"]}

    def release(self, plants: set[str], *, released: bool) -> None:
        """Let everyone see the readings of those of the plants that are its own, or nobody."""
        for asset_id in sorted(plants & self.own()):
            self._http.put(f"/v1/assets/{asset_id}/release", json={"released": released}).raise_for_status()

    def retirement_of_a_plant_of_its_own(self) -> int:
        """Retire until something leads to a plant of its own: serial numbers go round all owners of a project.

        An eighth, then all that the second owner has, then an eighth of what is left, again and again.
        """
        own = self.own()
        self._retire(8)
        if (found := self._leading_to(own)) is None:
            with Owner(self._address, 1) as other:
                other._retire(1)
        while found is None:
            self._retire(8)
            found = self._leading_to(own)
        return found

    def retire_something(self) -> None:
        """Make sure that there is a certificate to look at."""
        if not self.get("/v1/retirements")["items"]:
            self._retire(8)

    def _leading_to(self, own: set[str]) -> int | None:
        found = [one for one in self.get("/v1/retirements")["items"] if own & set(one["assets"])]
        return int(found[0]["number"]) if found else None

    def _retire(self, part: int) -> None:
        """Retire an n-th of the first credits that it has."""
        credit = self.get("/v1/credits")["items"][0]
        grams = (credit["held_g"] + credit["vault_g"]) // part
        order = {"project_id": credit["project_id"], "vintage": credit["vintage"], "grams": grams}
        before = len(self.get("/v1/retirements")["items"])
        self.send(self.post("/v1/credits/retirements", order)["steps"])
        self._until(lambda: len(self.get("/v1/retirements")["items"]) > before)

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

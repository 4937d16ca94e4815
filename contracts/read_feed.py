"""Read a figure of a plant from its feed: an example of what this package gives to those who build on the contracts.

python -m contracts.read_feed RPC_URL ASSET [energy|credits|revenue] [address-book.json]

Without an address book it looks the chain up among the deployments that this release knows. ASSET "fleet" is all plants.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from web3 import HTTPProvider, Web3

from contracts import published_addresses
from contracts.address_book import AddressBook, bind, connect
from contracts.state import to_bytes32

METRICS = ("energy", "credits", "revenue")
STATES = ("never started", "live", "stale", "sealed")
MAX_AGE_S = 2 * 86_400
FLEET = bytes(32)


def read_feed(web3: Web3, book: AddressBook, asset_id: str, metric: str = "energy") -> dict[str, Any]:
    """Where a feed is and what it says. Raises LookupError when nobody has made it yet."""
    which = (FLEET if asset_id == "fleet" else to_bytes32(asset_id), METRICS.index(metric))
    factory = connect(web3, book, "FeedFactory").functions
    if not factory.isCreated(*which).call():
        raise LookupError("nobody has made this feed yet: call create on the FeedFactory")
    address = factory.addressOf(*which).call()
    feed = bind(web3, "AssetFeed", address).functions
    phase = feed.phase(MAX_AGE_S).call()
    reading = {"feed": address.lower(), "phase": STATES[phase], "decimals": feed.decimals().call()}
    if phase == 0:
        return reading
    epoch, answer, _, cutoff, _ = feed.latestRoundData().call()
    return {**reading, "epoch": epoch, "answer": str(answer), "cutoff": cutoff}


def main(rpc_url: str, asset_id: str, metric: str = "energy", book_path: str | None = None) -> None:
    """Print a reading as JSON."""
    web3 = Web3(HTTPProvider(rpc_url))
    text = Path(book_path).read_text(encoding="utf-8") if book_path else published_addresses(web3.eth.chain_id)
    if text is None:
        raise LookupError("this release knows no deployment on that chain: name an address book")
    sys.stdout.write(json.dumps(read_feed(web3, AddressBook.from_json(text), asset_id, metric)) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])

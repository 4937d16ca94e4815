"""What a demo leaves behind: the table, demo.json, and the files of --out."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from api.books import Books
from api.demo.fleet import Plant
from api.demo.terms import MINOR_PER_HKD
from api.demo.world import NETWORK, World
from api.destinations import whole_file, write_whole
from devices.readings import Readings
from devices.recordings import write_csv
from oracle.attestation.proof import Anchor, encode_anchor, encode_proof
from oracle.config import write_meters
from oracle.journal.proving import prove_asset


def summary(books: Books, world: World) -> dict[str, Any]:
    """Members of demo.json. Attested figures come from the journals, minted ones from the chain."""
    return {
        "attested_wh": books.total("attested_wh"),
        "minted_wh": books.total("minted_wh"),
        "credits_g": books.total("credits_g"),
        "revenue_minor": books.total("revenue_minor"),
        "withheld_wh": books.total("withheld_wh"),
        "disputed_wh": books.total("disputed_wh"),
        "balanced": books.balanced,
        "findings": books.findings,
        "reports": len(world.published),
        "chain": world.chain.name,
        "assets": [vars(asset) for asset in books.assets],
    }


def print_table(books: Books) -> None:
    """Print the outcome by plant to stdout."""
    table = Table(title="What the sun brought", title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("plant", no_wrap=True)
    for heading in ("attested\nkWh", "credits\nkg CO2e", "revenue\nHKD", "withheld\nkWh", "disputed\nkWh"):
        table.add_column(heading, justify="right", no_wrap=True)
    for asset in books.assets:
        table.add_row(
            asset.asset_id,
            _thousandths(asset.attested_wh),
            _thousandths(asset.credits_g) if asset.credits_g else "-",
            _money(asset.revenue_minor),
            _thousandths(asset.withheld_wh),
            _thousandths(asset.disputed_wh),
        )
    table.add_section()
    table.add_row(
        "total",
        _thousandths(books.total("attested_wh")),
        _thousandths(books.total("credits_g")),
        _money(books.total("revenue_minor")),
        _thousandths(books.total("withheld_wh")),
        _thousandths(books.total("disputed_wh")),
    )
    console = Console()
    console.print(table)
    if books.balanced:
        console.print(
            f"The books balance: {books.total('minted_wh')} Wh minted on chain, {books.total('attested_wh')} Wh attested."
        )
    else:
        console.print("The books do NOT balance:")
        for finding in books.findings[:20]:
            console.print(f"  {finding}", highlight=False)


def _thousandths(whole: int) -> str:
    """Write Wh as kWh or grams as kilograms, to the last digit, with thin spaces between thousands."""
    return f"{whole // 1000:,}".replace(",", "\u202f") + f".{whole % 1000:03}"


def _money(minor: int) -> str:
    """Write minor units as HKD and cents, rounded down."""
    cents = minor // (MINOR_PER_HKD // 100)
    return f"{cents // 100:,}".replace(",", "\u202f") + f".{cents % 100:02}"


def write_out(folder: Path, world: World, sent: dict[str, Readings]) -> None:
    """Write what others need to check the demo: proofs, anchor, address book, and the readings for `heliograph settle`.

    Raises:
        ConfigError: a file cannot be written.

    """
    chain, journal = world.fresh_chain(), world.nodes[0].journal
    signer_set = chain.signer_set()
    (folder / "proofs").mkdir(parents=True, exist_ok=True)
    write_whole(folder / "anchor.json", encode_anchor(Anchor(chain.domain, signer_set)))
    write_whole(folder / "address-book.json", world.book.to_json())
    for asset_id in sorted({plant.asset_id for plant in world.plants}):
        proof = prove_asset(
            journal, asset_id, network=NETWORK, domain=chain.domain, signer_set=signer_set, rules=world.rules
        )
        write_whole(folder / "proofs" / f"{asset_id}.json", encode_proof(proof))
    write_whole(folder / "meters.toml", write_meters([plant.meter for plant in world.plants]))
    with whole_file(folder / "readings.csv") as fresh:
        write_csv(fresh, sent)


def write_summary(path: Path, books: Books, world: World) -> None:
    """Write demo.json, in a form that people can read too. Raises ConfigError if it cannot be written."""
    write_whole(path, json.dumps(summary(books, world), indent=1, sort_keys=True) + "\n")


def readings_until(plants: Iterable[Plant], until_ms: int) -> dict[str, Readings]:
    """Readings of every meter up to an instant, as its device signed them, by meter id."""
    return {plant.meter.id: plant.source.between(plant.baseline_ms - 1, until_ms) for plant in plants}

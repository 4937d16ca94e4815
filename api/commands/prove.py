"""`heliograph prove`: write the files that `heliograph verify` takes."""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from api.cli import fail
from api.commands.interruption import leaving_at_once
from api.destinations import require_file_place, write_whole
from oracle.errors import ChainError, ConfigError, JournalError, ProofError

if TYPE_CHECKING:
    from api.proofs.prove import Exporter
    from oracle.attestation.proof import Proof

_proof = click.option(
    "--proof",
    "proof_path",
    type=click.Path(path_type=Path),
    metavar="PROOF.json",
    help="Take the evidence from a proof.",
)
_out = click.option(
    "--out", required=True, type=click.Path(path_type=Path), metavar="FILE", help="Where to write the proof."
)


@dataclass(frozen=True)
class NodeFiles:
    """Where a node says what it works with."""

    config_path: Path
    earlier_rules: tuple[Path, ...]


def _from_node(*, required: bool) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Let a command take a node's file and the rules of earlier reports, handed on as `node`: None where it is not given."""

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @click.option(
            "--config",
            "config_path",
            required=required,
            type=click.Path(path_type=Path),
            metavar="F.toml",
            help="Take it from a node: its file.",
        )
        @click.option(
            "--rules",
            "earlier",
            multiple=True,
            type=click.Path(path_type=Path),
            metavar="R.toml",
            help="Rules of earlier reports, where they were others than now.",
        )
        @functools.wraps(command)
        def called(*, config_path: Path | None, earlier: tuple[Path, ...], **arguments: object) -> None:
            return command(node=None if config_path is None else NodeFiles(config_path, earlier), **arguments)

        return called

    return decorate  # fmt: skip


@click.group()
def prove() -> None:
    """Write proofs that anyone can check: of statements, intervals, periods, credits and retirements.

    A node's file (see heliograph node --example) names the journal, the rules, the chain and the address book. The node
    may go on meanwhile. Each file is verified before it is written. Exit codes: 0 written, 1 a proof given does not hold,
    2 bad input, 3 the chain does not answer.
    """


@prove.command()
@click.argument("asset_id", metavar="ASSET")
@click.option("--epoch", type=click.IntRange(min=1), metavar="N", help="Of the report of this number, not the last.")
@_from_node(required=True)
@_out
def statement(asset_id: str, epoch: int | None, node: NodeFiles, out: Path) -> None:
    """Prove what is stated of an asset: energy, credits and revenue by vintage."""
    with _writing(out), _exporter(node) as exporter:
        from oracle.attestation.proof import encode_proof

        write_whole(out, encode_proof(exporter.statements(asset_id, epoch)))


@prove.command()
@click.argument("asset_id", metavar="ASSET")
@click.argument("start", metavar="START")
@_proof
@_from_node(required=False)
@_out
def interval(asset_id: str, start: str, proof_path: Path | None, node: NodeFiles | None, out: Path) -> None:
    """Prove what is booked of an asset in the ledger interval that begins at START (RFC 3339)."""
    with _writing(out):
        from api.instants import read_instant_ms

        from_ms = read_instant_ms(start)
        proof = _evidence(asset_id, proof_path, node)
        _write_period(proof, from_ms, from_ms + proof.rules.ledger_interval_ms, out)


@prove.command()
@click.argument("asset_id", metavar="ASSET")
@click.option("--from", "start", required=True, metavar="START", help="First instant, RFC 3339.")
@click.option("--until", "end", required=True, metavar="END", help="Instant after the last, RFC 3339.")
@_proof
@_from_node(required=False)
@_out
def period(  # noqa: PLR0913, PLR0917  click's options
    asset_id: str,
    start: str,
    end: str,
    proof_path: Path | None,
    node: NodeFiles | None,
    out: Path,
) -> None:
    """Write an asset's evidence bundle for a period: all that is booked in it, and the proof of it."""
    with _writing(out):
        from api.instants import read_instant_ms

        from_ms, until_ms = read_instant_ms(start), read_instant_ms(end)
        _write_period(_evidence(asset_id, proof_path, node), from_ms, until_ms, out)


@prove.command(name="credits")
@click.argument("project_id", metavar="PROJECT")
@click.argument("vintage", type=click.IntRange(1970, 9999))
@click.argument("first_serial", type=click.IntRange(min=1), metavar="FIRST")
@click.argument("last_serial", type=click.IntRange(min=1), metavar="LAST")
@_from_node(required=True)
@_out
def credit_range(  # noqa: PLR0913, PLR0917  click's arguments
    project_id: str,
    vintage: int,
    first_serial: int,
    last_serial: int,
    node: NodeFiles,
    out: Path,
) -> None:
    """Prove where credits come from: serial numbers FIRST to LAST of a project's vintage, in order of issue.

    Asks the chain node for receipts (eth_getBlockReceipts) and storage (eth_getProof).
    """
    with _writing(out), _exporter(node) as exporter:
        from oracle.attestation.credits import encode_credits

        write_whole(out, encode_credits(exporter.credits(project_id, vintage, first_serial, last_serial)))


@prove.command()
@click.argument("number", type=click.IntRange(min=1))
@_from_node(required=True)
@_out
def retirement(number: int, node: NodeFiles, out: Path) -> None:
    """Prove where the credits of a retirement come from; NUMBER is also that of its certificate."""
    with _writing(out), _exporter(node) as exporter:
        from oracle.attestation.credits import encode_credits

        write_whole(out, encode_credits(exporter.retirement(number)))


@prove.command()
@click.option(
    "--blocks-of", "files", multiple=True, type=click.Path(path_type=Path), metavar="CREDITS.json",
    help="Name the blocks of this file too, after asking the node's chain for each.",
)  # fmt: skip
@_from_node(required=True)
@_out
def anchor(files: tuple[Path, ...], node: NodeFiles, out: Path) -> None:
    """Write what a verifier may trust if it trusts this node: signers, contracts, and blocks of its chain."""
    with _writing(out), _exporter(node) as exporter:
        from api.proofs.chain import require_blocks
        from oracle.attestation.credits import decode_credits
        from oracle.attestation.proof import encode_anchor

        blocks = [block for file in files for block in decode_credits(file.read_bytes()).body.blocks]
        require_blocks(exporter.web3, blocks)
        write_whole(out, encode_anchor(exporter.anchor({block.block_hash for block in blocks})))


def _evidence(asset_id: str, proof_path: Path | None, node: NodeFiles | None) -> "Proof":
    """Take an asset's proof from a file, or make it from a node's journal."""
    if (proof_path is None) == (node is None):
        raise ConfigError("give the evidence by --proof or by --config, one of them")
    if node is not None:
        with _exporter(node) as exporter:
            return exporter.statements(asset_id)
    with leaving_at_once():
        from oracle.attestation.proof import decode_proof
    assert proof_path is not None  # noqa: S101  one of them is given
    proof = decode_proof(proof_path.read_bytes())
    if proof.body.registry.asset.asset_id != asset_id:
        raise ConfigError(f"{proof_path}: is of asset {proof.body.registry.asset.asset_id}")
    return proof


def _write_period(proof: "Proof", from_ms: int, until_ms: int, out: Path) -> None:
    from api.proofs.prove import prove_period
    from oracle.attestation.period import encode_period

    write_whole(out, encode_period(prove_period(proof, from_ms, until_ms)))


@contextmanager
def _exporter(node: NodeFiles) -> Iterator["Exporter"]:
    """Open a node's journal and connect to its chain."""
    with leaving_at_once():
        from web3 import HTTPProvider, Web3

        from api.configuration.node import NodeConfig
        from api.configuration.rules import load_rules
        from api.proofs.prove import Exporter
        from oracle.journal.journal import Journal
    config = NodeConfig.load(node.config_path)
    if not config.node.journal.is_file():
        raise ConfigError(f"{config.node.journal}: there is no such journal")
    web3 = Web3(HTTPProvider(config.chain.url(), request_kwargs={"timeout": 30}))
    book = config.chain.load_address_book()
    rules = tuple(load_rules(path) for path in (config.node.rules, *node.earlier_rules))
    journal = Journal.open(config.node.journal, config.node.network, [config.node.archives_folder])
    try:
        journal.require_archives()
        yield Exporter(journal, config.node.network, rules, web3, book, config.chain.finality)
    finally:
        journal.close()


@contextmanager
def _writing(out: Path) -> Iterator[None]:
    """Turn what can go wrong into one clear line and an exit code, and say what was written."""
    try:
        require_file_place(out)
        yield
    except OSError as error:
        return fail(f"{error.filename}: cannot be read: {error.strerror}", 2)
    except ProofError as error:
        return fail(f"refused at step {error.step}: {error.what}", 1)
    except (ConfigError, JournalError) as error:
        return fail(str(error), 2)
    except ChainError as error:
        return fail(str(error), 3)
    click.echo(f"{out}: written", err=True)
    return None

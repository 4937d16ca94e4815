"""From a range of credits, or a retirement, down to the device signatures: every step, checked without asking anyone.

Accepts a file only if, in this order,
  - proofs: there is one for each asset that the range leads to, all of one contract and chain, each of which holds;
  - blocks: each header hashes to its block's hash, and what is shown of the block is under the header's roots;
  - issuance: the issues shown are all that the id ever had up to the last block, by the sum that the contract keeps;
  - range: it was minted, and leads to exactly the portions that are stated; each issue that it touches is the sum of what
    its assets' marks rose by, and each asset is one of the project;
  - statements: each mark that a portion comes from is what the asset's evidence gives at the mark's cutoff;
  - retirement: the contract keeps it as stated, and its serial numbers are the range.

Whether signers, contracts and blocks are the right ones is for whoever calls to say, by an anchor or a chain node.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial

from contracts.state import credit_id
from oracle.attestation.block import CheckedBlock, check_block
from oracle.attestation.credit_storage import Retirement, issuance_in, retirement_in
from oracle.attestation.credits import CreditRange, CreditsBody, Portion, ProvenCredits
from oracle.attestation.issuance import Issue, Mark, read_issues
from oracle.attestation.proof import Contracts
from oracle.attestation.signature import is_checksummed
from oracle.attestation.verification import Examined, OnStep, Step, examine_proof
from oracle.errors import OracleError, ProofError, ReportError
from oracle.reporting.merkle import root_from_proof
from oracle.reporting.registry import asset_leaf

STEPS = ("proofs", "blocks", "issuance", "range", "statements", "retirement")
"""Names of the steps, in order; those of each asset's proof come within the first."""


def examine_credits(proven: ProvenCredits, on_step: OnStep = lambda _: None) -> dict[str, Examined]:
    """Check a range of credits, but for its anchors; return what each asset's proof came to, by asset id.

    Raises:
        ProofError: a step does not hold; it names the step and what is wrong.

    """
    body, stated = proven.body, proven.body.credits
    with _at("proofs"):
        _check_addresses(body)
        examined = _examine_proofs(proven, on_step)
    on_step(Step("proofs", f"{len(examined)} assets, down to their devices"))
    with _at("blocks"):
        if not body.blocks:
            raise ReportError("there are none")
        blocks = [check_block(block) for block in body.blocks]
    on_step(
        Step("blocks", f"{len(blocks)} up to block {blocks[-1].number}; what is shown of them is under their hashes")
    )
    with _at("issuance"):
        token = credit_id(stated.project_id, stated.vintage)
        issues = read_issues(blocks, body.contracts, token)
        minted_g = _check_issuance(blocks, body.contracts, token, issues)
    named = f"{stated.project_id}, vintage {stated.vintage}"
    on_step(Step("issuance", f"{len(issues)} issues minted {minted_g} g of {named}: none is left out"))
    with _at("range"):
        marks = _check_range(proven, issues, minted_g)
    on_step(Step("range", f"serials {stated.first_serial} to {stated.last_serial} lead to {len(marks)} mints"))
    with _at("statements"):
        for mark in marks:
            _check_mark(proven, mark, examined[mark.asset_id])
    on_step(Step("statements", "each of these mints is what the signed registers give"))
    if stated.retirement is not None:
        with _at("retirement"):
            found = _check_retirement(stated, stated.retirement, _storage_of(blocks, body.contracts))
        on_step(Step("retirement", found))
    return examined


@contextmanager
def _at(step: str) -> Iterator[None]:
    """Name the step at which something could not be believed."""
    try:
        yield
    except ProofError:
        raise
    except (OracleError, ArithmeticError, TypeError, ValueError) as error:  # a number or name that nothing can hold
        raise ProofError(step, str(error)) from error


def _check_addresses(body: CreditsBody) -> None:
    named = [body.contracts.credit, body.contracts.ledger]
    named += [address for member in body.members for address in (member.asset.beneficiary, member.project.currency)]
    if (retirement := body.credits.retirement) is not None:
        named += [retirement.holder, retirement.beneficiary]
    for address in named:
        if not is_checksummed(address):
            raise ProofError("document", f"{address!r} is not a checksummed address")


def _examine_proofs(proven: ProvenCredits, on_step: OnStep) -> dict[str, Examined]:
    named = [proof.body.registry.asset.asset_id for proof in proven.proofs]
    if named != sorted({portion.asset_id for portion in proven.body.credits.portions}) or not named:
        raise ProofError("proofs", "are not one for each asset of the portions, by asset id")
    first = proven.proofs[0].body
    for proof in proven.proofs:
        if (proof.body.domain, proof.body.network) != (first.domain, first.network):
            raise ProofError("proofs", "are of different contracts, chains or networks")
        if proof.body.registry.project.project_id != proven.body.credits.project_id:
            raise ProofError("proofs", f"asset {proof.body.registry.asset.asset_id} is of another project")
    return {
        asset_id: examine_proof(proof, None, partial(_tell, on_step, asset_id))
        for asset_id, proof in zip(named, proven.proofs, strict=True)
    }


def _tell(on_step: OnStep, asset_id: str, step: Step) -> None:
    on_step(Step(step.name, f"{asset_id}: {step.finding}"))


def _storage_of(blocks: Sequence[CheckedBlock], contracts: Contracts) -> Mapping[bytes, bytes]:
    if any(block.storage for block in blocks[:-1]) or blocks[-1].storage.keys() != {contracts.credit}:
        raise ReportError("storage is not shown of the credit contract, at the last block alone")
    return blocks[-1].storage[contracts.credit]


def _check_issuance(blocks: Sequence[CheckedBlock], contracts: Contracts, token: int, issues: Sequence[Issue]) -> int:
    """Hold the issues shown against the sums that the contract keeps; return what they minted [g]."""
    if any(not block.logs for block in blocks[:-1]):
        raise ReportError("a block is shown that has no issue")
    kept = issuance_in(_storage_of(blocks, contracts), token)
    for what, shown_g, kept_g in (
        ("issued", sum(issue.issued_g for issue in issues), kept.issued_g),
        ("reversed", sum(issue.reversed_g for issue in issues), kept.reversed_g),
        ("offset", sum(issue.offset_g for issue in issues), kept.offset_g),
    ):
        if shown_g != kept_g:
            raise ReportError(
                f"issues are left out: those shown add up to {shown_g} g {what}, the contract has {kept_g} g"
            )
    return kept.issued_g - kept.offset_g


def _check_range(proven: ProvenCredits, issues: Sequence[Issue], minted_g: int) -> list[Mark]:
    """Lead a range to the marks that minted it, and compare with what is stated; return the marks."""
    stated = proven.body.credits
    if not 1 <= stated.first_serial <= stated.last_serial <= minted_g:
        raise ReportError(f"serials {stated.first_serial} to {stated.last_serial} are not among the {minted_g} minted")
    touched = touched_issues(issues, stated.first_serial, stated.last_serial)
    members = _check_members(proven, {mark.asset_id for issue, _ in touched for mark, _ in issue.marks})
    found: list[tuple[Portion, Mark]] = []
    for issue, first_serial in touched:
        found += portions_of(issue, first_serial, members, stated.first_serial, stated.last_serial)
    if tuple(portion for portion, _ in found) != stated.portions:
        raise ReportError("the range leads to other portions than those stated")
    return [mark for _, mark in found]


def touched_issues(issues: Sequence[Issue], first_serial: int, last_serial: int) -> list[tuple[Issue, int]]:
    """Return the issues that minted any of a range, each with its first serial number."""
    touched = []
    next_serial = 1
    for issue in issues:
        if next_serial <= last_serial and next_serial + issue.minted_g > first_serial and issue.minted_g:
            touched.append((issue, next_serial))
        next_serial += issue.minted_g
    return touched


def portions_of(
    issue: Issue, issue_first: int, members: frozenset[str], first_serial: int, last_serial: int
) -> list[tuple[Portion, Mark]]:
    """Share an issue's serial numbers out over its assets, and return what of them is in a range.

    Raises:
        ReportError: what the marks of the project's assets rose by is not what was issued.

    """
    rises = [(mark, mark.credits_g - before_g) for mark, before_g in issue.marks if mark.asset_id in members]
    if any(rise_g < 0 for _, rise_g in rises) or sum(rise_g for _, rise_g in rises) != issue.issued_g:
        raise ReportError(f"block {issue.block}: what was issued is not what the marks of the project's assets rose by")
    shared = []
    serial, offset_g = issue_first, issue.offset_g
    for mark, rise_g in rises:
        taken_g = min(rise_g, offset_g)
        offset_g -= taken_g
        first, last = max(serial, first_serial), min(serial + rise_g - taken_g - 1, last_serial)
        serial += rise_g - taken_g
        if first <= last:
            shared.append((Portion(mark.asset_id, first, last, issue.block, mark.epoch), mark))
    return shared


def _check_members(proven: ProvenCredits, settled: set[str]) -> frozenset[str]:
    """Return which of the assets settled beside a range are of its project: those with a proof, and those shown as members."""
    own = {proof.body.registry.asset.asset_id for proof in proven.proofs}
    newest = max(proven.proofs, key=lambda proof: proof.body.report.epoch).body.report
    members = proven.body.members
    named = [member.asset.asset_id for member in members]
    if named != sorted(set(named)) or own & set(named) or not set(named) <= settled:
        raise ReportError("members are not ascending, have a proof, or were not settled beside the range")
    for member in members:
        if not member.asset.project_id == member.project.project_id == proven.body.credits.project_id:
            raise ReportError(f"asset {member.asset.asset_id} is of another project")
        if root_from_proof(asset_leaf(member.asset, member.project), member.path) != newest.registry_hash:
            raise ReportError(f"asset {member.asset.asset_id} is not what the newest report's registry hash says")
    return frozenset(own | set(named))


def _check_mark(proven: ProvenCredits, mark: Mark, examined: Examined) -> None:
    """Find the statement that a mark came from in the asset's evidence chain."""
    stated = proven.body.credits
    statements = [after[stated.vintage] for after in examined.history if stated.vintage in after]
    if (mark.cutoff_s, mark.credits_g) not in {(one.cutoff_s, one.credits_g.issued) for one in statements}:
        raise ReportError(
            f"asset {mark.asset_id}: the chain says {mark.credits_g} g by {mark.cutoff_s}, and no statement of its evidence does"
        )
    (report,) = (p.body.report for p in proven.proofs if p.body.registry.asset.asset_id == mark.asset_id)
    last = max(portion.epoch for portion in stated.portions if portion.asset_id == mark.asset_id)
    if report.epoch != last:
        raise ReportError(
            f"asset {mark.asset_id}: its proof is of report {report.epoch}, its last credits of report {last}"
        )


def _check_retirement(stated: CreditRange, retirement: Retirement, storage: Mapping[bytes, bytes]) -> str:
    if retirement_in(storage, retirement.number) != retirement:
        raise ReportError(f"retirement {retirement.number} is not what the contract keeps")
    if retirement.credit_id != credit_id(stated.project_id, stated.vintage):
        raise ReportError(f"retirement {retirement.number} is of other credits")
    last = retirement.first_serial + retirement.grams - 1
    if (retirement.first_serial, last) != (stated.first_serial, stated.last_serial):
        raise ReportError(f"retirement {retirement.number} has serials {retirement.first_serial} to {last}")
    return f"number {retirement.number}: {retirement.grams} g for {retirement.beneficiary}"

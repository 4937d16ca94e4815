"""What owners send: draw, retire, collect, claim, and the certificate of a retirement."""

from collections import defaultdict

from eth_abi.abi import encode as encode_abi
from eth_utils.crypto import keccak

from api.transactions.orders import ClaimOrder, DrawOrder, RetireOrder
from api.transactions.preparing import Wanted
from api.transactions.reader import Block, ChainReader, Question
from api.transactions.refusals import refusal
from api.transactions.views import EntitledMonth, EntitlementView, HoldingsView
from contracts.state import credit_id, revenue_id, to_bytes32

NO_HASH = bytes(32)


def draws_before(order: RetireOrder, holdings: HoldingsView, sender: str) -> list[Wanted]:
    """Draws that bring what the sender's account lacks for a retirement, the fullest vault first.

    Raises:
        ProblemError: account and vault together have less than is to be retired, or drawing is paused.

    """
    found = [item for item in holdings.items if (item.project_id, item.vintage) == (order.project_id, order.vintage)]
    held_g, vault_g = (found[0].held_g, found[0].vault_g) if found else (0, 0)
    missing_g = order.grams - held_g
    if missing_g <= 0:
        return []
    if missing_g > vault_g:
        token = credit_id(order.project_id, order.vintage)
        values = {"sender": sender, "balance": held_g + vault_g, "needed": order.grams, "tokenId": token}
        raise refusal("ERC1155InsufficientBalance", values)
    if holdings.transfers_paused:
        raise refusal("TransfersArePaused", {})
    draws = []
    for place in sorted(found[0].vault, key=lambda one: -one.drawable_g):
        part_g = min(missing_g, place.drawable_g)
        missing_g -= part_g
        draws.append(draw(place.asset_id, order.vintage, part_g, sender))
        if not missing_g:
            break
    return draws


def draw(asset_id: str, vintage: int, grams: int, to: str) -> Wanted:
    """Take credits of an asset out of the vault."""
    values: dict[str, str | int | None] = {"grams": grams, "asset_id": asset_id, "vintage": vintage, "to": to}
    return Wanted("CarbonCredit", "draw", (to_bytes32(asset_id), vintage, grams, to), "draw", values)


def grams_to_draw(chain: ChainReader, order: DrawOrder, block: Block) -> int:
    """What a draw asks for: the order's own figure, else all that the vault has for the asset and vintage.

    Raises:
        ProblemError: it has none.

    """
    if order.grams is not None:
        return order.grams
    question = Question("CarbonCredit", "inVault", (to_bytes32(order.asset_id), order.vintage))
    (grams,) = chain.ask(block, [question])
    if not grams:
        raise refusal("MoreThanInVault", {"available": 0, "asked": 1})
    return int(grams)


def retire(order: RetireOrder, sender: str) -> Wanted:
    """Take credits out of circulation, the sender's own or those of a holder who has approved it."""
    hashed = order.salt is not None and order.name != ""
    note = (
        order.beneficiary or sender,
        name_hash(order.name, order.salt) if hashed and order.salt else NO_HASH,
        "" if hashed else order.name,
        order.purpose,
    )
    token = credit_id(order.project_id, order.vintage)
    values: dict[str, str | int | None] = {
        "grams": order.grams,
        "project_id": order.project_id,
        "vintage": order.vintage,
    }
    if order.holder is not None and order.holder.lower() != sender.lower():
        arguments = (order.holder, token, order.grams, note)
        return Wanted("CarbonCredit", "retireFrom", arguments, "retire_from", {**values, "holder": order.holder})
    return Wanted("CarbonCredit", "retire", (token, order.grams, note), "retire", values)


def name_hash(name: str, salt: str) -> bytes:
    """Hash that stands for a beneficiary who is not named on chain: keccak256(abi.encode(name, salt)).

    `RetirementCertificate.isNameOf` says of a name and salt whether they are the ones.
    """
    return keccak(encode_abi(["string", "bytes32"], [name, bytes.fromhex(salt[2:])]))


def certify(number: int) -> Wanted:
    """Make the certificate of a retirement: anyone may."""
    return Wanted("RetirementCertificate", "certify", (number,), "certify", {"number": number})


def claims(order: ClaimOrder, revenue: EntitlementView, sender: str) -> list[Wanted]:
    """Collect what was earned in the chosen months, asset by asset, then claim what deposits cover.

    Assets whose shares are frozen are passed over, unless one is named. Nothing where nothing is claimable.

    Raises:
        ProblemError: the sender is not verified, or the named asset's shares are frozen.

    """
    chosen = [item for item in revenue.items if _is_chosen(item, order) and item.claimable_minor]
    if not chosen:
        return []
    if not revenue.verified:
        raise refusal("NotVerified", {"account": sender})
    clear = [item for item in chosen if item.may_claim]
    if not clear:
        raise refusal("HolderFrozen", {"assetId": to_bytes32(chosen[0].asset_id), "holder": sender})
    uncollected: dict[str, list[EntitledMonth]] = defaultdict(list)
    for item in clear:
        if item.earned_minor > item.collected_minor:
            uncollected[item.asset_id].append(item)
    collecting = [
        Wanted(
            "RevenueShare",
            "collect",
            (to_bytes32(asset_id), [item.month for item in months], sender),
            "collect",
            {
                "asset_id": asset_id,
                "months": len(months),
                "minor": sum(item.earned_minor - item.collected_minor for item in months),
            },
        )
        for asset_id, months in uncollected.items()
    ]
    ids = [revenue_id(item.asset_id, item.month) for item in clear]
    values: dict[str, str | int | None] = {
        "minor": sum(item.claimable_minor for item in clear),
        "assets": len({item.asset_id for item in clear}),
        "months": len({item.month for item in clear}),
        "to": order.to or sender,
    }
    return [*collecting, Wanted("RevenueShare", "claim", (ids, order.to or sender), "claim", values)]


def _is_chosen(item: EntitledMonth, order: ClaimOrder) -> bool:
    return (order.asset_id in (None, item.asset_id)) and (order.months is None or item.month in order.months)

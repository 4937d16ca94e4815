"""Why a contract would refuse a call: each error that an owner, a payer or a registrar can meet, in plain words.

The words stand in the problem's `detail`; `reason` and `values` beside them are for programs and other languages.
"""

from typing import Any, Final

from eth_utils.address import is_address, to_checksum_address

from api.http.problems import ProblemError
from contracts.state import from_bytes32
from contracts.transaction import read_revert

LARGEST_EXACT: Final = 2**53
"""Integers from here on are written as decimal strings: JavaScript would round them."""

WORDS: Final[dict[str, str]] = {
    # credits
    "BeneficiaryMissing": "a retirement needs a beneficiary's account: name one, or leave it out for your own",
    "ERC1155InsufficientBalance": "the account {sender} holds {balance}, and {needed} are needed: ask for no more than it holds",
    "ERC1155InvalidReceiver": "the account {receiver} is a contract that does not take such tokens: name another account",
    "ERC1155MissingApprovalForAll": "{owner} has not allowed {operator} to act for it: let it approve that first",
    "InvalidText": "name or purpose is not text: write it in UTF-8",
    "MoreThanInVault": "the vault holds {available} g for this asset and vintage, and {asked} g were asked for: ask for no more, "
    "or wait for the next report",
    "NameAndHash": "a name and the hash of one cannot both be given: give either, or neither",
    "NotBeneficiary": "only the asset's beneficiary {beneficiary} draws its credits, and {caller} is another account: sign in as "
    "the beneficiary",
    "NothingToRetire": "nothing would be retired: give at least one gram",
    "TextTooLong": "name or purpose has {bytesGiven} bytes, and at most {most} go on chain: shorten it (most Chinese characters "
    "have three bytes)",
    "TransfersArePaused": "transfers are paused by a guardian, drawing included: wait until they are resumed. Retiring what is in "
    "the account goes on",
    # certificates
    "AlreadyCertified": "retirement {retirementId} has its certificate already: nothing needs to be done",
    "UnknownRetirement": "there is no retirement {retirementId}: look at GET /v1/retirements",
    # revenue and shares
    "CurrencyShrank": "the currency {currency} has taken back what was deposited, so nothing of it is paid out: tell whoever runs "
    "the project",
    "HolderFrozen": "shares of {assetId} that {holder} holds are frozen, or its key was declared lost: its revenue waits until "
    "the share office has cleared it",
    "NoShare": "no share of {assetId} was issued yet, so nobody takes part in its revenue: ask the operator to issue it",
    "NotFinal": "month {month} of {assetId} is still running: wait for the first report of the next month",
    "NotVerified": "the account {account} is not verified, or its verification has run out: have it verified, then claim. Nothing "
    "is lost until then",
    "NothingDeposited": "nothing would arrive: give a sum above zero",
    "SafeERC20FailedOperation": "the currency {token} refuses the payment: look at balance and allowance of the paying account",
    "UnknownMonth": "no revenue of {assetId} was settled for month {month} yet: pay for a month that has begun",
    "ERC20InsufficientAllowance": "{spender} may take {allowance} of the account's money, and {needed} are needed: allow it first",
    "ERC20InsufficientBalance": "the account {sender} has {balance}, and {needed} are needed: give less, or fill it up first",
    "ERC20InvalidApprover": "an account is missing: name one",
    "ERC20InvalidSpender": "the account to be allowed is missing: name one",
    "ERC2612ExpiredSignature": "the permit has expired: sign a new one",
    "ERC2612InvalidSigner": "the permit is signed by {signer} and not by {owner}, or for other figures: sign it with the very "
    "figures that are sent",
    "ERC7943CannotReceive": "the account {account} may not receive shares: have it verified first",
    "ERC7943CannotSend": "the account {account} may not send shares: its key was declared lost",
    "ERC7943InsufficientUnfrozenBalance": "of the shares of {account} only {unfrozen} are not frozen, and {amount} were asked for: "
    "ask for no more",
    "ECDSAInvalidSignature": "the signature is none: sign again",
    "ECDSAInvalidSignatureLength": "the signature has a wrong length: send the 65 bytes that the wallet gave",
    "ECDSAInvalidSignatureS": "the signature is in its second form: send the 65 bytes that the wallet gave",
    # registry
    "AssetFixed": "project and UTC offset of {assetId} stay as they were first registered: register another asset instead",
    "AssetOfAnotherProject": "{assetId} does not belong to project {projectId}: list its meters under its own project",
    "BaselineOutOfRange": "register or time of the baseline is out of range: both are whole numbers below 2^53",
    "CommissioningMissing": "{assetId} has no instant of commissioning: give one after 1970",
    "DocumentMissing": "a right of {projectId} to credits or certificates is granted by a document: give its hash",
    "InvalidId": "{id} is no identifier: 1 to 28 of letters, digits, '.', '_', '-', the first a letter or digit",
    "InvalidName": "{name} is no identifier: 1 to 28 of letters, digits, '.', '_', '-', the first a letter or digit",
    "KeyOfAnotherMeter": "the key {thumbprint} is bound to another meter, for good: give this meter a key of its own",
    "MeterOfAnotherKey": "device and meter are bound to the key {bound}, for good: give the device a new name with its new key",
    "MetersNotAscending": "the key {given} stands in the list already: one key, one meter",
    "NameplateOutOfRange": "a rated power of {nameplateW} W is out of range: 1 W to 1 GW",
    "OffsetOutOfRange": "a UTC offset of {utcOffset} s is out of range: 14 hours either way",
    "ProjectFixed": "claim right, currency and assurance of {projectId} stay as they are, since assets have joined it: register "
    "another project",
    "RootOfEmptyList": "the root of the meter list of {projectId} does not fit the list: prepare the change anew",
    "StatusMissing": "a registered asset is never unregistered again: suspend or retire it",
    "TermsOutOfRange": "a ceiling of {assetId} is more than the registry keeps: give a smaller one",
    "TooManyProjects": "the registry is full: it keeps 65 536 projects",
    "UnknownProject": "project {projectId} is not registered: send its terms along",
    "ZeroAddress": "an account is missing: give beneficiary and currency",
    # roles
    "AccessManagedRequiredDelay": "{caller} may do this only after announcing it {delay} s ahead: schedule the call first",
    "AccessManagedUnauthorized": "{caller} does not have the role that this needs: let an account do it that has it",
    "AccessManagerAlreadyScheduled": "this very call is announced already: wait, and then carry it out",
    "AccessManagerExpired": "the announced call was not carried out in time: announce it anew",
    "AccessManagerNotReady": "the announced call may not be carried out yet: wait until its delay has passed",
    "AccessManagerNotScheduled": "the call was not announced: schedule it first",
    "AccessManagerUnauthorizedCall": "{caller} does not have the role that this needs: let an account do it that has it",
}
"""Error of a contract -> what it means here, and what to do. Names in braces are the error's arguments."""


def refusal(reason: str, values: dict[str, Any]) -> ProblemError:
    """Make the problem for an error of a contract, by its name and arguments."""
    shown = {name: _shown(given) for name, given in values.items()}
    words = WORDS.get(reason)
    detail = words.format(**shown) if words is not None else f"the contract refuses it: {reason}({_listed(shown)})"
    return ProblemError("refused-by-contract", detail, members={"reason": reason, "values": shown})


def refusal_of(revert: bytes) -> ProblemError:
    """Make the problem for what a contract reverted with."""
    found = read_revert(revert)
    if found is None:
        detail = f"the contract refuses it, and does not say why (0x{revert.hex()})"
        return ProblemError("refused-by-contract", detail, members={"reason": None, "values": {}})
    return refusal(found[0], dict(found[1]))


def in_words(revert: bytes) -> tuple[str | None, str]:
    """Name of the error that a contract reverted with, and what it means; (None, that it says nothing) for an unknown one."""
    problem = refusal_of(revert)
    return problem.members["reason"], problem.detail


def _shown(given: object) -> str | int:
    """A value as JSON and people can read it: identifiers as text, other bytes as hex, large numbers as digits."""
    if isinstance(given, bytes):
        try:
            return from_bytes32(given)
        except ValueError:
            return f"0x{given.hex()}"
    if isinstance(given, str) and is_address(given):
        return to_checksum_address(given)
    if isinstance(given, bool) or not isinstance(given, int):
        return str(given)
    return given if abs(given) < LARGEST_EXACT else str(given)


def _listed(shown: dict[str, str | int]) -> str:
    return ", ".join(f"{name}={given}" for name, given in shown.items())

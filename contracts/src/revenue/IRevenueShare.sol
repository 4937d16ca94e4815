// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IShareOffice} from "../shares/IShareOffice.sol";
import {IERC1155} from "@openzeppelin/contracts/token/ERC1155/IERC1155.sol";

/// What is owed to the holders of an asset for one month, and how much of it has come [minor unit].
struct Receivable {
    /// Revenue that was settled for the month.
    uint256 attestedMinor;
    /// The part of it that will not be paid: written off by the trustee.
    uint256 writtenDownMinor;
    /// What was deposited for the month.
    uint256 depositedMinor;
    /// The part of it that pays units: all of it up to attested less written down, and none before the month is final.
    uint256 distributableMinor;
    /// What was claimed.
    uint256 paidMinor;
    /// The ledger has moved on to a later month, so what was attested does not change any more.
    bool isFinal;
}

/// A holder of receivables of one id, in one storage slot.
struct ReceivableAccount {
    /// Sum of units held x distributable cash that came while they were held: exact, since it is divided by what was attested
    /// only when paid, and that is fixed as soon as anything is distributable.
    uint128 product;
    /// Distributable cash up to here is in `product`.
    uint64 seenMinor;
    uint64 claimedMinor;
}

/// Receivables (ERC-1155): one unit is 1 minor unit of revenue attested for an asset's month. Id = assetId | month (yyyymm).
/// Units are collected by those who held shares when the revenue was settled. Whoever owes the revenue deposits it, and each
/// unit is paid alike, whenever it was collected: order never matters.
interface IRevenueShare is IERC1155 {
    event Collected(bytes32 indexed assetId, uint32 indexed month, address indexed holder, uint256 unitsMinor);
    event Deposited(
        bytes32 indexed assetId,
        uint32 indexed month,
        address indexed from,
        uint256 arrivedMinor,
        uint256 depositedMinor
    );
    event ExcessCarried(bytes32 indexed assetId, uint32 indexed fromMonth, uint32 indexed toMonth, uint256 minor);
    event WrittenDown(bytes32 indexed assetId, uint32 indexed month, uint256 minor, string reason);
    event Claimed(address indexed holder, uint256 indexed id, address indexed to, uint256 paidMinor);
    event ReceivableRecovered(
        uint256 indexed id, address indexed lost, address indexed replacement, uint256 units, string reason
    );
    event TransfersPaused(bool paused);

    error NotVerified(address account);
    /// Some of the holder's shares in the asset are frozen, or the holder is a lost account.
    error HolderFrozen(bytes32 assetId, address holder);
    error NoShare(bytes32 assetId);
    /// Nothing was settled for the month, so that it may never come.
    error UnknownMonth(bytes32 assetId, uint32 month);
    error NotFinal(bytes32 assetId, uint32 month);
    error NothingDeposited();
    error NothingToCarry();
    /// Less of the currency is here than came in: it was taken away by the currency itself.
    error CurrencyShrank(address currency, uint256 heldMinor, uint256 balanceMinor);
    /// Only what neither was paid in nor written down before can be written down.
    error MoreThanOutstanding(uint256 outstandingMinor, uint256 asked);
    error ReasonMissing();
    /// The office has not declared `lost` as replaced by `replacement` for this asset.
    error NotReplaced(bytes32 assetId, address lost, address replacement);
    error TransfersArePaused();

    /// Mint what a holder has earned in these months and not collected yet. Anyone may call; the holder must be verified.
    /// Calls no receiver, so a holder cannot stop it.
    function collect(bytes32 assetId, uint32[] calldata months, address holder) external;

    /// Pay for a month that has begun, in the project's currency, with the caller's allowance. What arrived is counted, not
    /// what was sent. It waits until the month is final, and what is more than outstanding waits too: see `carryExcess`.
    function deposit(bytes32 assetId, uint32 month, uint256 minor) external;

    /// Move what a final month can never use to the month that followed. Anyone may call, nobody can choose where it goes.
    function carryExcess(bytes32 assetId, uint32 month) external;

    /// Give up a part of a final month that will not be paid. Never touches what was deposited. Restricted to trustees, who
    /// have an execution delay.
    function writeDown(bytes32 assetId, uint32 month, uint256 minor, string calldata reason) external;

    /// Pay out everything the caller is owed on `ids`. The caller must be verified and none of its shares frozen; so must be
    /// `to`, if another. Never paused.
    function claim(uint256[] calldata ids, address to) external;

    /// Move units and accrued cash of an account that the office has declared lost, to the one that replaces it.
    function recover(address lost, address replacement, uint256[] calldata ids, string calldata reason) external;

    /// Stop transfers of units. Restricted to guardians; resuming is not. Collecting and claiming are never stopped.
    function pauseTransfers() external;
    function resumeTransfers() external;

    /// What `holder` may claim on the units it has collected of an id [minor unit], rounded down.
    function owed(address holder, uint256 id) external view returns (uint256 minorDown);

    function receivable(bytes32 assetId, uint32 month) external view returns (Receivable memory);

    function accountOf(address holder, uint256 id) external view returns (ReceivableAccount memory);

    /// Units of an id that were collected. Never above what was attested.
    function totalSupply(uint256 id) external view returns (uint256);

    /// What was deposited in a currency and not paid out yet: at least so much of it is here.
    function heldMinor(address currency) external view returns (uint256);

    function transfersPaused() external view returns (bool);

    function office() external view returns (IShareOffice);

    /// Token id of an asset's month.
    function idOf(bytes32 assetId, uint32 month) external pure returns (uint256);
}

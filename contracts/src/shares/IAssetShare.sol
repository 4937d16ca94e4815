// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC7943Fungible} from "./IERC7943.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// A holder, in one storage slot, so that a transfer touches one slot a party.
struct ShareAccount {
    /// Shares held.
    uint48 units;
    /// The asset's revenue up to here is in `product` and in the entitlements [minor unit].
    uint64 seenMinor;
    /// Sum of shares held x revenue that came while they were held, within `month`. Exact: it is divided by the supply only
    /// when units of revenue are taken.
    uint112 product;
    /// The month that `product` is of (yyyy * 100 + mm); zero: the asset's first.
    uint24 month;
    /// See `AssetShare`.
    uint8 flags;
}

/// What a holder has earned in one month.
struct Entitlement {
    /// Sum of shares held x revenue, once the holder's account has moved past the month.
    uint112 product;
    /// Units of revenue that were taken already [minor unit].
    uint64 takenMinor;
}

/// Shares of one asset: who takes part in its revenue. ERC-20 with permit (EIP-2612), ERC-7943, no decimals, fixed supply.
/// Revenue belongs to whoever holds the shares when it is settled; it does not move with the shares.
/// Only eligible accounts receive. Only the office freezes, forces and recovers, and names a reason for it there.
interface IAssetShare is IERC20, IERC7943Fungible {
    event TransfersPaused(bool paused);
    /// `lost` neither sends nor receives nor claims any more; all that was its own belongs to `replacement`.
    event Recovered(address indexed lost, address indexed replacement, uint256 units);
    /// Units of a month's revenue were taken: they are receivables of `RevenueShare` now.
    event Taken(address indexed holder, uint32 indexed month, uint256 unitsMinor);

    error TransfersArePaused();
    error NotOffice(address caller);
    error NotRevenueShare(address caller);
    error SameAccount(address account);

    /// Bring a holder's account up to the running month, by at most `maxMonths` months: so that one who was absent for long
    /// can be brought up in steps. Every transfer does it by itself. Anyone may call. Returns the month that was reached.
    function accrue(address holder, uint256 maxMonths) external returns (uint32 month);

    /// Take what a holder has earned in a month and not taken yet [minor unit], rounded down. RevenueShare only.
    function take(uint32 month, address holder) external returns (uint256 unitsMinor);

    /// Move everything of a lost account to another: shares, frozen number, the running month, and what stands in `months`.
    /// May be called again with other months. Office only.
    function recover(address lost, address replacement, uint32[] calldata months) external returns (uint256 units);

    /// Stop or resume transfers that holders make. Office only.
    function setTransfersPaused(bool paused) external;

    /// What a holder has earned in a month so far, and how much of it was taken [minor unit], rounded down.
    function entitlementOf(uint32 month, address holder)
        external
        view
        returns (uint256 earnedMinorDown, uint256 takenMinor);

    /// A holder's account as it is stored: see `accrue`.
    function accountOf(address holder) external view returns (ShareAccount memory);

    /// Whether an account may be paid, and may pass receivables on: none of its shares is frozen, and it is not lost.
    function mayClaim(address account) external view returns (bool);

    /// The account that took over from a lost one; zero when it is not lost.
    function replacementOf(address lost) external view returns (address);

    function transfersPaused() external view returns (bool);

    /// The asset whose revenue is shared.
    function assetId() external view returns (bytes32);

    /// The lowest investor class that may receive shares.
    function minimumClass() external view returns (uint8);
}

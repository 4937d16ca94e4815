// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ISettledToken} from "./ISettledToken.sol";

/// Receivables: one unit is 1 minor unit of revenue attested for an asset's month. Id = assetId | month (yyyy * 100 + mm).
/// Whoever owes the revenue deposits it; each unit is paid alike.
interface IRevenueShare is ISettledToken {
    /// The month takes no more units: its supply is final.
    event MonthClosed(bytes32 indexed assetId, uint32 indexed month, uint256 supply);
    event Deposited(
        bytes32 indexed assetId, uint32 indexed month, address indexed from, uint256 depositedMinor, uint256 fundedMinor
    );
    event Claimed(address indexed holder, uint256 indexed id, address indexed to, uint256 paidMinor);

    /// No revenue was attested for the month (yet).
    error NothingAttested(bytes32 assetId, uint32 month);
    error NothingDeposited();
    /// More than was attested for the month.
    error MoreThanAttested(uint256 supply, uint256 fundedMinor);
    /// Before a month has ended only its whole supply closes it: else a speck of cash could push revenue out of its month.
    error MonthNotEnded(uint32 month, uint256 endsAt);
    error RecipientMissing();

    /// Pay for a month, in the project's currency, with the caller's allowance. What arrived is counted, not what was sent.
    /// The first deposit closes the month: revenue attested for it later falls into the month after the last closed one.
    function deposit(bytes32 assetId, uint32 month, uint256 depositMinor) external;

    /// Pay out everything the caller is owed on `ids`, to `to`.
    function claim(uint256[] calldata ids, address to) external;

    /// What `holder` may claim on an id now [minor unit], rounded down.
    function owed(address holder, uint256 id) external view returns (uint256);

    /// Deposits counted for an id [minor unit]: never above its supply.
    function fundedMinor(uint256 id) external view returns (uint256);

    /// The last month that a deposit closed; zero before the first.
    function lastClosedMonth(bytes32 assetId) external view returns (uint32);

    /// Token id of an asset's month.
    function idOf(bytes32 assetId, uint32 month) external pure returns (uint256);
}

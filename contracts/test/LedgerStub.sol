// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {MonthSpan} from "../src/ledger/IMarkLedger.sol";

/// The ledger as shares see it: revenue that only rises, in months that only move on. Revenue is set by hand.
contract LedgerStub {
    struct Line {
        uint64 revenueMinor;
        uint32 month;
        uint32 first;
    }

    mapping(bytes32 assetId => Line) internal _lines;
    mapping(bytes32 assetId => mapping(uint32 month => MonthSpan)) internal _spans;

    /// So much new revenue, in the running month or a later one, which then is the running month.
    function settle(bytes32 assetId, uint32 month, uint64 minor) external {
        Line storage line = _lines[assetId];
        require(month != 0 && month >= line.month, "months only move on");
        if (line.first == 0) {
            line.first = month;
        } else if (month > line.month) {
            _spans[assetId][line.month].toMinor = line.revenueMinor;
            _spans[assetId][line.month].next = month;
            _spans[assetId][month].fromMinor = line.revenueMinor;
        }
        line.month = month;
        line.revenueMinor += minor;
    }

    function entitlingRevenue(bytes32 assetId) external view returns (uint64, uint32) {
        return (_lines[assetId].revenueMinor, _lines[assetId].month);
    }

    function monthSpan(bytes32 assetId, uint32 month) external view returns (MonthSpan memory span) {
        span = _spans[assetId][month];
        if (month == _lines[assetId].month) span.toMinor = _lines[assetId].revenueMinor;
    }

    function firstMonth(bytes32 assetId) external view returns (uint32) {
        return _lines[assetId].first;
    }
}

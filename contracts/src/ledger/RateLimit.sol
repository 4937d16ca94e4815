// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// How fast a project may settle energy: a bucket that settled energy fills and time drains. One storage slot.
struct RateLimit {
    /// What is in the bucket [Wh], as of `since` [s UTC].
    uint96 levelWh;
    uint40 since;
    /// Zero and zero: no limit.
    uint56 whPerDay;
    uint64 burstWh;
}

/// A project's rate limit in one batch: what it has room for, and what the batch has settled of that [Wh].
struct Bucket {
    bool limited;
    uint256 roomWh;
    uint256 settledWh;
}

library RateLimits {
    /// The bucket of a batch that begins now.
    function bucketAt(RateLimit memory limit, uint256 time) internal pure returns (Bucket memory bucket) {
        bucket.limited = limit.burstWh != 0;
        uint256 levelWh = levelWhUp(limit, time);
        if (!bucket.limited) bucket.roomWh = type(uint256).max;
        else if (levelWh < limit.burstWh) bucket.roomWh = limit.burstWh - levelWh;
    }

    /// Whether the bucket takes more. What it takes may overfill it, by one statement's energy: so whatever its size a
    /// statement waits, and is never lost.
    function takesMore(Bucket memory bucket) internal pure returns (bool) {
        return bucket.settledWh < bucket.roomWh;
    }

    /// What is left in the bucket now [Wh], rounded up.
    function levelWhUp(RateLimit memory limit, uint256 time) internal pure returns (uint256) {
        uint256 drained = uint256(limit.whPerDay) * (time - limit.since) / 1 days;
        return limit.levelWh > drained ? limit.levelWh - drained : 0;
    }
}

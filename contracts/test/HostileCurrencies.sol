// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {HKDStablecoin} from "../src/revenue/HKDStablecoin.sol";
import {IRevenueShare} from "../src/revenue/IRevenueShare.sol";

/// A currency that keeps a tenth of what is sent on the way.
contract FeeToken is HKDStablecoin {
    constructor(address authority) HKDStablecoin(authority) {}

    function _update(address from, address to, uint256 minor) internal override {
        super._update(from, to, minor);
        if (from != address(0) && to != address(0)) super._update(to, address(0xFEE), minor / 10);
    }
}

/// A currency that calls back while it is being moved.
contract ReentrantToken is HKDStablecoin {
    address internal _target;
    bytes internal _call;
    bytes4 public refusal;

    constructor(address authority) HKDStablecoin(authority) {}

    function callBack(address target, bytes calldata call) external {
        (_target, _call) = (target, call);
    }

    function _update(address from, address to, uint256 minor) internal override {
        super._update(from, to, minor);
        if (_target == address(0)) return;
        (bool done, bytes memory answer) = _target.call(_call);
        refusal = done ? bytes4(0) : bytes4(answer);
    }
}

/// A currency whose owner changes balances: `shrink` takes from one without a transfer.
contract RebasingToken is HKDStablecoin {
    constructor(address authority) HKDStablecoin(authority) {}

    function shrink(address account, uint256 minor) external {
        _burn(account, minor);
    }
}

/// A currency that takes a fee from the sender, on top.
contract ToppingToken is HKDStablecoin {
    uint256 public fee;

    constructor(address authority) HKDStablecoin(authority) {}

    function setFee(uint256 fee_) external {
        fee = fee_;
    }

    function _update(address from, address to, uint256 minor) internal override {
        super._update(from, to, minor);
        if (from != address(0) && fee != 0) super._update(from, address(0xFEE), fee);
    }
}

/// A currency that says it moved and did not.
contract EmptyToken {
    function balanceOf(address) external pure returns (uint256) {
        return 0;
    }

    function transferFrom(address, address, uint256) external pure returns (bool) {
        return true;
    }
}

/// A holder that claims and sends on while it is being given units.
contract ReentrantHolder {
    IRevenueShare internal immutable _revenue;
    uint256[] internal _ids;

    constructor(IRevenueShare revenue) {
        _revenue = revenue;
    }

    function onERC1155Received(address, address from, uint256 id, uint256 units, bytes calldata)
        external
        returns (bytes4)
    {
        _ids = [id];
        _revenue.claim(_ids, address(this));
        if (units > 1) _revenue.safeTransferFrom(address(this), from, id, units / 2, "");
        return this.onERC1155Received.selector;
    }
}

// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC1155} from "@openzeppelin/contracts/token/ERC1155/IERC1155.sol";
import {ERC1155Holder} from "@openzeppelin/contracts/token/ERC1155/utils/ERC1155Holder.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// An ERC-20 for the units of one id of an ERC-1155 token, one for one: send units here to get it, burn it to have them back.
contract UnitPool is ERC20, ERC1155Holder {
    error OtherToken(address token, uint256 id);

    IERC1155 public immutable token;
    uint256 public immutable id;

    constructor(IERC1155 token_, uint256 id_) ERC20("Pooled units", "POOL") {
        token = token_;
        id = id_;
    }

    function redeem(uint256 units, address to) external {
        _burn(msg.sender, units);
        token.safeTransferFrom(address(this), to, id, units, "");
    }

    function onERC1155Received(address operator, address from, uint256 id_, uint256 units, bytes memory note)
        public
        override
        returns (bytes4)
    {
        if (msg.sender != address(token) || id_ != id) revert OtherToken(msg.sender, id_);
        _mint(from, units);
        return super.onERC1155Received(operator, from, id_, units, note);
    }

    function onERC1155BatchReceived(address, address, uint256[] memory ids, uint256[] memory, bytes memory)
        public
        view
        override
        returns (bytes4)
    {
        revert OtherToken(msg.sender, ids[0]);
    }
}

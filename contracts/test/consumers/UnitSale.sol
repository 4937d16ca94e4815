// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC1155} from "@openzeppelin/contracts/token/ERC1155/IERC1155.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

/// Sells units of any ERC-1155 token for any ERC-20 currency, from the seller's account straight to the buyer's. The seller
/// has made this contract an operator, the buyer has approved the price.
contract UnitSale {
    using SafeERC20 for IERC20;

    struct Offer {
        address seller;
        IERC1155 token;
        uint256 id;
        uint256 units;
        IERC20 currency;
        uint256 pricePerUnit;
    }

    error MoreThanOffered(uint256 offered, uint256 asked);
    error NotApproved(address seller);

    Offer[] public offers;

    function offer(IERC1155 token, uint256 id, uint256 units, IERC20 currency, uint256 pricePerUnit)
        external
        returns (uint256 number)
    {
        if (!token.isApprovedForAll(msg.sender, address(this))) revert NotApproved(msg.sender);
        number = offers.length;
        offers.push(Offer(msg.sender, token, id, units, currency, pricePerUnit));
    }

    function buy(uint256 number, uint256 units) external {
        Offer storage found = offers[number];
        if (units > found.units) revert MoreThanOffered(found.units, units);
        found.units -= units;
        found.currency.safeTransferFrom(msg.sender, found.seller, units * found.pricePerUnit);
        found.token.safeTransferFrom(found.seller, msg.sender, found.id, units, "");
    }
}

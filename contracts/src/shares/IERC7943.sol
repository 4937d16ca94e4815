// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";

/// The fungible interface of ERC-7943 (uRWA), signatures as published: https://eips.ethereum.org/EIPS/eip-7943
/// ERC-165 id 0x3edbb4c4.
interface IERC7943Fungible is IERC165 {
    /// Units were taken from one account and given to another, whatever their holder says.
    event ForcedTransfer(address indexed from, address indexed to, uint256 amount);
    /// So many units of an account are frozen now.
    event Frozen(address indexed account, uint256 amount);

    error ERC7943CannotSend(address account);
    error ERC7943CannotReceive(address account);
    error ERC7943CannotTransfer(address from, address to, uint256 amount);
    /// The account holds `amount`, but only `unfrozen` of its units may move.
    error ERC7943InsufficientUnfrozenBalance(address account, uint256 amount, uint256 unfrozen);

    /// Take units from one account and give them to another. What is frozen of them is unfrozen first.
    function forcedTransfer(address from, address to, uint256 amount) external returns (bool);

    /// Freeze so many units of an account in all, in place of what was frozen; may be more than it holds.
    function setFrozenTokens(address account, uint256 amount) external returns (bool);

    /// Whether an account may send at all. Never reverts, nor do the next two.
    function canSend(address account) external view returns (bool);
    function canReceive(address account) external view returns (bool);

    /// Whether no rule forbids the transfer. Says nothing of balance and allowance.
    function canTransfer(address from, address to, uint256 amount) external view returns (bool);

    function getFrozenTokens(address account) external view returns (uint256);
}

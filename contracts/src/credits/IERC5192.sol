// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// Tokens that stay where they are. https://eips.ethereum.org/EIPS/eip-5192
interface IERC5192 {
    event Locked(uint256 tokenId);
    event Unlocked(uint256 tokenId);

    /// Whether the token cannot be transferred. Reverts for one that does not exist.
    function locked(uint256 tokenId) external view returns (bool);
}

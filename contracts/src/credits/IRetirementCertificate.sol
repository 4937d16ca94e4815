// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICarbonCredit} from "./ICarbonCredit.sol";
import {IERC5192} from "./IERC5192.sol";
import {IERC721Metadata} from "@openzeppelin/contracts/token/ERC721/extensions/IERC721Metadata.sol";

/// One certificate for each retirement of carbon credits, of the retirement's number, held by its beneficiary for good.
/// It holds no text of its own: what it shows is read from the retirement, which never changes. Names, purposes and
/// beneficiaries are what the holder wrote; the amount, project, vintage and time are not his to choose.
interface IRetirementCertificate is IERC721Metadata, IERC5192 {
    error AlreadyCertified(uint256 retirementId);
    /// Certificates are neither transferred nor approved.
    error CertificateStays(uint256 retirementId);
    error NoOperators();

    /// Make the certificate of a retirement. Anyone may call, once; the beneficiary's account is not called.
    function certify(uint256 retirementId) external;

    /// Whether `claimedName`, salted with `salt`, is the name that the certified retirement keeps to itself.
    function isNameOf(uint256 retirementId, string calldata claimedName, bytes32 salt) external view returns (bool);

    function carbonCredit() external view returns (ICarbonCredit);
}

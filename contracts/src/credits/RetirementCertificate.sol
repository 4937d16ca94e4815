// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IdentifierText} from "../registry/IdentifierText.sol";
import {CertificateArt, CertificateText} from "./CertificateArt.sol";
import {CertificateJson} from "./CertificateJson.sol";
import {FigureText} from "./FigureText.sol";
import {ICarbonCredit, Retirement} from "./ICarbonCredit.sol";
import {IERC5192} from "./IERC5192.sol";
import {IRetirementCertificate} from "./IRetirementCertificate.sol";
import {SafeText} from "./SafeText.sol";
import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import {IERC721Metadata} from "@openzeppelin/contracts/token/ERC721/extensions/IERC721Metadata.sol";
import {Strings} from "@openzeppelin/contracts/utils/Strings.sol";
import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";

/// One certificate for each retirement, held by its beneficiary for good.
contract RetirementCertificate is IRetirementCertificate, ERC721 {
    using Strings for *;

    ICarbonCredit public immutable carbonCredit;

    constructor(ICarbonCredit carbonCredit_) ERC721("Heliograph Retirement Certificate", "RETIRED") {
        carbonCredit = carbonCredit_;
    }

    /// @inheritdoc IRetirementCertificate
    function certify(uint256 retirementId) external {
        if (_ownerOf(retirementId) != address(0)) revert AlreadyCertified(retirementId);

        _mint(carbonCredit.retirement(retirementId).beneficiary, retirementId);
        emit Locked(retirementId);
    }

    /// @inheritdoc IRetirementCertificate
    function isNameOf(uint256 retirementId, string calldata claimedName, bytes32 salt) external view returns (bool) {
        _requireOwned(retirementId);
        return carbonCredit.retirement(retirementId).nameHash == keccak256(abi.encode(claimedName, salt));
    }

    /// @inheritdoc IERC5192
    function locked(uint256 tokenId) external view returns (bool) {
        _requireOwned(tokenId);
        return true;
    }

    /// The certificate whole, in the address itself: JSON as wallets and markets read it, and in it the image.
    function tokenURI(uint256 tokenId) public view override(ERC721, IERC721Metadata) returns (string memory) {
        _requireOwned(tokenId);
        CertificateText memory text = _textOf(tokenId);
        return CertificateJson.uri(text, CertificateArt.image(text));
    }

    /// Certificates stay: nobody can be let move one.
    function approve(address, uint256 tokenId) public pure override(ERC721, IERC721) {
        revert CertificateStays(tokenId);
    }

    /// Nor all of an account's.
    function setApprovalForAll(address, bool) public pure override(ERC721, IERC721) {
        revert NoOperators();
    }

    /// @inheritdoc IERC165
    function supportsInterface(bytes4 interfaceId) public view override(ERC721, IERC165) returns (bool) {
        return interfaceId == type(IERC5192).interfaceId || super.supportsInterface(interfaceId);
    }

    /// Made once, never moved.
    function _update(address to, uint256 tokenId, address authorised) internal override returns (address from) {
        from = super._update(to, tokenId, authorised);
        if (from != address(0)) revert CertificateStays(tokenId);
    }

    function _textOf(uint256 tokenId) internal view returns (CertificateText memory text) {
        Retirement memory retired = carbonCredit.retirement(tokenId);
        text.number = tokenId.toString();
        text.mass = FigureText.mass(retired.grams);
        text.grams = string.concat(FigureText.grouped(retired.grams), " g");
        text.tonnes = FigureText.tonnes(retired.grams);
        // Id = projectId | vintage: see `ICarbonCredit.idOf`.
        text.project = SafeText.clean(IdentifierText.toText(bytes32(retired.id >> 32 << 32)));
        text.vintage = uint256(uint16(retired.id)).toString();
        text.firstSerial = FigureText.grouped(retired.firstSerial);
        text.lastSerial = FigureText.grouped(retired.firstSerial + retired.grams - 1);
        text.day = FigureText.day(retired.retiredAt);
        text.name = SafeText.clean(retired.name);
        if (retired.nameHash != bytes32(0)) text.nameHash = uint256(retired.nameHash).toHexString(32);
        text.account = retired.beneficiary.toChecksumHexString();
        text.holder = retired.holder.toChecksumHexString();
        text.purpose = SafeText.clean(retired.purpose);
        text.token = address(carbonCredit).toChecksumHexString();
        text.chain = block.chainid.toString();
    }
}

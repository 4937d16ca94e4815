// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Asset, AssetStatus, ClaimRight} from "./IAssetRegistry.sol";

/// An asset's terms in one word, from the lowest bit: nameplate [W] 40, commissioned [s UTC] 40, factor ceiling [g/MWh] 40,
/// tariff ceiling [minor unit/MWh] 48, capacity factor ceiling [ppm] 24, UTC offset [s] 24, project number 16, status 8,
/// claim right 8, rerated 8. Zero for an unknown asset.
type Terms is uint256;

using TermsWord for Terms global;

library TermsWord {
    uint256 internal constant BITS_40 = type(uint40).max;

    /// Whether every figure of an asset has room in the word.
    function fits(Asset calldata asset) internal pure returns (bool) {
        return asset.nameplateW <= BITS_40 && asset.commissionedAt <= BITS_40 && asset.factorCeiling <= BITS_40
            && asset.tariffCeiling <= type(uint48).max && asset.capacityFactorCeiling <= type(uint24).max;
    }

    /// An asset that fits, in one word.
    function pack(Asset calldata asset, uint256 projectNumber_, ClaimRight claimRight_, bool rerated_)
        internal
        pure
        returns (Terms)
    {
        uint256 word =
            asset.nameplateW | (uint256(asset.commissionedAt) << 40) | (uint256(asset.factorCeiling) << 80);
        word |= (uint256(asset.tariffCeiling) << 120) | (uint256(asset.capacityFactorCeiling) << 168);
        // An offset is within 14 hours, so its low 24 bits say all.
        // forge-lint: disable-next-line(unsafe-typecast)
        word |= uint256(uint24(int24(asset.utcOffset))) << 192;
        word |= (projectNumber_ << 216) | (uint256(asset.status) << 232) | (uint256(claimRight_) << 240);
        return Terms.wrap(word | (rerated_ ? uint256(1) << 248 : 0));
    }

    /// The asset as it was packed.
    function unpacked(Terms terms, bytes32 projectId, address beneficiary) internal pure returns (Asset memory asset) {
        asset.projectId = projectId;
        asset.beneficiary = beneficiary;
        asset.nameplateW = uint64(nameplateW(terms));
        asset.commissionedAt = uint64(commissionedAt(terms));
        asset.utcOffset = utcOffset(terms);
        asset.factorCeiling = uint64(factorCeiling(terms));
        asset.tariffCeiling = uint64(tariffCeiling(terms));
        asset.capacityFactorCeiling = uint32(capacityFactorCeiling(terms));
        asset.status = status(terms);
    }

    function nameplateW(Terms terms) internal pure returns (uint256) {
        return Terms.unwrap(terms) & BITS_40;
    }

    function commissionedAt(Terms terms) internal pure returns (uint256) {
        return (Terms.unwrap(terms) >> 40) & BITS_40;
    }

    function factorCeiling(Terms terms) internal pure returns (uint256) {
        return (Terms.unwrap(terms) >> 80) & BITS_40;
    }

    function tariffCeiling(Terms terms) internal pure returns (uint256) {
        return (Terms.unwrap(terms) >> 120) & type(uint48).max;
    }

    function capacityFactorCeiling(Terms terms) internal pure returns (uint256) {
        return (Terms.unwrap(terms) >> 168) & type(uint24).max;
    }

    function utcOffset(Terms terms) internal pure returns (int32) {
        // forge-lint: disable-next-line(unsafe-typecast)
        return int24(uint24(Terms.unwrap(terms) >> 192));
    }

    function projectNumber(Terms terms) internal pure returns (uint256) {
        return (Terms.unwrap(terms) >> 216) & type(uint16).max;
    }

    function status(Terms terms) internal pure returns (AssetStatus) {
        return AssetStatus((Terms.unwrap(terms) >> 232) & type(uint8).max);
    }

    /// The asset is active: its tokens are minted here, now.
    function isActive(Terms terms) internal pure returns (bool) {
        return (Terms.unwrap(terms) >> 232) & type(uint8).max == uint256(AssetStatus.Active);
    }

    /// The asset is registered, and its tokens are minted here.
    function isHome(Terms terms) internal pure returns (bool) {
        AssetStatus status_ = status(terms);
        return status_ != AssetStatus.Unregistered && status_ != AssetStatus.Elsewhere;
    }

    function claimRight(Terms terms) internal pure returns (ClaimRight) {
        return ClaimRight((Terms.unwrap(terms) >> 240) & type(uint8).max);
    }

    /// The rated power was changed: see `IAssetRegistry.nameplates`.
    function rerated(Terms terms) internal pure returns (bool) {
        return Terms.unwrap(terms) >> 248 != 0;
    }
}

// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Asset, AssetStatus, ClaimRight} from "../src/registry/IAssetRegistry.sol";
import {TermsWord} from "../src/registry/Terms.sol";
import {Test} from "./Vm.sol";

/// An asset's terms in one word: the largest figures have room, larger ones have none.
contract TermsTest is Test {
    function test_theLargestFiguresHaveRoomAndComeBack() public view {
        Asset memory largest = _largest();
        vm.assertTrue(this.fits(largest));
        Asset memory back = this.packedAndUnpacked(largest, type(uint16).max, ClaimRight.Certificate, true);
        vm.assertEq(keccak256(abi.encode(back)), keccak256(abi.encode(largest)));
    }

    function test_oneMoreHasNoRoom() public view {
        Asset[5] memory assets = [_largest(), _largest(), _largest(), _largest(), _largest()];
        ++assets[0].nameplateW;
        ++assets[1].commissionedAt;
        ++assets[2].factorCeiling;
        ++assets[3].tariffCeiling;
        ++assets[4].capacityFactorCeiling;
        for (uint256 i = 0; i < assets.length; ++i) {
            vm.assertFalse(this.fits(assets[i]));
        }
    }

    function fits(Asset calldata asset) external pure returns (bool) {
        return TermsWord.fits(asset);
    }

    function packedAndUnpacked(Asset calldata asset, uint256 project, ClaimRight right, bool rerated)
        external
        pure
        returns (Asset memory)
    {
        return TermsWord.pack(asset, project, right, rerated).unpacked(asset.projectId, asset.beneficiary);
    }

    function _largest() private pure returns (Asset memory) {
        return Asset({
            projectId: "a project",
            beneficiary: address(type(uint160).max),
            nameplateW: type(uint40).max,
            commissionedAt: type(uint40).max,
            utcOffset: -14 hours,
            factorCeiling: type(uint40).max,
            tariffCeiling: type(uint48).max,
            capacityFactorCeiling: type(uint24).max,
            status: AssetStatus.Retired
        });
    }
}

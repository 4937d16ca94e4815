// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Report} from "../src/oracle/IProductionOracle.sol";
import {ProductionOracle} from "../src/oracle/ProductionOracle.sol";
import {RevenueShare} from "../src/revenue/RevenueShare.sol";
import {Statement} from "../src/settlement/Statement.sol";
import {IAssetShare} from "../src/shares/IAssetShare.sol";
import {IdentityRegistry} from "../src/shares/IdentityRegistry.sol";
import {ShareOffice} from "../src/shares/ShareOffice.sol";
import {Fixture} from "./Fixture.sol";
import {MerkleTree} from "./MerkleTree.sol";

/// Of forge: writes the gas of the last call into snapshots/, or compares it.
interface GasVm {
    function snapshotGasLastCall(string calldata group, string calldata name) external returns (uint256);
}

/// What transactions cost, base fee and calldata included: `contracts/gas` runs each call here as one of its own, and
/// compares it with snapshots/. Steady state: every slot that is written holds something already.
contract GasTest is Fixture {
    GasVm internal constant meter = GasVm(address(uint160(uint256(keccak256("hevm cheat code")))));
    uint256 internal constant ASSETS = 100;
    uint8 internal constant PROFESSIONAL = 1;
    address internal constant ANN = address(0xA22);
    address internal constant BEN = address(0xBE2);
    string internal constant PUBLISHING = "publish";
    string internal constant SETTLING = "settle";
    string internal constant HOLDING = "share";

    function setUp() public override {
        super.setUp();
        for (uint256 i = 0; i < ASSETS; ++i) {
            registry.setAsset(_assetId(i), _asset(ROOFTOPS));
        }
    }

    function test_publish() public {
        _publishMetered("first, 3 of 4");
        _publishMetered("3 of 4");
        for (uint256 i = 5; i <= 31; ++i) {
            _addKey(uint256(keccak256(abi.encode("node", i))));
        }
        oracle.setSigners(_signers(), 21);
        _publishMetered("21 of 31");
    }

    function test_settle() public {
        _settleMetered(_all(100, JUNE - 2 hours, 1000), "first, 100 assets");
        _settleMetered(_all(100, JUNE - 1 hours, 2000), "100 assets");
        _settleMetered(_all(50, JUNE, 3000), "50 assets");
        _settleMetered(_all(50, JUNE, 3000), "50 assets, nothing new");
        vm.warp(JUNE + 1 days);
        _settleMetered(_all(50, JUNE + 1 hours, 4000), "50 assets, a new month");
    }

    function test_retire() public {
        _publishAndSettle(_statement(SHATIN, 1_000_000, 0, JUNE));
        vm.prank(OWNER);
        credit.draw(SHATIN, VINTAGE, 1000, ANN);
        meter.snapshotGasLastCall("credit", "draw");
    }

    function test_shareTransfer() public {
        IdentityRegistry identities = new IdentityRegistry(address(manager));
        ShareOffice office = new ShareOffice(address(manager), registry, identities, ledger);
        RevenueShare revenue = new RevenueShare(address(manager), registry, ledger, office, identities);
        office.setRevenueShare(address(revenue));
        identities.set(ANN, 344, PROFESSIONAL, JUNE + 3650 days);
        identities.set(BEN, 344, PROFESSIONAL, JUNE + 3650 days);
        IAssetShare share = office.issue(SHATIN, "Shatin 1", "ST1", 1000, ANN, PROFESSIONAL);
        _publishAndSettle(_statement(SHATIN, 10_000, 0, JUNE - 2 hours));
        _transfer(share, "first transfer");
        _publishAndSettle(_statement(SHATIN, 20_000, 0, JUNE - 1 hours));
        _transfer(share, "transfer");
    }

    function _transfer(IAssetShare share, string memory name) internal {
        vm.prank(ANN);
        share.transfer(BEN, 10);
        meter.snapshotGasLastCall(HOLDING, name);
    }

    function _publishMetered(string memory name) internal {
        Report memory report = _reportOf(keccak256(bytes(name)));
        if (report.epoch > 1) report.epoch += 255; // a place of the ring that has been taken before
        bytes memory signatures = _sign(report, oracle.threshold());
        oracle.publish(report, signatures);
        meter.snapshotGasLastCall(PUBLISHING, name);
    }

    /// All leaves of the tree in one batch, so that the proof is the tree itself.
    function _settleMetered(Statement[] memory statements, string memory name) internal {
        bytes32[] memory leaves = new bytes32[](statements.length);
        bool[] memory wanted = new bool[](statements.length);
        for (uint256 i = 0; i < statements.length; ++i) {
            leaves[i] = keccak256(bytes.concat(keccak256(abi.encode(statements[i]))));
            wanted[i] = true;
        }
        bytes32[] memory tree = MerkleTree.build(leaves);
        (bytes32[] memory ordered, bytes32[] memory proof, bool[] memory flags) = MerkleTree.multiproofOf(tree, wanted);
        Report memory report = _reportOf(tree[0]);
        oracle.publish(report, _sign(report, 3));
        Statement[] memory inOrder = new Statement[](statements.length);
        for (uint256 i = 0; i < ordered.length; ++i) {
            for (uint256 j = 0; j < leaves.length; ++j) {
                if (leaves[j] == ordered[i]) inOrder[i] = statements[j];
            }
        }
        engine.settleMulti(report.epoch, inOrder, proof, flags);
        meter.snapshotGasLastCall(SETTLING, name);
    }

    function _all(uint256 count, uint64 cutoff, uint256 issuedWh)
        internal
        pure
        returns (Statement[] memory statements)
    {
        statements = new Statement[](count);
        for (uint256 i = 0; i < count; ++i) {
            statements[i] = _statement(_assetId(i), issuedWh + i, 0, cutoff);
        }
    }

    function _assetId(uint256 index) internal pure returns (bytes32) {
        return bytes32(abi.encodePacked("roof-", uint8(48 + index / 10), uint8(48 + index % 10)));
    }
}

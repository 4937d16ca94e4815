// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CarbonCredit} from "../src/credits/CarbonCredit.sol";
import {MarkLedger} from "../src/ledger/MarkLedger.sol";
import {Mark, MarkWord, Marks} from "../src/ledger/Marks.sol";
import {Report, Totals} from "../src/oracle/IProductionOracle.sol";
import {ProductionOracle} from "../src/oracle/ProductionOracle.sol";
import {AssetRegistry} from "../src/registry/AssetRegistry.sol";
import {Asset, AssetStatus, Assurance, ClaimRight, Project} from "../src/registry/IAssetRegistry.sol";
import {HKDStablecoin} from "../src/revenue/HKDStablecoin.sol";
import {SettlementEngine} from "../src/settlement/SettlementEngine.sol";
import {Statement} from "../src/settlement/Statement.sol";
import {MerkleTree} from "./MerkleTree.sol";
import {Test} from "./Vm.sol";
import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";

/// The way from a report to a mark, deployed and wired as contracts/deployment.py does it; a Hong Kong project with two
/// assets and a revenue-only one with a third; four nodes of which three sign; roots are active at once.
abstract contract Fixture is Test {
    uint64 internal constant NEW_YEAR = 1_767_225_600 - 8 hours; // 2026-01-01 00:00 in Hong Kong
    uint64 internal constant MAY = NEW_YEAR + 120 days; // 2026-05-01 00:00
    uint64 internal constant JUNE = NEW_YEAR + 151 days; // 2026-06-01 00:00
    uint64 internal constant SETTLER = 1;
    uint64 internal constant GUARDIAN = 2;
    uint64 internal constant BUFFER_KEEPER = 7;
    uint16 internal constant BUFFER_BPS = 1000;
    uint64 internal constant NAMEPLATE_W = 8000;
    uint64 internal constant FACTOR_CEILING = 700_000; // g/MWh
    uint64 internal constant TARIFF_CEILING = 4_000_000_000; // minor/MWh: 4 HKD/kWh
    uint32 internal constant CAPACITY_FACTOR_CEILING = 250_000; // ppm: 48 kWh a day
    uint32 internal constant MAY_2026 = 202_605;
    uint16 internal constant VINTAGE = 2026;
    bytes32 internal constant ROOFTOPS = "rooftops";
    bytes32 internal constant FEED_IN = "feed-in";
    bytes32 internal constant SHATIN = "shatin-1";
    bytes32 internal constant LAMMA = "lamma-1";
    bytes32 internal constant TUENMUN = "tuenmun-1";
    bytes32 internal constant RULES = keccak256("rules");

    address internal constant OWNER = address(0xA11CE);
    address internal constant STRANGER = address(0x57A6E);
    address internal constant WATCHMAN = address(0x6A4D);
    address internal constant KEEPER = address(0xB0FFE4);

    AccessManager internal manager;
    AssetRegistry internal registry;
    ProductionOracle internal oracle;
    MarkLedger internal ledger;
    CarbonCredit internal credit;
    SettlementEngine internal engine;
    HKDStablecoin internal hkd;
    /// Node keys in ascending order of address.
    uint256[] internal keys;

    /// One report's statements, with the proofs to settle them.
    struct Batch {
        uint64 epoch;
        Statement[] statements;
        bytes32[][] proofs;
    }

    function setUp() public virtual {
        vm.warp(JUNE);
        for (uint256 i = 1; i <= 4; ++i) {
            _addKey(uint256(keccak256(abi.encode("node", i))));
        }
        manager = new AccessManager(address(this));
        hkd = new HKDStablecoin(address(manager));
        registry = new AssetRegistry(address(manager));
        oracle = new ProductionOracle(address(manager), _signers(), 3, _activationDelay());
        ledger = new MarkLedger(address(manager), registry);
        credit = new CarbonCredit(address(manager), registry, ledger);
        engine = new SettlementEngine(oracle, ledger);
        registry.setHome(address(ledger));
        ledger.setCredit(credit);
        _allow(address(ledger), ledger.settle.selector, SETTLER);
        _allow(address(ledger), ledger.pauseSettling.selector, GUARDIAN);
        _allow(address(credit), credit.pauseTransfers.selector, GUARDIAN);
        _allow(address(credit), credit.cancelFromBuffer.selector, BUFFER_KEEPER);
        _allow(address(oracle), oracle.disable.selector, GUARDIAN);
        _allow(address(oracle), oracle.pausePublishing.selector, GUARDIAN);
        manager.grantRole(SETTLER, address(engine), 0);
        manager.grantRole(GUARDIAN, WATCHMAN, 0);
        manager.grantRole(BUFFER_KEEPER, KEEPER, 0);

        registry.setProject(ROOFTOPS, _project(ClaimRight.Credit));
        registry.setProject(FEED_IN, _project(ClaimRight.None));
        registry.setAsset(SHATIN, _asset(ROOFTOPS));
        registry.setAsset(LAMMA, _asset(ROOFTOPS));
        registry.setAsset(TUENMUN, _asset(FEED_IN));
        credit.setBufferShare(ROOFTOPS, BUFFER_BPS);
    }

    /// How long roots are pending [s].
    function _activationDelay() internal pure virtual returns (uint256) {
        return 0;
    }

    function _allow(address target, bytes4 selector, uint64 role) internal {
        bytes4[] memory selectors = new bytes4[](1);
        selectors[0] = selector;
        manager.setTargetFunctionRole(target, selectors, role);
    }

    function _project(ClaimRight right) internal view returns (Project memory) {
        return Project(address(hkd), "AMS-I.D", right, keccak256("deed"), Assurance.DeviceSigned);
    }

    function _asset(bytes32 projectId) internal pure returns (Asset memory) {
        return Asset({
            projectId: projectId,
            beneficiary: OWNER,
            nameplateW: NAMEPLATE_W,
            commissionedAt: NEW_YEAR,
            utcOffset: 8 hours,
            factorCeiling: FACTOR_CEILING,
            tariffCeiling: TARIFF_CEILING,
            capacityFactorCeiling: CAPACITY_FACTOR_CEILING,
            status: AssetStatus.Active
        });
    }

    /// What an asset has produced this year: 600 g and 3 HKD a kWh.
    function _statement(bytes32 assetId, uint256 issuedWh, uint256 reversedWh, uint64 cutoff)
        internal
        pure
        returns (Statement memory statement)
    {
        statement.assetId = assetId;
        statement.vintage = VINTAGE;
        statement.energyIssuedWh = uint128(issuedWh);
        statement.energyReversedWh = uint128(reversedWh);
        statement.creditsIssuedG = uint128(issuedWh * 600 / 1000);
        statement.creditsReversedG = uint128(reversedWh * 600 / 1000);
        statement.revenueIssuedMinor = uint128(issuedWh * 3000);
        statement.revenueReversedMinor = uint128(reversedWh * 3000);
        statement.cutoff = cutoff;
        statement.evidenceRoot = keccak256(abi.encode(assetId, issuedWh, reversedWh, cutoff));
    }

    function _one(Statement memory statement) internal pure returns (Statement[] memory statements) {
        statements = new Statement[](1);
        statements[0] = statement;
    }

    /// The next report over these statements, unsigned.
    function _report(Statement[] memory statements) internal view returns (Report memory, bytes32[][] memory proofs) {
        bytes32[] memory leaves = new bytes32[](statements.length);
        for (uint256 i = 0; i < statements.length; ++i) {
            leaves[i] = keccak256(bytes.concat(keccak256(abi.encode(statements[i]))));
        }
        bytes32[] memory tree = MerkleTree.build(leaves);
        proofs = new bytes32[][](statements.length);
        for (uint256 i = 0; i < statements.length; ++i) {
            proofs[i] = MerkleTree.proofOf(tree, leaves[i]);
        }
        return (_reportOf(tree[0]), proofs);
    }

    function _reportOf(bytes32 root) internal view returns (Report memory) {
        return Report({
            epoch: oracle.lastEpoch() + 1,
            prev: oracle.lastDigest(),
            cutoff: uint64(block.timestamp),
            configDigest: oracle.configDigest(),
            rulesDigest: RULES,
            registryBlock: uint64(block.number),
            registryHash: keccak256("registry"),
            root: root,
            totals: Totals(1, 2, 3),
            leafCount: 1,
            dataHash: keccak256("working")
        });
    }

    /// Signatures of the first `count` nodes, in the order the oracle wants.
    function _sign(Report memory report, uint256 count) internal view returns (bytes memory signatures) {
        bytes32 digest = oracle.reportDigest(report);
        for (uint256 i = 0; i < count; ++i) {
            signatures = bytes.concat(signatures, _signature(keys[i], digest));
        }
    }

    function _signature(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    function _publish(Statement[] memory statements) internal returns (Batch memory) {
        (Report memory report, bytes32[][] memory proofs) = _report(statements);
        oracle.publish(report, _sign(report, 3));
        return Batch(report.epoch, statements, proofs);
    }

    function _settle(Batch memory batch) internal {
        engine.settle(batch.epoch, batch.statements, batch.proofs);
    }

    function _publishAndSettle(Statement memory statement) internal {
        _settle(_publish(_one(statement)));
    }

    function _signers() internal view returns (address[] memory signers) {
        signers = new address[](keys.length);
        for (uint256 i = 0; i < keys.length; ++i) {
            signers[i] = vm.addr(keys[i]);
        }
    }

    function _addKey(uint256 key) internal {
        keys.push(key);
        for (uint256 i = keys.length - 1; i > 0 && vm.addr(keys[i - 1]) > vm.addr(keys[i]); --i) {
            (keys[i - 1], keys[i]) = (keys[i], keys[i - 1]);
        }
    }

    function _id() internal view returns (uint256) {
        return credit.idOf(ROOFTOPS, VINTAGE);
    }

    function _keyOf(bytes32 assetId, uint16 vintage) internal pure returns (uint256) {
        return uint256(assetId) | vintage;
    }

    /// The mark of an asset of ROOFTOPS after its first statement, of epoch 1 with a cutoff at the end of May.
    function _firstMark(uint256 energyWh, uint256 creditsG, uint256 revenueMinor) internal pure returns (MarkWord) {
        MarkWord mark = MarkWord.wrap(0).withFigures(Marks.figuresOf(energyWh, creditsG, revenueMinor));
        return mark.withTime(JUNE, 1).withMonth(4).withFlag(Marks.STARTED).withClaimKind(uint256(ClaimRight.Credit));
    }

    function _mark(bytes32 assetId) internal view returns (Mark memory mark) {
        (mark,) = ledger.markOf(assetId, VINTAGE);
    }
}

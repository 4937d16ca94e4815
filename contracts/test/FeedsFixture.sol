// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Retirement} from "../src/credits/ICarbonCredit.sol";
import {AssetFeed} from "../src/feeds/AssetFeed.sol";
import {FeedFactory} from "../src/feeds/FeedFactory.sol";
import {Metric} from "../src/feeds/IAssetFeed.sol";
import {IMarkLedger, Lifetime} from "../src/ledger/IMarkLedger.sol";
import {IProductionOracle, RootStatus, Round} from "../src/oracle/IProductionOracle.sol";
import {Asset, AssetStatus, IAssetRegistry} from "../src/registry/IAssetRegistry.sol";
import {Test} from "./Vm.sol";

/// What a feed reads of `IProductionOracle`, settable.
contract OracleFake {
    mapping(uint64 epoch => RootStatus) public statusOf;
    mapping(uint64 epoch => bytes32) internal _roots;
    mapping(uint64 epoch => Round) internal _rounds;
    uint64 public lastActiveEpoch;

    function put(uint64 epoch, RootStatus status, bytes32 root, Round calldata round) external {
        statusOf[epoch] = status;
        _roots[epoch] = root;
        _rounds[epoch] = round;
        if (status == RootStatus.Active) lastActiveEpoch = epoch;
    }

    function activeRoot(uint64 epoch) external view returns (bytes32) {
        return statusOf[epoch] == RootStatus.Active ? _roots[epoch] : bytes32(0);
    }

    /// Whatever its status, as the real one.
    function roundOf(uint64 epoch) external view returns (bytes32, Round memory) {
        return (_roots[epoch], _rounds[epoch]);
    }
}

/// What a feed reads of `IMarkLedger`, settable.
contract LedgerFake {
    mapping(bytes32 assetId => Lifetime) internal _lifetimes;
    mapping(bytes32 projectId => mapping(uint16 vintage => bool)) public isSealed;

    function put(bytes32 assetId, Lifetime calldata lifetime) external {
        _lifetimes[assetId] = lifetime;
    }

    function seal(bytes32 projectId, uint16 vintage) external {
        isSealed[projectId][vintage] = true;
    }

    function lifetimeOf(bytes32 assetId) external view returns (Lifetime memory) {
        return _lifetimes[assetId];
    }
}

/// What feeds and their factory read of `IAssetRegistry`, settable.
contract RegistryFake {
    mapping(bytes32 assetId => Asset) internal _assets;

    function put(bytes32 assetId, bytes32 projectId, AssetStatus status) external {
        _assets[assetId].projectId = projectId;
        _assets[assetId].status = status;
    }

    function asset(bytes32 assetId) external view returns (Asset memory) {
        return _assets[assetId];
    }
}

/// What a certificate reads of `ICarbonCredit`, settable.
contract CreditFake {
    error UnknownRetirement(uint256 retirementId);

    mapping(uint256 retirementId => Retirement) internal _retirements;

    function put(uint256 retirementId, Retirement calldata given) external {
        _retirements[retirementId] = given;
    }

    function retirement(uint256 retirementId) external view returns (Retirement memory) {
        if (_retirements[retirementId].beneficiary == address(0)) revert UnknownRetirement(retirementId);
        return _retirements[retirementId];
    }
}

/// Feeds over fakes, for what the real contracts never say. `FeedOfChainTest` has the real ones.
abstract contract FeedsFixture is Test {
    uint256 internal constant NOW = 1_780_000_000;
    bytes32 internal constant LIUYANG = "liuyang-1";
    bytes32 internal constant SHATIN = "shatin-1";
    bytes32 internal constant HUNAN = "hunan";
    bytes32 internal constant FLEET = bytes32(0);

    OracleFake internal oracle;
    LedgerFake internal ledger;
    RegistryFake internal registry;
    FeedFactory internal factory;

    function setUp() public virtual {
        vm.warp(NOW);
        oracle = new OracleFake();
        ledger = new LedgerFake();
        registry = new RegistryFake();
        registry.put(LIUYANG, HUNAN, AssetStatus.Active);
        registry.put(SHATIN, HUNAN, AssetStatus.Active);
        factory = new FeedFactory(
            IProductionOracle(address(oracle)), IMarkLedger(address(ledger)), IAssetRegistry(address(registry))
        );
    }

    function _feed(bytes32 assetId, Metric metric) internal returns (AssetFeed) {
        return AssetFeed(factory.create(assetId, metric));
    }

    function _lifetime(uint256 energyWh, uint64 epoch, uint64 cutoff) internal pure returns (Lifetime memory) {
        return Lifetime(energyWh, energyWh * 3 / 5, energyWh * 3000, epoch, cutoff, 2026);
    }

    function _round(uint48 energyWh, uint256 cutoff) internal pure returns (Round memory) {
        return Round(energyWh, energyWh / 2, uint64(energyWh) * 3000, uint32(cutoff), uint32(cutoff), 0);
    }
}

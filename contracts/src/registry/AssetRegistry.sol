// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Asset, AssetStatus, ClaimRight, IAssetRegistry, Meter, Nameplate, Project} from "./IAssetRegistry.sol";
import {Identifier} from "./Identifier.sol";
import {Terms, TermsWord} from "./Terms.sol";
import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";

/// Who may sign, who is paid, and the most that may be minted.
contract AssetRegistry is IAssetRegistry, AccessManaged {
    using Identifier for bytes32;
    using Identifier for string;

    int32 internal constant FURTHEST_OFFSET = 14 hours;
    uint64 internal constant LARGEST_METER_W = 1_000_000_000;
    /// Registers and times stay below it: JSON numbers end there.
    uint64 internal constant BASELINE_BOUND = 2 ** 53;

    address public home;
    mapping(bytes32 projectId => Project) internal _projects;
    /// What settling asks for, in one slot an asset.
    mapping(bytes32 assetId => Terms) internal _terms;
    mapping(bytes32 assetId => address) internal _beneficiaries;
    /// Empty while an asset's rated power is what it was at first.
    // `_rerate` fills it, through a pointer that Slither does not follow.
    // slither-disable-next-line uninitialized-state
    mapping(bytes32 assetId => Nameplate[]) internal _nameplates;
    /// Whether an asset has joined a project, which fixes the project's terms.
    mapping(bytes32 projectId => bool) internal _joined;
    mapping(bytes32 projectId => bytes32) public metersRoot;
    mapping(bytes32 thumbprint => bytes32) public meterOf;
    mapping(bytes32 deviceAndMeter => bytes32) public keyOf;
    mapping(bytes32 projectId => uint256) internal _projectNumber;
    mapping(uint256 number => bytes32) internal _projectOfNumber;
    bytes32[] internal _projectIds;
    bytes32[] internal _assetIds;

    constructor(address authority) AccessManaged(authority) {}

    /// @inheritdoc IAssetRegistry
    function setHome(address ledger) external restricted {
        if (ledger == address(0)) revert ZeroAddress();
        if (home != address(0)) revert HomeIsSet(home);
        home = ledger;
        emit HomeSet(ledger);
    }

    /// @inheritdoc IAssetRegistry
    function setProject(bytes32 projectId, Project calldata project_) external restricted {
        _requireId(projectId);
        if (project_.currency == address(0)) revert ZeroAddress();
        if (project_.claimRight != ClaimRight.None && project_.documentHash == bytes32(0)) {
            revert DocumentMissing(projectId);
        }
        Project storage known = _projects[projectId];
        if (
            _joined[projectId]
                && (project_.currency != known.currency
                    || project_.claimRight != known.claimRight
                    || project_.assurance != known.assurance)
        ) revert ProjectFixed(projectId);

        if (known.currency == address(0)) {
            if (_projectIds.length > type(uint16).max) revert TooManyProjects();
            _projectNumber[projectId] = _projectIds.length;
            _projectOfNumber[_projectIds.length] = projectId;
            _projectIds.push(projectId);
        }
        _projects[projectId] = project_;
        emit ProjectSet(projectId, project_);
    }

    /// @inheritdoc IAssetRegistry
    function setAsset(bytes32 assetId, Asset calldata asset_) external restricted {
        _requireId(assetId);
        if (!isProject(asset_.projectId)) revert UnknownProject(asset_.projectId);
        if (asset_.beneficiary == address(0)) revert ZeroAddress();
        if (asset_.nameplateW == 0) revert NameplateOutOfRange(0);
        if (asset_.commissionedAt == 0) revert CommissioningMissing(assetId);
        if (asset_.utcOffset < -FURTHEST_OFFSET || asset_.utcOffset > FURTHEST_OFFSET) {
            revert OffsetOutOfRange(asset_.utcOffset);
        }
        if (asset_.status == AssetStatus.Unregistered) revert StatusMissing(assetId);
        if (!TermsWord.fits(asset_)) revert TermsOutOfRange(assetId);
        Asset memory known = asset(assetId);
        bool first = known.status == AssetStatus.Unregistered;
        if (!first && (asset_.projectId != known.projectId || asset_.utcOffset != known.utcOffset)) {
            revert AssetFixed(assetId);
        }

        if (first) _assetIds.push(assetId);
        else if (asset_.nameplateW != known.nameplateW) _rerate(assetId, known, asset_.nameplateW);
        _joined[asset_.projectId] = true;
        _beneficiaries[assetId] = asset_.beneficiary;
        _terms[assetId] = TermsWord.pack(
            asset_,
            _projectNumber[asset_.projectId],
            _projects[asset_.projectId].claimRight,
            _nameplates[assetId].length != 0
        );
        emit AssetSet(assetId, asset_.projectId, asset_);
    }

    /// @inheritdoc IAssetRegistry
    function setMeters(bytes32 projectId, bytes32 root, Meter[] calldata meters) external restricted {
        if (!isProject(projectId)) revert UnknownProject(projectId);
        if ((root == bytes32(0)) != (meters.length == 0)) revert RootOfEmptyList(projectId);

        bytes32 before = bytes32(0);
        for (uint256 i = 0; i < meters.length; ++i) {
            Meter calldata meter = meters[i];
            if (_projectOf(_terms[meter.assetId]) != projectId) revert AssetOfAnotherProject(meter.assetId, projectId);
            if (meter.thumbprint <= before) revert MetersNotAscending(before, meter.thumbprint);
            before = meter.thumbprint;
            _requireInRange(meter);
            _bind(meter);
        }
        metersRoot[projectId] = root;
        emit MetersSet(projectId, root, meters);
    }

    /// @inheritdoc IAssetRegistry
    function project(bytes32 projectId) external view returns (Project memory) {
        return _projects[projectId];
    }

    /// @inheritdoc IAssetRegistry
    function isProject(bytes32 projectId) public view returns (bool) {
        return _projects[projectId].currency != address(0);
    }

    /// @inheritdoc IAssetRegistry
    function asset(bytes32 assetId) public view returns (Asset memory) {
        Terms terms_ = _terms[assetId];
        return terms_.unpacked(_projectOf(terms_), _beneficiaries[assetId]);
    }

    /// @inheritdoc IAssetRegistry
    function terms(bytes32 assetId) external view returns (Terms terms_, bytes32 projectId) {
        terms_ = _terms[assetId];
        projectId = _projectOf(terms_);
    }

    /// @inheritdoc IAssetRegistry
    function nameplates(bytes32 assetId) external view returns (Nameplate[] memory) {
        return _nameplates[assetId];
    }

    /// @inheritdoc IAssetRegistry
    function projectIds() external view returns (bytes32[] memory) {
        return _projectIds;
    }

    /// @inheritdoc IAssetRegistry
    function assetIds() external view returns (bytes32[] memory) {
        return _assetIds;
    }

    /// A new rated power counts from now on, so that nobody is credited with it for the past.
    function _rerate(bytes32 assetId, Asset memory known, uint64 nameplateW) internal {
        Nameplate[] storage history = _nameplates[assetId];
        if (history.length == 0) history.push(Nameplate(0, known.nameplateW));
        history.push(Nameplate(uint64(block.timestamp), nameplateW));
    }

    /// The project of a registered asset; zero for an unknown one.
    function _projectOf(Terms terms_) internal view returns (bytes32) {
        return Terms.unwrap(terms_) == 0 ? bytes32(0) : _projectOfNumber[terms_.projectNumber()];
    }

    /// One key, one meter, and one device and meter, one key: both for good.
    function _bind(Meter calldata meter) internal {
        bytes32 place = keccak256(abi.encode(meter.assetId, meter.meterId, meter.deviceId));
        bytes32 boundPlace = meterOf[meter.thumbprint];
        if (boundPlace == bytes32(0)) meterOf[meter.thumbprint] = place;
        else if (boundPlace != place) revert KeyOfAnotherMeter(meter.thumbprint);

        bytes32 deviceAndMeter = keccak256(abi.encode(meter.deviceId, meter.meterId));
        bytes32 boundKey = keyOf[deviceAndMeter];
        if (boundKey == bytes32(0)) keyOf[deviceAndMeter] = meter.thumbprint;
        else if (boundKey != meter.thumbprint) revert MeterOfAnotherKey(boundKey, meter.thumbprint);
    }

    /// Nodes compute with what passes here, and with no more.
    function _requireInRange(Meter calldata meter) internal pure {
        if (!meter.meterId.isText()) revert InvalidName(meter.meterId);
        if (!meter.deviceId.isText()) revert InvalidName(meter.deviceId);
        if (meter.nameplateW == 0 || meter.nameplateW > LARGEST_METER_W) revert NameplateOutOfRange(meter.nameplateW);
        if (meter.baselineWh >= BASELINE_BOUND || meter.baselineTime >= BASELINE_BOUND) {
            revert BaselineOutOfRange(meter.baselineWh, meter.baselineTime);
        }
    }

    function _requireId(bytes32 id) internal pure {
        if (!id.isWord()) revert InvalidId(id);
    }
}

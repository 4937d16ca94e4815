// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Terms} from "./Terms.sol";

/// Which environmental claim a project's energy backs. None unless a document says otherwise.
enum ClaimRight {
    None,
    Credit,
    Certificate
}

/// Who signs the readings of a project's meters.
enum Assurance {
    DeviceSigned,
    GatewaySigned,
    Recorded
}

enum AssetStatus {
    Unregistered,
    Active,
    Suspended,
    Retired,
    /// Its tokens are minted on another chain or by another ledger: here its reports are for reading only.
    Elsewhere
}

enum MeterRole {
    Inverter,
    Plant,
    Load
}

struct Project {
    /// ERC-20 that its revenue is counted and paid in.
    address currency;
    bytes32 methodology;
    ClaimRight claimRight;
    /// Hash of the document that grants the claim right; required with a right, else free.
    bytes32 documentHash;
    Assurance assurance;
}

struct Asset {
    bytes32 projectId;
    /// Receives what is minted.
    address beneficiary;
    /// Rated power [W], at least 1. When it changes, the new one counts from then on.
    uint64 nameplateW;
    /// Nothing was produced before it [s UTC].
    uint64 commissionedAt;
    /// Local time minus UTC [s]: where its years and months begin.
    int32 utcOffset;
    /// At most this much credit [gCO2e/MWh].
    uint64 factorCeiling;
    /// At most this much revenue [minor unit/MWh].
    uint64 tariffCeiling;
    /// At most this share of nameplate x time [ppm].
    uint32 capacityFactorCeiling;
    AssetStatus status;
}

/// Rated power from an instant on.
struct Nameplate {
    uint64 since;
    uint64 nameplateW;
}

/// A meter that nodes accept, and the key that signs for it.
struct Meter {
    bytes32 assetId;
    /// Identifiers, as the device signs them.
    string meterId;
    string deviceId;
    /// RFC 9679 thumbprint (SHA-256) of the key that signs its envelopes.
    bytes32 thumbprint;
    MeterRole role;
    /// Rated power behind it [W], 1 to 1 000 000 000.
    uint64 nameplateW;
    /// Register [Wh] confirmed at registration, and when [ms UTC]: settlement starts from there. Both below 2^53.
    uint64 baselineWh;
    uint64 baselineTime;
    /// Envelopes from this (boot, sequence) on are refused; both type(uint64).max while the key is valid.
    uint64 revokedBoot;
    uint64 revokedSequence;
}

/// Who may sign, who is paid, and the most that may be minted.
/// Ids are identifiers (see `Identifier`): at most 28 ASCII characters, left-aligned. Their last 4 bytes are zero, so token
/// ids carry a number there.
interface IAssetRegistry {
    event ProjectSet(bytes32 indexed projectId, Project project);
    /// `ledger` is where the tokens of all active assets are minted.
    event HomeSet(address indexed ledger);
    event AssetSet(bytes32 indexed assetId, bytes32 indexed projectId, Asset asset);
    /// The whole meter list of a project. Nodes recompute `root` from `meters`: a list that does not match lists nothing.
    event MetersSet(bytes32 indexed projectId, bytes32 indexed root, Meter[] meters);

    /// Not an identifier: [A-Za-z0-9][A-Za-z0-9._-]{0,27}, left-aligned, nothing but zeros behind it.
    error InvalidId(bytes32 id);
    /// A meter's or device's name is no identifier.
    error InvalidName(string name);
    error UnknownProject(bytes32 projectId);
    /// A registry keeps 65 536 projects.
    error TooManyProjects();
    error ZeroAddress();
    /// A claim right without the hash of the document that grants it.
    error DocumentMissing(bytes32 projectId);
    /// Claim right, currency and assurance stay as they are once an asset has joined.
    error ProjectFixed(bytes32 projectId);
    /// An asset's project and UTC offset stay as they were first set.
    error AssetFixed(bytes32 assetId);
    /// A UTC offset is within 14 hours either way.
    error OffsetOutOfRange(int32 utcOffset);
    error CommissioningMissing(bytes32 assetId);
    /// A figure of an asset is more than the registry keeps: see `Terms`.
    error TermsOutOfRange(bytes32 assetId);
    /// The home is set once.
    error HomeIsSet(address ledger);
    /// Rated power is at least 1 W, behind a meter also at most 1 GW.
    error NameplateOutOfRange(uint64 nameplateW);
    /// A baseline's register and time are below 2^53.
    error BaselineOutOfRange(uint64 baselineWh, uint64 baselineTime);
    /// A registered asset is suspended or retired, never unregistered.
    error StatusMissing(bytes32 assetId);
    /// The root is zero exactly when the list is empty.
    error RootOfEmptyList(bytes32 projectId);
    /// A meter list may only name assets of its own project.
    error AssetOfAnotherProject(bytes32 assetId, bytes32 projectId);
    /// Meters come strictly ascending by thumbprint, so no key is listed twice.
    error MetersNotAscending(bytes32 before, bytes32 given);
    /// One key, one meter: the thumbprint was listed for another (asset, meter, device).
    error KeyOfAnotherMeter(bytes32 thumbprint);
    /// One device and meter, one key: the pair was listed with the thumbprint `bound`.
    error MeterOfAnotherKey(bytes32 bound, bytes32 given);

    /// Name the one ledger that mints for this registry's assets, for good.
    function setHome(address ledger) external;

    function setProject(bytes32 projectId, Project calldata project_) external;

    function setAsset(bytes32 assetId, Asset calldata asset_) external;

    /// Replace the meter list of a project. `root`: OpenZeppelin StandardMerkleTree over
    /// (bytes32,string,string,bytes32,uint8,uint64,uint64,uint64,uint64,uint64), the fields of Meter in order; zero for an
    /// empty list. Nodes check it, the contract cannot afford to.
    function setMeters(bytes32 projectId, bytes32 root, Meter[] calldata meters) external;

    /// All zero for an unknown project.
    function project(bytes32 projectId) external view returns (Project memory);

    function isProject(bytes32 projectId) external view returns (bool);

    /// All zero, status Unregistered, for an unknown asset.
    function asset(bytes32 assetId) external view returns (Asset memory);

    /// What the ledger holds an asset to, and its project; zero for an unknown asset.
    function terms(bytes32 assetId) external view returns (Terms, bytes32 projectId);

    /// Rated powers of an asset since it was commissioned, if it was ever changed; else empty.
    function nameplates(bytes32 assetId) external view returns (Nameplate[] memory);

    /// The one ledger that mints for this registry's assets; zero until it is set.
    function home() external view returns (address);

    /// Root of the project's meter list; zero for an empty one.
    function metersRoot(bytes32 projectId) external view returns (bytes32);

    /// keccak256(abi.encode(assetId, meterId, deviceId)) that a key is bound to, for good; zero when it is free.
    function meterOf(bytes32 thumbprint) external view returns (bytes32);

    /// Thumbprint that a device and meter, keccak256(abi.encode(deviceId, meterId)), are bound to, for good; zero when free.
    function keyOf(bytes32 deviceAndMeter) external view returns (bytes32);

    /// Every project, in order of registration.
    function projectIds() external view returns (bytes32[] memory);

    /// Every asset, in order of registration.
    function assetIds() external view returns (bytes32[] memory);
}

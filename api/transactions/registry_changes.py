"""Changes of the registry, prepared for a registrar: the chain decides, and whoever holds the role sends."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from api.http.problems import NotFoundProblem, ProblemError
from api.transactions.orders import CommissionOrder, MeterOrder, ProjectTerms, RegisterOrder, RotateOrder
from api.transactions.preparing import Wanted
from api.transactions.reader import Block, ChainReader, Question
from api.transactions.refusals import refusal
from contracts.roles import selectors
from contracts.state import (
    NEVER_REVOKED,
    Asset,
    AssetStatus,
    Assurance,
    ClaimRight,
    ListedMeter,
    MeterRole,
    Project,
    to_bytes32,
)
from oracle.reporting.registry import RegistrySnapshot, meters_root

REGISTRY = "AssetRegistry"


def register_asset(chain: ChainReader, order: RegisterOrder, block: Block) -> list[Wanted]:
    """Write an asset, after its project where terms for that are given.

    Raises:
        ProblemError: the project is not registered and its terms are not given, or the asset is there already.

    """
    raw_asset, raw_project = to_bytes32(order.asset_id), to_bytes32(order.project_id)
    known, has_project = chain.ask(
        block, [Question(REGISTRY, "asset", (raw_asset,)), Question(REGISTRY, "isProject", (raw_project,))]
    )
    if known[-1] != AssetStatus.UNREGISTERED:
        detail = f"asset {order.asset_id} is registered already: commission it, or choose another name"
        raise ProblemError("conflict", detail)
    wanted = []
    if order.project is not None:
        project = _project(chain, order.project_id, order.project)
        values: dict[str, str | int | None] = {"project_id": order.project_id}
        wanted.append(Wanted(REGISTRY, "setProject", (raw_project, project.to_abi()), "register_project", values))
    elif not has_project:
        raise refusal("UnknownProject", {"projectId": raw_project})
    asset = Asset(
        asset_id=order.asset_id,
        project_id=order.project_id,
        beneficiary=chain.checksummed(order.beneficiary),
        nameplate_w=order.nameplate_w,
        commissioned_s=_seconds(order.commissioned_at),
        utc_offset_s=order.utc_offset_s,
        factor_ceiling_g_per_mwh=order.factor_ceiling_g_per_mwh,
        tariff_ceiling_minor_per_mwh=order.tariff_ceiling_minor_per_mwh,
        capacity_factor_ceiling_ppm=order.capacity_factor_ceiling_ppm,
        status=AssetStatus[order.status.upper()],
    )
    return [*wanted, _set_asset(asset, "register_asset")]


def commission(chain: ChainReader, asset_id: str, order: CommissionOrder, block: Block) -> list[Wanted]:
    """Let an asset produce from an instant on; all else stays as registered.

    Raises:
        NotFoundProblem: it is not registered.

    """
    raw = to_bytes32(asset_id)
    (struct,) = chain.ask(block, [Question(REGISTRY, "asset", (raw,))])
    if struct[-1] == AssetStatus.UNREGISTERED:
        raise NotFoundProblem(f"there is no asset {asset_id}: ask for one of GET /v1/assets")
    known = Asset.from_abi(raw, (struct[0], chain.checksummed(struct[1]), *struct[2:]))
    asset = replace(
        known,
        commissioned_s=_seconds(order.commissioned_at),
        nameplate_w=order.nameplate_w or known.nameplate_w,
        status=AssetStatus.ACTIVE,
    )
    return [_set_asset(asset, "commission")]


def add_meter(registry: RegistrySnapshot, asset_id: str, order: MeterOrder) -> list[Wanted]:
    """List a meter beside those that its project has.

    Raises:
        ProblemError: device and meter are listed already.

    """
    asset = _asset(registry, asset_id)
    listed = registry.meters.get(asset.project_id, ())
    if any((meter.device_id, meter.meter_id) == (order.device_id, order.meter_id) for meter in listed):
        raise ProblemError("conflict", f"meter {order.meter_id} of device {order.device_id} is listed already")
    added = _meter(asset_id, order.meter_id, order, MeterRole[order.role.upper()], order.nameplate_w)
    return [_set_meters(asset.project_id, [*listed, added])]


def rotate_key(registry: RegistrySnapshot, asset_id: str, meter_id: str, order: RotateOrder) -> list[Wanted]:
    """Cut the key off that a meter's readings are signed with now, and list another under another device's name."""
    project_id, listed, current = _current(registry, asset_id, meter_id, None)
    cut = replace(current, revoked_boot=order.revoked_boot, revoked_sequence=order.revoked_sequence)
    added = _meter(asset_id, meter_id, order, current.role, current.nameplate_w)
    return [_set_meters(project_id, [*(cut if meter == current else meter for meter in listed), added])]


def revoke_key(  # noqa: PLR0913, PLR0917  which key, and where its word ends
    registry: RegistrySnapshot, asset_id: str, meter_id: str, device_id: str | None, boot: int, sequence: int
) -> list[Wanted]:
    """Cut a meter's key off at a point that the device itself has signed: nothing from there on counts."""
    project_id, listed, current = _current(registry, asset_id, meter_id, device_id)
    cut = replace(current, revoked_boot=boot, revoked_sequence=sequence)
    return [_set_meters(project_id, [cut if meter == current else meter for meter in listed])]


def hold_against_chain(chain: ChainReader, registry: RegistrySnapshot, project_id: str, block: Block) -> None:
    """Make sure that the list is the chain's newest one, so that a change does not undo another that is on its way.

    Raises:
        ProblemError: the list was changed, and the change is not final yet.

    """
    (root,) = chain.ask(block, [Question(REGISTRY, "metersRoot", (to_bytes32(project_id),))])
    if bytes(root) != registry.projects[project_id].meters_root:
        detail = (
            f"the meter list of {project_id} has just been changed, and the change is not final: try again when it is"
        )
        raise ProblemError("conflict", detail, retry_after_s=30)


def by_role(chain: ChainReader, wanted: Sequence[Wanted], sender: str | None, block: Block) -> list[Wanted]:
    """Calls as the sender may make them: at once; or announced, where its role waits; then carried out after the delay.

    Raises:
        ProblemError: the sender does not have the role.

    """
    if sender is None:
        return list(wanted)
    target = chain.book.addresses[REGISTRY]
    questions = [
        Question("AccessManager", "canCall", (sender, target, selectors(REGISTRY, want.function)[0])) for want in wanted
    ]
    steps: list[Wanted] = []
    carrying_out: list[Wanted] = []
    for want, (immediate, delay_s) in zip(wanted, chain.ask(block, questions), strict=True):
        if immediate:
            steps.append(want)
        elif delay_s:
            calldata = bytes.fromhex(chain.contract(REGISTRY).encode_abi(want.function, list(want.arguments))[2:])
            values = {**want.values, "what": want.key, "delay_s": delay_s}
            steps.append(Wanted("AccessManager", "schedule", (target, calldata, 0), "schedule", values))
            carrying_out.append(Wanted("AccessManager", "execute", (target, calldata), want.key, want.values))
        else:
            raise refusal("AccessManagedUnauthorized", {"caller": sender})
    return [*steps, *carrying_out]


def _set_asset(asset: Asset, key: str) -> Wanted:
    values: dict[str, str | int | None] = {"asset_id": asset.asset_id, "project_id": asset.project_id}
    return Wanted(REGISTRY, "setAsset", (to_bytes32(asset.asset_id), asset.to_abi()), key, values)


def _set_meters(project_id: str, meters: Sequence[ListedMeter]) -> Wanted:
    """Replace a project's list, ascending by key, with the root that nodes hold it against."""
    listed = sorted(meters, key=lambda meter: meter.thumbprint)
    arguments = (to_bytes32(project_id), meters_root(listed), [meter.to_abi() for meter in listed])
    return Wanted(REGISTRY, "setMeters", arguments, "set_meters", {"project_id": project_id, "meters": len(listed)})


def _project(chain: ChainReader, project_id: str, terms: ProjectTerms) -> Project:
    return Project(
        project_id=project_id,
        currency=chain.checksummed(terms.currency),
        methodology=terms.methodology.encode("ascii").ljust(32, b"\0"),
        claim_right=ClaimRight[terms.claim_right.upper()],
        document_hash=bytes.fromhex(terms.document_sha256[2:]) if terms.document_sha256 else bytes(32),
        assurance=Assurance[terms.assurance.upper()],
    )


def _meter(
    asset_id: str, meter_id: str, order: MeterOrder | RotateOrder, role: MeterRole, nameplate_w: int
) -> ListedMeter:
    return ListedMeter(
        asset_id=asset_id,
        meter_id=meter_id,
        device_id=order.device_id,
        thumbprint=bytes.fromhex(order.thumbprint[2:]),
        role=role,
        nameplate_w=nameplate_w,
        baseline_wh=order.baseline_wh,
        baseline_time_ms=_seconds(order.baseline_at) * 1000 + order.baseline_at.microsecond // 1000,
    )


def _asset(registry: RegistrySnapshot, asset_id: str) -> Asset:
    if asset_id not in registry.assets:
        raise NotFoundProblem(f"there is no asset {asset_id}: ask for one of GET /v1/assets")
    return registry.assets[asset_id]


def _current(
    registry: RegistrySnapshot, asset_id: str, meter_id: str, device_id: str | None
) -> tuple[str, tuple[ListedMeter, ...], ListedMeter]:
    """Project, its list, and the entry of a meter whose key is valid: of the device that is named, or of the only one."""
    project_id = _asset(registry, asset_id).project_id
    listed = registry.meters.get(project_id, ())
    found = [meter for meter in listed if (meter.asset_id, meter.meter_id) == (asset_id, meter_id)]
    if not found:
        raise NotFoundProblem(f"asset {asset_id} has no meter {meter_id}: GET /v1/assets/{asset_id} lists those it has")
    valid = [meter for meter in found if meter.revoked_boot == NEVER_REVOKED and device_id in (None, meter.device_id)]
    if len(valid) != 1:
        what = "has no valid key" if not valid else "has several valid keys: name the device"
        raise ProblemError("conflict", f"meter {meter_id} {what}")
    return project_id, listed, valid[0]


def _seconds(instant: datetime) -> int:
    return int(instant.timestamp())

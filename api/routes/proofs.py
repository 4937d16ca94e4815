"""Proofs to take away, the anchor to hold them against, and whether an owner lets everyone see the evidence."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from api.access.permissions import allowed
from api.access.principal import Principal
from api.http.answers import PRIVATE, PUBLIC, ready, send
from api.http.lists import written
from api.http.openapi import also, file_of
from api.http.parameters import AssetId, Number, Start
from api.http.problems import NotFoundProblem, ProblemError
from api.instants import write_instant
from api.projection.instants import instant
from api.proofs.source import NotProvenError, ProofSource
from api.routes.reading import LongWork
from api.services import Services
from oracle.errors import ConfigError, JournalError

_PROOF = file_of("application/json", "a file of format heliograph-proof/1")
_PERIOD = file_of("application/json", "a file of format heliograph-period/1")
_RETIREMENT = file_of(
    "application/json",
    "a file of format heliograph-credits/1 where all owners released their evidence and the chain shows its storage; else of "
    "format heliograph-retirement/1, which says what is withheld or missing",
)
_ANCHOR = file_of("application/json", "a file of format heliograph-anchor/1")


class Release(BaseModel):
    """Whether everyone may see the evidence of an asset."""

    model_config = ConfigDict(extra="forbid", strict=True, json_schema_extra={"examples": [{"released": True}]})

    released: bool = Field(
        description="true: retirements of its credits can be verified by anyone, down to the readings"
    )


class Released(Release):
    """What stands."""

    asset_id: str
    at: datetime | None = Field(
        description="when the owner said so; null: they never said anything, so nothing is released"
    )


def proofs_routes(services: Services) -> APIRouter:
    """Proofs of assets, intervals and retirements; the anchor; the release of evidence."""
    router = APIRouter(prefix="/v1", tags=["proofs"])
    work = LongWork()

    async def made(make: Callable[[ProofSource], bytes]) -> bytes:
        source = services.proofs
        if source is None:
            raise ProblemError("part-away", "this server has no journal to make proofs of; ask one beside a node")
        return await proven(work, lambda: make(source))

    @router.get(
        "/anchor", operation_id="anchor", responses=_ANCHOR | also(409), dependencies=[Depends(allowed("anchor"))]
    )
    async def anchor(request: Request) -> Response:
        """Signers and contracts that proofs can be held against, as this server sees them: get it from a source you trust."""
        body = await made(lambda source: source.anchor())
        return _file(request, body, "anchor.json", PUBLIC)

    @router.get(
        "/assets/{asset_id}/proof",
        operation_id="asset_proof",
        responses=_PROOF | also(409),
        dependencies=[Depends(allowed("asset_proof"))],
    )
    async def asset_proof(request: Request, asset_id: AssetId) -> Response:
        """The proof of an asset's statements under the last report: a file for `heliograph verify`."""
        services.projection.asset(asset_id)
        body = await made(lambda source: source.statements(asset_id))
        return _file(request, body, f"{asset_id}.json", PRIVATE)

    @router.get(
        "/assets/{asset_id}/proof/{start}",
        operation_id="interval_proof",
        responses=_PERIOD | also(409),
        dependencies=[Depends(allowed("interval_proof"))],
    )
    async def interval_proof(request: Request, asset_id: AssetId, start: Start) -> Response:
        """The proof of the ledger interval that begins at `start`: its accounts, and the readings that they follow from."""
        services.projection.asset(asset_id)
        body = await made(lambda source: source.interval(asset_id, start))
        name = f"{asset_id}-{write_instant(start).replace(':', '')}.json"
        return _file(request, body, name, PRIVATE)

    @router.get(
        "/retirements/{number}/proof",
        operation_id="retirement_proof",
        responses=_RETIREMENT | also(409),
        dependencies=[Depends(allowed("retirement_proof"))],
        tags=["public"],
    )
    async def retirement_proof(request: Request, number: Number) -> Response:
        """Where the credits of a retirement come from, down to device signatures where the owners released their evidence."""
        found = services.projection.retirement(number)
        body = await made(lambda source: source.retirement(number, found.assets, services.access.is_released))
        return _file(request, body, f"retirement-{number}.json", PUBLIC)

    @router.get(
        "/assets/{asset_id}/release",
        operation_id="evidence_released",
        response_model=Released,
        dependencies=[Depends(allowed("evidence_released"))],
    )
    async def evidence_released(asset_id: AssetId) -> Response:
        """Whether everyone may see the evidence of an asset, by the word of its present owner."""
        services.projection.asset(asset_id)
        said = await run_in_threadpool(services.access.said_of_evidence, asset_id)
        stands = Released(
            released=said is not None and said.released,
            asset_id=asset_id,
            at=None if said is None else instant(said.at_ms),
        )
        return Response(written(stands), 200, {"Cache-Control": "no-store"}, "application/json")

    @router.put("/assets/{asset_id}/release", operation_id="evidence_release", response_model=Released)
    async def evidence_release(
        request: Request,
        asset_id: AssetId,
        release: Release,
        principal: Annotated[Principal, Depends(allowed("evidence_release"))],
    ) -> Response:
        """Let everyone verify down to your devices' readings, or take that back for what comes after."""
        request.state.target = asset_id
        access, address = services.access, principal.address
        if address is None:
            raise ProblemError("forbidden", "only the owner of the asset may release its evidence: sign in as such")
        now_ms = access.now_ms()
        await run_in_threadpool(
            access.releases.put, asset_id, released=release.released, address=address, now_ms=now_ms
        )
        stands = Released(released=release.released, asset_id=asset_id, at=instant(now_ms))
        return Response(written(stands), 200, {"Cache-Control": "no-store"}, "application/json")

    return router


async def proven(work: LongWork, make: Callable[[], bytes]) -> bytes:
    """Make a proof or an explanation in a worker thread.

    Raises:
        ProblemError: there is nothing to prove, journal or rules do not serve, or too much waits already.

    """
    try:
        return await work.run(make)
    except NotProvenError as error:
        raise NotFoundProblem(str(error)) from error
    except JournalError as error:
        raise ProblemError("journal-away", f"{error}; try again in a few seconds") from error
    except ConfigError as error:
        raise ProblemError("conflict", f"{error}; tell whoever runs the server") from error


def _file(request: Request, body: bytes, name: str, cache_control: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return send(request, ready(body), cache_control, headers=headers)

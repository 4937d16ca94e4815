"""Telemetry for gateways that cannot speak MQTT: the same envelopes, answered with the same signed acknowledgements."""

from base64 import b64encode
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse, Response

from api.access.permissions import allowed
from api.access.principal import Principal
from api.http.problems import ProblemError
from api.notices.carriage import Verdict
from api.notices.telemetry import MAX_BODY_BYTES, BridgeAwayError, BridgeBusyError, Outcome
from api.services import Services
from devices.acknowledgement import Acknowledgement

SEQUENCE = "application/cbor-seq"
"""A CBOR sequence (RFC 8742)."""
TAKEN = frozenset({SEQUENCE, "application/cbor", "application/octet-stream"})
RETRY_S = 5
_SEQUENCE_CONTENT: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}


class NodeRefusal(BaseModel):
    """A node that refuses an item."""

    node: str
    reason: str = Field(description="reason code", examples=["unknown_meter"])


class ItemView(BaseModel):
    """What became of one item of the message."""

    sha256: str = Field(description="of the item as it was sent")
    device_id: str | None = Field(description="null where the item is no envelope")
    boot: int | None
    first_sequence: int | None
    last_sequence: int | None
    accepted_by: list[str] = Field(description="nodes that have it in their journal")
    rejected_by: list[NodeRefusal]
    settled: bool = Field(
        description="enough nodes have it, or too many refuse it; otherwise keep it, and send it again"
    )


class AcknowledgementView(BaseModel):
    """What one node signed. Only `cbor` is signed; the rest is what it says."""

    node: str
    accepted: list[dict[str, Any]] = Field(description="device, boot, first, last: readings that are in its journal")
    rejected: list[dict[str, Any]]
    key_alg: str
    key: str = Field(
        description="public key that the signature verifies under, hexadecimal: compare it with the node's"
    )
    cbor: str = Field(description="the signed acknowledgement, base64")


class TelemetryView(BaseModel):
    """What became of a message."""

    complete: bool = Field(description="every item is settled")
    copies_required: int = Field(description="so many nodes must have an item")
    items: list[ItemView]
    acknowledgements: list[AcknowledgementView]


_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"description": "every item is settled", "content": {SEQUENCE: _SEQUENCE_CONTENT}},
    202: {
        "description": "published, and not settled in time: the items say what is missing",
        "model": TelemetryView,
        "content": {SEQUENCE: _SEQUENCE_CONTENT},
    },
}
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "a CBOR sequence of signed envelopes, as devices/README.md defines them",
        "content": {SEQUENCE: _SEQUENCE_CONTENT, "application/octet-stream": _SEQUENCE_CONTENT},
    }
}


def telemetry_routes(services: Services) -> APIRouter:
    """Telemetry over HTTP."""
    router = APIRouter(prefix="/v1", tags=["telemetry"])

    @router.post(
        "/telemetry",
        operation_id="telemetry",
        summary="Send signed envelopes",
        response_model=TelemetryView,
        responses=_RESPONSES,
        openapi_extra=_BODY,
    )
    async def telemetry(request: Request, _principal: Annotated[Principal, Depends(allowed("telemetry"))]) -> Response:
        """Carry envelopes to the nodes, and answer with what the nodes sign. This server signs nothing.

        An envelope is durable once `copies_required` nodes have acknowledged it, each under its own key. Until then the
        sender keeps it, and sends it again; that costs nothing. With `Accept: application/cbor-seq` the answer is the
        signed acknowledgements themselves.
        """
        bridge = services.telemetry
        if bridge is None:
            raise ProblemError("not-found", "this server takes no telemetry; send it to the broker")
        message = await _body(request)
        try:
            outcome = await bridge.submit(message)
        except BridgeAwayError as error:
            raise ProblemError("broker-away", f"{error}; keep the envelopes and send them again") from error
        except BridgeBusyError as error:
            raise ProblemError("too-many-requests", f"{error}; keep the envelopes and send them again") from error
        headers = {"Cache-Control": "no-store", "Vary": "Accept"}
        if not outcome.complete:
            headers["Retry-After"] = str(RETRY_S)
        status = 200 if outcome.complete else 202
        if SEQUENCE in request.headers.get("accept", ""):
            return Response(b"".join(each.wire for each in outcome.receipts), status, headers, SEQUENCE)
        return JSONResponse(_view(outcome).model_dump(mode="json"), status, headers)

    return router


async def _body(request: Request) -> bytes:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in TAKEN:
        raise ProblemError("unsupported-media-type", f"send the envelopes as {SEQUENCE}")
    message = await request.body()
    if len(message) > MAX_BODY_BYTES:
        raise ProblemError(
            "too-large", f"the message has more than {MAX_BODY_BYTES} bytes; send fewer envelopes at once"
        )
    if not message:
        raise ProblemError("malformed-request", "the body is empty; send a CBOR sequence of envelopes")
    return message


def _view(outcome: Outcome) -> TelemetryView:
    return TelemetryView(
        complete=outcome.complete,
        copies_required=outcome.copies_required,
        items=[_item(verdict) for verdict in outcome.verdicts],
        acknowledgements=[_acknowledgement(ack) for ack in outcome.receipts],
    )


def _item(verdict: Verdict) -> ItemView:
    return ItemView(
        sha256=verdict.sha256.hex(),
        device_id=verdict.device,
        boot=verdict.boot,
        first_sequence=verdict.first_sequence,
        last_sequence=verdict.last_sequence,
        accepted_by=list(verdict.accepted_by),
        rejected_by=[NodeRefusal(node=node, reason=reason) for node, reason in verdict.rejected_by],
        settled=verdict.settled,
    )


def _acknowledgement(ack: Acknowledgement) -> AcknowledgementView:
    refused = [{**each._asdict(), "item_sha256": each.item_sha256.hex()} for each in ack.rejected]
    return AcknowledgementView(
        node=ack.node,
        accepted=[each._asdict() for each in ack.accepted],
        rejected=refused,
        key_alg=ack.public_key.alg,
        key=ack.public_key.raw.hex(),
        cbor=b64encode(ack.wire).decode(),
    )

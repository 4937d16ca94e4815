"""The retirement certificate on paper, and the QR code that leads to its public page."""

from functools import lru_cache
from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from api.access.permissions import allowed
from api.certificate.facts import CertificateFacts, page_url
from api.certificate.fonts import FontsMissingError
from api.certificate.pdf import certificate_pdf
from api.certificate.qr import qr_svg
from api.http.answers import PUBLIC, Ready, ready, send
from api.http.openapi import file_of
from api.http.parameters import Number
from api.http.problems import ProblemError
from api.projection.projection import Projection
from api.projection.views import RetirementView
from api.services import Services

PDF, SVG = "application/pdf", "image/svg+xml"
KEPT = 64
"""Certificates that are kept ready."""
_SVG_CONTENT: dict[str, Any] = {SVG: {"schema": {"type": "string"}}}


def certificates_routes(services: Services) -> APIRouter:
    """Certificates of retirements, for everybody."""
    router = APIRouter(prefix="/v1/retirements", tags=["public"])
    projection = services.projection

    @lru_cache(maxsize=KEPT)
    def written(facts: CertificateFacts) -> Ready:
        return ready(certificate_pdf(facts))

    def certificate(number: int) -> Ready:
        view = projection.retirement(number)
        epoch = report_before(projection, view)
        chain_id = projection.status().chain_id
        return written(CertificateFacts.of(view, report_epoch=epoch, chain_id=chain_id, public_url=services.public_url))

    @router.get(
        "/{number}/certificate.pdf",
        operation_id="certificate_pdf",
        summary="The certificate as PDF",
        response_class=Response,
        responses=file_of(PDF, "the certificate; the same bytes wherever it is made"),
        dependencies=[Depends(allowed("certificate_pdf"))],
    )
    async def certificate_pdf_of(request: Request, number: Number) -> Response:
        """What was retired, for whom, from which production, to print and to keep. The chain is what counts."""
        try:
            found = await to_thread.run_sync(certificate, number)
        except FontsMissingError as error:
            detail = (
                "the fonts of the certificate are not installed: whoever runs this server makes them with `make assets`"
            )
            raise ProblemError("part-away", detail, retry_after_s=3600) from error
        headers = {"Content-Disposition": f'inline; filename="heliograph-retirement-{number}.pdf"'}
        return send(request, found, PUBLIC, PDF, headers)

    @router.get(
        "/{number}/qr.svg",
        operation_id="retirement_qr",
        summary="QR code of the public page",
        response_class=Response,
        responses={200: {"description": "the code as SVG", "content": _SVG_CONTENT}},
    )
    async def retirement_qr(
        request: Request, number: Number, _principal: Annotated[object, Depends(allowed("retirement_qr"))]
    ) -> Response:
        """The address of the retirement's public page, for cameras."""
        view = projection.retirement(number)
        return send(request, ready(qr_svg(page_url(services.public_url, view.number))), PUBLIC, SVG)

    return router


def report_before(projection: Projection, view: RetirementView) -> int | None:
    """Return the epoch of the last report that was on chain when credits were retired, and is not disabled.

    Epochs rise with blocks, so it is found by halving, however many reports came since.
    """
    newest = projection.reports(None, 1).items
    low, high = 0, newest[0].epoch + 1 if newest else 0  # what is wanted is before `high`, and not before `low`
    while high - low > 1:
        middle = (low + high) // 2
        found = projection.reports(str(middle + 1), 1).items
        if found and (found[0].block is None or found[0].block > view.block):
            high = found[0].epoch
        else:
            low = middle
    place: str | None = str(high)
    while place is not None:
        page = projection.reports(place, 1)
        for report in page.items:
            if report.status != "disabled" and report.block is not None and report.block <= view.block:
                return report.epoch
        place = page.next
    return None

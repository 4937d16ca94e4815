"""From a request to the files that its maker installs."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding

from api.enrolment.authority import Authority
from api.enrolment.files import PUBLIC, EnrolmentError, read, write_new
from api.enrolment.requests import Role, make_request, read_request, require_name


def enrol_client(role: Role, name: str, out: Path, ca: Path | None, days: int, *, rotate: bool) -> dict[str, Any]:  # noqa: PLR0913
    """Make the key and request of a gateway or node; with an authority's folder also its certificate.

    Returns:
        What was made, by name.

    Raises:
        EnrolmentError: a file is there already, or the authority refuses; then nothing was made.

    """
    authority = Authority(ca) if ca else None
    if authority is not None:
        authority.require_free(name, role)
    key, request = make_request(out, require_name(name), rotate=rotate)
    if authority is None:
        return {"key": key, "request": request}
    return {"key": key, **certify(authority, request, role, days, request.with_suffix(".pem"))}


def certify(  # noqa: PLR0913, PLR0917 - what is certified, by whom, for how long, and where it goes
    authority: Authority, request: Path, role: Role, days: int, out: Path, hosts: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Certify a request and write the certificate, with the authority's own beside it.

    Raises:
        EnrolmentError: the certificate is there already, or the authority refuses.

    """
    if out.exists():
        raise EnrolmentError(f"{out}: is there already; nothing is overwritten")
    certificate = authority.sign(read_request(request), role, now(), days, hosts)
    write_new(out, certificate.public_bytes(Encoding.PEM), PUBLIC)
    trusted = out.parent / "ca.pem"
    if not trusted.exists():
        write_new(trusted, read(authority.folder / "ca.pem"), PUBLIC)
    return {
        "certificate": out,
        "ca": trusted,
        "serial": f"{certificate.serial_number:040x}",
        "expires": certificate.not_valid_after_utc,
    }


def now() -> datetime:
    """Now, in whole seconds as certificates have them."""
    return datetime.now(UTC).replace(microsecond=0)

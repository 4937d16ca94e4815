"""Certificate signing requests: whoever connects makes its own key and asks the authority to certify it."""

from enum import StrEnum
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from api.enrolment.files import PUBLIC, EnrolmentError, free_stem, new_private_key, read, write_new
from devices.identifier import is_identifier, require_identifier


class Role(StrEnum):
    """What a certificate admits its holder as. The authority writes it into the certificate, as its OU."""

    GATEWAY = "gateway"
    NODE = "node"
    BROKER = "broker"


def make_request(folder: Path, name: str, *, rotate: bool = False) -> tuple[Path, Path]:
    """Make a P-256 key and a request for it: `NAME.key` (private) and `NAME.csr`.

    Args:
        folder: where both go.
        name: identifier of the gateway or node, or name of the broker's host; it becomes the common name.
        rotate: there is a key already; the new one goes beside it as `NAME-2.key`, `NAME-3.key` and so on.

    Raises:
        EnrolmentError: a key of that name is there already (without `rotate`), or a file cannot be written.

    """
    stem = free_stem(folder, name) if rotate else name
    key_path, request_path = folder / f"{stem}.key", folder / f"{stem}.csr"
    if key_path.exists():
        raise EnrolmentError(f"{key_path}: is there already; --rotate makes a new key beside it")
    key = new_private_key(key_path)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    write_new(request_path, request.public_bytes(Encoding.PEM), PUBLIC)
    return key_path, request_path


def read_request(path: Path) -> x509.CertificateSigningRequest:
    """Read a request and check that it is signed with the key it asks for.

    Raises:
        EnrolmentError: it is none, its signature does not hold, or its key is not of P-256.

    """
    try:
        request = x509.load_pem_x509_csr(read(path))
        signed = request.is_signature_valid
        key = request.public_key()
    except (ValueError, UnsupportedAlgorithm) as error:
        raise EnrolmentError(f"{path}: not a certificate signing request in PEM") from error
    if not signed:
        raise EnrolmentError(f"{path}: whoever made the request does not hold its key")
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise EnrolmentError(f"{path}: the key is not of the curve P-256")
    return request


def common_name(name: x509.Name) -> str:
    """Return the common name, or nothing where there is none."""
    found = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if len(found) == 1 else ""


def require_name(name: str) -> str:
    """Return an identifier as it is.

    Raises:
        EnrolmentError: it is none.

    """
    if not is_identifier(name):
        try:
            require_identifier(name, "name")
        except ValueError as error:
            raise EnrolmentError(str(error)) from error
    return name

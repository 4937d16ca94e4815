"""A site's own certificate authority: a folder with its key, its certificate, what it issued and what it revoked.

    ca.key            private, P-256
    ca.pem            what brokers, gateways and nodes trust
    crl.pem           revocation list, which the broker reads
    issued/SERIAL.pem every certificate it ever issued

Nothing else is state: roles and names are in the certificates, revocations in the list. Certificates follow RFC 5280.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from api.enrolment.certificates import certificate_builder, host_name, key_usage, revocation_list_builder
from api.enrolment.files import (
    PUBLIC,
    EnrolmentError,
    new_private_key,
    read,
    read_private_key,
    replace_public,
    write_new,
)
from api.enrolment.requests import Role, common_name, require_name


@dataclass(frozen=True)
class Issued:
    """A certificate that the authority issued."""

    name: str
    role: Role
    serial: int
    not_after: datetime
    revoked: bool


class Authority:
    """Signs requests and revokes certificates. One process at a time.

    Raises:
        EnrolmentError: the folder holds no usable authority.

    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._key = read_private_key(folder / "ca.key")
        try:
            self.certificate = x509.load_pem_x509_certificate(read(folder / "ca.pem"))
            self._crl = x509.load_pem_x509_crl(read(folder / "crl.pem"))
        except ValueError as error:
            raise EnrolmentError(f"{folder}: ca.pem or crl.pem is not in PEM: {error}") from error
        if self.certificate.public_key() != self._key.public_key():
            raise EnrolmentError(f"{folder}: ca.key is not the key of ca.pem")

    @classmethod
    def create(cls, folder: Path, site: str, now: datetime, days: int) -> "Authority":
        """Make an authority for a site, valid for a number of days, with an empty revocation list.

        Raises:
            EnrolmentError: there is one already, the site's name is no identifier, or a file cannot be written.

        """
        require_name(site)
        key = new_private_key(folder / "ca.key")
        subject = x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, site),
                x509.NameAttribute(NameOID.COMMON_NAME, f"Heliograph authority of {site}"),
            ]
        )
        certificate = (
            certificate_builder(subject, subject, key.public_key(), key, now, days)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(key_usage(authority=True), critical=True)
            .sign(key, hashes.SHA256())
        )
        write_new(folder / "ca.pem", certificate.public_bytes(Encoding.PEM), PUBLIC)
        empty = revocation_list_builder(certificate, now).sign(key, hashes.SHA256())
        write_new(folder / "crl.pem", empty.public_bytes(Encoding.PEM), PUBLIC)
        return cls(folder)

    def sign(
        self, request: x509.CertificateSigningRequest, role: Role, now: datetime, days: int, hosts: tuple[str, ...] = ()
    ) -> x509.Certificate:
        """Certify the key of a request. Of the request's content only the key and the common name are taken.

        Args:
            request: checked by `read_request`.
            role: what the holder is admitted as; the request has no say in it.
            now: begin of validity.
            days: length of validity; cut at the authority's own end.
            hosts: names and addresses of a broker, by which its clients call it.

        Raises:
            EnrolmentError: the name is no identifier, belongs to another role, or the authority has expired.

        """
        name = common_name(request.subject)
        self.require_free(name, role)
        if now >= self.certificate.not_valid_after_utc:
            raise EnrolmentError(f"{self.folder}: the authority has expired")
        (site,) = self.certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
        subject = x509.Name(
            [
                site,
                x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, role),
                x509.NameAttribute(NameOID.COMMON_NAME, name),
            ]
        )
        purpose = ExtendedKeyUsageOID.SERVER_AUTH if role is Role.BROKER else ExtendedKeyUsageOID.CLIENT_AUTH
        public_key = request.public_key()
        if not isinstance(public_key, ec.EllipticCurvePublicKey):
            raise EnrolmentError("the key of the request is not of the curve P-256")
        days = min(days, (self.certificate.not_valid_after_utc - now).days)
        builder = (
            certificate_builder(subject, self.certificate.subject, public_key, self._key, now, days)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(key_usage(authority=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        )
        if hosts:
            builder = builder.add_extension(x509.SubjectAlternativeName(map(host_name, hosts)), critical=False)
        certificate = builder.sign(self._key, hashes.SHA256())
        stored = self.folder / "issued" / f"{certificate.serial_number:040x}.pem"
        write_new(stored, certificate.public_bytes(Encoding.PEM), PUBLIC)
        return certificate

    def require_free(self, name: str, role: Role) -> None:
        """Check that a name may be certified for a role.

        Raises:
            EnrolmentError: it is no identifier, or belongs to another role.

        """
        if role is not Role.BROKER:
            require_name(name)
        for other in self.issued():
            if other.name == name and other.role is not role and not other.revoked:
                raise EnrolmentError(
                    f"{name} is a {other.role} already; one name has one role, by which the broker admits it"
                )

    def issued(self) -> list[Issued]:
        """Every certificate, oldest first.

        Raises:
            EnrolmentError: a file among them is no certificate.

        """
        return [
            Issued(
                common_name(one.subject),
                Role(str(one.subject.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME)[0].value)),
                one.serial_number,
                one.not_valid_after_utc,
                self._crl.get_revoked_certificate_by_serial_number(one.serial_number) is not None,
            )
            for one in sorted(self._certificates(), key=lambda one: (one.not_valid_before_utc, one.serial_number))
        ]

    def revoke(self, serials: list[int], now: datetime) -> None:
        """Add certificates to the revocation list.

        Raises:
            EnrolmentError: a serial number is not of this authority, or is revoked already.

        """
        known = {one.serial: one for one in self.issued()}
        builder = revocation_list_builder(self.certificate, now, self._number() + 1)
        for former in self._crl:
            builder = builder.add_revoked_certificate(former)
        for serial in serials:
            if serial not in known or known[serial].revoked:
                state = "is revoked already" if serial in known else "was not issued here"
                raise EnrolmentError(f"certificate {serial:040x} {state}")
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(now).build()
            )
        self._crl = builder.sign(self._key, hashes.SHA256())
        replace_public(self.folder / "crl.pem", self._crl.public_bytes(Encoding.PEM))

    def _number(self) -> int:
        return self._crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number

    def _certificates(self) -> Iterator[x509.Certificate]:
        for path in (self.folder / "issued").glob("*.pem"):
            try:
                yield x509.load_pem_x509_certificate(read(path))
            except ValueError as error:
                raise EnrolmentError(f"{path}: not a certificate in PEM") from error

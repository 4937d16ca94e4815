"""What certificates and revocation lists are made of (RFC 5280)."""

import ipaddress
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

BACKDATED = timedelta(minutes=5)
"""Certificates begin a little in the past, for clocks that are a little behind."""


def certificate_builder(  # noqa: PLR0913, PLR0917 - what every certificate has
    subject: x509.Name,
    issuer: x509.Name,
    public_key: ec.EllipticCurvePublicKey,
    issuer_key: ec.EllipticCurvePrivateKey,
    now: datetime,
    days: int,
) -> x509.CertificateBuilder:
    """Begin a certificate: what every one has, valid for a number of days."""
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    return (
        x509.CertificateBuilder(issuer, subject, public_key, x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(authority, critical=False)
    )


def revocation_list_builder(
    certificate: x509.Certificate, now: datetime, number: int = 1
) -> x509.CertificateRevocationListBuilder:
    """Begin a revocation list that holds as long as the authority.

    A list that expires would lock everybody out, and with a short one a broker that is not served anew does just that.
    """
    identifier = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return (
        x509.CertificateRevocationListBuilder(certificate.subject, now, certificate.not_valid_after_utc)
        .add_extension(x509.CRLNumber(number), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
    )


def key_usage(*, authority: bool) -> x509.KeyUsage:
    """What a key may do: an authority signs certificates and lists, everybody else signs handshakes."""
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def host_name(host: str) -> x509.GeneralName:
    """Return an address or name as a certificate holds it."""
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)

import ipaddress
import socket

import pytest

from api.notices.targets import Target, TargetError, UnresolvedError, is_public


def test_a_url_is_taken_apart():
    target = Target.parse("https://owner.example:8443/hook?a=1", allow_private=False)
    assert (target.secure, target.host, target.port) == (True, "owner.example", 8443)
    assert (target.path, target.authority) == ("/hook?a=1", "owner.example:8443")
    assert Target.parse("https://owner.example", allow_private=False).path == "/"


@pytest.mark.parametrize(
    "url",
    [
        "http://owner.example/",
        "ftp://owner.example/",
        "file:///etc/passwd",
        "owner.example",
        "https://",
        "https://user:password@owner.example/",
        "https://owner.example/#part",
        "https://owner.example:0/",
        "https://owner.example:99999/",
        "https://owner.example/\r\nHost: other",
        "https://owner.example/a b",
        "https://öwner.example/",
        "https://owner.example/" + "a" * 2000,
        "https://localhost/",
        "https://a.localhost/",
        "https://printer.local/",
        "https://metadata.google.internal/",
        "https://127.0.0.1/",
        "https://10.1.2.3/",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/",
        "https://[fd00::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[64:ff9b::7f00:1]/",
    ],
)
def test_what_must_not_be_called_is_refused(url):
    with pytest.raises(TargetError):
        Target.parse(url, allow_private=False)


@pytest.mark.parametrize(
    "address",
    [
        *("0.0.0.0", "10.0.0.1", "100.64.0.1", "127.0.0.1", "169.254.1.1", "172.16.0.1", "192.0.2.1", "192.168.1.1"),
        *("198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::", "::1", "fe80::1", "fec0::1", "fc00::1"),
        *("ff02::1", "2001:db8::1", "::ffff:10.0.0.1", "2002:7f00:1::", "64:ff9b::a00:1"),
    ],
)
def test_addresses_that_are_not_of_the_public_internet(address):
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_addresses_of_the_public_internet(address):
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "127.1", "localhost."])
def test_other_spellings_of_this_machine_are_seen_through(host):
    target = Target.parse(f"https://{host}/", allow_private=False)
    with pytest.raises(TargetError):
        target.resolve(allow_private=False)


def test_a_name_is_refused_for_any_of_its_addresses(monkeypatch):
    def found(*addresses):
        entries = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)) for address in addresses]
        monkeypatch.setattr("api.notices.targets.socket.getaddrinfo", lambda *_, **__: entries)

    target = Target.parse("https://owner.example/", allow_private=False)
    found("93.184.216.34", "10.0.0.1")
    with pytest.raises(TargetError, match="private network"):
        target.resolve(allow_private=False)
    found("93.184.216.34")
    assert target.resolve(allow_private=False) == "93.184.216.34"
    found()
    with pytest.raises(UnresolvedError):
        target.resolve(allow_private=False)


def test_a_closed_site_may_call_itself_without_tls():
    target = Target.parse("http://127.0.0.1:8080/hook", allow_private=True)
    assert not target.secure
    assert target.resolve(allow_private=True) == "127.0.0.1"

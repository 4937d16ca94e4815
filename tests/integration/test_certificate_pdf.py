"""The certificate: the same bytes in any environment, and its text is what the chain says."""

import json
import os
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from io import BytesIO
from types import SimpleNamespace

import httpx
import pytest
from eth_utils.crypto import keccak
from pypdf import PdfReader

from api.access.access import Access, AccessSettings
from api.app import create_app
from api.certificate import fonts
from api.certificate.pdf import certificate_pdf
from api.projection.projection import Projection
from api.server import serve
from api.services import Services
from contracts.address_book import connect
from contracts.state import credit_id, to_bytes32
from contracts.transaction import send
from tests.support.certificate_facts import facts
from tests.support.qr_reader import read_qr

PUBLIC_URL = "https://sun.example"
NOBODY = "0x00000000000000000000000000000000000000AA"
NOTES = [
    ("A Village School", b"", "our roof, 2026"),
    ("香港深水埗鰂魚涌邨居民合作社有限公司", b"", "抵銷二〇二六年辦公室用電的碳排放"),
    ("湖南省浏阳市阳光农业专业合作社", b"", "2026年度碳中和、办公用电与差旅"),
    ("", keccak(b"a name and salt"), "scope 2"),
    ("", b"", ""),
    ("\u202eevil\u202c 🌱\x07 \t", b"", "<b>x</b>&amp;\r\n\u200b\u05e9\u05dc \\) Tj (" * 8),
    ("\x01" * 128, b"", "\x02" * 512),
]
GRAMS = [1, 250, 1_000_000, 999_999, 17, 3, 42]
BAR = r"n ([\d.]+) ([\d.]+) ([\d.]+) ([\d.]+) re f"
PROCESS = """
import sys, json, os, time, datetime, locale
moment = float(sys.argv[1])
time.time, time.time_ns = lambda: moment, lambda: int(moment * 1e9)
shown, utc = time.localtime, time.gmtime
time.localtime = lambda at=None: shown(moment if at is None else at)
time.gmtime = lambda at=None: utc(moment if at is None else at)
class Clock(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(moment, tz)
datetime.datetime = Clock
try:
    locale.setlocale(locale.LC_ALL, "")
except locale.Error:
    pass
from api.certificate.facts import CertificateFacts
from api.certificate.pdf import certificate_pdf
from api.projection.views import RetirementView
with open(sys.argv[2], "rb") as file:
    asked = json.load(file)
for each in asked["retirements"]:
    view = RetirementView.model_validate_json(json.dumps(each))
    made = CertificateFacts.of(view, report_epoch=asked["epoch"], chain_id=asked["chain_id"], public_url=asked["url"])
    written = certificate_pdf(made)
    sys.stdout.buffer.write(len(written).to_bytes(8, "big") + written)
"""


@pytest.fixture(scope="module", autouse=True)
def _fonts(require):
    there = all((fonts.FOLDER / name).is_file() for name in ("noto-sans-hk.ttf", "noto-sans-sc.ttf"))
    require("the certificate's fonts", there, "make assets")


@pytest.fixture(scope="module")
def site(settled_to_read, tmp_path_factory):
    """A settled world with a retirement for each note, and the application that shows it."""
    world = settled_to_read.world
    folder = tmp_path_factory.mktemp("certificates")
    plant, vintage, grams = retired(world)
    projection = Projection.open(folder / "projection.sqlite", network="demo", rules=world.rules)
    projection.follow_chain(world.chain.connect, world.book, "latest").start()
    projection.follow_journal(world.folder / "node-1" / "journal.sqlite").start()
    access = Access.open(
        folder / "access.sqlite", AccessSettings(public_url=PUBLIC_URL, chain_id=1), projection.assets_of
    )
    projection.wait_fresh(30)
    app = create_app(Services(projection=projection, access=access, network="demo", public_url=PUBLIC_URL))
    with serve(app, 0) as address, httpx.Client(base_url=address, trust_env=False, timeout=30) as client:
        yield SimpleNamespace(
            world=world, projection=projection, client=client, plant=plant, vintage=vintage, grams=grams, folder=folder
        )
    access.close()
    projection.close()


def retired(world):
    """Draw what one asset was minted, and retire it in parts, one for each note."""
    web3 = world.chain.connect()
    last = world.nodes[0].journal.last_report()
    plant = next(plant for plant in world.plants if world.rules.terms_of(plant.asset_id).factor is not None)
    asset = last.registry.assets[plant.asset_id]
    vintage = max(one.vintage for one in last.statements if one.asset_id == plant.asset_id)
    credit, owner = connect(web3, world.book, "CarbonCredit"), asset.beneficiary
    there = credit.functions.inVault(to_bytes32(plant.asset_id), vintage).call()
    grams = [min(each, there // len(GRAMS)) for each in GRAMS]
    send(web3, owner, credit.functions.draw(to_bytes32(plant.asset_id), vintage, sum(grams), owner), "draw")
    for part, (name, name_hash, purpose) in zip(grams, NOTES, strict=True):
        note = (NOBODY, name_hash.ljust(32, b"\0"), name, purpose)
        send(web3, owner, credit.functions.retire(credit_id(asset.project_id, vintage), part, note), "retire")
    return asset, vintage, grams


def text_of(pdf):
    return "\n".join(page.extract_text() for page in PdfReader(BytesIO(pdf)).pages)


def between(text, first, last):
    """What stands between two labels, without what only breaks lines."""
    return text.split(first, 1)[1].split(last, 1)[0].replace("\n", "")


def shown(text):
    """What of a text cannot be written, by its number: as one expects it to be shown, from the text alone."""
    plain = re.sub(r"[^\x20-\x7e\u3000-\u9fff\uff00-\uff5e]", lambda found: f"[U+{ord(found[0]):04X}]", text)
    body = plain.rstrip(" ")
    return body + "[U+0020]" * (len(plain) - len(body))


def number(text):
    return int(text.replace(" ", ""))


@pytest.mark.parametrize("at", range(len(NOTES)))
def test_its_text_is_what_a_fresh_client_reads_from_the_chain(site, at):
    web3 = site.world.chain.connect()
    credit = connect(web3, site.world.book, "CarbonCredit")
    token, grams, first_serial, retired_at, holder, beneficiary, name_hash, name, purpose = credit.functions.retirement(
        at + 1
    ).call()
    log = next(
        each for each in credit.events.Retired().get_logs(from_block=0) if each["args"]["retirementId"] == at + 1
    )
    answer = site.client.get(f"/v1/retirements/{at + 1}/certificate.pdf")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/pdf"
    text = text_of(answer.content)

    tonnes, kilograms = re.search(r"^([\d ]+)\.(\d{6})", text, re.MULTILINE).groups()
    assert number(tonnes) * 1_000_000 + int(kilograms) == grams
    assert number(re.search(r"([\d ]+) grams of carbon dioxide", text)[1]) == grams
    first, last = re.search(r"Serial numbers 序號\s+([\d ]+) to ([\d ]+)", text).groups()
    assert (number(first), number(last)) == (first_serial, first_serial + grams - 1)
    assert token == credit_id(
        re.search(r"Project 項目\s+(\S+)", text)[1], int(re.search(r"Vintage 年份\s+(\d+)", text)[1])
    )
    assert re.search(r"No\.\s+(\d+)", text)[1] == str(at + 1)
    assert re.search(r"Transaction 交易\s+(\S+)", text)[1] == "0x" + bytes(log["transactionHash"]).hex()
    assert number(re.search(r"Block 區塊\s+([\d ]+)", text)[1]) == log["blockNumber"]
    assert number(re.search(r"Chain id 區塊鏈\s+([\d ]+)", text)[1]) == web3.eth.chain_id
    assert re.search(r"Beneficiary's account 受益帳戶\s+(\S+)", text)[1] == beneficiary
    assert re.search(r"Retired by 註銷人\s+(\S+)", text)[1] == holder
    assert re.search(r"Plants 電站\s+(\S+)", text)[1] == site.plant.asset_id
    oracle = connect(web3, site.world.book, "ProductionOracle")
    assert number(re.search(r"Report epoch 報告\s+([\d ]+)", text)[1]) == oracle.functions.lastEpoch().call()
    day = re.search(r"for good on (\d+ \w+ \d{4} at \d\d:\d\d:\d\d) UTC", text.replace("\n", " "))[1]
    assert day == f"{datetime.fromtimestamp(retired_at, UTC):%-d %B %Y at %H:%M:%S}"
    assert f"{PUBLIC_URL}/certificates/{at + 1}" in text
    told_of_beneficiary(text, name, name_hash, beneficiary)
    if purpose:
        assert shown(purpose) in text.split("For this purpose 用途", 1)[1].replace("\n", "")


def told_of_beneficiary(text, name, name_hash, beneficiary):
    flat = text.replace("\n", "")
    if name:
        assert "In the name of 受益人" in text
        assert shown(name) in flat
    elif any(name_hash):
        assert "0x" + name_hash.hex() in between(text, "whose hash is", "For this purpose")
    else:
        assert beneficiary in between(text, "In the name of the account", "Project 項目")


def test_chinese_names_are_extracted_as_they_were_written(site):
    for at in (1, 2):
        name, _, purpose = NOTES[at]
        answer = site.client.get(f"/v1/retirements/{at + 1}/certificate.pdf")
        text = text_of(answer.content)
        assert between(text, "In the name of 受益人", "For this purpose 用途") == name
        assert between(text, "For this purpose 用途", "Project 項目") == purpose
        if shutil.which("pdftotext"):
            done = subprocess.run(["pdftotext", "-", "-"], input=answer.content, capture_output=True, check=True)
            assert name in done.stdout.decode().replace("\n", "")
            assert purpose in done.stdout.decode().replace("\n", "")


def test_fresh_processes_elsewhere_at_another_time_write_the_same_bytes(site, tmp_path, repository):
    retirements = [site.client.get(f"/v1/retirements/{at + 1}").json() for at in range(len(NOTES))]
    oracle = connect(site.world.chain.connect(), site.world.book, "ProductionOracle")
    asked = {
        "retirements": retirements,
        "epoch": oracle.functions.lastEpoch().call(),
        "chain_id": site.world.chain.connect().eth.chain_id,
        "url": PUBLIC_URL,
    }
    (tmp_path / "asked.json").write_text(json.dumps(asked))
    served = [site.client.get(f"/v1/retirements/{at + 1}/certificate.pdf").content for at in range(len(NOTES))]
    first = made_in(tmp_path / "one", repository, 0.0, {"TZ": "Asia/Hong_Kong", "LC_ALL": "C", "PYTHONHASHSEED": "1"})
    settings = "invariant = 0\npdfComments = 1\npageCompression = 1\nttfAsciiReadable = 0\ndocumentLang = 'de'\n"
    second = made_in(
        tmp_path / "two", repository, 4_000_000_000.0,
        {
            "TZ": "America/St_Johns", "LC_ALL": "de_DE.UTF-8", "LANG": "de_DE.UTF-8", "PYTHONHASHSEED": "2",
            "SOURCE_DATE_EPOCH": "1234567890", "RL_pageCompression": "1", "RL_invariant": "0",
        },
        settings,
    )  # fmt: skip
    assert first == second == served


def made_in(home, repository, moment, more, settings=""):
    """Certificates out of a process that shares nothing with this one but the installation."""
    home.mkdir()
    (home / ".reportlab_settings").write_text(settings)
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": str(repository), **more}
    command = [sys.executable, "-c", PROCESS, str(moment), str(home.parent / "asked.json")]
    done = subprocess.run(command, env=environment, cwd=home, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    found, rest = [], done.stdout
    while rest:
        size = int.from_bytes(rest[:8], "big")
        found.append(rest[8 : 8 + size])
        rest = rest[8 + size :]
    return found


def test_reads_are_cached_and_what_is_not_there_is_a_problem(site):
    answer = site.client.get("/v1/retirements/1/certificate.pdf")
    again = site.client.get("/v1/retirements/1/certificate.pdf", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    code = site.client.get("/v1/retirements/1/qr.svg")
    assert code.headers["content-type"].startswith("image/svg+xml")
    assert f"<title>{PUBLIC_URL}/certificates/1</title>" in code.text
    for path in ("/v1/retirements/999/certificate.pdf", "/v1/retirements/999/qr.svg"):
        missing = site.client.get(path)
        assert (missing.status_code, missing.headers["content-type"]) == (404, "application/problem+json")


def test_without_its_fonts_the_problem_says_how_to_get_them(site, tmp_path, monkeypatch):
    monkeypatch.setattr("api.certificate.pdf.bundled", lambda: fonts.Fonts(tmp_path))
    with pytest.raises(fonts.FontsMissingError):
        certificate_pdf(facts())
    settings = AccessSettings(public_url=PUBLIC_URL, chain_id=1)
    access = Access.open(tmp_path / "access.sqlite", settings, site.projection.assets_of)
    services = Services(projection=site.projection, access=access, network="demo", public_url=PUBLIC_URL)
    with serve(create_app(services), 0) as address:
        answer = httpx.get(f"{address}/v1/retirements/1/certificate.pdf", trust_env=False)
    access.close()
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
    assert "make assets" in answer.json()["detail"]


def test_a_camera_finds_the_public_page():
    stream = PdfReader(BytesIO(certificate_pdf(facts()))).pages[0].get_contents().get_data().decode("latin-1")
    bars = [[float(each) for each in found] for found in re.findall(BAR, stream)]
    bars = [bar for bar in bars if bar[3] < 10]  # the page's ground is one, too
    module = min(bar[3] for bar in bars)
    left, top = min(bar[0] for bar in bars), max(bar[1] + bar[3] for bar in bars)
    dark = {
        (round((x - left) / module) + n, round((top - y) / module) - 1)
        for x, y, width, _ in bars
        for n in range(round(width / module))
    }
    assert read_qr(dark, 1 + max(column for column, _ in dark)) == facts().page_url


def test_figures_and_names_of_any_length_stay_in_their_places():
    big = facts(
        project_id="p" * 28, grams=2**80 - 1, first_serial=2**80, last_serial=2**81 - 2, number=123_456_789, block=2**40,
        assets=tuple(f"{number:02d}-" + "a" * 25 for number in range(30)), chain_id=2**53, report_epoch=2**31,
        page_url="https://" + "a-very-long-host-name." * 6 + "example/certificates/123456789",
    )  # fmt: skip
    places = []

    def note(text, _matrix, text_matrix, _font, size):
        if text.strip():
            places.append((text_matrix[4], text_matrix[5], size, text))

    (page,) = PdfReader(BytesIO(certificate_pdf(big))).pages
    page.extract_text(visitor_text=note)
    text = text_of(certificate_pdf(big))
    for figure in (2**80 - 1, 2**80, 2**81 - 2):
        assert f"{figure:,}".replace(",", " ") in text
    assert "p" * 28 in text
    named, more = re.search(r"Plants 電站\s+(.*) and (\d+) more", text).groups()
    assert len(named.split(", ")) + int(more) == len(big.assets)
    assert big.page_url in text
    fonts.bundled().register()
    for x, _, size, written in places:
        assert x + fonts.bundled().width(written.strip("\n")) * size <= 842 - 26


def test_other_figures_are_other_bytes_and_only_what_is_written_is_embedded():
    plain = certificate_pdf(facts())
    assert certificate_pdf(facts(grams=12_345_679)) != plain
    assert len(plain) < 150_000
    reader = PdfReader(BytesIO(plain))
    assert len(reader.pages) == 1
    embedded = [font.get_object() for font in reader.pages[0]["/Resources"]["/Font"].values()]
    assert all("+NotoSans" in font["/BaseFont"] for font in embedded)
    assert reader.metadata["/CreationDate"] == "D:20261121160500+00'00'"
    links = [each.get_object()["/A"]["/URI"] for each in reader.pages[0]["/Annots"]]
    assert links == ["https://sun.example/certificates/7"]

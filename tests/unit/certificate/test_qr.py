from xml.etree import ElementTree as ET

import pytest

from api.certificate.qr import QUIET, qr_code, qr_svg
from tests.support.qr_reader import read_qr

URL = "https://sun.example/certificates/7"


def finder(dark, column, row):
    """Whether the eye of a code is there: 7 modules wide, ring and centre dark (ISO/IEC 18004)."""
    return all(
        ((column + x, row + y) in dark) == (max(abs(x - 3), abs(y - 3)) != 2) for x in range(7) for y in range(7)
    )


def test_a_code_has_its_three_eyes_and_is_the_same_each_time():
    code = qr_code(URL)
    dark = {(bar.column + n, bar.row) for bar in code.bars for n in range(bar.length)}
    far = code.modules - 7
    assert [finder(dark, *place) for place in ((0, 0), (far, 0), (0, far), (far, far))] == [True, True, True, False]
    assert qr_code(URL) == code
    assert qr_code(URL + "1") != code


@pytest.mark.parametrize("host", ["a.io", "sun.example", "registry.of-a-long-name.example.com", "x" * 60 + ".example"])
def test_a_camera_reads_the_address_out_of_it(host):
    url = f"https://{host}/certificates/1234"
    code = qr_code(url)
    assert read_qr({(bar.column + n, bar.row) for bar in code.bars for n in range(bar.length)}, code.modules) == url


def test_the_drawing_is_well_formed_whatever_the_address_is():
    drawing = ET.fromstring(qr_svg('https://sun.example/?a="<b>&c'))
    assert drawing.find("{*}title").text == 'https://sun.example/?a="<b>&c'
    side = qr_code('https://sun.example/?a="<b>&c').modules + 2 * QUIET
    assert drawing.get("viewBox") == f"0 0 {side} {side}"


def test_what_no_code_holds_is_refused():
    with pytest.raises(ValueError, match=r"."):
        qr_code("x" * 5000)

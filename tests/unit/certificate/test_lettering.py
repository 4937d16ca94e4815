import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.certificate.facts import day_and_time, grouped, listed, page_url, tonnes
from api.certificate.lettering import NUMBER_SCALE, Piece, broken, has_numbers, pieces_of, width_of
from tests.support.certificate_facts import FACTS


def has_glyph(character):
    """Latin and Chinese, as the certificate's fonts; no Hebrew, no signs beyond the basic plane."""
    return ord(character) < 0x250 or "\u3000" <= character <= "\u9fff"


def measure(text):
    return sum(1.0 if unicodedata.east_asian_width(each) in "WF" else 0.5 for each in text)


def written(text):
    return "".join(piece.text for piece in pieces_of(text, has_glyph))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("A Village School", "A Village School"),
        ("深水埗鰂魚涌", "深水埗鰂魚涌"),
        ("a\u202eb", "a[U+202E]b"),
        ("a\nb\tc\0", "a[U+000A]b[U+0009]c[U+0000]"),
        ("sun 🌞", "sun [U+1F31E]"),
        ("שלום", "[U+05E9][U+05DC][U+05D5][U+05DD]"),
        ("a\u200bb\ufeff", "a[U+200B]b[U+FEFF]"),
        ("\u3164", "[U+3164]"),
        ("\u00a0x", "[U+00A0]x"),
        ("  x ", "[U+0020][U+0020]x[U+0020]"),
        ("   ", "[U+0020][U+0020][U+0020]"),
        ("a  b", "a  b"),
        ("Jose\u0301", "José"),
        ("x\u0301", "x[U+0301]"),
        ("葛\U000e0100", "葛[U+E0100]"),
        ("\ufffd", "[U+FFFD]"),
        ("", ""),
    ],
)
def test_what_can_be_written_is_and_the_rest_is_told_by_its_number(text, shown):
    assert written(text) == shown
    assert has_numbers(pieces_of(text, has_glyph)) == ("[U+" in shown)


@given(st.text(max_size=60))
def test_nothing_is_lost_and_nothing_without_a_shape_is_written(text):
    pieces = pieces_of(text, has_glyph)
    back = "".join(chr(int(piece.text[3:-1], 16)) if piece.is_number else piece.text for piece in pieces)
    assert unicodedata.normalize("NFC", back) == unicodedata.normalize("NFC", text)
    for piece in pieces:
        if not piece.is_number:
            assert all(unicodedata.category(each)[0] in "LNPS" or each in " \u3000" for each in piece.text)


@given(st.text(max_size=200), st.integers(8, 60))
def test_lines_hold_everything_in_order_and_fit(text, width):
    pieces = pieces_of(text, has_glyph)
    lines = broken(pieces, width, measure)
    assert "".join(line.text for line in lines) == "".join(piece.text for piece in pieces)
    for line in lines:
        slack = 1.0 + 9 * NUMBER_SCALE  # a closing bracket hangs over, and a number is never cut
        assert width_of(line, measure) <= width + slack


def test_words_are_kept_together_and_chinese_breaks_anywhere_but_before_a_full_stop():
    assert [line.text for line in broken([Piece("one two three")], 4, measure)] == ["one two ", "three"]
    assert [line.text for line in broken([Piece("抵銷辦公室。用電")], 5, measure)] == ["抵銷辦公室。", "用電"]
    assert [line.text for line in broken([Piece("0x" + "ab" * 6)], 3, measure)] == ["0xabab", "ababab", "ab"]


def test_figures_are_exact_in_every_size():
    assert [tonnes(grams) for grams in (1, 999_999, 1_000_000, 12_345_678_901)] == [
        "0.000001", "0.999999", "1.000000", "12 345.678901",
    ]  # fmt: skip
    assert grouped(1_234_567) == "1 234 567"
    assert day_and_time(FACTS.at) == ("21 November 2026", "16:05:00 UTC")
    assert listed(("a", "b", "c"), 2) == "a, b and 1 more"
    assert page_url("https://sun.example/", 3) == "https://sun.example/certificates/3"

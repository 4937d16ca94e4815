"""The retirement certificate: one page that its owner may want to frame, and a second one only for texts that need it."""

import math
import threading
from dataclasses import dataclass

from api.certificate.facts import CertificateFacts, day_and_time, grouped, listed, tonnes
from api.certificate.fonts import Fonts, bundled
from api.certificate.lettering import Line, Piece, broken, has_numbers, pieces_of
from api.certificate.qr import qr_code
from api.certificate.sheet import HEIGHT, WIDTH, Look, Sheet

INK, SOFT, RULE, SUN, WAITS, PAPER = "#1c1b19", "#6d6a63", "#e6e2d9", "#e39a17", "#a86a00", "#fbfaf7"
LEFT, RIGHT = 64.0, 560.0
"""Column of the words [pt]."""
SUN_AT = (686.0, 418.0)
RAY_FROM, RAY_STEP = 46.0, 3.1
"""Where rays begin, and what a digit adds [pt]."""
TEXT_TOP, TEXT_BOTTOM = 342.0, 202.0
"""What beneficiary and purpose have room in [pt]."""
NAME_SIZES = (25.0, 21.0, 17.0, 14.0)
PURPOSE_SIZES = (12.0, 10.5, 9.5)
LEADING = 1.4
GAP = 10.0
"""Between columns of figures [pt]."""
LABEL = Look(7.5, SOFT, spacing=0.2)
FIGURE = Look(10.5, INK)
SMALL = Look(7.5, SOFT)
_writing = threading.Lock()
"""reportlab keeps what it embeds of a font with the font."""


@dataclass(frozen=True)
class _Block:
    """A label and the lines under it."""

    label: str
    lines: tuple[Line, ...]
    look: Look

    @property
    def height(self) -> float:
        return 26.0 + len(self.lines) * self.look.size * LEADING


def certificate_pdf(facts: CertificateFacts, fonts: Fonts | None = None) -> bytes:
    """Write the certificate: the same bytes for the same facts, on every machine.

    Raises:
        FontsMissingError: the fonts are not built (`make assets`).

    """
    with _writing:
        return _Certificate(facts, fonts or bundled()).write()


class _Certificate:
    def __init__(self, facts: CertificateFacts, fonts: Fonts) -> None:
        self._facts = facts
        self._fonts = fonts
        self._sheet = Sheet(facts, fonts)
        self._name = pieces_of(facts.beneficiary or "", fonts.has_glyph)
        self._purpose = pieces_of(facts.purpose, fonts.has_glyph)

    def write(self) -> bytes:
        self._ground()
        self._head()
        self._amount()
        overflow = self._words()
        self._figures()
        self._sun()
        self._code()
        self._foot()
        if overflow:
            self._sheet.turn()
            self._ground()
            self._second_page(overflow)
        return self._sheet.finish()

    def _ground(self) -> None:
        self._sheet.bar(0, 0, WIDTH, HEIGHT, PAPER)
        self._sheet.frame(22, RULE, 0.8)
        self._sheet.frame(26, SUN, 0.6)

    def _head(self) -> None:
        self._sheet.text(LEFT, 528, "HELIOGRAPH", Look(8.5, SOFT, spacing=3.2))
        self._sheet.text(LEFT, 488, "Certificate of retirement", Look(29, INK, strong=True))
        self._sheet.text(LEFT, 467, "碳信用註銷證書", Look(11, SOFT, spacing=1))
        self._sheet.text(LEFT + 104, 467, "碳信用注销证书", Look(11, SOFT, spacing=1))

    def _amount(self) -> None:
        facts, sheet = self._facts, self._sheet
        look = sheet.fitted(Look(38, INK, strong=True), tonnes(facts.grams), 400)
        end = sheet.text(LEFT, 408, tonnes(facts.grams), look)
        end = sheet.text(end + 8, 408, "t CO", Look(17, SOFT))
        end = sheet.text(end, 404.5, "2", Look(11, SOFT))
        sheet.text(end, 408, "e", Look(17, SOFT))
        day, time = day_and_time(facts.at)
        first = f"{grouped(facts.grams)} grams of carbon dioxide equivalent, avoided by solar power"
        sheet.text(LEFT, 384, first, Look(10.5, SOFT))
        sheet.text(LEFT, 369, f"and taken out of circulation for good on {day} at {time}.", Look(10.5, SOFT))

    def _words(self) -> list[_Block]:
        """Write beneficiary and purpose as large as they fit; return what goes to the second page."""
        width = RIGHT - LEFT
        for name_size in NAME_SIZES:
            for purpose_size in PURPOSE_SIZES:
                blocks = self._blocks(width, name_size, purpose_size)
                if sum(block.height for block in blocks) <= TEXT_TOP - TEXT_BOTTOM:
                    self._write_blocks(blocks, TEXT_TOP)
                    return []
        blocks = self._blocks(width, NAME_SIZES[-1], PURPOSE_SIZES[-1])
        here: list[_Block] = []
        over: list[_Block] = []
        top = TEXT_TOP
        for block in blocks:
            if top - block.height >= TEXT_BOTTOM:
                here.append(block)
                top -= block.height
            else:
                over.append(block)
                line = Line((Piece("Written out on the second page."),))
                here.append(_Block(block.label, (line,), Look(12, INK)))
                top -= here[-1].height
        self._write_blocks(here, TEXT_TOP)
        return over

    def _blocks(self, width: float, name_size: float, purpose_size: float) -> list[_Block]:
        blocks = [self._beneficiary(width, name_size)]
        if self._purpose:
            lines = broken(self._purpose, width / purpose_size, self._fonts.width)
            blocks.append(_Block("For this purpose 用途", tuple(lines), Look(purpose_size, INK)))
        return blocks

    def _beneficiary(self, width: float, size: float) -> _Block:
        facts = self._facts
        if self._name:
            lines = broken(self._name, width / size, self._fonts.width)
            return _Block("In the name of 受益人", tuple(lines), Look(size, INK, strong=True))
        if facts.beneficiary_hash is not None:
            lines = broken([Piece(facts.beneficiary_hash)], width / 10.5, self._fonts.width)
            return _Block("In a name that is not told, whose hash is 受益人名稱雜湊值", tuple(lines), Look(10.5, INK))
        lines = broken([Piece(facts.beneficiary_address)], width / 14, self._fonts.width)
        return _Block("In the name of the account 受益帳戶", tuple(lines), Look(14, INK))

    def _write_blocks(self, blocks: list[_Block], top: float) -> float:
        for block in blocks:
            self._sheet.text(LEFT, top - 7, block.label, LABEL)
            y = top - 12
            for line in block.lines:
                y -= block.look.size * LEADING
                self._sheet.line(LEFT, y + block.look.size * 0.28, line, block.look, WAITS)
            top -= block.height
        return top

    def _figures(self) -> None:
        facts, sheet = self._facts, self._sheet
        sheet.stroke([(LEFT, 202), (RIGHT, 202)], RULE, 0.8)
        columns = (LEFT, LEFT + 142, LEFT + 232, LEFT + 408)
        epoch = "none" if facts.report_epoch is None else grouped(facts.report_epoch)
        chain = "unknown" if facts.chain_id is None else str(facts.chain_id)
        rows = (
            (
                ("Project 項目", facts.project_id),
                ("Vintage 年份", str(facts.vintage)),
                ("Serial numbers 序號", f"{grouped(facts.first_serial)} to {grouped(facts.last_serial)}"),
                ("Report epoch 報告", epoch),
            ),
            (
                ("Chain id 區塊鏈", chain),
                ("Block 區塊", grouped(facts.block)),
                ("Plants 電站", self._plants()),
            ),
        )
        for row, y in zip(rows, (187, 156), strict=True):
            ends = (*columns[1 : len(row)], RIGHT + GAP)  # the last one has the rest of the line
            for x, end, (label, text) in zip(columns, ends, row, strict=False):
                sheet.text(x, y, label, LABEL)
                sheet.text(x, y - 14, text, sheet.fitted(FIGURE, text, end - x - GAP))
        entries = (
            ("Transaction 交易", facts.transaction),
            ("Beneficiary's account 受益帳戶", facts.beneficiary_address),
            ("Retired by 註銷人", facts.retired_by),
        )
        for y, (label, text) in zip((121, 104, 87), entries, strict=True):
            sheet.text(LEFT, y, label, LABEL)
            sheet.text(LEFT + 142, y, text, Look(9, INK))

    def _plants(self) -> str:
        """Name as many plants as there is room for, and say how many more there are."""
        assets = self._facts.assets
        for most in range(len(assets), 0, -1):
            text = listed(assets, most)
            if most == 1 or self._sheet.width(text, FIGURE) <= RIGHT - LEFT - 232:
                return text
        return "none"

    def _sun(self) -> None:
        """Draw the sun of this certificate: a ray for each digit of the transaction, as long as the digit is high."""
        x, y = SUN_AT
        digits = self._facts.transaction.removeprefix("0x")
        for place, digit in enumerate(digits):
            angle = math.pi / 2 - 2 * math.pi * place / len(digits)
            length = 5 + RAY_STEP * int(digit, 16)
            begin, end = RAY_FROM, RAY_FROM + length
            points = [(x + r * math.cos(angle), y + r * math.sin(angle)) for r in (begin, end)]
            self._sheet.stroke(points, SUN, 2.1, round_ends=True)
        self._sheet.disc(x, y, 37, SUN)
        self._sheet.text(x, y + 8, "No.", Look(8.5, PAPER), "centre")
        number = grouped(self._facts.number)
        look = self._sheet.fitted(Look(19, PAPER, strong=True), number, 60)
        self._sheet.text(x, y - 11, number, look, "centre")
        caption = "Each ray is a digit of the transaction, in order from the top."
        self._sheet.text(x, y - 118, caption, Look(6.5, SOFT), "centre")

    def _code(self) -> None:
        code = qr_code(self._facts.page_url)
        side = 104.0
        module = side / code.modules
        left, top = SUN_AT[0] - side / 2, 240.0
        for bar in code.bars:
            self._sheet.bar(left + bar.column * module, top - (bar.row + 1) * module, bar.length * module, module, INK)
        self._sheet.link(self._facts.page_url, (left, top - side, left + side, top))
        self._sheet.text(SUN_AT[0], top - side - 22, "See the proof, and check it yourself", Look(8, SOFT), "centre")
        url = self._facts.page_url
        self._sheet.text(SUN_AT[0], top - side - 34, url, self._sheet.fitted(Look(8, INK), url, 210), "centre")

    def _foot(self) -> None:
        sheet = self._sheet
        sheet.stroke([(LEFT, 70), (WIDTH - LEFT, 70)], RULE, 0.8)
        note = "Serial numbers are positions in the order of issuance, first in first out: a convention, since units are alike. "
        sheet.text(LEFT, 57, note + "Names and purpose are as the holder stated them.", SMALL)
        second = "What counts is the chain: this page only repeats it."
        if has_numbers(self._name) or has_numbers(self._purpose):
            second += " Characters that cannot be printed are written by their Unicode number, as in [U+202E]."
        sheet.text(LEFT, 46, second, SMALL)

    def _second_page(self, blocks: list[_Block]) -> None:
        sheet = self._sheet
        sheet.text(LEFT, 528, "HELIOGRAPH", Look(8.5, SOFT, spacing=3.2))
        title = f"Certificate of retirement No. {grouped(self._facts.number)}, second page"
        sheet.text(LEFT, 500, title, Look(16, INK, strong=True))
        top, width = 470.0, WIDTH - 2 * LEFT
        for block in blocks:
            pieces = [piece for line in block.lines for piece in line.pieces]
            size = 9.5
            lines = broken(pieces, width / size, self._fonts.width)
            top = self._write_blocks([_Block(block.label, tuple(lines), Look(size, INK))], top) - 12

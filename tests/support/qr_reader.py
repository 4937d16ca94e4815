"""Reads a QR code as a camera's program does once it has found the modules: ISO/IEC 18004, byte mode, an undamaged code."""

FORMAT_MASK = 0b101010000010010
MASKS = [
    lambda r, c: (r + c) % 2 == 0,
    lambda r, _: r % 2 == 0,
    lambda _, c: c % 3 == 0,
    lambda r, c: (r + c) % 3 == 0,
    lambda r, c: (r // 2 + c // 3) % 2 == 0,
    lambda r, c: r * c % 2 + r * c % 3 == 0,
    lambda r, c: (r * c % 2 + r * c % 3) % 2 == 0,
    lambda r, c: ((r + c) % 2 + r * c % 3) % 2 == 0,
]
# Level M: (blocks, codewords of data in each) by version; versions beyond are for longer texts than addresses.
BLOCKS_M = {
    1: [16], 2: [28], 3: [44], 4: [32] * 2, 5: [43] * 2, 6: [27] * 4, 7: [31] * 4, 8: [38] * 2 + [39] * 2,
}  # fmt: skip
ALIGNED = {1: [], 2: [6, 18], 3: [6, 22], 4: [6, 26], 5: [6, 30], 6: [6, 34], 7: [6, 22, 38], 8: [6, 24, 42]}


def read_qr(dark, modules):
    """Text of a code.

    Args:
        dark: (column, row) of each dark module.
        modules: how many modules wide it is.

    """
    version = (modules - 17) // 4
    form = 0
    for column, row in [*((n, 8) for n in (0, 1, 2, 3, 4, 5, 7, 8)), *((8, n) for n in (7, 5, 4, 3, 2, 1, 0))]:
        form = form << 1 | ((column, row) in dark)
    form ^= FORMAT_MASK
    level, mask = form >> 13, MASKS[form >> 10 & 7]
    assert level == 0, "not of level M"
    bits = [
        ((column, row) in dark) ^ mask(row, column)
        for column, row in path(modules)
        if not is_fixed(column, row, modules, version)
    ]
    words = [int("".join(str(int(bit)) for bit in bits[at : at + 8]), 2) for at in range(0, len(bits) - 7, 8)]
    stream = "".join(f"{word:08b}" for word in deinterleaved(words, BLOCKS_M[version]))
    assert stream[:4] == "0100", "not in byte mode"
    length = int(stream[4:12], 2)
    return bytes(int(stream[12 + 8 * n : 20 + 8 * n], 2) for n in range(length)).decode()


def path(modules):
    """Places of data in their order: pairs of columns from the right, up and down in turn."""
    upwards = True
    right = modules - 1
    while right > 0:
        if right == 6:
            right -= 1
        for step in range(modules):
            row = modules - 1 - step if upwards else step
            yield right, row
            yield right - 1, row
        upwards = not upwards
        right -= 2


def is_fixed(column, row, modules, version):
    """Whether a module is eye, timing, alignment, format or version, and no data."""
    near, far = 9, modules - 8
    if (column < near and row < near) or (column >= far and row < near) or (column < near and row >= far):
        return True
    if column == 6 or row == 6:
        return True
    if version >= 7 and ((column >= modules - 11 and row < 6) or (column < 6 and row >= modules - 11)):
        return True
    centres = ALIGNED[version]
    for x in centres:
        for y in centres:
            in_eye = (x, y) in {(6, 6), (6, centres[-1]), (centres[-1], 6)}
            if not in_eye and abs(column - x) <= 2 and abs(row - y) <= 2:
                return True
    return False


def deinterleaved(words, blocks):
    """Codewords of data in the order of their blocks."""
    found = [[] for _ in blocks]
    at = 0
    for place in range(max(blocks)):
        for number, size in enumerate(blocks):
            if place < size:
                found[number].append(words[at])
                at += 1
    return [word for block in found for word in block]

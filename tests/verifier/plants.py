"""Plants made up from a seed: what their meters really counted, what they said, and the envelopes that their devices signed."""

import random
from dataclasses import dataclass, field, replace

from contracts.state import NEVER_REVOKED, ListedMeter, MeterRole
from devices.device_key import SigningKey
from devices.telemetry import NO_PREVIOUS, Envelope, Reading, Readings, encode

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
SENTINEL_WH = 2**32 - 1


@dataclass
class Plant:
    """One meter with its device."""

    rng: random.Random
    asset_id: str
    name: str
    network: str
    start_ms: int
    hours: int
    role: MeterRole = MeterRole.INVERTER
    nameplate_w: int = 8000
    register_wh: int = 0
    modulus_wh: int | None = None
    with_faults: bool = True
    key: SigningKey = field(init=False)
    rows: list[Reading] = field(init=False)

    def __post_init__(self):
        rng = self.rng
        self.key = SigningKey.from_seed(rng.choice(("es256", "eddsa")), rng.randbytes(32))
        self.baseline_wh = self.register_wh
        self.revoked = (NEVER_REVOKED, NEVER_REVOKED)
        self.rows = self._lost(self._faulty(self._true())) if self.with_faults else self._true()

    @property
    def listed(self) -> ListedMeter:
        return ListedMeter(
            asset_id=self.asset_id, meter_id=f"met-{self.name}", device_id=f"dev-{self.name}",
            thumbprint=self.key.public.thumbprint, role=self.role, nameplate_w=self.nameplate_w,
            baseline_wh=self.baseline_wh, baseline_time_ms=self.start_ms,
            revoked_boot=self.revoked[0], revoked_sequence=self.revoked[1],
        )  # fmt: skip

    def _true(self) -> list[Reading]:
        rng = self.rng
        with_import, with_power = rng.random() < 0.5, rng.random() < 0.5
        step_ms = rng.choice((HOUR_MS // 4, HOUR_MS // 2, HOUR_MS))
        export_wh, import_wh = self.register_wh, rng.randrange(5000)
        rows = []
        late_ms, manner = (
            rng.choice((0, 420_000)),
            rng.choice(("usual", "usual", "limit", "limit", "dim", "scale", "lazy")),
        )
        limit_w, resolution_wh = self.nameplate_w * rng.choice((110, 120, 125)) // 100, rng.choice((1, 10))
        for at_ms in range(self.start_ms + late_ms, self.start_ms + self.hours * HOUR_MS, step_ms):
            sun = 5 <= at_ms % DAY_MS // HOUR_MS < 19
            most_wh = self.nameplate_w * step_ms // HOUR_MS if sun else 0
            grown_wh = rng.randint(most_wh // 4, most_wh) if most_wh else 0
            if manner == "limit":  # as much as can be, and a little of rounding
                grown_wh = limit_w * step_ms // HOUR_MS + rng.choice((0, 0, 0, 2, -2)) if sun else 0
            if manner == "dim":
                grown_wh = rng.randrange(12) if sun else 0
            drawn_wh = 0 if sun else rng.randrange(40)
            export_wh, import_wh = export_wh + grown_wh, import_wh + drawn_wh
            event = None
            if rng.random() < 0.01:
                opening_wh = rng.choice((0, export_wh, export_wh + 100))
                event, export_wh = (rng.choice(("reset", "replace")), export_wh, opening_wh), opening_wh
            shown_wh = export_wh if self.modulus_wh is None else export_wh % self.modulus_wh
            if manner == "limit":
                shown_wh = shown_wh // resolution_wh * resolution_wh
            if manner == "lazy" and at_ms // HOUR_MS % 5 and rows and event is None:  # it shows what it showed
                shown_wh = rows[-1].export_wh or 0
            power_w = grown_wh * HOUR_MS // step_ms if with_power else None
            if power_w and manner in {"dim", "scale"}:
                power_w = 0 if manner == "dim" else power_w * 2 // 3 - rng.randrange(20)
            rows.append(Reading(at_ms, shown_wh, import_wh if with_import else None, power_w, event))
        return rows

    def _faulty(self, rows: list[Reading]) -> list[Reading]:
        rng = self.rng
        share = rng.choice((0, 0.02, 0.1, 0.3))
        shown = list(rows)
        for i, row in enumerate(rows):
            if rng.random() >= share:
                continue
            other = rng.choice(rows)
            shown[i] = rng.choice(
                (
                    Reading(row.time_ms, 0, row.import_wh, row.power_w, row.event),
                    Reading(row.time_ms, None, None, row.power_w, row.event),
                    Reading(row.time_ms, SENTINEL_WH, row.import_wh, row.power_w, row.event),
                    Reading(row.time_ms, other.export_wh, row.import_wh, row.power_w, row.event),
                    Reading(row.time_ms, (row.export_wh or 0) + 10**6, row.import_wh, row.power_w, row.event),
                    Reading(max(row.time_ms - DAY_MS, 0), row.export_wh, row.import_wh, row.power_w, None),
                    Reading(row.time_ms, row.export_wh, row.import_wh, 10**6, row.event),
                )
            )
        return shown

    def _lost(self, rows: list[Reading]) -> list[Reading]:
        share = self.rng.choice((0, 0, 0.05, 0.3))
        return [row for row in rows if self.rng.random() >= share] or rows

    def sign(self, rows: list[Reading], first_sequence: int, previous: bytes = NO_PREVIOUS, **parts) -> Envelope:
        named = {
            "device": f"dev-{self.name}", "meter": f"met-{self.name}", "boot": 1, "first_sequence": first_sequence,
            "previous": previous, "key": self.key, "network": self.network,
        }  # fmt: skip
        return encode(Readings.of(rows), **(named | parts))

    def envelopes(self) -> list[Envelope]:
        """All rows, signed in batches; some batched twice, and now and then a reading contradicted."""
        rng = self.rng
        signed, at, previous = [], 0, NO_PREVIOUS
        boot, numbered = 1, 0
        while at < len(self.rows):
            rows = self.rows[at : at + rng.randint(1, 30)]
            signed.append(self.sign(rows, numbered, previous, boot=boot))
            previous = signed[-1].digest
            at, numbered = at + len(rows), numbered + len(rows)
            if rng.random() < 0.05:
                boot, numbered = boot + 1, rng.randrange(3)
        if self.with_faults and rng.random() < 0.3:
            at = rng.randrange(len(self.rows))
            signed.append(self.sign(self.rows[at : at + 5], at, previous))
        if self.with_faults:
            signed += [one for _ in range(rng.choice((0, 0, 1, 3))) for one in self._contradictions()]
        if rng.random() < 0.1:
            self.revoked = (rng.choice((1, 1, 2)), rng.randrange(len(self.rows)))
        return list({envelope.digest: envelope for envelope in signed}.values())

    def _contradictions(self) -> list[Envelope]:
        """A reading under a number that was signed before, and one of the same instant under a number of its own; or one of them."""
        at = self.rng.randrange(len(self.rows))
        row = self.rows[at]
        others = (
            replace(row, export_wh=(row.export_wh or 0) + 1, event=None),
            replace(row, power_w=(row.power_w or 0) + 1),
            replace(row, power_w=None),
            row,
        )
        signed = [
            self.sign([self.rng.choice(others)], at, boot=self.rng.choice((1, 2))),
            self.sign([self.rng.choice(others)], 10**6 + at),
        ]
        return self.rng.choice((signed, signed[:1], signed[1:]))

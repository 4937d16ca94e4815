// The readings of one register, out of all envelopes of its meter.
"use strict";

// Returns {points: [{time_ms, register_wh or null, power_w or null, contested, revoked}],
// events: [{time_ms, kind, closing_wh, opening_wh}]}.
function collate(envelopes, register, revokedFrom) {
  const points = [];
  const byNumber = new Map();
  for (const { device, boot, first_sequence, readings, has_export } of envelopes) {
    const concerned = has_export ? "export" : "import";
    readings.forEach((reading, i) => {
      const sequence = first_sequence + BigInt(i);
      const event = register === concerned ? reading.event : null;
      const point = {
        time_ms: reading.time_ms,
        register_wh: reading[`${register}_wh`],
        power_w: reading.power_w,
        event: event && { time_ms: reading.time_ms, ...event },
        contested: false,
        revoked: isRevoked(boot, sequence, revokedFrom),
      };
      points.push(point);
      const number = `${device} ${boot} ${sequence}`;
      if (!byNumber.has(number)) byNumber.set(number, []);
      byNumber.get(number).push(point);
    });
  }
  for (const same of byNumber.values()) {
    if (new Set(same.map(said)).size > 1) for (const point of same) point.contested = true;
  }
  const events = new Map();
  for (const { event, contested, revoked } of points) {
    if (event && !contested && !revoked) events.set(eventKey(event), event);
  }
  return { points, events: [...events.values()] };
}

const eventKey = ({ time_ms, kind, closing_wh, opening_wh }) => [time_ms, kind, closing_wh, opening_wh].join();

function said({ time_ms, register_wh, power_w, event }) {
  return [time_ms, register_wh ?? "absent", power_w ?? "absent", event ? eventKey(event) : ""].join(" ");
}

function isRevoked(boot, sequence, revokedFrom) {
  if (revokedFrom === null) return false;
  const [cutBoot, cutSequence] = revokedFrom;
  return boot > cutBoot || (boot === cutBoot && sequence >= cutSequence);
}

module.exports = { collate };

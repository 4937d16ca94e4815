// What settlement needs to know of a meter: how much it could have produced, and how sure its readings must be.
"use strict";
const { reachOf } = require("./ceiling");
const { Unsettleable } = require("./refusal");

const PPM = 1_000_000n;
const LARGEST = 2n ** 53n - 1n;
const MAX_NAMEPLATE_W = 1_000_000_000n;

function need(name, least, number, most) {
  if (number < least || number > most) throw new Unsettleable(`${name} is ${number}, expected ${least} to ${most}`);
}

// Limits of one register. `baseline` is {time_ms, register_wh} or null, `calibration` {due_ms, error_ppm} or null.
// Throws Unsettleable.
function makeMeter(limits) {
  const { nameplate_w, rated_overload_ppm, resolution_wh, modulus_wh, baseline, calibration } = limits;
  if (baseline) {
    need("baseline_wh", 0n, baseline.register_wh, LARGEST);
    need("baseline_time_ms", 0n, baseline.time_ms, LARGEST);
  }
  if (calibration) {
    need("calibration_due_ms", 0n, calibration.due_ms, LARGEST);
    need("permissible_error_ppm", 0n, calibration.error_ppm, PPM);
  }
  need("nameplate_w", 1n, nameplate_w, MAX_NAMEPLATE_W);
  need("rated_overload_ppm", PPM, rated_overload_ppm, 2n * PPM);
  need("resolution_wh", 1n, resolution_wh, 1_000_000n);
  need("confirmations", 1n, limits.confirmations, 1000n);
  if (modulus_wh !== null) need("modulus_wh", 1n, modulus_wh, LARGEST);
  const largest_power_w = (nameplate_w * rated_overload_ppm) / PPM;
  const reachWh = reachOf(limits.ceiling, nameplate_w, largest_power_w);
  return {
    ...limits,
    largest_power_w,
    // By how much all steps of a register together may seem to rise too far.
    tolerance_wh: resolution_wh + largest_power_w / 3600n,
    reachWh,
    // It falls between two readings by as much as the register rose more than the plant could produce.
    headroomWh: ({ time_ms, register_wh }) => reachWh(time_ms) - register_wh,
  };
}

// The same meter's import register: no confirmed baseline, no sun, and no nameplate says how much a site may draw.
function importRegister(limits) {
  return makeMeter({
    ...limits,
    nameplate_w: MAX_NAMEPLATE_W,
    modulus_wh: null,
    baseline: null,
    ceiling: null,
    calibration: null,
    generates_only: false,
  });
}

module.exports = { makeMeter, importRegister, PPM, LARGEST };

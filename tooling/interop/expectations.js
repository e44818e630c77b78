import { COUNTERS } from './expectations/counters.js'
import { DESCRIPTIONS } from './expectations/descriptions.js'
import { KEY_SERVICES } from './expectations/key-services.js'
import { PLAIN_OBJECTS } from './expectations/plain-objects.js'
import { RANGES } from './expectations/ranges.js'
import { TRANSFERS } from './expectations/transfers.js'

/**
 * Each way in which a cell is not what the format makes right, and why. A cell must match exactly one of them, with
 * its verdict, and each of them at least one cell: so a change on either side is noticed. Lines are those of the
 * versions that the drivers pin.
 *
 * @typedef {object} Expectation
 * @property {import('./run-matrix.js').Verdict} verdict
 * @property {import('./refusals.js').Reason | readonly import('./refusals.js').Reason[]} [reason] - of a refusal
 * @property {readonly string[]} [writers] - absent: all
 * @property {readonly string[]} [objects] - their ids; absent: all
 * @property {readonly string[]} [readers] - absent: all
 * @property {readonly string[]} [readings] - absent: all; `write` is the writer's own part
 * @property {string} cause
 * @property {string} [source] - the SDK's file and line
 */

/** @type {readonly Expectation[]} */
export const EXPECTATIONS = [
  ...RANGES,
  ...COUNTERS,
  ...DESCRIPTIONS,
  ...KEY_SERVICES,
  ...PLAIN_OBJECTS,
  ...TRANSFERS,
]

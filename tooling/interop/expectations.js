/**
 * Each way in which a cell is not what the format makes right, and why. A cell must match exactly one of them, with
 * its verdict, and each of them at least one cell: so a change on either side is noticed.
 *
 * @typedef {object} Expectation
 * @property {import('./run-matrix.js').Verdict} verdict
 * @property {readonly string[]} [writers] - absent: all
 * @property {readonly string[]} [objects] - their ids; absent: all
 * @property {readonly string[]} [readers] - absent: all
 * @property {readonly string[]} [readings] - absent: all; `write` is the writer's own part
 * @property {string} cause
 * @property {string} [source] - the SDK's file and line
 */

/** @type {readonly Expectation[]} */
export const EXPECTATIONS = []

/** Parses a number of a listing. Returns NaN for anything but decimal digits. */
export function countOf(text: unknown): number {
  return typeof text === 'string' && /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN
}

const ISO_DATE = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/

/** Parses a date of a listing in the format of the service. Returns an invalid date for anything else. */
export function dateOf(text: unknown): Date {
  return new Date(typeof text === 'string' && ISO_DATE.test(text) ? text : Number.NaN)
}

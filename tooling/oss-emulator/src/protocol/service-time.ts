/** A time as the service writes it into XML: ISO 8601 in whole seconds, but with `.000`, which oss2 requires. */
export function serviceTime(date: Date): string {
  return date.toISOString().replace(/\.\d+Z$/, '.000Z')
}

/** A stored time as an HTTP header holds it. */
export function httpDate(iso: string): string {
  return new Date(iso).toUTCString()
}

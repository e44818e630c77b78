/** A time as the service writes it into XML: ISO 8601 in whole seconds, yet with `.000`, which oss2 insists on. */
export function serviceTime(date: Date): string {
  return date.toISOString().replace(/\.\d+Z$/, '.000Z')
}

/** A stored time as HTTP headers hold it. */
export function httpDate(iso: string): string {
  return new Date(iso).toUTCString()
}

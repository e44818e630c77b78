/** Calls a listener, if there is one. Errors that it throws are ignored: a display must not break a transfer. */
export function tell<Value>(listener: ((value: Value) => void) | undefined, value: Value): void {
  try {
    listener?.(value)
  } catch {
    // A problem of the listener, not of the transfer.
  }
}

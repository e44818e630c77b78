/** Tells a listener, if there is one. What it throws is ignored: a display must not break a transfer. */
export function tell<Value>(listener: ((value: Value) => void) | undefined, value: Value): void {
  try {
    listener?.(value)
  } catch {
    // The listener's own affair.
  }
}

/** Receives a warning. */
export type OnWarning = (message: string) => void

/** Returns the default receiver of warnings: it emits a Node.js process warning with this code. */
export function processWarning(code: 'OSS_CSE_WEAK_KEY' | 'OSS_CSE_NO_WORKER'): OnWarning {
  return (message) => process.emitWarning(message, { code })
}

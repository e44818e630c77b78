/**
 * The signals that ask a process to end and let it clean up: Ctrl-C, `kill`, a closed terminal, Ctrl-\, and on Windows
 * Ctrl-Break. A signal that the system does not know never arrives.
 */
export const ENDING_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGBREAK'] as const

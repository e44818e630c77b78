/**
 * The signals that ask a process to end and let it clear up: Ctrl-C, `kill`, a terminal that is closed, Ctrl-\, and on
 * Windows Ctrl-Break. Those that a system does not know never come.
 */
export const ENDING_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGBREAK'] as const

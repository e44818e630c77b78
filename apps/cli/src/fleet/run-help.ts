/** What all commands that start a run have in common, for their help. */
export const RUN_HELP = `The keys are divided into ranges (shards). The same command continues a run that was interrupted, killed or paused, if
its settings are the same; otherwise it starts a new one. Ctrl-C stops it (exit code 130). If many objects fail for a
common reason, such as a wrong key or missing permissions, the run is paused (exit code 3).

An embedded run is in ~/.local/share/oss-cse/fleet/RUN (XDG_DATA_HOME or OSS_CSE_FLEET_DIR change that). With --queue,
the run is in PostgreSQL, and \`oss-cse fleet worker\` on further machines works on it, too. The database contains settings
and ranges of keys, but no credentials and no master keys.

--limit lists the first N keys at the start. The run then covers the keys up to the last of them.
--redact-keys hides keys behind an HMAC. Its secret is in OSS_CSE_FLEET_REDACTION_SECRET, at least 16 bytes in base64; an
embedded run makes one of its own, in its directory.`

/** The fields of `--json` of these commands. */
export const RUN_JSON_HELP = `Fields of --json: run, command, bucket, prefix, state, listedKeys, shards (waiting, taken, completed,
failed), totals, summary, report (place, files)`

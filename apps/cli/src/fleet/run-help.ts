/** What all commands that start a run have in common, for their help. */
export const RUN_HELP = `The keys are divided into ranges (shards). The same command continues a run that was interrupted, killed or paused, if
its settings are the same; otherwise it starts a new one. Ctrl-C stops it (exit code 130). If many objects fail for a
common reason, such as a wrong key or missing permissions, the run is paused (exit code 3).

An embedded run is in ~/.local/share/oss-cse/fleet/RUN (XDG_DATA_HOME or OSS_CSE_FLEET_DIR change that). With --queue,
the run is in PostgreSQL, and \`oss-cse fleet worker\` on further machines works on it, too. The database contains settings
and ranges of keys, but no credentials and no master keys.

--inventory replaces the requests that list the keys, one after the other, to divide them. It only says where shards end:
the keys of a shard are listed when it is done, so objects that are newer than the inventory are not missed. It must be a
full inventory of the bucket, in CSV, in a bucket of the same region. Without its field Size, the shards of commands that
read content have no limit in bytes.
--limit lists the first N keys at the start. The run then covers the keys up to the last of them.
--retry-failed RUN does the objects again because of which RUN did not exit with 0: those that failed, are altered, damaged or a
conflict, and after \`verify\` also plain ones, unless RUN allowed them. In each shard, these are the keys from the first such
object to the last. RUN may be of another command, so \`migrate\` can encrypt what \`verify\` found in plaintext.
--redact-keys writes an HMAC instead of each key. Its secret is in OSS_CSE_FLEET_REDACTION_SECRET, at least 16 bytes in base64; an
embedded run makes one of its own, in its directory.`

/** The fields of `--json` of these commands. */
export const RUN_JSON_HELP = `Fields of --json: run, command, bucket, prefix, state, listedKeys, shards (waiting, taken, completed,
failed), totals, summary, report (place, files)`

/** What the commands that write objects have in common, for their help. */
export const REWRITE_HELP = `By default, the bucket must keep versions. Each object is stored as a new version. If somebody else writes meanwhile, their
version stays the newest. Older versions keep the content and the wrapped key that they had, after a migration the plain
content: delete them when all readers have the new key, or those who had access before still have it. With --into, the
source is only read.

The command shows what it will do, and asks. Objects that are links, appendable, retained or archived are not written.

The summary counts formats and keys as they were before an object was written. After a run that was killed, objects that it
wrote just before count as "already".`

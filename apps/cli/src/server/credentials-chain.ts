import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { AccessCredentials, CredentialsProvider } from '@oss-cse/crypto-core'
import { noCredentials } from './credentials.ts'

const loadSdk = () => import('@alicloud/credentials')
type Sdk = Awaited<ReturnType<typeof loadSdk>>
type Environment = Readonly<Record<string, string | undefined>>

/** Returns credentials, and new ones before they expire. */
interface Source {
  getCredentials(): Promise<AccessCredentials>
}

/** One place of the chain. */
interface Place {
  /** Its name in errors: a variable or a file. */
  readonly name: string
  make(sdk: Sdk): Source
}

/**
 * Returns the places of the standard chain of `@alicloud/credentials` that are set up here, or `undefined` if none is.
 * The package itself is loaded when credentials are needed, and reads the process's variables and files.
 *
 * The package's own chain is not used (dist/src/providers/default.js of 2.4.7). If nothing is set up, it asks the
 * metadata service of ECS and looks up a host called "undefined", which takes seconds. After one failure, it stays with
 * the place that it tried last.
 */
export function findCredentialsChain(
  env: Environment = process.env,
  home: string | undefined = homeDirectory(),
): CredentialsProvider | undefined {
  const places = configuredPlaces(env, home)
  return places.length === 0 ? undefined : new CredentialsChain(places)
}

/** The places that are set up, in the chain's order. */
function configuredPlaces(env: Environment, home: string | undefined): readonly Place[] {
  const isSet = (field: string): boolean => Boolean(env[field])
  const isTrue = (field: string): boolean => env[field]?.toLowerCase() === 'true'
  const inHome = (...path: string[]): string | undefined => {
    const file = home && join(home, ...path)
    return file && existsSync(file) ? file : undefined
  }
  const places: Place[] = []
  if (isSet('ALIBABA_CLOUD_ACCESS_KEY_ID')) {
    places.push({
      name: 'ALIBABA_CLOUD_ACCESS_KEY_ID',
      make: (sdk) => sdk.EnvironmentVariableCredentialsProvider.builder().build(),
    })
  }
  const oidc = [
    'ALIBABA_CLOUD_ROLE_ARN',
    'ALIBABA_CLOUD_OIDC_PROVIDER_ARN',
    'ALIBABA_CLOUD_OIDC_TOKEN_FILE',
  ] as const
  if (oidc.every(isSet)) {
    places.push({ name: oidc[2], make: (sdk) => sdk.OIDCRoleArnCredentialsProvider.builder().build() })
  }
  const cliProfile = isTrue('ALIBABA_CLOUD_CLI_PROFILE_DISABLED')
    ? undefined
    : inHome('.aliyun', 'config.json')
  if (cliProfile !== undefined) {
    places.push({ name: cliProfile, make: (sdk) => sdk.CLIProfileCredentialsProvider.builder().build() })
  }
  const profile = env['ALIBABA_CLOUD_CREDENTIALS_FILE'] || inHome('.alibabacloud', 'credentials')
  if (profile !== undefined) {
    places.push({ name: profile, make: (sdk) => sdk.ProfileCredentialsProvider.builder().build() })
  }
  const role = env['ALIBABA_CLOUD_ECS_METADATA']
  if (role && !isTrue('ALIBABA_CLOUD_ECS_METADATA_DISABLED')) {
    places.push({
      name: 'ALIBABA_CLOUD_ECS_METADATA',
      make: (sdk) => sdk.ECSRAMRoleCredentialsProvider.builder().withRoleName(role).build(),
    })
  }
  const uri = env['ALIBABA_CLOUD_CREDENTIALS_URI']
  if (uri) {
    places.push({
      name: 'ALIBABA_CLOUD_CREDENTIALS_URI',
      make: (sdk) => sdk.URICredentialsProvider.builder().withCredentialsURI(uri).build(),
    })
  }
  return places
}

class CredentialsChain implements CredentialsProvider {
  readonly #places: readonly Place[]
  /** The first place that returned credentials. It is used from then on. */
  #source: Source | undefined

  constructor(places: readonly Place[]) {
    this.#places = places
  }

  async getCredential(): Promise<AccessCredentials> {
    const known = this.#source && (await answerOf(this.#source))
    if (known !== undefined) return known
    const sdk = await loadSdk()
    for (const place of this.#places) {
      const source = made(place, sdk)
      const answer = source && (await answerOf(source))
      if (answer === undefined) continue
      this.#source = source
      return answer
    }
    // Without the cause: the package quotes whole configuration files and responses (cli_profile.js, uri.js).
    throw noCredentials(
      `No usable credentials in ${this.#places.map(({ name }) => name).join(', ')}. Correct them, or set OSS_ACCESS_KEY_ID and OSS_ACCESS_KEY_SECRET.`,
    )
  }
}

function made(place: Place, sdk: Sdk): Source | undefined {
  try {
    return place.make(sdk)
  } catch {
    return undefined
  }
}

async function answerOf(source: Source): Promise<AccessCredentials | undefined> {
  try {
    const { accessKeyId, accessKeySecret, securityToken } = await source.getCredentials()
    if (!accessKeyId || !accessKeySecret) return undefined
    return { accessKeyId, accessKeySecret, ...(securityToken && { securityToken }) }
  } catch {
    return undefined
  }
}

/** A user without a passwd entry and without HOME has no home directory, as in some containers. */
function homeDirectory(): string | undefined {
  try {
    return homedir()
  } catch {
    return undefined
  }
}

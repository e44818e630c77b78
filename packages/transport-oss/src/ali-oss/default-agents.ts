import type { Agent } from 'node:http'
import type { AliOssClient } from './ali-oss-client.ts'
import { loadAliOss } from './load-ali-oss.ts'

/** The agents that clients of ali-oss share by default, and how each was made. */
interface DefaultAgents {
  readonly agent: Agent
  readonly httpsAgent: Agent
  readonly madeWith: ReadonlyMap<Agent, object>
}

let defaults: DefaultAgents | undefined

/**
 * Returns whether a client has the agents that ali-oss gives to each client, as ali-oss made them. Then an app cannot
 * tell whether a request went through them.
 */
export async function hasDefaultAgents({ agent, httpsAgent, options }: AliOssClient): Promise<boolean> {
  const given = options as { agent?: unknown; httpsAgent?: unknown; urllib?: unknown; maxSockets?: unknown }
  if (given.agent || given.httpsAgent || given.urllib || given.maxSockets) return false
  defaults ??= await defaultAgents().catch(() => undefined)
  return (
    defaults !== undefined &&
    agent === defaults.agent &&
    httpsAgent === defaults.httpsAgent &&
    isUnchanged(agent, defaults) &&
    isUnchanged(httpsAgent, defaults)
  )
}

async function defaultAgents(): Promise<DefaultAgents> {
  const AliOss = await loadAliOss()
  const client = new AliOss({ accessKeyId: 'none', accessKeySecret: 'none' }) as unknown as AliOssClient
  const { agent, httpsAgent } = client as { agent: Agent; httpsAgent: Agent }
  const made = [agent, httpsAgent].map((each) => [each, optionsOf(newAgentLike(each))] as const)
  return { agent, httpsAgent, madeWith: new Map(made) }
}

function newAgentLike(agent: Agent): Agent {
  return new (agent.constructor as new () => Agent)()
}

function optionsOf(agent: Agent): object {
  return (agent as unknown as { options: object }).options
}

/** Another client of the app sets `maxSockets` of the shared agents, if it has that option. */
function isUnchanged(agent: Agent, { madeWith }: DefaultAgents): boolean {
  const made = Object.entries(madeWith.get(agent) ?? {})
  const now = new Map(Object.entries(optionsOf(agent)))
  return (
    agent.maxSockets === Number.POSITIVE_INFINITY &&
    !Object.hasOwn(agent, 'createConnection') &&
    !Object.hasOwn(agent, 'addRequest') &&
    made.length === now.size &&
    made.every(([name, value]) => now.get(name) === value)
  )
}

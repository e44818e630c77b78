import type { WorkerSide, WorkerSideRequest } from '@oss-cse/crypto-core'
import type { Connection } from '../ali-oss/client-options.ts'
import { networkSettings } from '../http/network-settings.ts'
import type { WorkerSideData } from '../worker-side.ts'
import { describedGet } from './get-object.ts'
import { describedPart } from './multipart-calls.ts'
import { contextOf, type DescribedCall, detachedRequest, expectedOf } from './oss-call.ts'
import { describedPut } from './put-object.ts'

/** See `OssTransport.workerSide`. */
export async function workerSide(
  connection: Connection,
  asked: WorkerSideRequest,
): Promise<WorkerSide | undefined> {
  // Nothing is gained for an empty body, which is sent in another way.
  if (asked.operation !== 'get' && asked.sizeBytes === 0) return undefined
  const module = workerModule()
  if (module === undefined) return undefined
  const described = describedCall(asked)
  const detached = await detachedRequest(connection, described)
  if (detached === undefined) return undefined
  const { call, request } = described
  const { method, headers } = detached.outgoing
  const data: WorkerSideData = {
    address: detached.address,
    method,
    headers,
    key: request.key,
    statuses: request.statuses,
    expected: expectedOf(call),
    hasCallback: call.hasCallback ?? false,
    context: contextOf(connection, call),
    idleTimeoutMs: connection.idleTimeoutMs,
    networkSettings: networkSettings(detached.address.secure),
    ...(asked.operation !== 'get' && { sizeBytes: asked.sizeBytes }),
  }
  return { module, data, failed: detached.failed }
}

/** The URL of the module that a worker imports, or undefined where it cannot be found, as in some bundles. */
function workerModule(): string | undefined {
  try {
    // By the name of the package: a bundle finds the file in node_modules.
    return import.meta.resolve('@oss-cse/transport-oss/worker-side')
  } catch {
    return undefined
  }
}

function describedCall(asked: WorkerSideRequest): DescribedCall {
  switch (asked.operation) {
    case 'get':
      return describedGet(asked)
    case 'put':
      return describedPut(asked)
    case 'uploadPart':
      return describedPart(asked)
  }
}

import { OSS_HEADERS, parseCrc64 } from '../headers.ts'
import type {
  GetObjectRequest,
  GetObjectResponse,
  ObjectBody,
  PutObjectRequest,
  PutObjectResponse,
  UploadedPart,
  UploadPartRequest,
  WorkerSide,
  WorkerSideModule,
} from '../ports.ts'
import { expectThat } from './expect.ts'
import type { TransportUnderTest } from './transport-contract.ts'

/**
 * Returns a view of a transport that sends its gets, puts and parts as a worker does: with the module of `workerSide`, and
 * data that was cloned. What `workerSide` does not prepare, such as a body of unknown length, goes the normal way.
 */
export function workerSideView(transport: TransportUnderTest): TransportUnderTest {
  const view: Pick<TransportUnderTest, 'get' | 'put' | 'uploadPart'> = {
    async get(request: GetObjectRequest): Promise<GetObjectResponse> {
      const side = await transport.workerSide?.({ operation: 'get', ...request })
      expectThat(side !== undefined, 'a get is prepared for a worker')
      const { signal } = request
      return sent(side, (module, data) => module.get(data, { signal }))
    },
    async put({ body, onSentBytes, ...request }: PutObjectRequest): Promise<PutObjectResponse> {
      const side = await sizedSide(body, (sizeBytes) =>
        transport.workerSide?.({ operation: 'put', ...request, sizeBytes }),
      )
      if (side === undefined) return transport.put({ body, onSentBytes, ...request })
      const { signal } = request
      return sent(side, (module, data) => module.put(data, { body, signal, onSentBytes }))
    },
    async uploadPart({ body, onSentBytes, ...request }: UploadPartRequest): Promise<UploadedPart> {
      const side = await sizedSide(body, (sizeBytes) =>
        transport.workerSide?.({ operation: 'uploadPart', ...request, sizeBytes }),
      )
      if (side === undefined) return transport.uploadPart({ body, onSentBytes, ...request })
      const { signal, partNumber } = request
      const { headers } = await sent(side, (module, data) => module.put(data, { body, signal, onSentBytes }))
      const { etag = '', [OSS_HEADERS.crc64]: crc64 } = headers
      return { partNumber, etag, sizeBytes: body.sizeBytes, crc64: parseCrc64(crc64) }
    },
  }
  return new Proxy(transport, {
    get(target, name) {
      const member: unknown = Reflect.get(name in view ? view : target, name)
      return typeof member === 'function' ? member.bind(name in view ? view : target) : member
    },
  })
}

async function sizedSide(
  { sizeBytes }: ObjectBody,
  prepare: (sizeBytes: number) => Promise<WorkerSide | undefined> | undefined,
): Promise<WorkerSide | undefined> {
  return sizeBytes === undefined ? undefined : prepare(sizeBytes)
}

async function sent<Response>(
  { module, data, failed, stored }: WorkerSide,
  send: (functions: WorkerSideModule, data: unknown) => Promise<Response | undefined>,
): Promise<Response> {
  const functions: WorkerSideModule = await import(/* @vite-ignore */ module)
  let response: Response | undefined
  try {
    response = await send(functions, structuredClone(data))
  } catch (error) {
    throw failed === undefined ? error : failed(error)
  }
  expectThat(response !== undefined, 'the thread that prepared a request may send it')
  await stored?.(response as PutObjectResponse)
  return response
}

import { invalidParameter, missingParameter } from './error-catalog.ts'
import type { KeyRecord } from './key-record.ts'
import { assertUsable, type KeyStore } from './key-store.ts'
import type { KmsRequest } from './kms-request.ts'

/** The fields of a response, except the request id. An array becomes repeated elements in XML. */
export interface ResponseFields {
  readonly [name: string]: string | number | ResponseFields | readonly ResponseFields[]
}

/** One operation of the service. */
export type Operation = (context: OperationContext) => ResponseFields

/** The input of an operation. Parameters that it does not read are ignored, as in the service. */
export class OperationContext {
  readonly store: KeyStore
  readonly now: Date
  readonly #request: KmsRequest
  readonly #onKey: (key: KeyRecord) => void

  /** @param onKey - receives each key of the operation */
  constructor(store: KeyStore, request: KmsRequest, now: Date, onKey: (key: KeyRecord) => void) {
    this.store = store
    this.now = now
    this.#request = request
    this.#onKey = onKey
  }

  /** @throws KmsError `MissingParameter` if the parameter is absent or empty */
  required(name: string): string {
    const value = this.#request.parameter(name)
    if (!value) throw missingParameter(name)
    return value
  }

  /** An empty parameter is the same as an absent one. */
  optional(name: string): string | undefined {
    return this.#request.parameter(name) || undefined
  }

  /** @throws KmsError `InvalidParameter` if the value is not one of the choices */
  choice<Choice extends string>(name: string, choices: readonly [Choice, ...Choice[]]): Choice {
    const value = this.optional(name)
    if (value === undefined) return choices[0]
    const chosen = choices.find((choice) => choice === value)
    if (chosen === undefined) throw invalidParameter(name)
    return chosen
  }

  /** @throws KmsError `InvalidParameter` if the value is not an integer in the range */
  integer(name: string, min: number, max: number): number | undefined {
    const text = this.optional(name)
    if (text === undefined) return undefined
    const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
    if (!(value >= min && value <= max)) throw invalidParameter(name)
    return value
  }

  /** The key that a parameter names, in any state. */
  key(name: string): KeyRecord {
    const key = this.store.find(this.required(name))
    this.#onKey(key)
    return key
  }

  /** The key that a parameter names, if it may encrypt. */
  usableKey(name: string): KeyRecord {
    const key = this.key(name)
    assertUsable(key)
    return key
  }

  /** Records a key that no parameter names. */
  noteKey(key: KeyRecord): void {
    this.#onKey(key)
  }
}

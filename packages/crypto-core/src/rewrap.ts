import {
  type ContentFormat,
  contentFormat,
  type Envelope,
  type EnvelopeV2,
  summarizeEnvelope,
} from './envelope.ts'
import { checkHeaderTexts } from './envelope-fields.ts'
import { CseError } from './errors.ts'
import { newEnvelopeV2 } from './new-envelope.ts'
import type { MasterKeyCallOptions, MasterKeyProvider, ObjectReference, WrappedContentKey } from './ports.ts'

/** Options of re-wrapping a content key. `object` is the object that is read. */
export interface RewrapOptions extends MasterKeyCallOptions {
  /** The provider of the keyring that wraps the content key again. Default: the encrypting one. */
  readonly target?: MasterKeyProvider | undefined
  /** The object that will have the new envelope. Default: `object`, without its version. */
  readonly targetObject?: ObjectReference | undefined
}

/** A provider that can wrap a given content key. */
export type WrappingTarget = MasterKeyProvider & Required<Pick<MasterKeyProvider, 'wrap'>>

/** What a keyring knows of the two keys of a re-wrap. */
export interface RewrapKeys {
  readonly target: MasterKeyProvider
  /** Whether the keyring reads only sealed objects under the present key of the object. */
  readonly fromSealedOnly: boolean
  /** Whether it reads only sealed objects under the target. */
  readonly toSealedOnly: boolean
  /** Whether it would select the target for the new envelope. */
  readonly selectsTarget: boolean
}

/**
 * Checks that a content key may be wrapped again under a target, before any key is called.
 *
 * @throws CseError `ERR_CSE_OPERATION_REFUSED`, `ERR_CSE_NOT_SEALED`, `ERR_CSE_INVALID_ARGUMENT`, see `Keyring.rewrap`
 */
export function checkRewrap(format: ContentFormat, keys: RewrapKeys): WrappingTarget {
  const { target, fromSealedOnly, toSealedOnly, selectsTarget } = keys
  const name = target.wrapAlgorithm
  if (!isWrappingTarget(target)) {
    throw refused(
      `The target (${name}) cannot wrap the content key of an existing object: its provider has no \`wrap\`. Read the object and put it again, or use a provider that has it.`,
    )
  }
  if (target.envelopeVersion === 1) {
    throw refused(
      `The target (${name}) writes V1 envelopes, which hold a start value of 1 to 10 and no other counter block. Use a provider that writes V2.`,
    )
  }
  if (toSealedOnly && format !== 'sealed') {
    throw new CseError(
      'ERR_CSE_NOT_SEALED',
      `The object is not sealed, and the target (${name}) reads only sealed objects. To seal it, read it and put it again.`,
    )
  }
  if (fromSealedOnly && !toSealedOnly) {
    throw refused(
      `The object's master key reads only sealed objects, and the target (${name}) does not: the object would lose that protection. List the target in sealedOnly.`,
    )
  }
  if (!selectsTarget) {
    throw new CseError(
      'ERR_CSE_INVALID_ARGUMENT',
      `The keyring would not select the target (${name}) for the new envelope, because another key has no material description either. Give the target a description, or list it in \`undescribed\`.`,
    )
  }
  return target
}

/**
 * Returns the envelope of the same ciphertext under another master key. It keeps what describes the content: the format, the
 * lengths and the MD5.
 *
 * @throws CseError `ERR_CSE_INVALID_ARGUMENT` when a wrapped value is not valid in a header: stored, it would be a lost key.
 */
export function rewrappedEnvelope(
  envelope: Envelope,
  target: MasterKeyProvider,
  { wrappedCek, wrappedIv }: WrappedContentKey,
): EnvelopeV2 {
  checkHeaderTexts({ wrappedCek, wrappedIv })
  const {
    version: _version,
    cekAlgorithm: _cekAlgorithm,
    wrapAlgorithm: _wrapAlgorithm,
    materialDescription: _materialDescription,
    ...extras
  } = summarizeEnvelope(envelope)
  return newEnvelopeV2(target, { wrappedCek, wrappedIv }, extras, contentFormat(envelope))
}

/** The object that a re-wrap writes where its caller names none: a new version has no id yet. */
export function unversioned(object: ObjectReference | undefined): ObjectReference | undefined {
  if (object === undefined) return undefined
  const { versionId: _read, ...written } = object
  return written
}

function isWrappingTarget(target: MasterKeyProvider): target is WrappingTarget {
  return typeof target.wrap === 'function'
}

function refused(message: string): CseError {
  return new CseError('ERR_CSE_OPERATION_REFUSED', message)
}

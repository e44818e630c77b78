export { MEDIA_TYPES } from './http/inline-types.ts'
export {
  type ObjectResponseOptions,
  objectResponse,
  type ReadableObjects,
  type ReadObject,
} from './http/object-response.ts'

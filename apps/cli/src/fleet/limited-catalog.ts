import type { ObjectCatalog } from '@oss-cse/crypto-core'
import { compareCodePoints } from '@oss-cse/crypto-core/internal'

/** What lists objects. */
type Catalog = Pick<ObjectCatalog, 'list'>

/** A catalog that ends at a key: it lists no key after it, and requests no page after it. */
export function catalogUpTo(catalog: Catalog, lastKey: string): Catalog {
  return {
    async list(request) {
      const page = await catalog.list(request)
      const objects = page.objects.filter(({ key }) => compareCodePoints(key, lastKey) <= 0)
      if (objects.length === page.objects.length) return page
      const { nextContinuationToken: _next, ...rest } = page
      return { ...rest, objects }
    },
  }
}

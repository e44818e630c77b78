import anyIv from './vectors/any-iv.json' with { type: 'json' }
import cpp from './vectors/cpp.json' with { type: 'json' }
import goV1 from './vectors/go-v1.json' with { type: 'json' }
import goV2 from './vectors/go-v2.json' with { type: 'json' }
import javaV1 from './vectors/java-v1.json' with { type: 'json' }
import javaV1Kms from './vectors/java-v1-3.18.4.json' with { type: 'json' }
import javaV2 from './vectors/java-v2.json' with { type: 'json' }
import keys from './vectors/keys.json' with { type: 'json' }
import ossCse from './vectors/oss-cse.json' with { type: 'json' }
import phpV2 from './vectors/php-v2.json' with { type: 'json' }
import pythonV1 from './vectors/python-v1.json' with { type: 'json' }
import pythonV1Old from './vectors/python-v1-2.10.json' with { type: 'json' }
import pythonV2 from './vectors/python-v2.json' with { type: 'json' }

const files = [
  ossCse,
  pythonV1,
  pythonV1Old,
  pythonV2,
  goV1,
  goV2,
  javaV1,
  javaV1Kms,
  javaV2,
  cpp,
  phpV2,
  anyIv,
]

export const sdkVectors = files.flatMap(({ sdk, versions, objects }) =>
  objects.map((object) => ({ sdk, versions, ...object })),
)

export const vectorKeys = { rsa: keys.rsa, 'local-rsa': keys['local-rsa'] }

export function sdkVectorsUnder(...kinds) {
  return sdkVectors.filter(({ masterKey }) => kinds.includes(masterKey.kind))
}

import { CryptoOSS } from '@oss-cse/ali-oss'
import { CryptoBucket } from '@oss-cse/bucket'
import { RsaProvider } from '@oss-cse/provider-rsa'
import { OssTransport } from '@oss-cse/transport-oss'
import OSS from 'ali-oss'

const ACCOUNT = {
  bucket: 'bench',
  region: 'oss-cn-hangzhou',
  accessKeyId: 'bench',
  accessKeySecret: 'bench',
}

/** ali-oss as it comes: what every figure is compared with. */
export function plainClient(endpoint) {
  return new OSS(aliOssOptions(endpoint))
}

/** The drop-in for it. */
export function dropInClient(endpoint, privateKey) {
  return new CryptoOSS({
    ...aliOssOptions(endpoint),
    provider: new RsaProvider({ privateKey }),
  })
}

function aliOssOptions(endpoint) {
  return { ...ACCOUNT, endpoint, sldEnable: true, authorizationV4: true }
}

/** A bucket of oss-cse as it comes. */
export function encryptedBucket(endpoint, privateKey) {
  return new CryptoBucket({
    transport: new OssTransport({ ...ACCOUNT, endpoint }),
    provider: new RsaProvider({ privateKey }),
  })
}

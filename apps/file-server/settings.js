import { readFileSync } from 'node:fs'
import { RsaProvider } from '@oss-cse/provider-rsa'

const {
  OSS_ACCESS_KEY_ID = '',
  OSS_ACCESS_KEY_SECRET = '',
  OSS_BUCKET = 'demo',
  OSS_ENDPOINT,
  OSS_REGION = 'cn-hangzhou',
  MASTER_KEY_FILE = 'master.pem',
  PORT = '3000',
} = process.env

/** The options of the client. Plain ali-oss ignores `provider`, the master key. */
export const settings = {
  region: `oss-${OSS_REGION}`,
  bucket: OSS_BUCKET,
  accessKeyId: OSS_ACCESS_KEY_ID,
  accessKeySecret: OSS_ACCESS_KEY_SECRET,
  authorizationV4: true,
  secure: true,
  // A local emulator has the bucket in the path of the URL.
  ...(OSS_ENDPOINT && { endpoint: OSS_ENDPOINT, sldEnable: new URL(OSS_ENDPOINT).hostname === 'localhost' }),
  provider: new RsaProvider({ privateKey: readFileSync(MASTER_KEY_FILE, 'utf8') }),
}

export const port = Number(PORT)

import { DOWNLOADS, UPLOADS } from './names.js'

/** @type {readonly import('../expectations.js').Expectation[]} */
export const TRANSFERS = [
  {
    verdict: 'again',
    writers: ['java-v1'],
    objects: [UPLOADS[1]],
    readings: ['write'],
    cause:
      'Never resumes an encrypted upload: the classes of its checkpoint are not among those that it lets itself read, so it drops the checkpoint and uploads all of it under a new key.',
    source: 'com/aliyun/oss/internal/CheckPointObjectInputStream.java:10-33, OSSUploadOperation.java:359',
  },
  {
    verdict: 'absent',
    writers: ['go-v1'],
    objects: UPLOADS,
    readings: ['write'],
    cause: 'Its CryptoBucket refuses UploadFile.',
    source: 'oss/crypto/crypto_upload.go:10',
  },
  {
    verdict: 'absent',
    readers: ['go-v1'],
    readings: DOWNLOADS,
    cause: 'Its CryptoBucket refuses DownloadFile.',
    source: 'oss/crypto/crypto_download.go:10',
  },
  {
    verdict: 'absent',
    writers: ['java-v2'],
    objects: UPLOADS,
    readings: ['write'],
    cause: 'Has no encryption client that its Uploader could use.',
  },
  {
    verdict: 'absent',
    readers: ['java-v2'],
    readings: DOWNLOADS,
    cause: 'Has no encryption client that its Downloader could use.',
  },
  {
    verdict: 'refuses',
    reason: 'the part size is missing',
    writers: ['python-v2'],
    objects: UPLOADS,
    readings: ['write'],
    cause: 'Its Uploader forgets the part size that its encryption client demands.',
    source: 'alibabacloud_oss_v2/uploader.py:572-577, encryption_client.py:409',
  },
  {
    verdict: 'refuses',
    reason: 'the checksum',
    readers: ['python-v2'],
    readings: DOWNLOADS,
    cause:
      "Its Downloader compares the checksum of the plaintext with the service's, which is of the ciphertext.",
    source: 'alibabacloud_oss_v2/downloader.py:510, 577-587',
  },
]

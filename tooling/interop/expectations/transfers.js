import { DOWNLOADS, UPLOADS } from './names.js'

/** @type {readonly import('../expectations.js').Expectation[]} */
export const TRANSFERS = [
  {
    verdict: 'again',
    writers: ['java-v1'],
    objects: [UPLOADS[1]],
    readings: ['write'],
    cause:
      'Never resumes an encrypted upload. The SDK does not allow itself to read the classes of its own checkpoint, so it drops the checkpoint and uploads everything again under a new key.',
    source: 'com/aliyun/oss/internal/CheckPointObjectInputStream.java:10-33, OSSUploadOperation.java:359',
  },
  {
    verdict: 'absent',
    writers: ['go-v1'],
    objects: UPLOADS,
    readings: ['write'],
    cause: 'Its CryptoBucket rejects UploadFile.',
    source: 'oss/crypto/crypto_upload.go:10',
  },
  {
    verdict: 'absent',
    readers: ['go-v1'],
    readings: DOWNLOADS,
    cause: 'Its CryptoBucket rejects DownloadFile.',
    source: 'oss/crypto/crypto_download.go:10',
  },
  {
    verdict: 'absent',
    writers: ['java-v2'],
    objects: UPLOADS,
    readings: ['write'],
    cause: 'Has no encryption client for its Uploader.',
  },
  {
    verdict: 'absent',
    readers: ['java-v2'],
    readings: DOWNLOADS,
    cause: 'Has no encryption client for its Downloader.',
  },
  {
    verdict: 'refuses',
    reason: 'the part size is missing',
    writers: ['python-v2'],
    objects: UPLOADS,
    readings: ['write'],
    cause: 'Its Uploader does not pass the part size that its encryption client requires.',
    source: 'alibabacloud_oss_v2/uploader.py:572-577, encryption_client.py:409',
  },
  {
    verdict: 'refuses',
    reason: 'the checksum',
    readers: ['python-v2'],
    readings: DOWNLOADS,
    cause:
      'Its Downloader compares the checksum of the plaintext with that of the service, which is of the ciphertext.',
    source: 'alibabacloud_oss_v2/downloader.py:510, 577-587',
  },
]

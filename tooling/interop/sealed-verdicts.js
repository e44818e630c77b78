/**
 * What each official SDK that runs here says to a sealed object: the words of its error, and where it compares the name of
 * the content algorithm.
 */
export const SEALED_REFUSALS = [
  {
    reader: 'python-v1',
    error: 'Data encryption/decryption algorithm is inconsistent',
    source: 'oss2/models.py:120-124',
  },
  {
    reader: 'python-v2',
    error: 'envelope.cek_algorithm',
    source: 'alibabacloud_oss_v2/encryption_client.py:221-222',
  },
  {
    reader: 'go-v1',
    error: 'not supported content algorithm',
    source: 'oss/crypto/crypto_bucket.go:281-283',
  },
  {
    reader: 'go-v2',
    error: 'not supported content algorithm',
    source: 'oss/encryption_client.go:191-193',
  },
  {
    reader: 'java-v1',
    error: 'Unsupported content encryption scheme',
    source: 'com/aliyun/oss/crypto/CryptoScheme.java:97-102',
    afterUnwrap: true,
  },
  {
    reader: 'java-v2',
    error: 'Unsupported content encryption scheme',
    source: 'com/aliyun/sdk/service/oss2/encryption/crypto/CryptoScheme.java:43-48',
    afterUnwrap: true,
  },
]

/** Read from their sources: no registry that the lab can reach has them. */
export const SEALED_BY_SOURCE = [
  {
    title: 'C++',
    outcome: 'rejects',
    error: 'Cipher name is not support',
    source: 'sdk/src/encryption/CryptoModule.cc:84-90',
  },
  {
    title: 'C++ V2 0.1',
    outcome: '**misreads**',
    source: 'sdk/src/crypto/AesCtrCipherBuilder.cpp:36-44',
  },
  {
    title: 'PHP V2',
    outcome: '**misreads**',
    source: 'src/Crypto/AesCtrCipherBuilder.php:48-64',
  },
  {
    title: 'Java V2 after 0.4.0, not released',
    outcome: '**misreads**',
    source: 'com/aliyun/sdk/service/oss2/encryption/internal/AesCtrContentCipherBuilder.java:68-87',
  },
]

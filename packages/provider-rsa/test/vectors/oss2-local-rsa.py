"""Makes vectors of the Python SDK's LocalRsaProvider: its key files, and objects encrypted under them.

Run it by hand, once with each version of oss2 on the path, and put the answers together:

    python oss2-local-rsa.py <directory for the key files>

The provider's own methods are called as its CryptoBucket calls them, without a server. Tests read the JSON alone.
"""
import base64
import io
import json
import os
import sys

import Crypto
import oss2
from oss2.crypto import LocalRsaProvider

SIZES = [0, 1, 16, 17, 1000]
KEYS = [('plain', None), ('secret', 'oss2 test passphrase'), ('latin', 'gr\u00fcn')]


def text(data):
    return base64.b64encode(data).decode()


def encrypt(provider, data):
    if hasattr(provider, 'create_content_material'):
        material = provider.create_content_material()
        headers = material.to_object_meta({'content-length': str(len(data))})
        return headers, provider.make_encrypt_adapter(io.BytesIO(data), material.cipher).read()
    key, start = provider.get_key(), provider.get_start()
    headers = provider.build_header({'content-length': str(len(data))})
    return headers, provider.make_encrypt_adapter(io.BytesIO(data), key, start).read() or b''


def files(directory, prefix):
    for half in ('private', 'public'):
        with open(os.path.join(directory, '%s.%s_key.pem' % (prefix, half))) as file:
            yield '%sKeyPem' % half, file.read()


def vector(directory, prefix, passphrase):
    provider = LocalRsaProvider(dir=directory, key=prefix, passphrase=passphrase)
    objects = []
    for size in SIZES:
        data = bytes(i * 31 % 256 for i in range(size))
        headers, ciphertext = encrypt(provider, data)
        assert len(ciphertext) == size
        headers = {name.lower(): str(value) for name, value in headers.items()}
        objects.append({'headers': headers, 'ciphertext': text(ciphertext), 'plaintext': text(data)})
    made = {
        'sdk': 'oss2 ' + oss2.__version__,
        'rsaLibrary': 'pycryptodome ' + Crypto.__version__ if hasattr(Crypto, '__version__') else 'pycryptodome',
        'passphrase': passphrase,
    }
    return dict(made, objects=objects, **dict(files(directory, prefix)))


print(json.dumps([vector(sys.argv[1], prefix, passphrase) for prefix, passphrase in KEYS], indent=2))

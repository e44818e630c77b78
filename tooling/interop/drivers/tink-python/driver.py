"""Drives Tink for Python on sealed objects. PROTOCOL.md says how it is spoken to."""

import base64
import json
import shutil
import sys
from functools import cache
from importlib.metadata import version
from urllib.request import ProxyHandler, build_opener

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from sealed_object import sealed_content

META = 'x-oss-meta-client-side-encryption-'
CHUNK = 1024 * 1024


class Absent(Exception):
    """Tink has no such call, or no way to say what is asked."""


class Lab:
    def open(self, request):
        self.http = build_opener(ProxyHandler({}))
        return {'versions': {'tink': version('tink')}}

    def get(self, request):
        if request.get('range'):
            raise Absent('Tink for Python reads from the start.')
        private_key = private_key_of(request['masterKeys'][0]['privateKeyFile'])
        with self.http.open(request['url']) as response, open(request['file'], 'wb') as file:
            cek_algorithm = response.headers[META + 'cek-alg']
            if cek_algorithm != 'AES256_GCM_HKDF_64KB':
                raise ValueError(f'not a sealed object: {cek_algorithm}')
            wrapped = base64.b64decode(response.headers[META + 'key'])
            cek = private_key.decrypt(wrapped, PKCS1v15())
            # For another key's object, OpenSSL returns random bytes of a random length.
            if len(cek) != 32:
                raise ValueError('not under this key')
            shutil.copyfileobj(
                sealed_content(response, cek, request.get('context', '')), file, CHUNK
            )


@cache
def private_key_of(path):
    with open(path, 'rb') as file:
        return load_pem_private_key(file.read(), None)


def main():
    lab = Lab()
    answers, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin.buffer:
        request = json.loads(line)
        operation = getattr(lab, request['op'], None)
        try:
            if operation is None:
                raise Absent('Tink has no such call.')
            answer = {'ok': operation(request) or {}}
        except Absent as absent:
            answer = {'absent': str(absent)}
        except Exception as error:
            answer = {'error': {'type': type(error).__name__, 'message': str(error)[:500]}}
        print(json.dumps({'id': request['id'], **answer}), file=answers, flush=True)


if __name__ == '__main__':
    main()

"""Drives sealed_object.py: content by `cryptography`, requests by the plain client of oss2."""

import json
import os
import sys
from functools import cache
from importlib.metadata import version

import oss2
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from sealed_object import OAEP, PKCS1, seal, unseal

META = 'x-oss-meta-'


class Absent(Exception):
    """There is no such call, or no way to say what is asked."""


class Lab:
    def open(self, request):
        service = request['service']
        self.bucket = oss2.Bucket(
            oss2.AuthV4(service['accessKeyId'], service['accessKeySecret']),
            service['endpoint'],
            service['bucket'],
            region=service['region'],
            is_path_style=True,
        )
        return {'versions': {name: version(name) for name in ('cryptography', 'oss2')}}

    def put(self, request):
        private_key, wrap = master_key(request)
        size = os.path.getsize(request['file'])
        with open(request['file'], 'rb') as file:
            headers, body = seal(
                file,
                size,
                private_key.public_key(),
                request.get('context', ''),
                wrap,
                dict(request['masterKeys'][0].get('description', [])),
            )
            metadata = request.get('metadata', {}).items()
            headers |= {META + name: value for name, value in metadata}
            self.bucket.put_object(request['object'], body, headers=headers)

    def get(self, request):
        if request.get('range'):
            raise Absent('It reads whole objects.')
        private_key, _ = master_key(request)
        result = self.bucket.get_object(request['object'])
        with open(request['file'], 'wb') as file:
            file.writelines(
                unseal(result.headers, result, private_key, request.get('context', ''))
            )


def master_key(request):
    """The private key, and how it wraps."""
    key = request['masterKeys'][0]
    if key['kind'] == 'rsa':
        return private_key_of(key['privateKeyFile']), PKCS1
    if key['kind'] == 'local-rsa':
        path = os.path.join(key['dir'], key['prefix'] + '.private_key.pem')
        return private_key_of(path, key.get('passphrase')), OAEP
    raise Absent('It has no KMS.')


@cache
def private_key_of(path, passphrase=None):
    with open(path, 'rb') as file:
        return load_pem_private_key(file.read(), passphrase and passphrase.encode())


def main():
    lab = Lab()
    answers, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin.buffer:
        request = json.loads(line)
        operation = getattr(lab, request['op'], None)
        try:
            if operation is None:
                raise Absent('It has no such call.')
            answer = {'ok': operation(request) or {}}
        except Absent as absent:
            answer = {'absent': str(absent)}
        except Exception as error:
            answer = {'error': {'type': type(error).__name__, 'message': str(error)[:500]}}
        print(json.dumps({'id': request['id'], **answer}), file=answers, flush=True)


if __name__ == '__main__':
    main()

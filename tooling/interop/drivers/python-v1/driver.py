"""Drives oss2, the first Python SDK: 2.19.1, and 2.10.0 as the last that wrote the V1 headers."""

import json
import os
import shutil
import sys
from importlib.metadata import version
from urllib.parse import urlsplit

import oss2

WRITES_V1_HEADERS = not hasattr(oss2, 'RsaProvider')
CHUNK = 1024 * 1024
META = 'x-oss-meta-'


class Absent(Exception):
    """The SDK has no such call, or no way to say what is asked."""


class Lab:
    def open(self, request):
        self.service = request['service']
        self.kms = request['kms']
        self.session = oss2.Session()
        self.buckets = {}
        return {'versions': {name: version(name) for name in ('oss2', 'aliyun-python-sdk-kms')}}

    def put(self, request):
        with open(request['file'], 'rb') as file:
            self.bucket(request).put_object(request['object'], file, headers=headers_of(request))

    def multipart(self, request):
        refuse_where_v1('no multipart calls in its CryptoBucket')
        bucket, key, part_size = self.bucket(request), request['object'], request['partSize']
        size = os.path.getsize(request['file'])
        context = oss2.models.MultipartUploadCryptoContext(size, part_size)
        started = bucket.init_multipart_upload(
            key, headers=headers_of(request), upload_context=context
        )
        parts = []
        with open(request['file'], 'rb') as file:
            for number, start in enumerate(range(0, size, part_size), 1):
                body = oss2.SizedFileAdapter(file, min(part_size, size - start))
                part = bucket.upload_part(
                    key, started.upload_id, number, body, upload_context=context
                )
                parts.append(
                    oss2.models.PartInfo(number, part.etag, size=body.size, part_crc=part.crc)
                )
        bucket.complete_multipart_upload(key, started.upload_id, parts)

    def upload(self, request):
        refuse_where_v1('no upload in parts: for a CryptoBucket it falls back to one PutObject')
        oss2.resumable_upload(
            self.bucket(request),
            request['object'],
            request['file'],
            store=oss2.ResumableStore(root=request['checkpoints']),
            headers=headers_of(request),
            multipart_threshold=request['partSize'],
            part_size=request['partSize'],
            num_threads=request['parallel'],
        )

    def get(self, request):
        options = {}
        if request.get('range'):
            refuse_where_v1('no ranges in its CryptoBucket')
            options['byte_range'] = [
                int(text) if text else None for text in request['range'].split('-')
            ]
        result = self.bucket(request).get_object(request['object'], **options)
        with open(request['file'], 'wb') as file:
            shutil.copyfileobj(result, file, CHUNK)

    def download(self, request):
        refuse_where_v1('no download in parts: for a CryptoBucket it falls back to one GetObject')
        oss2.resumable_download(
            self.bucket(request),
            request['object'],
            request['file'],
            store=oss2.ResumableDownloadStore(root=request['checkpoints']),
            multiget_threshold=request['partSize'],
            part_size=request['partSize'],
            num_threads=request['parallel'],
        )

    def copy(self, request):
        bucket = self.plain(self.bucket(request))
        bucket.copy_object(bucket.bucket_name, request['object'], request['to'])

    def head(self, request):
        headers = self.plain(self.bucket(request)).head_object(request['object']).headers
        return {
            'metadata': {
                name.lower()[len(META) :]: value
                for name, value in headers.items()
                if name.lower().startswith(META)
            }
        }

    def bucket(self, request):
        """One CryptoBucket for each set of master keys, as a program would keep it."""
        name = json.dumps(request['masterKeys'])
        if name not in self.buckets:
            service = self.service
            sign, options = oss2.Auth, {}
            if not WRITES_V1_HEADERS:
                sign, options = oss2.AuthV4, {'region': service['region']}
            self.buckets[name] = oss2.CryptoBucket(
                sign(service['accessKeyId'], service['accessKeySecret']),
                service['endpoint'],
                service['bucket'],
                self.provider(*request['masterKeys']),
                session=self.session,
                **options,
            )
        return self.buckets[name]

    @staticmethod
    def plain(bucket):
        """The CryptoBucket of 2.10 only puts and gets; the later one is a Bucket itself."""
        return bucket.bucket if WRITES_V1_HEADERS else bucket

    def provider(self, first, *others):
        if others or first.get('description'):
            refuse_where_v1('neither material descriptions nor a second master key')
        description, passphrase = dict(first.get('description', [])), first.get('passphrase')
        if first['kind'] == 'local-rsa':
            if description:
                raise Absent('LocalRsaProvider takes no material description.')
            provider = oss2.LocalRsaProvider(first['dir'], first['prefix'], passphrase)
        elif first['kind'] == 'rsa':
            refuse_where_v1('no RsaProvider')
            provider = oss2.RsaProvider(key_pair_of(first), mat_desc=description)
        else:
            options = {} if WRITES_V1_HEADERS else {'mat_desc': description}
            provider = oss2.AliKMSProvider(
                self.kms['accessKeyId'],
                self.kms['accessKeySecret'],
                self.kms['region'],
                first['keyId'],
                passphrase=passphrase,
                **options,
            )
            self.redirect(provider.clt if WRITES_V1_HEADERS else provider.kms_client)
        for other in others:
            provider.add_encryption_materials(materials_of(other))
        return provider

    def redirect(self, client):
        """Sends the requests of the SDK's KMS client to the laboratory's KMS."""
        client.add_endpoint(self.kms['region'], 'Kms', urlsplit(self.kms['https']).netloc)
        client.set_verify(self.kms['caFile'])


def refuse_where_v1(lack):
    if WRITES_V1_HEADERS:
        raise Absent(f'oss2 {oss2.__version__} has {lack}.')


def headers_of(request):
    return {META + name: value for name, value in request.get('metadata', {}).items()}


def key_pair_of(key):
    return {'private_key': read(key['privateKeyFile']), 'public_key': read(key['publicKeyFile'])}


def materials_of(key):
    if key['kind'] == 'local-rsa':
        raise Absent('EncryptionMaterials cannot hold the keys of a LocalRsaProvider.')
    description = dict(key['description'])
    if key['kind'] == 'rsa':
        return oss2.EncryptionMaterials(description, key_pair=key_pair_of(key))
    return oss2.EncryptionMaterials(
        description, custom_master_key_id=key['keyId'], passphrase=key.get('passphrase')
    )


def read(path):
    with open(path, encoding='ascii') as file:
        return file.read()


def main():
    lab = Lab()
    answers, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin.buffer:
        request = json.loads(line)
        try:
            answer = {'ok': getattr(lab, request['op'])(request) or {}}
        except Absent as absent:
            answer = {'absent': str(absent)}
        except Exception as error:
            answer = {'error': {'type': type(error).__name__, 'message': str(error)[:500]}}
        print(json.dumps({'id': request['id'], **answer}), file=answers, flush=True)


if __name__ == '__main__':
    main()

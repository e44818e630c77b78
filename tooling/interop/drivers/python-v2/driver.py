"""Drives alibabacloud-oss-v2, the second Python SDK."""

import base64
import json
import os
import sys
from importlib.metadata import version
from urllib.parse import urlsplit

import alibabacloud_oss_v2 as oss
from alibabacloud_dkms_transfer.kms_transfer_acs_client import KmsTransferAcsClient
from aliyunsdkkms.request.v20160120.DecryptRequest import DecryptRequest
from aliyunsdkkms.request.v20160120.EncryptRequest import EncryptRequest

CHUNK = 1024 * 1024


class Absent(Exception):
    """The SDK has no such call, or no way to say what is asked."""


class KmsCipher(oss.crypto.MasterCipher):
    """A master key in KMS as the SDK's sample encryption_kms.py makes it; the SDK has none."""

    def __init__(self, client, key_id, description):
        self.client = client
        self.key_id = key_id
        self.description = json.dumps(description) if description else ''

    def get_wrap_algorithm(self):
        return 'KMS/ALICLOUD'

    def get_mat_desc(self):
        return self.description

    def encrypt(self, data):
        request = EncryptRequest()
        request.set_KeyId(self.key_id)
        request.set_Plaintext(base64.b64encode(data))
        answer = json.loads(self.client.do_action_with_exception(request))
        return base64.b64decode(answer['CiphertextBlob'])

    def decrypt(self, data):
        request = DecryptRequest()
        request.set_CiphertextBlob(base64.b64encode(data))
        answer = json.loads(self.client.do_action_with_exception(request))
        return base64.b64decode(answer['Plaintext'])


class Lab:
    def open(self, request):
        service = request['service']
        self.bucket = service['bucket']
        self.kms = request['kms']
        self.kms_client = kms_client_of(self.kms)
        self.plain = oss.Client(
            oss.config.Config(
                endpoint=service['endpoint'],
                region=service['region'],
                credentials_provider=oss.credentials.StaticCredentialsProvider(
                    service['accessKeyId'], service['accessKeySecret']
                ),
            )
        )
        self.clients = {}
        return {
            'versions': {
                name: version(name) for name in ('alibabacloud-oss-v2', 'aliyun-python-sdk-kms')
            }
        }

    def put(self, request):
        with open(request['file'], 'rb') as file:
            self.client(request).put_object(self.put_request(request, body=file))

    def multipart(self, request):
        client, part_size = self.client(request), request['partSize']
        where = {'bucket': self.bucket, 'key': request['object']}
        size = os.path.getsize(request['file'])
        started = client.initiate_multipart_upload(
            oss.InitiateMultipartUploadRequest(
                **where,
                metadata=request.get('metadata'),
                cse_part_size=part_size,
                cse_data_size=size,
            )
        )
        where['upload_id'] = started.upload_id
        parts = []
        with open(request['file'], 'rb') as file:
            source = oss.io_utils.ReadAtReader(file)
            for number, start in enumerate(range(0, size, part_size), 1):
                part = client.upload_part(
                    oss.UploadPartRequest(
                        **where,
                        part_number=number,
                        cse_multipart_context=started.cse_multipart_context,
                        body=oss.io_utils.SectionReader(
                            source, start, min(part_size, size - start)
                        ),
                    )
                )
                parts.append(oss.UploadPart(part_number=number, etag=part.etag))
        client.complete_multipart_upload(
            oss.CompleteMultipartUploadRequest(
                **where, complete_multipart_upload=oss.CompleteMultipartUpload(parts=parts)
            )
        )

    def upload(self, request):
        uploader = oss.Uploader(self.client(request), **transfer_options(request))
        uploader.upload_file(self.put_request(request), request['file'])

    def get(self, request):
        wanted = request.get('range')
        result = self.client(request).get_object(
            oss.GetObjectRequest(
                self.bucket, request['object'], range_header=f'bytes={wanted}' if wanted else None
            )
        )
        with open(request['file'], 'wb') as file, result.body as body:
            for chunk in body.iter_bytes(block_size=CHUNK):
                file.write(chunk)

    def download(self, request):
        downloader = oss.Downloader(self.client(request), **transfer_options(request))
        downloader.download_file(
            oss.GetObjectRequest(self.bucket, request['object']), request['file']
        )

    def copy(self, request):
        """EncryptionClient has no such call; its users take the client that it wraps."""
        self.client(request).unwrap().copy_object(
            oss.CopyObjectRequest(self.bucket, request['to'], source_key=request['object'])
        )

    def head(self, request):
        result = self.client(request).head_object(
            oss.HeadObjectRequest(self.bucket, request['object'])
        )
        return {'metadata': dict(result.metadata or {})}

    def put_request(self, request, **options):
        return oss.PutObjectRequest(
            self.bucket, request['object'], metadata=request.get('metadata'), **options
        )

    def client(self, request):
        """One EncryptionClient for each set of master keys, as a program would keep it."""
        name = json.dumps(request['masterKeys'])
        if name not in self.clients:
            first, *others = [self.master_cipher(key) for key in request['masterKeys']]
            self.clients[name] = oss.EncryptionClient(self.plain, first, others)
        return self.clients[name]

    def master_cipher(self, key):
        description = dict(key.get('description', []))
        if key['kind'] == 'local-rsa':
            raise Absent('The SDK has no LocalRsaProvider.')
        if key['kind'] == 'rsa':
            return oss.crypto.MasterRsaCipher(
                description, read(key['publicKeyFile']), read(key['privateKeyFile'])
            )
        if key.get('passphrase'):
            raise Absent('The sample of a master key in KMS knows no passphrase.')
        return KmsCipher(self.kms_client, key['keyId'], description)


def kms_client_of(kms):
    """The SDK's KMS client, told to take the laboratory's KMS for the service."""
    client = KmsTransferAcsClient(
        ak=kms['accessKeyId'], secret=kms['accessKeySecret'], region_id=kms['region']
    )
    client.add_endpoint(kms['region'], 'Kms', urlsplit(kms['https']).netloc)
    client.set_verify(kms['caFile'])
    return client


def transfer_options(request):
    """The SDK cuts off the directory's last name unless a slash follows it."""
    return {
        'part_size': request['partSize'],
        'parallel_num': request['parallel'],
        'enable_checkpoint': True,
        'checkpoint_dir': os.path.join(request['checkpoints'], ''),
    }


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

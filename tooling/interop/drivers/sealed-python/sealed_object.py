"""Reads and writes sealed objects of oss-cse under an RSA key. It needs only `cryptography`."""

import base64
import hmac
import json
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

META = 'x-oss-meta-client-side-encryption-'
SEALED = 'AES256_GCM_HKDF_64KB'
SEGMENT, HEADER, TAG = 65536, 40, 16
PKCS1, OAEP = 'RSA/NONE/PKCS1Padding', 'RSA/NONE/OAEPWithSHA-1AndMGF1Padding'
PADDINGS = {
    PKCS1: padding.PKCS1v15(),
    OAEP: padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None),
}


class NotSealed(Exception):
    """The headers say that the object is not sealed. Never read it in another way instead."""


class NotAuthentic(Exception):
    """The object is not what was sealed, or not under this key and context."""


def unseal(headers, body, private_key, context=''):
    """Yields the plaintext of a whole object, each piece after it was verified.

    If it raises, the pieces before are genuine, but the end is missing: discard them, or keep
    them as incomplete. `headers` are those of the response, `body` is a binary file.
    """
    headers = {name.lower(): value for name, value in headers.items()}
    envelope = {name[len(META) :]: headers[name] for name in headers if name.startswith(META)}
    if envelope.get('cek-alg') != SEALED or 'x-oss-meta-oss-crypto-key' in headers:
        raise NotSealed(envelope.get('cek-alg'))
    if 'content-range' in headers or 'content-length' not in headers:
        raise ValueError('The response must be the whole object, and state its length.')
    stored = int(headers['content-length'])
    count = max(1, -(-stored // SEGMENT))
    length = stored - HEADER - TAG * count
    last_size = stored - SEGMENT * (count - 1)
    recorded = {'unencrypted-content-length': length, 'data-size': stored}
    if (
        (last_size < HEADER + TAG if count == 1 else last_size <= TAG)
        or count > 2**31 - 1
        or any(envelope.get(name, str(value)) != str(value) for name, value in recorded.items())
    ):
        raise NotAuthentic('No sealed object has this length.')

    paddings = {name.lower(): value for name, value in PADDINGS.items()}
    rsa_padding = paddings[envelope['wrap-alg'].lower()]
    try:
        wrapped = [base64.b64decode(envelope[name], validate=True) for name in ('key', 'start')]
        cek, iv = [private_key.decrypt(value, rsa_padding) for value in wrapped]
        if (len(cek), len(iv)) != (32, 16):
            raise ValueError
    except ValueError:
        raise NotAuthentic('Not authentic, or not under this key.') from None

    header, cipher = derive(cek, iv, context)
    if not hmac.compare_digest(exactly(body, HEADER), header):
        raise NotAuthentic('Not authentic, or not under this key.')
    for index in range(count):
        last = index == count - 1
        size = (last_size if last else SEGMENT) - (HEADER if index == 0 else 0)
        segment = exactly(body, size)
        if last and body.read(1):
            raise NotAuthentic('The body is longer than its length.')
        try:
            yield cipher.decrypt(nonce(header, index, last), segment, None)
        except InvalidTag:
            raise NotAuthentic(f'Segment {index} is not authentic.') from None


def seal(plaintext, length, public_key, context='', wrap=PKCS1, description=None):
    """Returns the headers and the body of a new object: an iterator, for one attempt to upload it.

    Call it again for another attempt: each has a new content key. `plaintext` is a binary file
    that holds `length` bytes. `description` names the key, if the readers know it by a name.
    """
    cek = secrets.token_bytes(32)
    iv = secrets.token_bytes(8) + bytes(4) + secrets.token_bytes(4)
    wrapped = [public_key.encrypt(secret, PADDINGS[wrap]) for secret in (cek, iv)]
    key, start = [base64.b64encode(value).decode() for value in wrapped]
    envelope = {
        'key': key,
        'start': start,
        'cek-alg': SEALED,
        'wrap-alg': wrap,
        'unencrypted-content-length': str(length),
    }
    if description:
        envelope['matdesc'] = json.dumps(description)
    headers = {META + name: value for name, value in envelope.items()}
    return headers, sealed_segments(plaintext, length, *derive(cek, iv, context))


def sealed_segments(plaintext, length, header, cipher):
    yield header
    index, left, size = 0, length, SEGMENT - HEADER - TAG
    while True:
        piece = exactly(plaintext, min(size, left))
        left -= len(piece)
        if left == 0 and plaintext.read(1):
            raise ValueError('There is more plaintext than was announced.')
        yield cipher.encrypt(nonce(header, index, left == 0), piece, None)
        if left == 0:
            return
        index, size = index + 1, SEGMENT - TAG


def derive(cek, iv, context):
    """Returns the header of the stored bytes, and the cipher of the segments."""
    info = context.encode()  # Raises an error for half of a surrogate pair.
    if len(info) > 1024:
        raise ValueError('A context has at most 1,024 bytes of UTF-8.')
    message = b'\0' + SEALED.encode() + b'\0' + iv + info
    salt = hmac.digest(cek, b'oss-cse sealed v1 salt' + message, 'sha256')
    prefix = hmac.digest(cek, b'oss-cse sealed v1 nonce' + message, 'sha256')[:7]
    key = HKDF(hashes.SHA256(), 32, salt, info).derive(cek)
    return b'\x28' + salt + prefix, AESGCM(key)


def nonce(header, index, last):
    return header[33:] + index.to_bytes(4, 'big') + bytes([last])


def exactly(file, size):
    """Reads so many bytes: a socket may return fewer at a time."""
    pieces = []
    while size > 0:
        piece = file.read(size)
        if not piece:
            raise EOFError('The input ended early.')
        pieces.append(piece)
        size -= len(piece)
    return b''.join(pieces)

"""Reads the content of a sealed object of oss-cse with Tink."""

import tink
from tink import secret_key_access, streaming_aead
from tink.proto import aes_gcm_hkdf_streaming_pb2, common_pb2, tink_pb2


def sealed_content(stored, cek, context=''):
    """Returns the plaintext as a binary file. `stored` is a binary file: the stored bytes."""
    key = aes_gcm_hkdf_streaming_pb2.AesGcmHkdfStreamingKey(key_value=cek)
    key.params.ciphertext_segment_size = 65536
    key.params.derived_key_size = 32
    key.params.hkdf_hash_type = common_pb2.SHA256
    data = tink_pb2.KeyData(
        type_url='type.googleapis.com/google.crypto.tink.AesGcmHkdfStreamingKey',
        value=key.SerializeToString(),
        key_material_type=tink_pb2.KeyData.SYMMETRIC,
    )
    keyset = tink_pb2.Keyset(primary_key_id=1)
    keyset.key.add(
        key_data=data, key_id=1, status=tink_pb2.ENABLED, output_prefix_type=tink_pb2.RAW
    )
    streaming_aead.register()
    handle = tink.proto_keyset_format.parse(keyset.SerializeToString(), secret_key_access.TOKEN)
    primitive = handle.primitive(streaming_aead.StreamingAead)
    return primitive.new_decrypting_stream(stored, context.encode())

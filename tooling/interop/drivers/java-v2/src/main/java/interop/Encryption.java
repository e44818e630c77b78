package interop;

import com.aliyun.sdk.service.oss2.encryption.ContentCryptoMaterial;
import com.aliyun.sdk.service.oss2.encryption.CryptoConfiguration;
import com.aliyun.sdk.service.oss2.encryption.EncryptionMaterials;
import com.aliyun.sdk.service.oss2.encryption.crypto.CryptoCipher;
import com.aliyun.sdk.service.oss2.encryption.crypto.CryptoScheme;
import com.aliyun.sdk.service.oss2.encryption.internal.CipherInputStream;
import com.aliyun.sdk.service.oss2.encryption.internal.CryptoModuleAesCtr;
import com.aliyun.sdk.service.oss2.encryption.internal.OSSDirect;
import com.aliyun.sdk.service.oss2.encryption.internal.RenewableCipherInputStream;
import java.io.InputStream;
import java.util.Map;
import javax.crypto.Cipher;

/** Opens what CryptoModuleAesCtr keeps for the subclasses that it does not have yet. */
final class Encryption extends CryptoModuleAesCtr {
    /** CryptoConfiguration.DEFAULT cannot be used: it is made before the source of randomness that it should hold. */
    Encryption(EncryptionMaterials materials) {
        super(new OSSDirect() {}, materials, new CryptoConfiguration());
    }

    /** A fresh content key and IV. */
    Sealed seal() {
        return new Sealed(createContentCryptoMaterialDefault());
    }

    InputStream decrypt(InputStream ciphertext, Map<String, String> headers, long[] range) {
        ContentCryptoMaterial material = createContentMaterialFromMetadata(headers);
        long start = range == null ? 0 : range[0];
        return new CipherInputStream(ciphertext, cipher(material, Cipher.DECRYPT_MODE, start), DEFAULT_BUFFER_SIZE);
    }

    private CryptoCipher cipher(ContentCryptoMaterial material, int mode, long start) {
        CryptoScheme scheme = CryptoScheme.fromCEKAlgo(material.getContentCryptoAlgorithm());
        byte[] iv = scheme.adjustIV(material.getIV(), start);
        return scheme.createCryptoCipher(material.getCEK(), iv, mode, cryptoConfig.getContentCryptoProvider());
    }

    final class Sealed {
        private final ContentCryptoMaterial material;

        private Sealed(ContentCryptoMaterial material) {
            this.material = material;
        }

        Map<String, String> envelope() {
            return generateCryptoMetadata(material, Map.of());
        }

        Map<String, String> envelope(long partSize, long dataSize) {
            return generateMultiPartCryptoMetadata(material, Map.of(), partSize, dataSize);
        }

        InputStream encrypt(InputStream plaintext, long start) {
            return new RenewableCipherInputStream(
                    plaintext, cipher(material, Cipher.ENCRYPT_MODE, start), DEFAULT_BUFFER_SIZE);
        }
    }
}

package interop;

import com.google.crypto.tink.subtle.AesGcmHkdfStreaming;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.SeekableByteChannel;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;

/** Reads the content of a sealed object of oss-cse with Tink. */
final class SealedContent {
    private final AesGcmHkdfStreaming cipher;
    private final byte[] context;

    SealedContent(byte[] cek, String context) throws GeneralSecurityException {
        this.cipher = new AesGcmHkdfStreaming(cek, "HmacSha256", 32, 65536, 0);
        this.context = context.getBytes(StandardCharsets.UTF_8);
    }

    InputStream stream(InputStream stored) throws GeneralSecurityException, IOException {
        return cipher.newDecryptingStream(stored, context);
    }

    SeekableByteChannel channel(SeekableByteChannel stored) throws GeneralSecurityException, IOException {
        return cipher.newSeekableDecryptingChannel(stored, context);
    }
}

package main

import (
	"io"

	"github.com/tink-crypto/tink-go/v2/streamingaead/subtle"
)

// sealedContent returns the plaintext of a sealed object of oss-cse. stored has the stored bytes.
func sealedContent(stored io.Reader, cek []byte, context string) (io.Reader, error) {
	cipher, err := subtle.NewAESGCMHKDF(cek, "SHA256", 32, 65536, 0)
	if err != nil {
		return nil, err
	}
	return cipher.NewDecryptingReader(stored, []byte(context))
}

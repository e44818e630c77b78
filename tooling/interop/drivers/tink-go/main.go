// Drives github.com/tink-crypto/tink-go/v2 on sealed objects. PROTOCOL.md says how it is spoken to.
package main

import (
	"bufio"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"runtime/debug"
	"strings"
)

const meta = "x-oss-meta-client-side-encryption-"

type request struct {
	ID                        int
	Op                        string
	MasterKeys                []struct{ PrivateKeyFile string }
	URL, File, Range, Context string
}

type answer struct {
	ID     int            `json:"id"`
	OK     map[string]any `json:"ok,omitzero"`
	Error  *failure       `json:"error,omitzero"`
	Absent absent         `json:"absent,omitzero"`
}

type failure struct {
	Type    string `json:"type"`
	Message string `json:"message"`
}

// absent is the error of a request that Tink has no call for.
type absent string

func (a absent) Error() string { return string(a) }

func versions() map[string]any {
	info, _ := debug.ReadBuildInfo()
	for _, module := range info.Deps {
		if module.Path == "github.com/tink-crypto/tink-go/v2" {
			return map[string]any{"tink-go": strings.TrimPrefix(module.Version, "v")}
		}
	}
	return nil
}

func do(r request) (map[string]any, error) {
	switch {
	case r.Op == "open":
		return map[string]any{"versions": versions()}, nil
	case r.Op != "get":
		return nil, absent("Tink has no such call.")
	case r.Range != "":
		return nil, absent("Tink for Go reads from the start.")
	}
	return map[string]any{}, get(r)
}

func get(r request) error {
	response, err := http.Get(r.URL)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", response.StatusCode)
	}
	if algorithm := response.Header.Get(meta + "cek-alg"); algorithm != "AES256_GCM_HKDF_64KB" {
		return fmt.Errorf("not a sealed object: %s", algorithm)
	}
	cek, err := unwrap(r.MasterKeys[0].PrivateKeyFile, response.Header.Get(meta+"key"))
	if err != nil {
		return err
	}
	content, err := sealedContent(response.Body, cek, r.Context)
	if err != nil {
		return err
	}
	file, err := os.Create(r.File)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = io.Copy(file, content)
	return err
}

func unwrap(privateKeyFile, wrapped string) ([]byte, error) {
	text, err := os.ReadFile(privateKeyFile)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	bytes, err := base64.StdEncoding.DecodeString(wrapped)
	if err != nil {
		return nil, err
	}
	return rsa.DecryptPKCS1v15(nil, key.(*rsa.PrivateKey), bytes)
}

func main() {
	requests := bufio.NewScanner(os.Stdin)
	requests.Buffer(nil, 1<<20)
	answers := json.NewEncoder(os.Stdout)
	for requests.Scan() {
		var r request
		if err := json.Unmarshal(requests.Bytes(), &r); err != nil {
			log.Fatal(err)
		}
		done, err := do(r)
		reply := answer{ID: r.ID}
		switch why := err.(type) {
		case nil:
			reply.OK = done
		case absent:
			reply.Absent = why
		default:
			reply.Error = &failure{Type: fmt.Sprintf("%T", err), Message: err.Error()}
		}
		if err := answers.Encode(reply); err != nil {
			log.Fatal(err)
		}
	}
}

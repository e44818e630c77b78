// Drives github.com/aliyun/aliyun-oss-go-sdk. PROTOCOL.md says how it is spoken to.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"net/http"
	"os"
	"runtime/debug"
	"strings"

	"github.com/aliyun/alibaba-cloud-sdk-go/services/kms"
	"github.com/aliyun/aliyun-oss-go-sdk/oss"
	osscrypto "github.com/aliyun/aliyun-oss-go-sdk/oss/crypto"
)

type request struct {
	ID      int
	Op      string
	Service struct {
		Endpoint, Region, Bucket, AccessKeyID, AccessKeySecret string
	}
	KMS struct {
		HTTPS, CAFile, Region, AccessKeyID, AccessKeySecret string
	}
	MasterKeys              []masterKey
	Object, To, File, Range string
	PartSize                int64
	Metadata                map[string]string
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

// absent is the error of a request that the SDK has no call for.
type absent string

func (a absent) Error() string { return string(a) }

type panicked struct{ reason any }

func (p panicked) Error() string { return fmt.Sprint(p.reason) }

type masterKey struct {
	Kind, PrivateKeyFile, PublicKeyFile, KeyID, Passphrase string
	Description                                            [][2]string
}

func (k masterKey) matDesc() map[string]string {
	desc := make(map[string]string)
	for _, pair := range k.Description {
		desc[pair[0]] = pair[1]
	}
	return desc
}

// secrets are what MasterCipherManager calls a master key: the two halves of an RSA pair, or the ID of a KMS key.
func (k masterKey) secrets() ([]string, error) {
	if k.Kind == "kms" {
		return []string{k.KeyID}, nil
	}
	publicKey, err := os.ReadFile(k.PublicKeyFile)
	if err != nil {
		return nil, err
	}
	privateKey, err := os.ReadFile(k.PrivateKeyFile)
	if err != nil {
		return nil, err
	}
	return []string{string(publicKey), string(privateKey)}, nil
}

// keyring is the MasterCipherManager of a bucket with several master keys.
type keyring []masterKey

func (r keyring) GetMasterKey(matDesc map[string]string) ([]string, error) {
	for _, key := range r {
		if maps.Equal(key.matDesc(), matDesc) {
			return key.secrets()
		}
	}
	return nil, fmt.Errorf("no master key for %v", matDesc)
}

type driver struct {
	client *oss.Client
	bucket string
	kms    *kms.Client
}

func (d *driver) open(r request) (map[string]any, error) {
	s := r.Service
	client, err := oss.New(s.Endpoint, s.AccessKeyID, s.AccessKeySecret, oss.Region(s.Region), oss.AuthVersion(oss.AuthV4))
	if err != nil {
		return nil, err
	}
	ca, err := os.ReadFile(r.KMS.CAFile)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	kmsClient, err := kms.NewClientWithAccessKey(r.KMS.Region, r.KMS.AccessKeyID, r.KMS.AccessKeySecret)
	if err != nil {
		return nil, err
	}
	kmsClient.Domain = strings.TrimPrefix(r.KMS.HTTPS, "https://")
	kmsClient.SetTransport(&http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}})
	d.client, d.bucket, d.kms = client, s.Bucket, kmsClient
	return map[string]any{"versions": versions()}, nil
}

func versions() map[string]string {
	found := make(map[string]string)
	info, _ := debug.ReadBuildInfo()
	for _, module := range info.Deps {
		if name, ok := strings.CutPrefix(module.Path, "github.com/aliyun/"); ok {
			found[name] = strings.TrimPrefix(module.Version, "v")
		}
	}
	return found
}

func (d *driver) cryptoBucket(keys []masterKey) (*osscrypto.CryptoBucket, error) {
	for _, key := range keys {
		if key.Kind != "rsa" && key.Kind != "kms" {
			return nil, absent("The SDK has no master key in a directory of its own.")
		}
		if key.Passphrase != "" {
			return nil, absent("The SDK does not give KMS an encryption context.")
		}
	}
	first := keys[0]
	secrets, err := first.secrets()
	if err != nil {
		return nil, err
	}
	var master osscrypto.MasterCipher
	if first.Kind == "kms" {
		master, err = osscrypto.CreateMasterAliKms(first.matDesc(), secrets[0], d.kms)
	} else {
		master, err = osscrypto.CreateMasterRsa(first.matDesc(), secrets[0], secrets[1])
	}
	if err != nil {
		return nil, err
	}
	options := []osscrypto.CryptoBucketOption{osscrypto.SetAliKmsClient(d.kms)}
	if len(keys) > 1 {
		options = append(options, osscrypto.SetMasterCipherManager(keyring(keys)))
	}
	return osscrypto.GetCryptoBucket(d.client, d.bucket, osscrypto.CreateAesCtrCipher(master), options...)
}

func (d *driver) do(r request) (done map[string]any, err error) {
	defer func() {
		if reason := recover(); reason != nil {
			err = panicked{reason}
		}
	}()
	if r.Op == "open" {
		return d.open(r)
	}
	bucket, err := d.cryptoBucket(r.MasterKeys)
	if err != nil {
		return nil, err
	}
	var options []oss.Option
	for name, value := range r.Metadata {
		options = append(options, oss.Meta(name, value))
	}
	done = make(map[string]any)
	switch r.Op {
	case "put":
		var file *os.File
		if file, err = os.Open(r.File); err != nil {
			return nil, err
		}
		defer file.Close()
		err = bucket.PutObject(r.Object, file, options...)
	case "multipart":
		err = multipart(bucket, r, options)
	case "get":
		if r.Range != "" {
			options = append(options, oss.NormalizedRange(r.Range))
		}
		err = getObject(bucket, r, options)
	case "copy":
		_, err = bucket.CopyObject(r.Object, r.To)
	case "head":
		var header http.Header
		header, err = bucket.GetObjectDetailedMeta(r.Object)
		metadata := make(map[string]string)
		for name := range header {
			if key, ok := strings.CutPrefix(strings.ToLower(name), "x-oss-meta-"); ok {
				metadata[key] = header.Get(name)
			}
		}
		done["metadata"] = metadata
	case "upload":
		err = absent("CryptoBucket refuses UploadFile.")
	case "download":
		err = absent("CryptoBucket refuses DownloadFile.")
	default:
		err = absent(fmt.Sprintf("The driver has no operation %s.", r.Op))
	}
	return done, err
}

func getObject(bucket *osscrypto.CryptoBucket, r request, options []oss.Option) error {
	body, err := bucket.GetObject(r.Object, options...)
	if err != nil {
		return err
	}
	defer body.Close()
	file, err := os.Create(r.File)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = io.Copy(file, body)
	return err
}

func multipart(bucket *osscrypto.CryptoBucket, r request, options []oss.Option) error {
	info, err := os.Stat(r.File)
	if err != nil {
		return err
	}
	context := osscrypto.PartCryptoContext{DataSize: info.Size(), PartSize: r.PartSize}
	upload, err := bucket.InitiateMultipartUpload(r.Object, &context, options...)
	if err != nil {
		return err
	}
	chunks, err := oss.SplitFileByPartSize(r.File, r.PartSize)
	if err != nil {
		return err
	}
	var parts []oss.UploadPart
	for _, chunk := range chunks {
		part, err := bucket.UploadPartFromFile(upload, r.File, chunk.Offset, chunk.Size, chunk.Number, context)
		if err != nil {
			return err
		}
		parts = append(parts, part)
	}
	_, err = bucket.CompleteMultipartUpload(upload, parts)
	return err
}

func newAnswer(id int, done map[string]any, err error) answer {
	if err == nil {
		return answer{ID: id, OK: done}
	}
	if why, ok := errors.AsType[absent](err); ok {
		return answer{ID: id, Absent: why}
	}
	kind := fmt.Sprintf("%T", err)
	if _, ok := errors.AsType[panicked](err); ok {
		kind = "panic"
	}
	message := []rune(err.Error())
	return answer{ID: id, Error: &failure{kind, string(message[:min(len(message), 500)])}}
}

func main() {
	var d driver
	requests, answers := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		var r request
		err := requests.Decode(&r)
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			log.Fatal(err)
		}
		done, err := d.do(r)
		if err := answers.Encode(newAnswer(r.ID, done, err)); err != nil {
			log.Fatal(err)
		}
	}
}

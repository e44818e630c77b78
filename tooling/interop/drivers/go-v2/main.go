// Drives github.com/aliyun/alibabacloud-oss-go-sdk-v2. PROTOCOL.md says how it is spoken to.
package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/aliyun/alibaba-cloud-sdk-go/services/kms"
	kmssdk "github.com/aliyun/alibabacloud-dkms-transfer-go-sdk/sdk"
	"github.com/aliyun/alibabacloud-oss-go-sdk-v2/oss"
	"github.com/aliyun/alibabacloud-oss-go-sdk-v2/oss/credentials"
	osscrypto "github.com/aliyun/alibabacloud-oss-go-sdk-v2/oss/crypto"
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
	MasterKeys                                 []masterKey
	Object, To, File, Range, Checkpoints, Call string
	PartSize                                   int64
	Parallel, Count                            int
	Metadata                                   map[string]string
}

type masterKey struct {
	Kind, PrivateKeyFile, PublicKeyFile, KeyID, Passphrase string
	Description                                            [][2]string
	UnwrapCache                                            bool
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

// kmsCipher is the custom master key of the SDK's sample/crypto/kms.go.
type kmsCipher struct {
	matDesc string
	keyID   string
	client  *kmssdk.KmsTransferClient
}

func (c kmsCipher) GetWrapAlgorithm() string { return osscrypto.KmsAliCryptoWrap }

func (c kmsCipher) GetMatDesc() string { return c.matDesc }

func (c kmsCipher) Encrypt(plainData []byte) ([]byte, error) {
	request := kms.CreateEncryptRequest()
	request.RpcRequest.Scheme = "https"
	request.RpcRequest.Method = "POST"
	request.RpcRequest.AcceptFormat = "json"
	request.KeyId = c.keyID
	request.Plaintext = base64.StdEncoding.EncodeToString(plainData)
	response, err := c.client.Encrypt(request)
	if err != nil {
		return nil, err
	}
	return base64.StdEncoding.DecodeString(response.CiphertextBlob)
}

func (c kmsCipher) Decrypt(cryptoData []byte) ([]byte, error) {
	request := kms.CreateDecryptRequest()
	request.RpcRequest.Scheme = "https"
	request.RpcRequest.Method = "POST"
	request.RpcRequest.AcceptFormat = "json"
	request.CiphertextBlob = base64.StdEncoding.EncodeToString(cryptoData)
	response, err := c.client.Decrypt(request)
	if err != nil {
		return nil, err
	}
	return base64.StdEncoding.DecodeString(response.Plaintext)
}

type driver struct {
	client *oss.Client
	bucket string
	kms    *kmssdk.KmsTransferClient
}

func (d *driver) open(r request) (map[string]any, error) {
	s := r.Service
	d.client = oss.NewClient(oss.LoadDefaultConfig().
		WithCredentialsProvider(credentials.NewStaticCredentialsProvider(s.AccessKeyID, s.AccessKeySecret)).
		WithRegion(s.Region).
		WithEndpoint(s.Endpoint))
	d.bucket = s.Bucket
	ca, err := os.ReadFile(r.KMS.CAFile)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	d.kms, err = kmssdk.NewClientWithAccessKey(r.KMS.Region, r.KMS.AccessKeyID, r.KMS.AccessKeySecret, nil)
	if err != nil {
		return nil, err
	}
	d.kms.Domain = strings.TrimPrefix(r.KMS.HTTPS, "https://")
	d.kms.SetTransport(&http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}})
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

func (d *driver) masterCipher(key masterKey) (osscrypto.MasterCipher, error) {
	if key.UnwrapCache {
		return nil, absent("The SDK keeps no unwrapped keys.")
	}
	desc := make(map[string]string)
	for _, pair := range key.Description {
		desc[pair[0]] = pair[1]
	}
	switch key.Kind {
	case "rsa":
		publicKey, err := os.ReadFile(key.PublicKeyFile)
		if err != nil {
			return nil, err
		}
		privateKey, err := os.ReadFile(key.PrivateKeyFile)
		if err != nil {
			return nil, err
		}
		return osscrypto.CreateMasterRsa(desc, string(publicKey), string(privateKey))
	case "kms":
		if key.Passphrase != "" {
			return nil, absent("The SDK's sample of a KMS master key has no encryption context.")
		}
		cipher := kmsCipher{keyID: key.KeyID, client: d.kms}
		if len(desc) > 0 {
			matDesc, err := json.Marshal(desc)
			if err != nil {
				return nil, err
			}
			cipher.matDesc = string(matDesc)
		}
		return cipher, nil
	}
	return nil, absent("The SDK has no master key in a directory of its own.")
}

func (d *driver) encryptionClient(keys []masterKey) (*oss.EncryptionClient, error) {
	var ciphers []osscrypto.MasterCipher
	for _, key := range keys {
		cipher, err := d.masterCipher(key)
		if err != nil {
			return nil, err
		}
		ciphers = append(ciphers, cipher)
	}
	return oss.NewEncryptionClient(d.client, ciphers[0], func(o *oss.EncryptionClientOptions) {
		o.MasterCiphers = ciphers[1:]
	})
}

func (d *driver) do(ctx context.Context, r request) (done map[string]any, err error) {
	defer func() {
		if reason := recover(); reason != nil {
			err = panicked{reason}
		}
	}()
	if r.Op == "open" {
		return d.open(r)
	}
	client, err := d.encryptionClient(r.MasterKeys)
	if err != nil {
		return nil, err
	}
	bucket, object := oss.Ptr(d.bucket), oss.Ptr(r.Object)
	done = make(map[string]any)
	switch r.Op {
	case "put":
		var file *os.File
		if file, err = os.Open(r.File); err != nil {
			return nil, err
		}
		defer file.Close()
		put := &oss.PutObjectRequest{Bucket: bucket, Key: object, Metadata: r.Metadata, Body: file}
		_, err = client.PutObject(ctx, put)
	case "multipart":
		err = multipart(ctx, client, d.bucket, r)
	case "upload":
		uploader := client.NewUploader(func(o *oss.UploaderOptions) {
			o.PartSize, o.ParallelNum = r.PartSize, r.Parallel
			o.EnableCheckpoint, o.CheckpointDir = true, asDirectory(r.Checkpoints)
		})
		_, err = uploader.UploadFile(ctx, &oss.PutObjectRequest{Bucket: bucket, Key: object, Metadata: r.Metadata}, r.File)
	case "get":
		get := &oss.GetObjectRequest{Bucket: bucket, Key: object}
		if r.Range != "" {
			get.Range = oss.Ptr("bytes=" + r.Range)
		}
		err = getToFile(ctx, client, get, r.File)
	case "download":
		downloader := client.NewDownloader(func(o *oss.DownloaderOptions) {
			o.PartSize, o.ParallelNum = r.PartSize, r.Parallel
			o.EnableCheckpoint, o.CheckpointDir = true, asDirectory(r.Checkpoints)
		})
		_, err = downloader.DownloadFile(ctx, &oss.GetObjectRequest{Bucket: bucket, Key: object}, r.File)
	case "loop":
		err = loop(ctx, client, d.bucket, r)
	case "copy": // which EncryptionClient leaves to the client inside it
		copied := &oss.CopyObjectRequest{Bucket: bucket, Key: oss.Ptr(r.To), SourceKey: object}
		_, err = client.Unwrap().CopyObject(ctx, copied)
	case "head":
		var result *oss.HeadObjectResult
		if result, err = client.HeadObject(ctx, &oss.HeadObjectRequest{Bucket: bucket, Key: object}); err == nil {
			done["metadata"] = result.Metadata
		}
	default:
		err = absent(fmt.Sprintf("The driver has no operation %s.", r.Op))
	}
	return done, err
}

// asDirectory ends a path with a separator, as the SDK's guide does: CheckpointDir is cut off at its last one.
func asDirectory(path string) string {
	return filepath.Clean(path) + string(filepath.Separator)
}

func getToFile(ctx context.Context, client *oss.EncryptionClient, get *oss.GetObjectRequest, path string) error {
	result, err := client.GetObject(ctx, get)
	if err != nil {
		return err
	}
	defer result.Body.Close()
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err := io.Copy(file, result.Body); err != nil {
		return err
	}
	return file.Close()
}

func multipart(ctx context.Context, client *oss.EncryptionClient, bucketName string, r request) error {
	file, err := os.Open(r.File)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	bucket, object, size := oss.Ptr(bucketName), oss.Ptr(r.Object), info.Size()
	upload, err := client.InitiateMultipartUpload(ctx, &oss.InitiateMultipartUploadRequest{
		Bucket: bucket, Key: object, Metadata: r.Metadata,
		CSEPartSize: oss.Ptr(r.PartSize), CSEDataSize: oss.Ptr(size),
	})
	if err != nil {
		return err
	}
	var parts []oss.UploadPart
	for offset := int64(0); offset < size; offset += r.PartSize {
		number := int32(len(parts) + 1)
		part, err := client.UploadPart(ctx, &oss.UploadPartRequest{
			Bucket: bucket, Key: object, UploadId: upload.UploadId, PartNumber: number,
			Body:                io.NewSectionReader(file, offset, min(r.PartSize, size-offset)),
			CSEMultiPartContext: upload.CSEMultiPartContext,
		})
		if err != nil {
			return err
		}
		parts = append(parts, oss.UploadPart{PartNumber: number, ETag: part.ETag})
	}
	_, err = client.CompleteMultipartUpload(ctx, &oss.CompleteMultipartUploadRequest{
		Bucket: bucket, Key: object, UploadId: upload.UploadId,
		CompleteMultipartUpload: &oss.CompleteMultipartUpload{Parts: parts},
	})
	return err
}

// loop repeats one call, with the client and the connections that it has.
func loop(ctx context.Context, client *oss.EncryptionClient, bucketName string, r request) error {
	bucket, object := oss.Ptr(bucketName), oss.Ptr(r.Object)
	var call func() error
	var last atomic.Value
	switch r.Call {
	case "put":
		content, err := os.ReadFile(r.File)
		if err != nil {
			return err
		}
		call = func() error {
			_, err := client.PutObject(ctx, &oss.PutObjectRequest{Bucket: bucket, Key: object, Body: bytes.NewReader(content)})
			return err
		}
	case "get":
		call = func() error {
			result, err := client.GetObject(ctx, &oss.GetObjectRequest{Bucket: bucket, Key: object})
			if err != nil {
				return err
			}
			defer result.Body.Close()
			content, err := io.ReadAll(result.Body)
			last.Store(content)
			return err
		}
	default:
		return absent(fmt.Sprintf("The driver does not repeat %s.", r.Call))
	}
	var left atomic.Int64
	left.Store(int64(r.Count))
	errs := make([]error, r.Parallel)
	var workers sync.WaitGroup
	for worker := range r.Parallel {
		workers.Go(func() {
			for errs[worker] == nil && left.Add(-1) >= 0 {
				errs[worker] = call()
			}
		})
	}
	workers.Wait()
	if err := errors.Join(errs...); err != nil || r.Call == "put" {
		return err
	}
	return os.WriteFile(r.File, last.Load().([]byte), 0o600)
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
		done, err := d.do(context.Background(), r)
		if err := answers.Encode(newAnswer(r.ID, done, err)); err != nil {
			log.Fatal(err)
		}
	}
}

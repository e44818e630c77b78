package interop;

import com.aliyun.sdk.service.oss2.OSSClient;
import com.aliyun.sdk.service.oss2.credentials.StaticCredentialsProvider;
import com.aliyun.sdk.service.oss2.encryption.SimpleRSAEncryptionMaterials;
import com.aliyun.sdk.service.oss2.encryption.internal.CryptoUtils;
import com.aliyun.sdk.service.oss2.models.CompleteMultipartUpload;
import com.aliyun.sdk.service.oss2.models.CompleteMultipartUploadRequest;
import com.aliyun.sdk.service.oss2.models.CopyObjectRequest;
import com.aliyun.sdk.service.oss2.models.GetObjectRequest;
import com.aliyun.sdk.service.oss2.models.GetObjectResult;
import com.aliyun.sdk.service.oss2.models.HeadObjectRequest;
import com.aliyun.sdk.service.oss2.models.InitiateMultipartUploadRequest;
import com.aliyun.sdk.service.oss2.models.Part;
import com.aliyun.sdk.service.oss2.models.PutObjectRequest;
import com.aliyun.sdk.service.oss2.models.UploadPartRequest;
import com.aliyun.sdk.service.oss2.transport.BinaryData;
import com.aliyun.sdk.service.oss2.utils.VersionInfoUtils;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Drives the Java SDK V2 (alibabacloud-oss-v2). PROTOCOL.md says what is asked and how it is answered.
 *
 * <p>The SDK publishes the parts of an encryption client but no client. Keys, envelopes, ciphers and the arithmetic of
 * ranges here are the SDK's; only the order in which they are called is this driver's.
 */
public final class Driver {
    private static final ObjectMapper JSON = new ObjectMapper();

    private OSSClient client;
    private String bucket;

    public static void main(String[] args) throws Exception {
        PrintStream answers = new PrintStream(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8);
        System.setOut(System.err);
        Driver driver = new Driver();
        BufferedReader requests = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = requests.readLine(); line != null; line = requests.readLine()) {
            answers.println(driver.answer(JSON.readTree(line)));
        }
        System.exit(0);
    }

    private JsonNode answer(JsonNode request) {
        ObjectNode answer = JSON.createObjectNode();
        answer.set("id", request.get("id"));
        try {
            answer.set("ok", JSON.valueToTree(perform(request)));
        } catch (Absent absent) {
            answer.put("absent", absent.getMessage());
        } catch (Throwable failure) {
            failure.printStackTrace();
            String message = explain(failure);
            answer.putObject("error")
                    .put("type", failure.getClass().getSimpleName())
                    .put("message", message.substring(0, Math.min(message.length(), 500)));
        }
        return answer;
    }

    private Map<String, ?> perform(JsonNode request) throws Exception {
        String op = text(request, "op");
        if (op.equals("open")) return open(request.get("service"));
        Encryption encryption = new Encryption(materials(request.get("masterKeys")));
        String object = text(request, "object");
        switch (op) {
            case "put" -> put(encryption, request);
            case "multipart" -> multipart(encryption, request);
            case "get" -> get(encryption, request);
            case "copy" -> client.copyObject(CopyObjectRequest.newBuilder()
                    .bucket(bucket).sourceKey(object).key(text(request, "to")).build());
            case "head" -> {
                return Map.of("metadata", client.headObject(
                        HeadObjectRequest.newBuilder().bucket(bucket).key(object).build()).metadata());
            }
            case "upload" -> throw new Absent("The SDK has no encryption client that its Uploader could use.");
            case "download" -> throw new Absent("The SDK has no encryption client that its Downloader could use.");
            default -> throw new Absent("This driver knows no \"" + op + "\".");
        }
        return Map.of();
    }

    private Map<String, ?> open(JsonNode service) {
        bucket = text(service, "bucket");
        client = OSSClient.newBuilder()
                .endpoint(text(service, "endpoint"))
                .region(text(service, "region"))
                .usePathStyle(true)
                .credentialsProvider(new StaticCredentialsProvider(
                        text(service, "accessKeyId"), text(service, "accessKeySecret")))
                .build();
        return Map.of("versions", Map.of("alibabacloud-oss-v2", VersionInfoUtils.getVersion()));
    }

    private static SimpleRSAEncryptionMaterials materials(JsonNode masterKeys) throws Exception {
        SimpleRSAEncryptionMaterials materials = null;
        for (JsonNode key : masterKeys) {
            if (!text(key, "kind").equals("rsa")) throw new Absent("The SDK has RSA materials only.");
            if (materials == null) materials = new SimpleRSAEncryptionMaterials(keyPair(key), description(key));
            else materials.addKeyPairDescMaterial(keyPair(key), description(key));
        }
        return materials;
    }

    private void put(Encryption encryption, JsonNode request) throws Exception {
        Path file = file(request);
        Encryption.Sealed sealed = encryption.seal();
        Map<String, String> metadata = metadata(request);
        metadata.putAll(sealed.envelope());
        try (InputStream in = sealed.encrypt(Files.newInputStream(file), 0)) {
            client.putObject(PutObjectRequest.newBuilder()
                    .bucket(bucket).key(text(request, "object")).metadata(metadata)
                    .body(BinaryData.fromStream(in, Files.size(file))).build());
        }
    }

    private void multipart(Encryption encryption, JsonNode request) throws Exception {
        Path file = file(request);
        String object = text(request, "object");
        long partSize = request.get("partSize").asLong();
        Encryption.Sealed sealed = encryption.seal();
        Map<String, String> metadata = metadata(request);
        metadata.putAll(sealed.envelope(partSize, Files.size(file)));
        String uploadId = client.initiateMultipartUpload(InitiateMultipartUploadRequest.newBuilder()
                .bucket(bucket).key(object).metadata(metadata).build()).initiateMultipartUpload().uploadId();
        List<Part> parts = new ArrayList<>();
        for (long start = 0; start < Files.size(file); start += partSize) {
            FileInputStream plaintext = new FileInputStream(file.toFile());
            plaintext.skipNBytes(start);
            long number = parts.size() + 1;
            long size = Math.min(partSize, Files.size(file) - start);
            try (InputStream in = sealed.encrypt(plaintext, start)) {
                String eTag = client.uploadPart(UploadPartRequest.newBuilder()
                        .bucket(bucket).key(object).uploadId(uploadId).partNumber(number)
                        .body(BinaryData.fromStream(in, size)).build()).eTag();
                parts.add(Part.newBuilder().partNumber(number).eTag(eTag).build());
            }
        }
        client.completeMultipartUpload(CompleteMultipartUploadRequest.newBuilder()
                .bucket(bucket).key(object).uploadId(uploadId)
                .completeMultipartUpload(CompleteMultipartUpload.newBuilder().parts(parts).build()).build());
    }

    private void get(Encryption encryption, JsonNode request) throws Exception {
        long[] asked = request.has("range") ? CryptoUtils.parseRange("bytes=" + text(request, "range")) : null;
        if (asked != null && asked[0] < 0) throw new Absent("The SDK's CryptoUtils cannot align a suffix range.");
        long[] aligned = CryptoUtils.calcCryptoRange(asked);
        GetObjectRequest.Builder get = GetObjectRequest.newBuilder().bucket(bucket).key(text(request, "object"));
        if (aligned != null) get.range(CryptoUtils.toRangeString(aligned));
        try (GetObjectResult result = client.getObject(get.build());
                FileOutputStream out = new FileOutputStream(file(request).toFile())) {
            InputStream content = CryptoUtils.hasEncryptionInfo(result.headers())
                    ? encryption.decrypt(result.body(), result.headers(), aligned)
                    : result.body();
            if (asked != null) content.skipNBytes(asked[0] - aligned[0]);
            content.transferTo(out);
        }
    }

    private static Map<String, String> metadata(JsonNode request) {
        Map<String, String> metadata = new LinkedHashMap<>();
        request.path("metadata").fields()
                .forEachRemaining((entry) -> metadata.put(entry.getKey(), entry.getValue().asText()));
        return metadata;
    }

    private static KeyPair keyPair(JsonNode key) throws Exception {
        return new KeyPair(
                SimpleRSAEncryptionMaterials.getPublicKeyFromPemX509(pem(key, "publicKeyFile")),
                SimpleRSAEncryptionMaterials.getPrivateKeyFromPemPKCS8(pem(key, "privateKeyFile")));
    }

    private static String pem(JsonNode key, String name) throws IOException {
        return Files.readString(Path.of(text(key, name)));
    }

    private static Map<String, String> description(JsonNode key) {
        Map<String, String> description = new LinkedHashMap<>();
        key.get("description").forEach((pair) -> description.put(pair.get(0).asText(), pair.get(1).asText()));
        return description;
    }

    private static String explain(Throwable failure) {
        String message = String.valueOf(failure.getMessage());
        return failure.getCause() == null ? message : message + "\nCaused by: " + explain(failure.getCause());
    }

    private static Path file(JsonNode request) {
        return Path.of(text(request, "file"));
    }

    private static String text(JsonNode from, String name) {
        return from.get(name).asText();
    }

    private static final class Absent extends Exception {
        Absent(String why) {
            super(why);
        }
    }
}

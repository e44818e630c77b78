package interop;

import com.aliyun.oss.ClientBuilderConfiguration;
import com.aliyun.oss.OSSEncryptionClient;
import com.aliyun.oss.OSSEncryptionClientBuilder;
import com.aliyun.oss.common.auth.DefaultCredentialProvider;
import com.aliyun.oss.common.comm.SignVersion;
import com.aliyun.oss.common.utils.VersionInfoUtils;
import com.aliyun.oss.crypto.EncryptionMaterials;
import com.aliyun.oss.crypto.KmsEncryptionMaterials;
import com.aliyun.oss.crypto.MultipartUploadCryptoContext;
import com.aliyun.oss.crypto.SimpleRSAEncryptionMaterials;
import com.aliyun.oss.model.CompleteMultipartUploadRequest;
import com.aliyun.oss.model.DownloadFileRequest;
import com.aliyun.oss.model.GetObjectRequest;
import com.aliyun.oss.model.InitiateMultipartUploadRequest;
import com.aliyun.oss.model.ObjectMetadata;
import com.aliyun.oss.model.PartETag;
import com.aliyun.oss.model.PutObjectRequest;
import com.aliyun.oss.model.UploadFileRequest;
import com.aliyun.oss.model.UploadPartRequest;
import com.aliyuncs.profile.DefaultProfile;
import com.google.gson.Gson;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.BufferedReader;
import java.io.File;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Drives the Java SDK (aliyun-sdk-oss). PROTOCOL.md says what is asked and how it is answered. */
public final class Driver {
    private final Map<String, OSSEncryptionClient> clients = new HashMap<>();
    private JsonObject service;
    private JsonObject kms;
    private String bucket;

    public static void main(String[] args) throws Exception {
        PrintStream answers = new PrintStream(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8);
        System.setOut(System.err);
        Driver driver = new Driver();
        BufferedReader requests = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = requests.readLine(); line != null; line = requests.readLine()) {
            answers.println(driver.answer(JsonParser.parseString(line).getAsJsonObject()));
        }
        System.exit(0);
    }

    private JsonObject answer(JsonObject request) {
        JsonObject answer = new JsonObject();
        answer.add("id", request.get("id"));
        try {
            answer.add("ok", new Gson().toJsonTree(perform(request)));
        } catch (Absent absent) {
            answer.addProperty("absent", absent.getMessage());
        } catch (Throwable failure) {
            failure.printStackTrace();
            String message = explain(failure);
            answer.add("error", new Gson().toJsonTree(Map.of(
                    "type", failure.getClass().getSimpleName(),
                    "message", message.substring(0, Math.min(message.length(), 500)))));
        }
        return answer;
    }

    private Map<String, ?> perform(JsonObject request) throws Throwable {
        String op = text(request, "op");
        if (op.equals("open")) return open(request);
        OSSEncryptionClient client = client(request.getAsJsonArray("masterKeys"));
        String object = text(request, "object");
        switch (op) {
            case "put" -> client.putObject(new PutObjectRequest(bucket, object, file(request), metadata(request)));
            case "multipart" -> multipart(client, request);
            case "upload" -> upload(client, request);
            case "get" -> get(client, request);
            case "download" -> client.downloadFile(new DownloadFileRequest(bucket, object, text(request, "file"),
                    request.get("partSize").getAsLong(), request.get("parallel").getAsInt(), true,
                    checkpoint(request, ".dcp")));
            case "copy" -> client.copyObject(bucket, object, bucket, text(request, "to"));
            case "head" -> {
                return Map.of("metadata", client.getObjectMetadata(bucket, object).getUserMetadata());
            }
            default -> throw new Absent("This driver knows no \"" + op + "\".");
        }
        return Map.of();
    }

    private Map<String, ?> open(JsonObject request) throws Exception {
        service = request.getAsJsonObject("service");
        kms = request.getAsJsonObject("kms");
        bucket = text(service, "bucket");
        DefaultProfile.addEndpoint(text(kms, "region"), "Kms", URI.create(text(kms, "https")).getAuthority());
        trust(Path.of(text(kms, "caFile")));
        return Map.of("versions", Map.of("aliyun-sdk-oss", VersionInfoUtils.getVersion()));
    }

    /** The SDK's KMS client takes nothing but HTTPS, and the certificates that the virtual machine trusts. */
    private static void trust(Path certificate) throws Exception {
        KeyStore trusted = KeyStore.getInstance("PKCS12");
        trusted.load(null, null);
        try (var in = Files.newInputStream(certificate)) {
            trusted.setCertificateEntry("kms", CertificateFactory.getInstance("X.509").generateCertificate(in));
        }
        File store = File.createTempFile("interop", ".p12");
        store.deleteOnExit();
        try (var out = new FileOutputStream(store)) {
            trusted.store(out, "public".toCharArray());
        }
        System.setProperty("javax.net.ssl.trustStore", store.getPath());
        System.setProperty("javax.net.ssl.trustStorePassword", "public");
        System.setProperty("javax.net.ssl.trustStoreType", "PKCS12");
    }

    private OSSEncryptionClient client(Iterable<JsonElement> masterKeys) throws Exception {
        OSSEncryptionClient known = clients.get(masterKeys.toString());
        if (known != null) return known;
        ClientBuilderConfiguration configuration = new ClientBuilderConfiguration();
        configuration.setSignatureVersion(SignVersion.V4);
        OSSEncryptionClient client = new OSSEncryptionClientBuilder().build(text(service, "endpoint"),
                credentials(service), materials(masterKeys), configuration);
        client.setRegion(text(service, "region"));
        clients.put(masterKeys.toString(), client);
        return client;
    }

    private EncryptionMaterials materials(Iterable<JsonElement> masterKeys) throws Exception {
        SimpleRSAEncryptionMaterials rsa = null;
        EncryptionMaterials kmsMaterials = null;
        for (JsonElement element : masterKeys) {
            JsonObject key = element.getAsJsonObject();
            switch (text(key, "kind")) {
                case "rsa" -> {
                    if (rsa == null) rsa = new SimpleRSAEncryptionMaterials(keyPair(key), description(key));
                    else rsa.addKeyPairDescMaterial(keyPair(key), description(key));
                }
                case "kms" -> kmsMaterials = withKms(kmsMaterials, key);
                default -> throw new Absent("The SDK has RSA and KMS materials only.");
            }
        }
        if (rsa != null && kmsMaterials != null) {
            throw new Absent("A client of the SDK takes RSA materials or KMS materials, not both.");
        }
        return rsa != null ? rsa : kmsMaterials;
    }

    private EncryptionMaterials withKms(EncryptionMaterials materials, JsonObject key) throws Absent {
        if (key.has("passphrase")) throw new Absent("The SDK's KMS materials know no encryption context.");
        String region = text(kms, "region");
        try {
            if (materials == null) {
                KmsEncryptionMaterials first = new KmsEncryptionMaterials(region, text(key, "keyId"), description(key));
                first.setKmsCredentialsProvider(credentials(kms));
                return first;
            }
            ((KmsEncryptionMaterials) materials).addKmsDescMaterial(region, credentials(kms), description(key));
            return materials;
        } catch (NoClassDefFoundError gone) {
            throw new Absent("Version 3.18.5 removed KmsEncryptionMaterials; 3.18.4 is the last that has it.");
        }
    }

    private void get(OSSEncryptionClient client, JsonObject request) throws Exception {
        GetObjectRequest asked = new GetObjectRequest(bucket, text(request, "object"));
        if (request.has("range")) {
            String[] ends = text(request, "range").split("-", 2);
            asked.setRange(position(ends[0]), position(ends[1]));
        }
        try (var content = client.getObject(asked).getObjectContent();
                var out = new FileOutputStream(file(request))) {
            content.transferTo(out);
        }
    }

    private void multipart(OSSEncryptionClient client, JsonObject request) throws Exception {
        String object = text(request, "object");
        File file = file(request);
        long partSize = request.get("partSize").getAsLong();
        MultipartUploadCryptoContext context = new MultipartUploadCryptoContext();
        context.setPartSize(partSize);
        context.setDataSize(file.length());
        String uploadId = client.initiateMultipartUpload(
                new InitiateMultipartUploadRequest(bucket, object, metadata(request)), context).getUploadId();
        List<PartETag> parts = new ArrayList<>();
        for (long start = 0; start < file.length(); start += partSize) {
            try (var in = new FileInputStream(file)) {
                in.skipNBytes(start);
                long size = Math.min(partSize, file.length() - start);
                UploadPartRequest part = new UploadPartRequest(bucket, object, uploadId, parts.size() + 1, in, size);
                parts.add(client.uploadPart(part, context).getPartETag());
            }
        }
        client.completeMultipartUpload(new CompleteMultipartUploadRequest(bucket, object, uploadId, parts), context);
    }

    private void upload(OSSEncryptionClient client, JsonObject request) throws Throwable {
        UploadFileRequest upload = new UploadFileRequest(bucket, text(request, "object"));
        upload.setUploadFile(text(request, "file"));
        upload.setPartSize(request.get("partSize").getAsLong());
        upload.setTaskNum(request.get("parallel").getAsInt());
        upload.setEnableCheckpoint(true);
        upload.setCheckpointFile(checkpoint(request, ".ucp"));
        upload.setObjectMetadata(metadata(request));
        client.uploadFile(upload);
    }

    /** With the causes: the message of the SDK's exception alone is often "null". */
    private static String explain(Throwable failure) {
        String message = String.valueOf(failure.getMessage());
        return failure.getCause() == null ? message : message + "\nCaused by: " + explain(failure.getCause());
    }

    private static String checkpoint(JsonObject request, String suffix) {
        String name = URLEncoder.encode(text(request, "object"), StandardCharsets.UTF_8) + suffix;
        return Path.of(text(request, "checkpoints"), name).toString();
    }

    private static ObjectMetadata metadata(JsonObject request) {
        ObjectMetadata metadata = new ObjectMetadata();
        if (request.has("metadata")) {
            request.getAsJsonObject("metadata").entrySet()
                    .forEach((entry) -> metadata.addUserMetadata(entry.getKey(), entry.getValue().getAsString()));
        }
        return metadata;
    }

    private static KeyPair keyPair(JsonObject key) throws Exception {
        return new KeyPair(
                SimpleRSAEncryptionMaterials.getPublicKeyFromPemX509(pem(key, "publicKeyFile")),
                SimpleRSAEncryptionMaterials.getPrivateKeyFromPemPKCS8(pem(key, "privateKeyFile")));
    }

    private static String pem(JsonObject key, String name) throws IOException {
        return Files.readString(Path.of(text(key, name)));
    }

    private static Map<String, String> description(JsonObject key) {
        Map<String, String> description = new LinkedHashMap<>();
        for (JsonElement pair : key.getAsJsonArray("description")) {
            description.put(pair.getAsJsonArray().get(0).getAsString(), pair.getAsJsonArray().get(1).getAsString());
        }
        return description;
    }

    private static DefaultCredentialProvider credentials(JsonObject account) {
        return new DefaultCredentialProvider(text(account, "accessKeyId"), text(account, "accessKeySecret"));
    }

    /** The SDK says -1 for the end that a range leaves open. */
    private static long position(String end) {
        return end.isEmpty() ? -1 : Long.parseLong(end);
    }

    private static File file(JsonObject request) {
        return new File(text(request, "file"));
    }

    private static String text(JsonObject from, String name) {
        return from.get(name).getAsString();
    }

    private static final class Absent extends Exception {
        Absent(String why) {
            super(why);
        }
    }
}

package interop;

import com.google.gson.Gson;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.BufferedReader;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.PrintStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.channels.SeekableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.Map;
import javax.crypto.Cipher;

/** Drives Tink for Java on sealed objects. PROTOCOL.md says what is asked and how it is answered. */
public final class Driver {
    private static final String META = "x-oss-meta-client-side-encryption-";

    private final HttpClient http = HttpClient.newHttpClient();

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
        } catch (Exception failure) {
            failure.printStackTrace();
            answer.add("error", new Gson().toJsonTree(Map.of(
                    "type", failure.getClass().getSimpleName(),
                    "message", String.valueOf(failure.getMessage()))));
        }
        return answer;
    }

    private Map<String, ?> perform(JsonObject request) throws Exception {
        switch (text(request, "op")) {
            case "open" -> {
                return Map.of("versions", Map.of("tink", version()));
            }
            case "get" -> get(request);
            default -> throw new Absent("Tink has no such call.");
        }
        return Map.of();
    }

    /** Of the library's file: the class path names it. */
    private static String version() throws Exception {
        Path jar = Path.of(com.google.crypto.tink.subtle.AesGcmHkdfStreaming.class
                .getProtectionDomain().getCodeSource().getLocation().toURI());
        return jar.getFileName().toString().replaceFirst("^tink-(.*)\\.jar$", "$1");
    }

    private void get(JsonObject request) throws Exception {
        HttpRequest asked = HttpRequest.newBuilder(URI.create(text(request, "url"))).build();
        HttpResponse<InputStream> response = http.send(asked, HttpResponse.BodyHandlers.ofInputStream());
        try (InputStream body = response.body();
                OutputStream out = Files.newOutputStream(Path.of(text(request, "file")))) {
            if (response.statusCode() != 200) throw new IOException("status " + response.statusCode());
            String algorithm = header(response, "cek-alg");
            if (!algorithm.equals("AES256_GCM_HKDF_64KB")) {
                throw new GeneralSecurityException("not a sealed object: " + algorithm);
            }
            byte[] cek = unwrap(request, header(response, "key"));
            String context = request.has("context") ? text(request, "context") : "";
            SealedContent content = new SealedContent(cek, context);
            if (request.has("range")) copyRange(content, body, text(request, "range"), out);
            else content.stream(body).transferTo(out);
        }
    }

    /** Through Tink's seekable channel. */
    private static void copyRange(SealedContent content, InputStream body, String range, OutputStream out)
            throws Exception {
        Path stored = Files.createTempFile("interop", null);
        try {
            Files.copy(body, stored, StandardCopyOption.REPLACE_EXISTING);
            try (SeekableByteChannel channel = content.channel(FileChannel.open(stored))) {
                String[] ends = range.split("-", 2);
                long size = channel.size();
                long start = ends[0].isEmpty() ? Math.max(0, size - Long.parseLong(ends[1])) : Long.parseLong(ends[0]);
                long end = ends[0].isEmpty() || ends[1].isEmpty() ? size : Math.min(size, Long.parseLong(ends[1]) + 1);
                InputStream in = Channels.newInputStream(channel.position(start));
                if (end == size) in.transferTo(out);
                else out.write(in.readNBytes(Math.toIntExact(end - start)));
            }
        } finally {
            Files.delete(stored);
        }
    }

    private static byte[] unwrap(JsonObject request, String wrapped) throws Exception {
        String file = text(request.getAsJsonArray("masterKeys").get(0).getAsJsonObject(), "privateKeyFile");
        String pem = Files.readString(Path.of(file)).replaceAll("-----[A-Z ]+-----|\\s", "");
        PrivateKey key = KeyFactory.getInstance("RSA")
                .generatePrivate(new PKCS8EncodedKeySpec(Base64.getDecoder().decode(pem)));
        Cipher rsa = Cipher.getInstance("RSA/ECB/PKCS1Padding");
        rsa.init(Cipher.DECRYPT_MODE, key);
        return rsa.doFinal(Base64.getDecoder().decode(wrapped));
    }

    private static String header(HttpResponse<?> response, String name) {
        return response.headers().firstValue(META + name).orElse("");
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

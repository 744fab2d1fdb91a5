import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;

/** java.net.http, which offers HTTP/2 first. */
public final class HttpClientService {
    public static void main(String[] args) throws Exception {
        HttpClient client = HttpClient.newHttpClient();
        Service.serve(n -> "[" + get(client, Service.HTTPS + n) + "," + get(client, Service.HTTP + n) + "]");
    }

    private static String get(HttpClient client, String url) throws Exception {
        return client.send(HttpRequest.newBuilder(URI.create(url)).build(), HttpResponse.BodyHandlers.ofString()).body();
    }
}

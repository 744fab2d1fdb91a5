import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Executors;

/** The HTTP side of the Java services, and the paths to ask for. */
final class Service {
    static final boolean CHANGED = System.getenv("CHANGE") != null;
    static final String PATH = CHANGED ? "/changed/" : "/item/";
    static final String HTTPS = System.getenv("HTTPS_URL") + PATH;
    static final String HTTP = System.getenv("HTTP_URL") + PATH;

    interface Answer {
        /** The answer for one request, as JSON. */
        String to(int n) throws Exception;
    }

    /** Answers {@code GET /call/<n>}, for ever. */
    static void serve(Answer answer) throws Exception {
        HttpServer server = HttpServer.create(
            new InetSocketAddress("127.0.0.1", Integer.parseInt(System.getenv("PORT"))), 0);
        server.setExecutor(Executors.newCachedThreadPool());
        server.createContext("/call/", exchange -> {
            int status = 200;
            String said;
            try {
                String path = exchange.getRequestURI().getPath();
                said = answer.to(Integer.parseInt(path.substring(path.lastIndexOf('/') + 1)));
            } catch (Exception error) {
                error.printStackTrace();
                status = 500;
                said = "{\"error\":\"" + error.getClass().getName() + "\"}";
            }
            byte[] body = said.getBytes(StandardCharsets.UTF_8);
            exchange.getResponseHeaders().set("content-type", "application/json");
            exchange.sendResponseHeaders(status, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        server.start();
    }

    private Service() {}
}

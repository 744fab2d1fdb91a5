import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;

/** pgjdbc, by sslmode=verify-full with Java's own trust store, and without TLS. */
public final class PgjdbcService {
    private static final int FACTOR = Service.CHANGED ? 3 : 2;

    public static void main(String[] args) throws Exception {
        String tls = System.getenv("JDBC_TLS_URL");
        String plain = System.getenv("JDBC_URL");
        Service.serve(n -> "[" + ask(tls, n) + "," + ask(plain, n) + "]");
    }

    private static String ask(String url, int n) throws Exception {
        try (Connection connection = DriverManager.getConnection(url);
             PreparedStatement statement = connection.prepareStatement("SELECT name FROM items WHERE id = ?")) {
            statement.setInt(1, FACTOR * n);
            try (ResultSet rows = statement.executeQuery()) {
                return rows.next() ? "\"" + rows.getString(1) + "\"" : "null";
            }
        }
    }
}

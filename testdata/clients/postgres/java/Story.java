// pgjdbc: server-side prepared statements after five uses, binary transfer, fetch size, batches, COPY.

import java.io.StringReader;
import java.io.StringWriter;
import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.sql.Types;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Properties;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.postgresql.PGConnection;
import org.postgresql.PGNotification;
import org.postgresql.copy.CopyManager;

public class Story {
    static Connection connect() throws SQLException {
        Properties properties = new Properties();
        properties.setProperty("user", System.getenv("PGUSER"));
        properties.setProperty("password", System.getenv("PGPASSWORD"));
        return DriverManager.getConnection("jdbc:postgresql://" + System.getenv("PGHOST") + ":"
            + System.getenv("PGPORT") + "/" + System.getenv("PGDATABASE"), properties);
    }

    static void print(ResultSet rows) throws SQLException {
        int columns = rows.getMetaData().getColumnCount();
        while (rows.next()) {
            StringBuilder line = new StringBuilder();
            for (int n = 1; n <= columns; n++) {
                line.append(rows.getMetaData().getColumnName(n)).append('=').append(shown(rows, n)).append(' ');
            }
            System.out.println(line.toString().trim());
        }
        rows.close();
    }

    static String shown(ResultSet rows, int n) throws SQLException {
        // In binary form getString of a bytea names the array, not its bytes.
        if (rows.getMetaData().getColumnType(n) == Types.BINARY) {
            return Arrays.toString(rows.getBytes(n));
        }
        return rows.getString(n);
    }

    interface Work {
        void run() throws Exception;
    }

    static void failing(Work work) throws Exception {
        try {
            work.run();
            System.out.println("no error");
        } catch (SQLException error) {
            System.out.println("error " + error.getSQLState() + " " + error.getMessage().split("\n")[0]);
        }
    }

    public static void main(String[] arguments) throws Exception {
        try (Connection conn = connect()) {
            Statement plain = conn.createStatement();
            plain.execute("CREATE TABLE items (id int PRIMARY KEY, name text, qty bigint, price numeric, ratio float8,"
                + " ok bool, data bytea, made timestamp, seen timestamptz, day date, uid uuid, doc jsonb,"
                + " tags text[], nums int[])");
            types(conn);
            prepared(conn);
            transactions(conn);
            errors(conn, plain);
            cursors(conn);
            batches(conn);
            copy(conn, plain);
            notify(conn, plain);
        }
        connections();
    }

    static void types(Connection conn) throws SQLException {
        System.out.println("== types");
        PreparedStatement insert = conn.prepareStatement(
            "INSERT INTO items VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?::jsonb, ?, ?)");
        insert.setInt(1, 1);
        insert.setString(2, "žluťoučký \"kůň\" 'quoted' \\ back");
        insert.setLong(3, 9007199254740993L);
        insert.setBigDecimal(4, new BigDecimal("12.5000"));
        insert.setDouble(5, 0.1);
        insert.setBoolean(6, true);
        insert.setBytes(7, new byte[] {0, (byte) 255, 16});
        insert.setObject(8, LocalDateTime.parse("2026-03-01T10:20:30.123456"));
        insert.setObject(9, OffsetDateTime.parse("2026-03-01T10:20:30.5+02:00"));
        insert.setObject(10, LocalDate.parse("2026-02-28"));
        insert.setObject(11, UUID.fromString("7f3c0000-0000-4000-8000-000000000001"));
        insert.setString(12, "{\"b\": [1, 2.50, null], \"a\": \"x\"}");
        insert.setArray(13, conn.createArrayOf("text", new String[] {"a", "b c", null}));
        insert.setArray(14, conn.createArrayOf("int4", new Integer[] {1, 2, 3}));
        System.out.println(insert.executeUpdate());
        insert.setInt(1, 2);
        insert.setString(2, "");
        int[] kinds = {Types.BIGINT, Types.NUMERIC, Types.DOUBLE, Types.BOOLEAN, Types.BINARY, Types.TIMESTAMP,
            Types.TIMESTAMP_WITH_TIMEZONE, Types.DATE, Types.OTHER, Types.VARCHAR, Types.ARRAY, Types.ARRAY};
        for (int n = 0; n < kinds.length; n++) {
            insert.setNull(n + 3, kinds[n]);
        }
        System.out.println(insert.executeUpdate());
        // The sixth execution and later ones use a named statement and binary results.
        PreparedStatement all = conn.prepareStatement("SELECT * FROM items WHERE id <= ? ORDER BY id");
        for (int n = 0; n < 7; n++) {
            all.setInt(1, 3);
            print(all.executeQuery());
        }
    }

    static void prepared(Connection conn) throws SQLException {
        System.out.println("== prepared");
        PreparedStatement pick = conn.prepareStatement("SELECT name, ? + 1 AS more FROM items WHERE id = ?");
        System.out.println(pick.getParameterMetaData().getParameterCount() + " " + pick.getMetaData().getColumnName(1));
        for (int n : new int[] {1, 2, 1, 9, 1, 2, 1, 9}) {
            pick.setInt(1, n);
            pick.setInt(2, n);
            print(pick.executeQuery());
        }
        Statement several = conn.createStatement();
        boolean rows = several.execute("SELECT 1 AS one; UPDATE items SET qty = 3 WHERE id = 2; SELECT 'two' AS two");
        while (rows || several.getUpdateCount() != -1) {
            if (rows) {
                print(several.getResultSet());
            } else {
                System.out.println("updated " + several.getUpdateCount());
            }
            rows = several.getMoreResults();
        }
        PreparedStatement keyed = conn.prepareStatement("INSERT INTO items (id, name) VALUES (?, ?)",
            Statement.RETURN_GENERATED_KEYS);
        keyed.setInt(1, 50);
        keyed.setString(2, "keyed");
        keyed.executeUpdate();
        print(keyed.getGeneratedKeys());
    }

    static void transactions(Connection conn) throws Exception {
        System.out.println("== transactions");
        conn.setAutoCommit(false);
        PreparedStatement update = conn.prepareStatement("UPDATE items SET qty = ? WHERE id = 1");
        update.setLong(1, 10);
        update.executeUpdate();
        conn.commit();
        update.setLong(1, 99);
        update.executeUpdate();
        conn.rollback();
        conn.setTransactionIsolation(Connection.TRANSACTION_SERIALIZABLE);
        Savepoint inner = conn.setSavepoint("inner_one");
        failing(() -> conn.createStatement().executeUpdate("INSERT INTO items (id) VALUES (1)"));
        failing(() -> conn.createStatement().executeQuery("SELECT 1"));
        conn.rollback(inner);
        print(conn.createStatement().executeQuery("UPDATE items SET qty = qty + 1 WHERE id = 1 RETURNING qty"));
        conn.commit();
        conn.setAutoCommit(true);
    }

    static void errors(Connection conn, Statement plain) throws Exception {
        System.out.println("== errors");
        failing(() -> plain.executeQuery("SELECT 1/0"));
        failing(() -> plain.executeQuery("SELECT * FROM missing"));
        failing(() -> conn.prepareStatement("SELECT broken FROM items WHERE id = ?").getMetaData());
        plain.execute("DO $$ BEGIN RAISE NOTICE 'four words of notice'; END $$");
        System.out.println(plain.getWarnings().getMessage());
        print(plain.executeQuery("SELECT 'still here' AS here"));
    }

    static void cursors(Connection conn) throws SQLException {
        System.out.println("== cursors");
        conn.setAutoCommit(false);
        PreparedStatement walk = conn.prepareStatement("SELECT g FROM generate_series(1, ?) g");
        walk.setInt(1, 25);
        walk.setFetchSize(10);
        ResultSet rows = walk.executeQuery();
        int sum = 0;
        while (rows.next()) {
            sum += rows.getInt(1);
        }
        System.out.println("sum " + sum);
        rows = walk.executeQuery();
        rows.next();
        rows.close();
        walk.setMaxRows(3);
        print(walk.executeQuery());
        conn.commit();
        conn.setAutoCommit(true);
    }

    static void batches(Connection conn) throws Exception {
        System.out.println("== batches");
        PreparedStatement insert = conn.prepareStatement("INSERT INTO items (id, name) VALUES (?, ?)");
        for (int n = 100; n < 400; n++) {
            insert.setInt(1, n);
            insert.setString(2, "many " + n);
            insert.addBatch();
        }
        System.out.println(insert.executeBatch().length);
        insert.setInt(1, 900);
        insert.setString(2, "x");
        insert.addBatch();
        insert.setInt(1, 1);
        insert.addBatch();
        failing(insert::executeBatch);
        print(conn.createStatement().executeQuery("SELECT count(*) AS c FROM items WHERE id >= 900"));
    }

    static void copy(Connection conn, Statement plain) throws Exception {
        System.out.println("== copy");
        CopyManager manager = conn.unwrap(PGConnection.class).getCopyAPI();
        System.out.println(manager.copyIn("COPY items (id, name) FROM STDIN",
            new StringReader("500\ttab\\tx\n501\t\\N\n502\tраз\n")));
        StringWriter out = new StringWriter();
        manager.copyOut("COPY (SELECT id, name FROM items WHERE id BETWEEN 500 AND 599 ORDER BY id) TO STDOUT", out);
        System.out.print(out);
        failing(() -> manager.copyIn("COPY items (id) FROM STDIN", new StringReader("x\n")));
        print(plain.executeQuery("SELECT count(*) AS c FROM items"));
    }

    static void notify(Connection conn, Statement plain) throws SQLException {
        System.out.println("== notify");
        plain.execute("LISTEN news");
        try (Connection other = connect()) {
            other.createStatement().execute("NOTIFY news, 'first'");
            other.createStatement().execute("SELECT pg_notify('news', 'second')");
        }
        List<String> heard = new ArrayList<>();
        while (heard.size() < 2) {
            for (PGNotification note : conn.unwrap(PGConnection.class).getNotifications(10000)) {
                heard.add(note.getName() + " " + note.getParameter());
            }
        }
        System.out.println(heard);
    }

    static void connections() throws Exception {
        System.out.println("== several connections");
        ExecutorService threads = Executors.newFixedThreadPool(4);
        List<Future<String>> found = new ArrayList<>();
        for (int n = 0; n < 12; n++) {
            int asked = n;
            Callable<String> ask = () -> {
                try (Connection conn = connect();
                     PreparedStatement twice = conn.prepareStatement("SELECT ? * 2 AS twice, count(*) FROM items")) {
                    twice.setInt(1, asked);
                    ResultSet row = twice.executeQuery();
                    row.next();
                    return row.getInt(1) + " " + row.getInt(2);
                }
            };
            found.add(threads.submit(ask));
        }
        for (Future<String> line : found) {
            System.out.println(line.get());
        }
        threads.shutdown();
    }
}

import java.io.ByteArrayOutputStream;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URL;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;

/** A selector with a socket channel that is registered before it connects, as Netty does it; HTTPS by the JDK's old client. */
public final class NioService {
    public static void main(String[] args) throws Exception {
        Service.serve(n -> "[" + new String(new URL(Service.HTTPS + n).openStream().readAllBytes(), StandardCharsets.UTF_8)
            + "," + ask(URI.create(Service.HTTP + n)) + "]");
    }

    private static String ask(URI uri) throws Exception {
        try (Selector selector = Selector.open(); SocketChannel channel = SocketChannel.open()) {
            channel.configureBlocking(false);
            SelectionKey key = channel.register(selector, 0);
            InetSocketAddress to = new InetSocketAddress(uri.getHost(), uri.getPort());
            if (!channel.connect(to)) {
                key.interestOps(SelectionKey.OP_CONNECT);
                selector.select(10_000);
                channel.finishConnect();
            }
            if (!channel.getRemoteAddress().equals(to)) {
                throw new IllegalStateException("the peer is " + channel.getRemoteAddress());
            }
            String request = "GET " + uri.getPath() + " HTTP/1.1\r\nhost: " + uri.getHost() + "\r\nconnection: close\r\n\r\n";
            ByteBuffer out = ByteBuffer.wrap(request.getBytes(StandardCharsets.US_ASCII));
            while (out.hasRemaining()) {
                channel.write(out);
            }
            key.interestOps(SelectionKey.OP_READ);
            ByteArrayOutputStream all = new ByteArrayOutputStream();
            ByteBuffer in = ByteBuffer.allocate(4096);
            while (selector.select(10_000) > 0) {
                selector.selectedKeys().clear();
                int count = channel.read(in.clear());
                if (count < 0) {
                    break;
                }
                all.write(in.array(), 0, count);
            }
            String text = all.toString(StandardCharsets.UTF_8);
            return text.substring(text.indexOf("\r\n\r\n") + 4);
        }
    }
}

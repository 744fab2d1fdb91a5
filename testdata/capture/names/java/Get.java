import io.netty.channel.nio.NioEventLoopGroup;
import io.netty.channel.socket.nio.NioDatagramChannel;
import io.netty.resolver.dns.DnsNameResolverBuilder;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

/** Asks for a URL by a resolver of its own: `Get netty|dnsjava HOST PORT PATH`. */
class Get {
    public static void main(String[] words) throws Exception {
        String host = words[1];
        InetAddress address = words[0].equals("netty") ? byNetty(host) : org.xbill.DNS.Address.getByName(host);
        try (Socket socket = new Socket(address, Integer.parseInt(words[2]))) {
            String request = "GET " + words[3] + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n";
            socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
            InputStream answer = socket.getInputStream();
            String text = new String(answer.readAllBytes(), StandardCharsets.UTF_8);
            System.out.println(text.substring(text.indexOf("\r\n\r\n") + 4));
        }
        System.exit(0);
    }

    static InetAddress byNetty(String host) throws Exception {
        NioEventLoopGroup group = new NioEventLoopGroup(1);
        return new DnsNameResolverBuilder(group.next()).channelType(NioDatagramChannel.class).build().resolve(host).get();
    }
}

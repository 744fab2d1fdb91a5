/* A relay that forwards bytes and does nothing else: nothing is read, counted or recorded. It is a yardstick for
 * what a further hop costs by itself, on one thread.
 *
 *   bare PORT UPSTREAM_PORT
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SOCKETS = 65536 };
static int other[SOCKETS];
static char buffer[1 << 16];

static struct sockaddr_in at(const char *port) {
    struct sockaddr_in there = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(port))};
    there.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return there;
}

static void watch(int events, int fd) {
    int one = 1;
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    epoll_ctl(events, EPOLL_CTL_ADD, fd, &event);
}

static void join(int events, int listener, const struct sockaddr_in *upstream) {
    int client = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    int server = socket(AF_INET, SOCK_STREAM, 0);
    if (client < 0 || server < 0 || client >= SOCKETS || server >= SOCKETS
        || connect(server, (const struct sockaddr *)upstream, sizeof *upstream)) {
        close(client);
        close(server);
        return;
    }
    other[client] = server;
    other[server] = client;
    watch(events, client);
    watch(events, server);
}

/* Passes on what is there; false at the end of the connection. */
static int pass(int from, int to) {
    ssize_t left = recv(from, buffer, sizeof buffer, MSG_DONTWAIT);
    if (left <= 0) return left < 0 && errno == EAGAIN;
    for (char *next = buffer; left > 0;) {
        ssize_t sent = send(to, next, (size_t)left, MSG_NOSIGNAL | MSG_DONTWAIT);
        struct pollfd room = {to, POLLOUT, 0};
        if (sent < 0 && (errno != EAGAIN || poll(&room, 1, -1) < 0)) return 0;
        if (sent > 0) next += sent, left -= sent;
    }
    return 1;
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    struct sockaddr_in own = at(argv[1]), upstream = at(argv[2]);
    int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0), events = epoll_create1(0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&own, sizeof own) || listen(listener, 4096)) {
        perror("bare");
        return 1;
    }
    watch(events, listener);
    for (;;) {
        struct epoll_event ready[256];
        int count = epoll_wait(events, ready, 256, -1);
        for (int i = 0; i < count; i++) {
            int fd = ready[i].data.fd, to = other[fd];
            if (fd == listener) {
                join(events, listener, &upstream);
            } else if (to && !pass(fd, to)) {
                other[fd] = other[to] = 0;
                close(fd);
                close(to);
            }
        }
    }
}

/* Asks for a URL by the C library's resolver: `get HOST PORT PATH`. Linked statically to musl, as in Alpine's images. */
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int count, char **words) {
    if (count != 4) return 2;
    struct addrinfo *found, hints = {.ai_socktype = SOCK_STREAM};
    int error = getaddrinfo(words[1], words[2], &hints, &found);
    if (error) return printf("%s: %s\n", words[1], gai_strerror(error)), 1;
    int fd = socket(found->ai_family, SOCK_STREAM, 0);
    if (connect(fd, found->ai_addr, found->ai_addrlen) != 0) return perror("connect"), 1;
    dprintf(fd, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", words[3], words[1]);
    char buffer[4096];
    size_t length = 0;
    for (ssize_t got; (got = read(fd, buffer + length, sizeof buffer - 1 - length)) > 0;) length += got;
    buffer[length] = 0;
    char *body = strstr(buffer, "\r\n\r\n");
    puts(body ? body + 4 : buffer);
    return 0;
}

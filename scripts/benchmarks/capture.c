/* What capture costs, measured from within a captured process. Prints one number a line: `name value`.
 *
 *   capture connect PORT THREADS COUNT   microseconds per connect(), blocking: mean and median of all threads
 *   capture request PORT THREADS COUNT   the same of a whole connection: socket(), connect(), an HTTP request, its
 *                                        answer, close()
 *   capture many PORT COUNT              connections open at the same time, and errors among them
 *   capture calls                        nanoseconds per getppid() and per read() of one byte of /dev/zero
 *   capture open FILE                    microseconds per open() and close()
 *   capture clock                        nanoseconds per clock_gettime(), realtime and monotonic
 *   capture run COUNT COMMAND...         milliseconds per run of the command, median
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static struct sockaddr_in there;
static long rounds;

struct tally { double *took; long failed; };

/* A connection that is left with a reset, so that no port waits for its end. */
static void leave(int s) {
    struct linger off = {1, 0};
    setsockopt(s, SOL_SOCKET, SO_LINGER, &off, sizeof off);
    close(s);
}

static void *connects(void *given) {
    struct tally *tally = given;
    for (long i = 0; i < rounds; i++) {
        int s = socket(AF_INET, SOCK_STREAM, 0);
        double begun = now();
        if (connect(s, (struct sockaddr *)&there, sizeof there)) tally->failed++;
        tally->took[i] = now() - begun;
        leave(s);
    }
    return NULL;
}

static void *requests(void *given) {
    static const char request[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    struct tally *tally = given;
    char answer[4096];
    for (long i = 0; i < rounds; i++) {
        double begun = now();
        int s = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(s, (struct sockaddr *)&there, sizeof there) || send(s, request, sizeof request - 1, 0) < 0
            || recv(s, answer, sizeof answer, 0) <= 0)
            tally->failed++;
        leave(s);
        tally->took[i] = now() - begun;
    }
    return NULL;
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Prints the mean and the median of what each thread measured. */
static int cost(const char *what, void *(*each)(void *), long threads) {
    pthread_t thread[64];
    struct tally tally[64] = {{NULL, 0}};
    double sum = 0;
    long failed = 0;
    if (threads > 64) threads = 64;
    double *took = calloc((size_t)(rounds * threads), sizeof *took);
    for (long i = 0; i < threads; i++) tally[i].took = took + i * rounds;
    for (long i = 0; i < threads; i++) pthread_create(&thread[i], NULL, each, &tally[i]);
    for (long i = 0; i < threads; i++) {
        pthread_join(thread[i], NULL);
        failed += tally[i].failed;
    }
    long count = rounds * threads;
    for (long i = 0; i < count; i++) sum += took[i];
    qsort(took, (size_t)count, sizeof *took, ascending);
    printf("%s %.3f\nmedian %.3f\nlowest_tenth %.3f\nfailed %ld\n", what, sum * 1e6 / (double)count, took[count / 2] * 1e6,
           took[count / 10] * 1e6, failed);
    return failed != 0;
}

static int many(long count) {
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    struct pollfd *open = calloc((size_t)count, sizeof *open);
    long failed = 0;
    for (long i = 0; i < count; i++) {
        open[i].fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        open[i].events = POLLOUT;
        if (open[i].fd < 0 || (connect(open[i].fd, (struct sockaddr *)&there, sizeof there) && errno != EINPROGRESS)) failed++;
    }
    double until = now() + 30;
    for (long i = 0; i < count; i++) {
        while (poll(&open[i], 1, 100) == 0 && now() < until) {}
        int error = 0;
        socklen_t length = sizeof error;
        getsockopt(open[i].fd, SOL_SOCKET, SO_ERROR, &error, &length);
        struct sockaddr_in peer;
        length = sizeof peer;
        if (error || getpeername(open[i].fd, (struct sockaddr *)&peer, &length)) failed++;
    }
    printf("open %ld\nfailed %ld\n", count, failed);
    return failed != 0;
}

static void calls(void) {
    long count = 3000000;
    double begun = now();
    for (long i = 0; i < count; i++) syscall(SYS_getppid);
    printf("getppid %.2f\n", (now() - begun) * 1e9 / (double)count);
    int zero = open("/dev/zero", O_RDONLY);
    char byte;
    begun = now();
    for (long i = 0; i < count; i++)
        if (read(zero, &byte, 1) != 1) abort();
    printf("read %.2f\n", (now() - begun) * 1e9 / (double)count);
}

static void opens(const char *path) {
    long count = 20000;
    double begun = now();
    for (long i = 0; i < count; i++) close(open(path, O_RDONLY | O_CLOEXEC));
    printf("open %.3f\n", (now() - begun) * 1e6 / (double)count);
}

static void clocks(void) {
    long count = 5000000;
    struct timespec t;
    double begun = now();
    for (long i = 0; i < count; i++) clock_gettime(CLOCK_REALTIME, &t);
    printf("realtime %.2f\n", (now() - begun) * 1e9 / (double)count);
    begun = now();
    for (long i = 0; i < count; i++) clock_gettime(CLOCK_MONOTONIC, &t);
    printf("monotonic %.2f\n", (now() - begun) * 1e9 / (double)count);
}

static int run(long count, char **command) {
    double *took = calloc((size_t)count, sizeof *took);
    for (long i = 0; i < count; i++) {
        double begun = now();
        pid_t child = fork();
        if (child == 0) {
            execvp(command[0], command);
            _exit(127);
        }
        int status = 0;
        while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
        took[i] = (now() - begun) * 1e3;
        if (status != 0) return 1;
    }
    qsort(took, (size_t)count, sizeof *took, ascending);
    printf("run %.3f\n", took[count / 2]);
    return 0;
}

int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "";
    there.sin_family = AF_INET;
    there.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    there.sin_port = argc > 2 ? htons((unsigned short)atoi(argv[2])) : 0;
    if (argc == 5 && (!strcmp(what, "connect") || !strcmp(what, "request"))) {
        rounds = atol(argv[4]);
        return cost(what, what[0] == 'c' ? connects : requests, atol(argv[3]));
    }
    if (!strcmp(what, "many") && argc == 4) return many(atol(argv[3]));
    if (!strcmp(what, "calls")) return calls(), 0;
    if (!strcmp(what, "open") && argc == 3) return opens(argv[2]), 0;
    if (!strcmp(what, "clock")) return clocks(), 0;
    if (!strcmp(what, "run") && argc > 3) return run(atol(argv[2]), argv + 3);
    fprintf(stderr, "usage: see the head of capture.c\n");
    return 2;
}

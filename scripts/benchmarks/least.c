/* The least that captured connections can cost: runs a command whose connect() calls are answered as retake
 * answers them (the destination is dialled, then the command's own socket is connected to us and accepted),
 * with nothing beside: nothing is checked, named, relayed or recorded. It is a yardstick, for IPv4 and blocking
 * sockets of one process that connects to what accepts.
 *
 *   least COMMAND...
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif
#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#endif

enum { RING = 4096 };
static int ring[RING];
static atomic_size_t filled;

/* Closes connections a little later, on a thread of its own, as a relay would. */
static void *closes(void *nothing) {
    struct timespec nap = {0, 1000000};
    for (size_t closed = 0;; nanosleep(&nap, NULL))
        while (closed < atomic_load(&filled)) close(ring[closed++ % RING]);
    return nothing;
}

static void leave(int fd) {
    size_t at = atomic_load(&filled);
    ring[at % RING] = fd;
    atomic_store(&filled, at + 1);
}

static int filter(void) {
    struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_connect, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog all = {sizeof program / sizeof *program, program};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                        SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_SPEC_ALLOW
                            | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
                        &all);
}

/* The command's socket is connected to our listener, and what it wanted to reach is dialled: 0, or -errno. */
static int joined(int process, const struct seccomp_notif *call, int listener, const struct sockaddr_in *own) {
    struct sockaddr_in wanted;
    struct iovec to = {&wanted, sizeof wanted}, from = {(void *)call->data.args[1], sizeof wanted};
    if (process_vm_readv((pid_t)call->pid, &to, 1, &from, 1, 0) != sizeof wanted) return -EFAULT;
    int theirs = (int)syscall(SYS_pidfd_getfd, process, (int)call->data.args[0], 0);
    int upstream = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int result = connect(upstream, (struct sockaddr *)&wanted, sizeof wanted) ? -errno : 0;
    if (result == 0 && connect(theirs, (const struct sockaddr *)own, sizeof *own)) result = -errno;
    if (result == 0) leave(accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK));
    leave(upstream);
    close(theirs);
    return result;
}

int main(int argc, char **argv) {
    int pair[2];
    if (argc < 2 || socketpair(AF_UNIX, SOCK_STREAM, 0, pair)) return 2;
    pid_t child = fork();
    if (child == 0) {
        /* The number alone is told; it is fetched by pidfd_getfd. */
        int notices = filter();
        if (write(pair[1], &notices, sizeof notices) < 0 || read(pair[1], &notices, 1) != 1) _exit(127);
        execvp(argv[1], argv + 1);
        _exit(127);
    }
    int number = -1, process = (int)syscall(SYS_pidfd_open, child, 0);
    if (read(pair[0], &number, sizeof number) != sizeof number || number < 0) return 2;
    int notices = (int)syscall(SYS_pidfd_getfd, process, number, 0);
    unsigned long long together = 1;
    ioctl(notices, SECCOMP_IOCTL_NOTIF_SET_FLAGS, together);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof own;
    if (bind(listener, (struct sockaddr *)&own, sizeof own) || listen(listener, 512)
        || getsockname(listener, (struct sockaddr *)&own, &length))
        return 2;
    pthread_t closer;
    pthread_create(&closer, NULL, closes, NULL);
    if (notices < 0 || write(pair[0], "", 1) != 1) return 2;
    for (;;) {
        struct seccomp_notif call;
        memset(&call, 0, sizeof call);
        if (ioctl(notices, SECCOMP_IOCTL_NOTIF_RECV, &call)) {
            int status = 0;
            if (waitpid(child, &status, WNOHANG) == child) return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
            if (errno != EINTR && errno != ENOENT) return 2;
            continue;
        }
        struct seccomp_notif_resp answer = {.id = call.id};
        answer.error = joined(process, &call, listener, &own);
        ioctl(notices, SECCOMP_IOCTL_NOTIF_SEND, &answer);
    }
}

// The Linux calls that `import Glibc` leaves out.
#ifndef GATE_CLINUX_SHIM_H
#define GATE_CLINUX_SHIM_H
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include <features.h>
// One member of fd_set is named after this macro. Modules must agree about a type, and those of Swift do without it.
#pragma push_macro("__USE_XOPEN")
#undef __USE_XOPEN
#include <sys/select.h>
#pragma pop_macro("__USE_XOPEN")
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <arpa/inet.h>
#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

// epoll_data is a union, which Swift reads only through a pointer: the token alone is ever used here.
static inline uint64_t gate_epoll_token(const struct epoll_event *event) { return event->data.u64; }
static inline struct epoll_event gate_epoll_event(uint32_t events, uint64_t token) {
    struct epoll_event event;
    event.events = events;
    event.data.u64 = token;
    return event;
}

static inline int64_t gate_monotonic_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}
static inline int64_t gate_realtime_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

// User and system time of this process.
static inline int64_t gate_processor_ns(void) {
    struct timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (int64_t)used.tv_sec * 1000000000 + used.tv_nsec;
}

// What tells one state of a file from another. `struct stat` is also another module's of those that Swift sees here.
struct gate_file_stamp {
    uint64_t device, inode, size;
    int64_t changed_ns;
};
static inline int gate_stamp_file(const char *path, struct gate_file_stamp *stamp) {
    struct stat status;
    if (stat(path, &status) != 0) return -1;
    stamp->device = status.st_dev;
    stamp->inode = status.st_ino;
    stamp->size = (uint64_t)status.st_size;
    stamp->changed_ns = (int64_t)status.st_mtim.tv_sec * 1000000000 + status.st_mtim.tv_nsec;
    return 0;
}
// Which module struct stat comes from depends on what else is imported.
static inline int gate_is_socket(const char *path) {
    struct stat status;
    return lstat(path, &status) == 0 && S_ISSOCK(status.st_mode);
}

// Macros with casts, which the importer cannot see.
static inline int gate_is_map_failed(const void *address) { return address == MAP_FAILED; }
// MADV_POPULATE_WRITE: the headers may be older than the kernel.
static inline int gate_populate_write(void) { return 23; }
// The address arguments of accept4 are transparent unions, which take no nil from Swift.
static inline int gate_accept(int listener) { return accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC); }
// linux/netfilter_ipv4.h and netfilter_ipv6/ip6_tables.h give this option the same number; neither agrees with netinet/in.h.
static inline int gate_original_destination(void) { return 80; }
// `open` and `fcntl` are variadic.
static inline int gate_open(const char *path, int flags, unsigned int mode) { return open(path, flags, mode); }
#endif

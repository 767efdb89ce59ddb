/* A disk that fails: loaded before the C library, it lets calls on the database's files fail with an errno for as long as the
 * file that FAILING_DISK names says so, as "write 28". The calls are "read", "write" and "sync". */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int fails(int fd, const char *call) {
    char line[64], failing[16], link[64], path[4096];
    int number;
    const char *control = getenv("FAILING_DISK");
    FILE *file = control ? fopen(control, "re") : NULL;
    if (!file)
        return 0;
    int said = fgets(line, sizeof line, file) && sscanf(line, "%15s %d", failing, &number) == 2;
    fclose(file);
    if (!said || strcmp(failing, call))
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0)
        return 0;
    path[length] = 0;
    if (!strstr(path, "flagstaff.db"))
        return 0;
    errno = number;
    return 1;
}

#define CALL(result, name, kind, parameters, arguments)                    \
    result name parameters {                                               \
        static result(*real) parameters;                                   \
        if (!real)                                                         \
            real = (result(*) parameters)dlsym(RTLD_NEXT, #name);          \
        return fails(fd, kind) ? -1 : real arguments;                      \
    }

CALL(ssize_t, read, "read", (int fd, void *to, size_t size), (fd, to, size))
CALL(ssize_t, pread, "read", (int fd, void *to, size_t size, off_t at), (fd, to, size, at))
CALL(ssize_t, pread64, "read", (int fd, void *to, size_t size, off64_t at), (fd, to, size, at))
CALL(ssize_t, write, "write", (int fd, const void *from, size_t size), (fd, from, size))
CALL(ssize_t, pwrite, "write", (int fd, const void *from, size_t size, off_t at), (fd, from, size, at))
CALL(ssize_t, pwrite64, "write", (int fd, const void *from, size_t size, off64_t at), (fd, from, size, at))
CALL(int, fsync, "sync", (int fd), (fd))
CALL(int, fdatasync, "sync", (int fd), (fd))
